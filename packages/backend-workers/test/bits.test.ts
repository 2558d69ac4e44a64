import { valueAndGrad } from '@receptive/autograd';
import type { Backend } from '@receptive/backend';
import { cpu } from '@receptive/backend-cpu';
import { BatchNorm2d, Conv2d, Flatten, Linear, MaxPool2d, ReLU, Sequential, crossEntropy } from '@receptive/layers';
import type { Module } from '@receptive/layers';
import type { Tensor } from '@receptive/tensor';
import {
  Rng,
  avgPool2d,
  batchNorm,
  conv2d,
  conv3d,
  convTranspose2d,
  deformConv2d,
  exp,
  indexSelect,
  layerNorm,
  localResponseNorm,
  logSoftmax,
  matmul,
  maxPool2d,
  mean,
  mul,
  scope,
  softmax,
  sum,
  tensor,
  withBackend,
} from '@receptive/tensor';
import { adam, sgd } from '@receptive/train';
import type { OptimizerRecipe } from '@receptive/train';
import { lenet5 } from '@receptive/zoo';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Rig } from './support.ts';

/** Microseconds that a thread waits at most before a chunk, so that others take the next ones. */
const DELAYS = [0, 100];

let alone: Backend;
const rigs: { readonly rig: Rig; readonly backend: Backend }[] = [];

beforeAll(async () => {
  alone = await cpu();
  for (const threads of [1, 2, 3, 7]) rigs.push(await Rig.start({ threads }));
});

afterAll(() => {
  for (const backend of [alone, ...rigs.map((rig) => rig.backend)]) backend.dispose();
});

/** The bits of what `compute` makes on a backend. */
const bitsOn = (backend: Backend, compute: () => readonly Tensor[]): Buffer[] =>
  withBackend(backend, () => {
    const results = scope(() => [...compute()]);
    return results.map((result) => {
      const bits = Buffer.from(result.dataSync().buffer);
      result.dispose();
      return bits;
    });
  });

/** Expects the bits of one thread of as many as there are, several times. */
function agree(compute: () => readonly Tensor[]): void {
  const expected = bitsOn(alone, compute);
  for (const { rig, backend } of rigs) {
    const before = rig.chunks;
    for (const delay of DELAYS) {
      rig.delay(delay);
      bitsOn(backend, compute).forEach((bits, i) => expect(bits.equals(expected[i]!)).toBe(true));
    }
    expect(rig.chunks > before).toBe(rig.threads.length > 0);
  }
}

/** Numbers between -1 and 1. */
const drawn = (...shape: number[]): Tensor => new Rng(shape.length).fork(shape.join()).uniform(shape, -1, 1);

/** What a function makes of numbers drawn in these shapes, and its gradients, where each element of the result counts differently. */
const differentiated =
  (f: (...inputs: Tensor[]) => Tensor, ...shapes: readonly number[][]) =>
  (): Tensor[] => {
    const inputs = shapes.map((shape) => drawn(...shape));
    const result = f(...inputs);
    const [, gradients] = valueAndGrad(() => sum(mul(f(...inputs), drawn(...result.shape))), inputs);
    return [result, ...gradients];
  };

const same = { padding: 1 } as const;
const algorithms = ['direct', 'gemm', 'winograd2', 'winograd4'] as const;

const computations: readonly [name: string, compute: () => readonly Tensor[]][] = [
  ...algorithms.map((algorithm): (typeof computations)[number] => [
    `3x3 convolution by ${algorithm}`,
    differentiated((x, w, b) => conv2d(x, w, b, { ...same, algorithm }), [2, 24, 40, 36], [32, 24, 3, 3], [32]),
  ]),
  [
    '5x5 convolution by winograd2',
    differentiated(
      (x, w) => conv2d(x, w, null, { padding: 2, algorithm: 'winograd2' }),
      [1, 32, 31, 29],
      [32, 32, 5, 5],
    ),
  ],
  ['strided', differentiated((x, w) => conv2d(x, w, null, { stride: 4 }), [2, 3, 115, 115], [48, 3, 11, 11])],
  ['small images in lanes', differentiated((x, w) => conv2d(x, w), [32, 6, 14, 14], [16, 6, 5, 5])],
  ['depthwise', differentiated((x, w) => conv2d(x, w, null, { ...same, groups: 64 }), [2, 64, 40, 40], [64, 1, 3, 3])],
  ['pointwise', differentiated((x, w) => conv2d(x, w), [2, 96, 28, 28], [64, 96, 1, 1])],
  [
    'transposed',
    differentiated((x, w) => convTranspose2d(x, w, null, { stride: 2, padding: 1 }), [2, 32, 20, 20], [32, 24, 4, 4]),
  ],
  ['3-d', differentiated((x, w) => conv3d(x, w, null, same), [1, 8, 12, 20, 20], [16, 8, 3, 3, 3])],
  [
    'deformable',
    differentiated(
      (x, offset, w) => deformConv2d(x, offset, w, null, same),
      [1, 16, 24, 24],
      [1, 18, 24, 24],
      [16, 16, 3, 3],
    ),
  ],
  ['matrix product', differentiated((a, b) => matmul(a, b), [250, 333], [333, 270])],
  ['few rows', differentiated((a, b) => matmul(a, b), [3, 2000], [2000, 500])],
  ['batch norm', differentiated((x, weight, bias) => batchNorm(x, { weight, bias }), [8, 32, 24, 24], [32], [32])],
  ['layer norm', differentiated((x) => layerNorm(x, [512]), [300, 512])],
  ['response norm', differentiated((x) => localResponseNorm(x, { size: 5 }), [4, 48, 27, 27])],
  ['max pooling', differentiated((x) => maxPool2d(x, 3, { stride: 2 }), [4, 32, 55, 55])],
  ['average pooling', differentiated((x) => avgPool2d(x, 2), [4, 32, 56, 56])],
  ['softmax', differentiated((x) => softmax(x, 1), [400, 1000])],
  ['log softmax', differentiated((x) => logSoftmax(x, 1), [400, 1000])],
  ['sums', () => [sum(drawn(700, 900)), sum(drawn(700, 900), [0]), mean(drawn(700, 900), [1])]],
  ['elementwise', differentiated((x) => exp(x), [1_000_000])],
  [
    'rows chosen by an index',
    differentiated(
      (x) => indexSelect(x, tensor(Int32Array.from({ length: 4000 }, (_, i) => (i * 7) % 500)), 0),
      [500, 200],
    ),
  ],
];

/** The first layers of VGG, narrow, for small images. */
const vgg = (): Sequential =>
  new Sequential([
    ...[3, 16, 32, 48].flatMap((channels, i, all): Module[] =>
      i + 1 < all.length
        ? [
            new Conv2d(channels, all[i + 1]!, 3, { padding: 1 }),
            new BatchNorm2d(all[i + 1]!),
            new ReLU(),
            new MaxPool2d(2),
          ]
        : [],
    ),
    new Flatten(),
    new Linear(48 * 16, 64),
    new ReLU(),
    new Linear(64, 10),
  ]);

/** The parameters of a network after each of three steps. */
const trained =
  (make: () => Sequential, optimizer: OptimizerRecipe, ...shape: number[]) =>
  (): Tensor[] => {
    const model = make().initialize(1);
    const bound = optimizer.bind(model.namedParameters());
    const labels = tensor(Int32Array.from({ length: shape[0]! }, (_, i) => i % 10));
    const results = Array.from({ length: 3 }, () => {
      const [loss, gradients] = valueAndGrad(
        () => crossEntropy(model.forward(drawn(...shape), { training: true }), labels),
        model.parameters(),
      );
      bound.step(gradients);
      return [loss, ...model.parameters().map(({ value }) => value.clone())];
    });
    bound.dispose();
    model.dispose();
    return results.flat();
  };

describe('on 1, 2, 3 and 7 threads the bits are those of one', () => {
  test.each(computations)('%s', (_, compute) => agree(compute));

  test('LeNet-5, three steps', () => agree(trained(() => lenet5(), sgd({ lr: 0.1, momentum: 0.9 }), 32, 1, 32, 32)));

  test('a small VGG, three steps', () => agree(trained(vgg, adam(), 8, 3, 32, 32)));
});

describe('several backends', () => {
  test('take turns, each with its own threads', () => {
    const [, compute] = computations[0]!;
    const expected = bitsOn(alone, compute);
    for (let i = 0; i < 3; i++) {
      for (const { backend } of rigs) {
        const results = bitsOn(backend, compute);
        expect(results.every((bits, which) => bits.equals(expected[which]!))).toBe(true);
      }
    }
  });

  test('swapped between the steps of a training, they continue with the same bits', async () => {
    const recipe = sgd({ lr: 0.1, momentum: 0.9 });
    const labels = Int32Array.from({ length: 16 }, (_, i) => i % 10);
    const run = async (where: readonly Backend[]): Promise<Buffer[]> => {
      const model = lenet5().initialize(1);
      const optimizer = recipe.bind(model.namedParameters());
      await model.to(where[0]!);
      const losses: Buffer[] = [];
      for (const backend of where) {
        await model.to(backend);
        await optimizer.to(backend);
        withBackend(backend, () =>
          scope(() => {
            const [loss, gradients] = valueAndGrad(
              () => crossEntropy(model.forward(drawn(16, 1, 32, 32), { training: true }), tensor(labels)),
              model.parameters(),
            );
            optimizer.step(gradients);
            losses.push(Buffer.from(loss.dataSync().buffer));
          }),
        );
        await backend.flush();
      }
      const weights = model.parameters().map(({ value }) => Buffer.from(value.dataSync().buffer));
      optimizer.dispose();
      model.dispose();
      return [...losses, ...weights];
    };
    const [two, three] = [rigs[1]!.backend, rigs[2]!.backend];
    const straight = await run([alone, alone, alone, alone, alone, alone]);
    expect(await run([alone, two, two, alone, three, alone])).toEqual(straight);
  });
});

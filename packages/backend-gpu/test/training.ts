import { grad, valueAndGrad } from '@receptive/autograd';
import type { Backend } from '@receptive/backend';
import { cpu } from '@receptive/backend-cpu';
import { Conv2d, Flatten, Linear, MaxPool2d, ReLU, Sequential, crossEntropy, initializers } from '@receptive/layers';
import type { Module } from '@receptive/layers';
import { BackendError, Rng, scope, tensor, withBackend } from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import { adam, sgd } from '@receptive/train';
import type { Optimizer, OptimizerRecipe } from '@receptive/train';
import { lenet5 } from '@receptive/zoo';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** How far results may be from the CPU's, relative to the largest of them; see {@link training}. */
const BOUND = 512 * 2 ** -23;

/** Images and labels on no backend. */
interface Batch {
  readonly images: Float32Array;
  readonly shape: readonly number[];
  readonly labels: Int32Array;
}

/** Noisy images of ten classes: each class is a grating of its own direction and wavelength, somewhere in the image. */
function gratings(seed: number, count: number, size: number, channels = 1): Batch {
  const images = new Float32Array(count * channels * size * size);
  const labels = new Int32Array(count);
  const random = (name: string, length: number): Float64Array =>
    Float64Array.from(new Rng(seed).fork(name).bits(length), (bits) => bits / 2 ** 32);
  const [noise, phases] = [random('noise', images.length), random('phase', count)];
  for (let n = 0; n < count; n++) {
    const label = (labels[n] = (n * 7 + seed) % 10);
    const [angle, wavelength] = [(label * Math.PI) / 10, 4 + label];
    for (let i = 0; i < channels * size * size; i++) {
      const [y, x] = [Math.floor(i / size) % size, i % size];
      const place = (x * Math.cos(angle) + y * Math.sin(angle)) / wavelength + phases[n]!;
      const at = n * channels * size * size + i;
      images[at] = Math.sin(2 * Math.PI * place) + noise[at]!;
    }
  }
  return { images, labels, shape: [count, channels, size, size] };
}

/** One step of training; its loss. The result is read when it is awaited. */
function step(backend: Backend, model: Module, optimizer: Optimizer, batch: Batch): Tensor {
  return withBackend(backend, () =>
    scope(() => {
      const x = tensor(batch.images, { shape: batch.shape });
      const labels = tensor(batch.labels);
      const [loss, gradients] = valueAndGrad(
        () => crossEntropy(model.forward(x, { training: true }), labels),
        model.parameters(),
      );
      optimizer.step(gradients);
      return loss;
    }),
  );
}

async function read(loss: Tensor): Promise<number> {
  const value = await loss.item();
  loss.dispose();
  return value;
}

/** The losses of training LeNet-5 with `recipe` on gratings, from the same start on every backend. */
async function losses(backend: Backend, recipe: OptimizerRecipe, steps: number): Promise<number[]> {
  const model = await lenet5({ seed: 1 }).to(backend);
  const optimizer = recipe.bind(model.namedParameters());
  const values: number[] = [];
  for (let i = 0; i < steps; i++) {
    values.push(await read(step(backend, model, optimizer, gratings(i, 8, 32))));
    await backend.flush();
  }
  model.dispose();
  optimizer.dispose();
  return values;
}

/** Convolutions and poolings of AlexNet, one tower, a sixteenth as wide: channels 6, 16, 24, 16, 16 instead of 96, 256, 384, 256, 256. */
function narrowAlexNet(): Sequential {
  return new Sequential([
    new Conv2d(3, 6, 11, { stride: 4 }),
    new ReLU(),
    new MaxPool2d(3, { stride: 2 }),
    new Conv2d(6, 16, 5, { padding: 2 }),
    new ReLU(),
    new MaxPool2d(3, { stride: 2 }),
    new Conv2d(16, 24, 3, { padding: 1 }),
    new ReLU(),
    new Conv2d(24, 16, 3, { padding: 1 }),
    new ReLU(),
    new Conv2d(16, 16, 3, { padding: 1 }),
    new ReLU(),
    new MaxPool2d(3, { stride: 2 }),
    new Flatten(),
    new Linear(16 * 6 * 6, 256),
    new ReLU(),
    new Linear(256, 10),
  ]);
}

/**
 * VGG-16 a sixteenth as wide: 4 to 32 channels instead of 64 to 512. Weights as He et al., 2015, chose them for such depth: with smaller ones, maxima of which
 * nothing but rounding decides would be all that reaches the last layers.
 */
function narrowVgg16(): Sequential {
  let channels = 3;
  const init = { weightInit: initializers.kaimingNormal({ nonlinearity: 'relu' }), biasInit: initializers.zeros };
  const blocks = [
    [4, 4],
    [8, 8],
    [16, 16, 16],
    [32, 32, 32],
    [32, 32, 32],
  ].flatMap((widths) => [
    ...widths.flatMap((width) => {
      const conv = new Conv2d(channels, width, 3, { padding: 1, ...init });
      channels = width;
      return [conv, new ReLU()];
    }),
    new MaxPool2d(2),
  ]);
  return new Sequential([
    ...blocks,
    new Flatten(),
    new Linear(32 * 7 * 7, 256, init),
    new ReLU(),
    new Linear(256, 10, init),
  ]);
}

/** Logits and all gradients of a network, by name. */
async function everything(backend: Backend, make: () => Sequential, batch: Batch): Promise<Map<string, Float32Array>> {
  const model = await make().initialize(3).to(backend);
  const results = withBackend(backend, () =>
    scope(() => {
      const x = tensor(batch.images, { shape: batch.shape });
      const labels = tensor(batch.labels);
      const gradients = grad(() => crossEntropy(model.forward(x), labels), model.parameters());
      return [model.forward(x), ...gradients];
    }),
  );
  const names = ['logits', ...model.namedParameters().keys()];
  const values = await Promise.all(results.map(async (result) => (await result.data()) as Float32Array));
  for (const result of results) result.dispose();
  model.dispose();
  return new Map(names.map((name, i) => [name, values[i]!]));
}

/** The greatest difference between two lists of numbers, relative to the greatest number. */
function difference(got: Float32Array, want: Float32Array): number {
  let [most, scale] = [0, 0];
  want.forEach((value, i) => {
    most = Math.max(most, Math.abs(got[i]! - value));
    scale = Math.max(scale, Math.abs(value));
  });
  return most / scale;
}

/**
 * What the reference leaves open: that whole networks train on the backend as they do on the CPU, alone and side by side with it.
 *
 * Sums are added up in another order, so that results differ by some eps = 2^-23 a layer: the bound is 512 eps of the largest logit, and of the largest
 * element of each gradient. The images are such that rounding decides no maximum: changing them by 1e-6 of themselves changes nothing by more than 30 eps.
 */
export function training(name: string, make: () => Promise<Backend>): void {
  describe(`training on ${name}`, { timeout: 240_000 }, () => {
    let gpu: Backend;
    let reference: Backend;
    beforeAll(async () => {
      [gpu, reference] = [await make(), await cpu()];
    });
    afterAll(() => {
      gpu.dispose();
      reference.dispose();
    });

    it('LeNet-5 comes to the same loss in 200 steps', async () => {
      const recipe = sgd({ lr: 0.05, momentum: 0.9, weightDecay: 1e-4 });
      const [got, want] = [await losses(gpu, recipe, 200), await losses(reference, recipe, 200)];
      expect(want.at(-1)!).toBeLessThan(want[0]! / 4);
      expect(Math.abs(got.at(-1)! - want.at(-1)!)).toBeLessThan(1e-3);
      expect(gpu.memory()).toEqual({ bytes: 0, storages: 0 });
    });

    it('Adam takes the same first steps', async () => {
      const recipe = adam({ lr: 1e-3 });
      const [got, want] = [await losses(gpu, recipe, 10), await losses(reference, recipe, 10)];
      got.forEach((loss, i) => expect(Math.abs(loss - want[i]!)).toBeLessThan(1e-3));
    });

    for (const [network, build, size] of [
      ["AlexNet's", narrowAlexNet, 227],
      ["VGG-16's", narrowVgg16, 224],
    ] as const) {
      it(`${network} layers agree with the CPU, forward and in their gradients`, async () => {
        const batch = gratings(3, 2, size, 3);
        const got = await everything(gpu, build, batch);
        const want = await everything(reference, build, batch);
        expect([...got.keys()]).toEqual([...want.keys()]);
        for (const [key, values] of want) {
          expect(difference(got.get(key)!, values), key).toBeLessThan(BOUND);
        }
      });
    }

    it('takes a tensor from another backend, and gives it back', async () => {
      const here = withBackend(reference, () => tensor([1, -2.5, 3e-30]));
      const there = await here.to(gpu);
      const back = await there.to(reference);
      expect(await back.data()).toEqual(await here.data());
      for (const each of [here, there, back]) each.dispose();
    });

    it('runs one half of a network, the CPU the other', async () => {
      const [head, tail] = [
        new Sequential([new Conv2d(1, 6, 5), new ReLU(), new MaxPool2d(2), new Flatten()]).initialize(2),
        new Linear(6 * 14 * 14, 10).initialize(3),
      ];
      const batch = gratings(4, 4, 32);
      const x = withBackend(reference, () => tensor(batch.images, { shape: batch.shape }));
      const whole = withBackend(reference, () => tail.forward(head.forward(x)));
      await tail.to(gpu);
      const half = withBackend(reference, () => head.forward(x));
      const logits = tail.forward(await half.to(gpu));
      expect(difference((await logits.data()) as Float32Array, (await whole.data()) as Float32Array)).toBeLessThan(
        BOUND,
      );
      head.dispose();
      tail.dispose();
    });

    it('takes over a model and its optimiser between two steps of training, and gives them back', async () => {
      const run = async (places: readonly Backend[], momentum: number): Promise<number[]> => {
        const model = lenet5({ seed: 5 });
        const optimizer = sgd({ lr: 0.1, momentum }).bind(model.namedParameters());
        const values: number[] = [];
        for (const place of places) {
          await model.to(place);
          await optimizer.to(place);
          values.push(await read(step(place, model, optimizer, gratings(1, 16, 32))));
        }
        model.dispose();
        optimizer.dispose();
        return values;
      };
      const alone = new Array<Backend>(6).fill(reference);
      const [want, without] = [await run(alone, 0.9), await run(alone, 0)];
      const got = await run([reference, gpu, gpu, reference, gpu, reference], 0.9);
      got.forEach((loss, i) => expect(Math.abs(loss - want[i]!)).toBeLessThan(1e-4));
      // So the momentum has come along: the loss tells whether it has.
      expect(Math.abs(without.at(-1)! - want.at(-1)!)).toBeGreaterThan(1e-2);
    });

    it('refuses an op on tensors of two backends, and says what to do', () => {
      const here = withBackend(reference, () => tensor([1, 2]));
      const there = withBackend(gpu, () => tensor([1, 2]));
      expect(() => here.add(there)).toThrow(BackendError);
      expect(() => here.add(there)).toThrow(/on cpu and .* on gpu[\s\S]*await tensor\.to\(backend\)/);
      here.dispose();
      there.dispose();
    });
  });
}

import { beforeEach, describe, expect, test } from 'vitest';
import { grad, gradCheck, valueAndGrad } from '@receptive/autograd';
import { reference } from '@receptive/backend/reference';
import {
  BatchNorm1d,
  BatchNorm2d,
  BatchNorm3d,
  Conv2d,
  GroupNorm,
  InstanceNorm1d,
  InstanceNorm2d,
  InstanceNorm3d,
  LayerNorm,
  Linear,
  LocalContrastNorm,
  LocalResponseNorm,
  Module,
  ReLU,
  Sequential,
  summary,
} from '@receptive/layers';
import type { ForwardContext } from '@receptive/layers';
import {
  add,
  batchNorm,
  cast,
  currentBackend,
  groupNorm,
  instanceNorm,
  layerNorm,
  listen,
  localContrastNorm,
  localResponseNorm,
  mul,
  ones,
  scope,
  setBackend,
  standardize,
  sum,
  tensor,
  zeros,
} from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import { distance, nested, numbers } from './harness.ts';

beforeEach(() => setBackend(reference()));

const training = { training: true };

/** The numbers in float32, the type that layers begin with. */
const floats = (shape: readonly number[], seed = 1): Tensor => cast(numbers(shape, seed), 'float32');

const state = (module: Module): unknown =>
  Object.fromEntries(Array.from(module.stateDict(), ([key, { value }]) => [key, nested(value)]));

/** What a model that passes on its context makes a layer do. */
const inTraining = (layer: Module, x: Tensor): Tensor => layer.forward(x, training);

const near = (value: number): unknown => expect.closeTo(value, 6);

describe('batch normalisation', () => {
  test('has the keys, types and first values of PyTorch', () => {
    expect(Object.entries(state(new BatchNorm2d(2)) as object)).toEqual([
      ['weight', [1, 1]],
      ['bias', [0, 0]],
      ['running_mean', [0, 0]],
      ['running_var', [1, 1]],
      ['num_batches_tracked', 0],
    ]);
    expect(new BatchNorm2d(2).numBatchesTracked!.value.dtype).toBe('int32');
    const keys = (options: object): string[] => [...new BatchNorm2d(2, options).stateDict().keys()];
    expect(keys({ affine: false })).toEqual(['running_mean', 'running_var', 'num_batches_tracked']);
    expect(keys({ trackRunningStats: false })).toEqual(['weight', 'bias']);
  });

  test('in training normalises by the batch, and gathers its mean and its unbiased variance', () => {
    const layer = new BatchNorm2d(1, { eps: 0 });
    const x = tensor([1, 2, 3, 4], { shape: [1, 1, 2, 2] });
    const y = [-1.5, -0.5, 0.5, 1.5].map((value) => near(value / Math.sqrt(1.25)));
    expect([...layer.forward(x, training).dataSync()]).toEqual(y);
    // 0.9 * 0 + 0.1 * 2.5, and 0.9 * 1 + 0.1 * 5 / 3.
    const once = { running_mean: [near(0.25)], running_var: [near(0.9 + 0.5 / 3)], num_batches_tracked: 1 };
    expect(state(layer)).toMatchObject(once);
    layer.forward(mul(x, -2), training);
    expect(state(layer)).toMatchObject({
      running_mean: [near(0.9 * 0.25 - 0.1 * 5)],
      running_var: [near(0.9 * (0.9 + 0.5 / 3) + (0.1 * 4 * 5) / 3)],
      num_batches_tracked: 2,
    });
  });

  test('outside training normalises by what was gathered, example by example', () => {
    const layer = new BatchNorm2d(2);
    layer.runningMean!.assign(tensor([1, -2]));
    layer.runningVar!.assign(tensor([4, 0.25]));
    layer.weight!.assign(tensor([3, 1]));
    layer.bias!.assign(tensor([0, 10]));
    const before = state(layer);
    const x = tensor([5, -2], { shape: [1, 2, 1, 1] });
    expect([...layer.forward(x).dataSync()]).toEqual([
      expect.closeTo((3 * (5 - 1)) / Math.sqrt(4 + 1e-5), 5),
      near(10),
    ]);
    expect(state(layer)).toEqual(before);
    const images = floats([3, 2, 2, 2]);
    const statistics = { mean: layer.runningMean!.value, variance: layer.runningVar!.value };
    const { weight, bias } = layer;
    expect(
      distance(layer.forward(images), batchNorm(images, { statistics, weight: weight!.value, bias: bias!.value })),
    ).toBe(0);
  });

  test('momentum 1 keeps the last batch, 0 none, null the average of all', () => {
    const gathered = (momentum: number | null): Tensor => {
      const layer = new BatchNorm1d(1, { momentum });
      for (const mean of [1, 5, 9]) layer.forward(tensor([[mean - 1], [mean + 1]]), training);
      return tensor([...layer.runningMean!.value.dataSync(), ...layer.runningVar!.value.dataSync()]);
    };
    expect(nested(gathered(1))).toEqual([near(9), near(2)]);
    expect(nested(gathered(0))).toEqual([0, 1]);
    expect(nested(gathered(null))).toEqual([near(5), near(2)]);
  });

  test('without running statistics always normalises by the batch', () => {
    const layer = new BatchNorm1d(3, { trackRunningStats: false, affine: false });
    const x = floats([4, 3]);
    expect(distance(layer.forward(x), batchNorm(x))).toBe(0);
    expect(distance(layer.forward(x, training), batchNorm(x))).toBe(0);
    expect(layer.stateDict().size).toBe(0);
  });

  test('one, two and three spatial axes, and none', () => {
    const x = floats([2, 3, 8]);
    const flat = new BatchNorm1d(3).forward(x, training);
    const reshaped = (...shape: number[]): Tensor => x.reshape(...shape);
    expect(distance(new BatchNorm2d(3).forward(reshaped(2, 3, 2, 4), training).reshape(2, 3, 8), flat)).toBe(0);
    expect(distance(new BatchNorm3d(3).forward(reshaped(2, 3, 2, 2, 2), training).reshape(2, 3, 8), flat)).toBe(0);
    expect(new BatchNorm1d(8).forward(reshaped(6, 8), training).shape).toEqual([6, 8]);
  });

  test('gathers once inside a derivative, leaves nothing behind, and does not disturb the gradient', () => {
    const layer = new BatchNorm2d(2);
    const x = floats([2, 2, 2, 2]);
    const weights = floats([2, 2, 2, 2], 5);
    const loss = (): Tensor => sum(mul(layer.forward(x, training), weights));
    scope(() => loss());
    const memory = currentBackend().memory();
    scope(() => {
      const [, [dx, dw]] = valueAndGrad(loss, [x, layer.weight!]);
      expect(nested(layer.numBatchesTracked!.value)).toBe(2);
      const plain = grad(() => sum(mul(batchNorm(x), weights)), [x]);
      expect(distance(dx, plain[0])).toBeLessThan(1e-5);
      expect(distance(dw, sum(mul(batchNorm(x), weights), [0, 2, 3]))).toBeLessThan(1e-5);
    });
    expect(currentBackend().memory()).toEqual(memory);
    layer.dispose();
  });

  test('listeners are told of the normalisation, not of what is gathered', () => {
    const layer = new BatchNorm2d(2, { affine: false });
    const x = floats([2, 2, 2, 2]);
    const heard = (context: ForwardContext): string[] => {
      const names: string[] = [];
      listen(
        ({ op }) => names.push(op.name),
        () => layer.forward(x, context),
      );
      return names;
    };
    expect(heard(training)[0]).toBe('standardize');
    expect(heard(training)).not.toContain('add');
    expect(heard({})).toEqual(['batchNorm']);
  });

  test('the gradient of training passes through the statistics: of each channel it sums to 0', () => {
    const x = numbers([3, 2, 2, 2]);
    const [gradient] = grad(() => sum(mul(batchNorm(x), numbers([3, 2, 2, 2], 4))), [x]);
    const sums = [...sum(gradient, [0, 2, 3]).dataSync()];
    for (const value of sums) expect(Math.abs(value)).toBeLessThan(1e-12);
    expect(Math.max(...gradient.dataSync())).toBeGreaterThan(0.1);
    gradCheck((input) => batchNorm(input), [x], { second: true, eps: 1e-5, tolerance: 1e-5 });
  });

  test('a summary changes nothing and needs no batch', () => {
    const layer = new BatchNorm2d(4);
    layer.forward(floats([2, 4, 2, 2]), training);
    const before = state(layer);
    const { layers, totals } = summary(new Sequential([new Conv2d(3, 4, 3), layer, new ReLU()]), [3, 8, 8]);
    expect(state(layer)).toEqual(before);
    expect(layers[1]).toMatchObject({
      type: 'BatchNorm2d',
      parameters: 8,
      multiplyAdds: 0,
      output: [4, 6, 6],
      receptiveField: [3, 3],
    });
    expect(totals.parameters).toBe(3 * 9 * 4 + 4 + 8);
    summary(new BatchNorm1d(4), [4]);
  });

  test("loads torchvision's entries, whose counter a file reader makes int32", () => {
    const layer = new Sequential({ bn1: new BatchNorm2d(2) });
    const vector = (...values: number[]) =>
      ({ shape: [2], dtype: 'float32', data: Float32Array.from(values) }) as const;
    layer.loadStateDict(
      new Map<string, ReturnType<typeof vector> | { shape: number[]; dtype: 'int32'; data: Int32Array }>([
        ['bn1.weight', vector(1, 2)],
        ['bn1.bias', vector(3, 4)],
        ['bn1.running_mean', vector(5, 6)],
        ['bn1.running_var', vector(7, 8)],
        ['bn1.num_batches_tracked', { shape: [], dtype: 'int32', data: Int32Array.of(9) }],
      ]),
    );
    layer.forward(floats([2, 2, 2, 2]), training);
    expect(state(layer)).toMatchObject({ 'bn1.num_batches_tracked': 10, 'bn1.weight': [1, 2] });
  });

  test('refuses what it does not normalise', () => {
    expect(() => new BatchNorm2d(3).forward(zeros([1, 3, 1, 1]), training)).toThrow('one value for each channel');
    expect(() => new BatchNorm1d(3).forward(zeros([1, 3]), training)).toThrow('one value for each channel');
    expect(new BatchNorm2d(3).forward(zeros([1, 3, 1, 1])).shape).toEqual([1, 3, 1, 1]);
    expect(() => new BatchNorm2d(3).forward(zeros([2, 3, 4]))).toThrow(
      'BatchNorm2d: needs an input [N, C, H, W], but was given [2, 3, 4].',
    );
    expect(() => new BatchNorm1d(3).forward(zeros([2, 3, 4, 4]))).toThrow(
      'BatchNorm1d: needs an input [N, C] or [N, C, L], but was given [2, 3, 4, 4].',
    );
    expect(() => new BatchNorm2d(3).forward(zeros([2, 4, 3, 3]))).toThrow(
      'BatchNorm2d: takes 3 channels, but was given',
    );
    expect(() => new BatchNorm2d(0)).toThrow('BatchNorm2d: channels must be made of whole numbers of at least 1');
    expect(() => new BatchNorm3d(1, { eps: -1 })).toThrow('BatchNorm3d: eps must be a finite number of at least 0');
    for (const momentum of [-0.1, 1.1, NaN]) expect(() => new BatchNorm1d(1, { momentum })).toThrow(RangeError);
  });
});

describe('the other norms', () => {
  const trained = <M extends { weight: BatchNorm2d['weight']; bias: BatchNorm2d['bias'] }>(layer: M): M => {
    layer.weight!.assign(floats(layer.weight!.shape, 2));
    layer.bias!.assign(floats(layer.bias!.shape, 3));
    return layer;
  };
  const options = (layer: Pick<BatchNorm2d, 'weight' | 'bias'>) => ({
    weight: layer.weight?.value,
    bias: layer.bias?.value,
  });

  test('are the functions with their weight, bias and eps, in training and outside', () => {
    const x = floats([2, 4, 3, 2]);
    const layerNormed = trained(new LayerNorm([3, 2], { eps: 0.1 }));
    expect(distance(layerNormed.forward(x), layerNorm(x, [3, 2], { ...options(layerNormed), eps: 0.1 }))).toBe(0);
    const grouped = trained(new GroupNorm(2, 4));
    expect(distance(inTraining(grouped, x), groupNorm(x, 2, options(grouped)))).toBe(0);
    const instances = trained(new InstanceNorm2d(4, { affine: true }));
    expect(distance(instances.forward(x), instanceNorm(x, options(instances)))).toBe(0);
    expect(distance(inTraining(new InstanceNorm2d(4), x), instanceNorm(x))).toBe(0);
    expect(distance(new LayerNorm(2, { elementwiseAffine: false }).forward(x), layerNorm(x, 2))).toBe(0);
  });

  test('have as many parameters as PyTorch says', () => {
    const count = (layer: Module, shape: readonly number[]): number => summary(layer, shape).totals.parameters;
    expect(count(new LayerNorm([4, 3]), [4, 3])).toBe(24);
    expect([...new LayerNorm(3, { bias: false }).stateDict().keys()]).toEqual(['weight']);
    expect(count(new LayerNorm(3, { elementwiseAffine: false }), [3])).toBe(0);
    expect(count(new GroupNorm(2, 6), [6, 4, 4])).toBe(12);
    expect(count(new GroupNorm(2, 6, { affine: false }), [6, 4, 4])).toBe(0);
    expect(count(new InstanceNorm1d(5), [5, 4])).toBe(0);
    expect(count(new InstanceNorm3d(5, { affine: true }), [5, 2, 2, 2])).toBe(10);
  });

  test('refuse other layouts, channels and groups', () => {
    expect(() => new InstanceNorm1d(3).forward(zeros([2, 3]))).toThrow(
      'InstanceNorm1d: needs an input [N, C, L], but was given [2, 3].',
    );
    expect(() => new InstanceNorm3d(3).forward(zeros([2, 3, 4, 4]))).toThrow('[N, C, D, H, W]');
    expect(() => new GroupNorm(2, 4).forward(zeros([2, 6, 3]))).toThrow(
      'GroupNorm: takes 4 channels, but was given [2, 6, 3].',
    );
    expect(() => new GroupNorm(3, 4)).toThrow('GroupNorm: groups must divide the channels, but 3 does not divide 4.');
    expect(() => new LayerNorm([3, 0])).toThrow('LayerNorm: normalizedShape must be made of whole numbers');
    expect(() => new LayerNorm(3, { eps: NaN })).toThrow('LayerNorm: eps must be a finite number');
  });

  test('refuse another type at their own door', () => {
    const x = numbers([2, 4, 3, 3]);
    const layers: readonly [Module, string][] = [
      [new BatchNorm2d(4), 'BatchNorm2d'],
      [new BatchNorm2d(4, { affine: false }), 'BatchNorm2d'],
      [new GroupNorm(2, 4), 'GroupNorm'],
      [new InstanceNorm2d(4, { affine: true }), 'InstanceNorm2d'],
      [new LayerNorm([3, 3]), 'LayerNorm'],
    ];
    for (const [layer, name] of layers) {
      for (const context of [training, {}]) {
        expect(() => layer.forward(x, context)).toThrow(
          `${name}: its variables are float32, but the input is float64. Convert the input: cast(x, 'float32').`,
        );
      }
    }
    expect(new InstanceNorm2d(4).forward(x).dtype).toBe('float64');
  });

  test('over a shift of the input no gradient passes', () => {
    const x = numbers([2, 4, 3]);
    const weights = numbers([2, 4, 3], 6);
    for (const f of [instanceNorm, (y: Tensor) => groupNorm(y, 2), (y: Tensor) => layerNorm(y, [4, 3])]) {
      const shift = zeros([], { dtype: 'float64' });
      const [gradient] = grad(() => sum(mul(f(add(x, shift)), weights)), [shift]);
      expect(Math.abs(gradient.dataSync()[0]!)).toBeLessThan(1e-12);
    }
  });
});

describe('local norms', () => {
  test('are the functions with their options', () => {
    const x = floats([1, 6, 5, 5]);
    const response = { size: 3, alpha: 1, beta: 0.5, k: 1, divideBySize: true };
    expect(distance(new LocalResponseNorm(response).forward(x), localResponseNorm(x, response))).toBe(0);
    expect(distance(new LocalResponseNorm().forward(x), localResponseNorm(x))).toBe(0);
    const contrast = { size: 3, sigma: 2, eps: 0.1 };
    expect(distance(new LocalContrastNorm(contrast).forward(x), localContrastNorm(x, contrast))).toBe(0);
  });

  test('refuse options without meaning when they are made', () => {
    expect(() => new LocalResponseNorm({ size: 0 })).toThrow('size must be a whole number of channels');
    expect(() => new LocalResponseNorm({ beta: NaN })).toThrow('beta must be a finite number');
    expect(() => new LocalContrastNorm({ size: [3, 4] })).toThrow('size must be odd, to have a middle, but is [3,4]');
    expect(() => new LocalContrastNorm({ sigma: -1 })).toThrow('sigma must be a positive number');
    expect(new LocalContrastNorm({ size: [3, 1, 5] }).forward(floats([1, 2, 3, 3, 3])).shape).toEqual([1, 2, 3, 3, 3]);
  });
});

describe('receptive field', () => {
  class AcrossChannels extends Module {
    override forward(x: Tensor): Tensor {
      return standardize(x, 1)[0];
    }
  }
  const seen = (layer: Module): unknown =>
    summary(
      new Sequential([new Conv2d(1, 4, 3, { weightInit: (shape) => ones(shape) }), layer]),
      [1, 12, 12],
    ).layers.at(-1)!.receptiveField;

  test.each<[string, Module, readonly number[]]>([
    ['batch normalisation in use sees its place', new BatchNorm2d(4), [3, 3]],
    ['so does response normalisation, which mixes channels alone', new LocalResponseNorm({ size: 3 }), [3, 3]],
    ['so does what is standardised over channels alone', new AcrossChannels(), [3, 3]],
    ['by the batch it sees all', new BatchNorm2d(4, { trackRunningStats: false }), [12, 12]],
    ['instance normalisation sees all', new InstanceNorm2d(4), [12, 12]],
    ['group normalisation sees all', new GroupNorm(2, 4), [12, 12]],
    ['layer normalisation sees all', new LayerNorm([4, 10, 10]), [12, 12]],
    ['contrast normalisation sees all', new LocalContrastNorm(), [12, 12]],
  ])('%s', (_, layer, expected) => expect(seen(layer)).toEqual(expected));

  test('of a vector each feature sees itself', () => {
    const layers = summary(new Sequential([new Linear(4, 3), new BatchNorm1d(3)]), [4]).layers;
    expect(layers.map(({ receptiveField }) => receptiveField)).toEqual([[4], [4]]);
    expect(summary(new BatchNorm1d(4), [4]).layers[0]!.receptiveField).toEqual([1]);
  });
});

import { describe, expect, test } from 'vitest';
import { grad } from '@receptive/autograd';
import { reference } from '@receptive/backend/reference';
import {
  Conv2d,
  LocallyConnected1d,
  LocallyConnected2d,
  ReLU,
  Sequential,
  initializers,
  summary,
} from '@receptive/layers';
import { locallyConnected1d, locallyConnected2d, ones, setBackend } from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import { distance, numbers } from './harness.ts';

setBackend(reference());

describe('LocallyConnected2d', () => {
  test('is locallyConnected2d with its weights, its bias and its options', () => {
    const options = { stride: [2, 1], padding: [1, 2], dilation: [1, 2] } as const;
    const layer = new LocallyConnected2d(2, 3, [3, 2], [5, 4], options);
    expect([...layer.stateDict()].map(([key, { shape }]) => [key, shape])).toEqual([
      ['weight', [3, 6, 3, 2, 3, 2]],
      ['bias', [3, 3, 6]],
    ]);
    const [x, weight, bias] = [numbers([2, 2, 5, 4]), numbers([3, 6, 3, 2, 3, 2], 2), numbers([3, 3, 6], 3)];
    layer.weight.assign(weight);
    layer.bias!.assign(bias);
    expect(distance(layer.forward(x), locallyConnected2d(x, weight, bias, options))).toBe(0);
  });

  test('has the parameters of a convolution once for each place', () => {
    // 6 filters of 5x5 over 32x32x3: 28x28 places, each with kernels of its own, by hand 784 * (6 * 3 * 25 + 6) = 357,504 numbers instead of 456.
    const count = (layer: Conv2d | LocallyConnected2d): number =>
      layer.parameters().reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b), 0);
    const shared = new Conv2d(3, 6, 5);
    const unshared = new LocallyConnected2d(3, 6, 5, 32);
    expect(count(shared)).toBe(456);
    expect(count(unshared)).toBe(357_504);
    expect(count(unshared)).toBe(28 * 28 * count(shared));
  });

  test('begins each place as a convolution begins', () => {
    const layer = new LocallyConnected2d(4, 3, 3, 6).initialize(1);
    // PyTorch's bound for a convolution of 4 channels and 9 taps: 1 / sqrt(36).
    const largest = (x: Tensor): number => x.abs().max().dataSync()[0]!;
    expect(largest(layer.weight.value)).toBeLessThanOrEqual(1 / 6);
    expect(largest(layer.weight.value)).toBeGreaterThan(0.9 / 6);
    expect(largest(layer.bias!.value)).toBeLessThanOrEqual(1 / 6);
    // Xavier's depends on both fans, here of 36 and 27 connections. The places draw one after another.
    const xavier = new LocallyConnected2d(4, 3, 3, 6, { weightInit: initializers.xavierUniform() }).initialize(1);
    const bound = Math.sqrt(6 / (36 + 27));
    expect(largest(xavier.weight.value)).toBeLessThanOrEqual(bound);
    expect(largest(xavier.weight.value)).toBeGreaterThan(0.9 * bound);
    const [first, second] = [xavier.weight.value.slice([0, 0], [1, 1]), xavier.weight.value.slice([0, 1], [1, 2])];
    expect(distance(first, second)).toBeGreaterThan(0.1);
  });

  test('without a bias has none', () => {
    const layer = new LocallyConnected2d(1, 1, 2, 2, { bias: false, weightInit: initializers.ones });
    expect([...layer.stateDict().keys()]).toEqual(['weight']);
    expect([...layer.forward(ones([1, 1, 2, 2])).dataSync()]).toEqual([4]);
  });

  test('gradients reach the input, the weights and the bias', () => {
    const options = { stride: 2, padding: [[1, 0], 0] } as const;
    const layer = new LocallyConnected2d(2, 2, 2, 3, options).initialize(1);
    const [x, weight, bias] = [ones([1, 2, 3, 3]), layer.weight.value, layer.bias!.value];
    const of = grad(() => layer.forward(x).square().sum(), [x, layer.weight, layer.bias!]);
    const expected = grad(() => locallyConnected2d(x, weight, bias, options).square().sum(), [x, weight, bias]);
    of.forEach((gradient, i) => expect(distance(gradient, expected[i]!)).toBe(0));
    of.forEach((gradient) => expect(gradient.abs().max().dataSync()[0]).toBeGreaterThan(0));
  });

  test('refuses what makes no filters or has no places', () => {
    expect(() => new LocallyConnected2d(0, 1, 3, 8)).toThrow(
      'LocallyConnected2d: inChannels must be made of whole numbers of at least 1, but is 0.',
    );
    expect(() => new LocallyConnected2d(1, 1, 3, [8])).toThrow(
      'LocallyConnected2d: inputSize must be a whole number of at least 1, or 2 of them, but is [8].',
    );
    expect(() => new LocallyConnected2d(1, 1, [3, 3, 3], 8)).toThrow(
      'LocallyConnected2d: kernelSize must be a whole number of at least 1, or 2 of them, but is [3,3,3].',
    );
    expect(() => new LocallyConnected2d(1, 1, 9, 8)).toThrow('does not fit');
    expect(() => new LocallyConnected2d(1, 1, 3, 8, { paddingMode: 'reflect' } as object)).toThrow(
      'paddingMode must be',
    );
    expect(() => new LocallyConnected2d(1, 1, 3, 8, { stride: 0 })).toThrow('stride must be a whole number');
  });

  test('refuses an input of another size, even of as many places', () => {
    const layer = new LocallyConnected2d(1, 2, 3, [6, 8], { stride: 2 });
    expect(() => layer.forward(ones([1, 1, 5, 8]))).toThrow(
      'LocallyConnected2d: has a kernel for each place of an input of 6x8, but was given [1, 1, 5, 8].',
    );
    expect(() => layer.forward(ones([1, 3, 6, 8]))).toThrow('each needs a kernel of its own');
  });
});

test('LocallyConnected1d is locallyConnected1d', () => {
  const layer = new LocallyConnected1d(3, 2, 3, 8, { stride: 2, padding: 'same' }).initialize(1);
  expect(layer.weight.shape).toEqual([4, 2, 3, 3]);
  const x = ones([2, 3, 8]);
  const expected = locallyConnected1d(x, layer.weight.value, layer.bias!.value, { stride: 2, padding: 'same' });
  expect(distance(layer.forward(x), expected)).toBe(0);
  expect(() => new LocallyConnected1d(1, 1, 3, [8, 8])).toThrow(
    'inputSize must be a whole number of at least 1, or 1 of them',
  );
});

test('the summary counts each weight once, and sees what a convolution sees', () => {
  const [unshared, after] = summary(
    new Sequential([new LocallyConnected2d(3, 6, 5, 32, { stride: 3, dilation: 2 }), new Conv2d(6, 1, 2), new ReLU()]),
    [3, 32, 32],
  ).layers;
  const places = 8 * 8;
  expect(unshared).toMatchObject({
    type: 'LocallyConnected2d',
    output: [6, 8, 8],
    window: { kernel: [5, 5], stride: [3, 3], dilation: [2, 2] },
    filters: 6,
    parameters: places * (6 * 75 + 6),
    multiplyAdds: places * 6 * 75,
    computations: places * (6 * 75 + 6),
    receptiveField: [9, 9],
  });
  expect(after!.receptiveField).toEqual([12, 12]);
});

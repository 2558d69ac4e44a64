import { describe, expect, test } from 'vitest';
import { grad } from '@receptive/autograd';
import { reference } from '@receptive/backend/reference';
import {
  AvgPool2d,
  Conv2d,
  Dropout,
  Flatten,
  Linear,
  MaxPool2d,
  ReLU,
  Sigmoid,
  Softmax,
  Tanh,
} from '@receptive/layers';
import { Rng, avgPool2d, conv2d, maxPool2d, ones, setBackend, tensor, withBackend } from '@receptive/tensor';
import { distance, nested, numbers } from './harness.ts';

setBackend(reference());

describe('Conv2d', () => {
  test('is conv2d with its weights, its bias and its options', () => {
    const options = { stride: [2, 1], padding: [1, 2], dilation: 2, groups: 2 } as const;
    const layer = new Conv2d(4, 6, [3, 2], options);
    expect(layer.weight.shape).toEqual([6, 2, 3, 2]);
    expect(layer.bias!.shape).toEqual([6]);
    const [x, weight, bias] = [numbers([2, 4, 8, 7]), numbers([6, 2, 3, 2], 2), numbers([6], 3)];
    layer.weight.assign(weight);
    layer.bias!.assign(bias);
    expect(nested(layer.forward(x))).toEqual(nested(conv2d(x, weight, bias, options)));
  });

  test('without a bias has none', () => {
    const layer = new Conv2d(1, 1, 2, { bias: false, weightInit: (shape) => ones(shape) });
    expect([...layer.stateDict().keys()]).toEqual(['weight']);
    expect(nested(layer.forward(ones([1, 1, 2, 2])))).toEqual([[[[4]]]]);
  });

  test('refuses what makes no filters', () => {
    expect(() => new Conv2d(0, 1, 3)).toThrow(
      'Conv2d: inChannels must be made of whole numbers of at least 1, but is 0.',
    );
    expect(() => new Conv2d(1, 1, [3, 1.5])).toThrow(
      'Conv2d: kernelSize must be a whole number of at least 1, or 2 of them, but is [3,1.5].',
    );
    expect(() => new Conv2d(1, 1, [3])).toThrow('or 2 of them, but is [3].');
    expect(() => new Conv2d(4, 6, 3, { groups: 4 })).toThrow(
      'Conv2d: groups must divide the channels, but 4 does not divide both 4 and 6.',
    );
  });

  test('an input of other channels is named', () => {
    expect(() => new Conv2d(3, 8, 3).forward(ones([1, 1, 8, 8]))).toThrow('1 channels');
  });
});

describe('Linear', () => {
  test('multiplies by the transposed weights and adds the bias, over the last axis', () => {
    const layer = new Linear(3, 2);
    layer.weight.assign(
      tensor([
        [1, 2, 3],
        [4, 5, 6],
      ]),
    );
    layer.bias!.assign(tensor([10, 20]));
    expect(nested(layer.forward(tensor([[1, 0, -1]])))).toEqual([[1 - 3 + 10, 4 - 6 + 20]]);
    expect(layer.forward(ones([5, 4, 3])).shape).toEqual([5, 4, 2]);
  });

  test('leaves nothing behind but its result', () => {
    const backend = reference();
    withBackend(backend, () => {
      const [layer, x] = [new Linear(3, 2), ones([4, 3])];
      layer.forward(x).dispose();
      const before = backend.memory();
      layer.forward(x).dispose();
      expect(backend.memory()).toEqual(before);
    });
  });

  test('refuses other features', () => {
    expect(() => new Linear(400, 120).forward(ones([1, 16, 4, 4]))).toThrow(
      'Linear: takes 400 features along the last axis, but was given [1, 16, 4, 4].',
    );
    expect(() => new Linear(3, -1)).toThrow(
      'Linear: outFeatures must be made of whole numbers of at least 1, but is -1.',
    );
  });
});

test('activations', () => {
  const x = tensor([-2, 0, 3]);
  expect(nested(new ReLU().forward(x))).toEqual([0, 0, 3]);
  expect(nested(new Tanh().forward(x))).toEqual([-2, 0, 3].map((value) => Math.fround(Math.tanh(value))));
  expect(nested(new Sigmoid().forward(x))).toEqual([-2, 0, 3].map((value) => Math.fround(1 / (1 + Math.exp(-value)))));
});

test('Softmax along the last axis, or another', () => {
  const x = tensor([
    [0, 0],
    [0, Math.log(3)],
  ]);
  const [half, quarter, rest] = [0.5, 0.25, 0.75].map((value) => expect.closeTo(value, 6));
  expect(nested(new Softmax().forward(x))).toEqual([
    [half, half],
    [quarter, rest],
  ]);
  expect(nested(new Softmax(0).forward(x))).toEqual([
    [half, quarter],
    [half, rest],
  ]);
});

test('Flatten makes features of all but the batch', () => {
  expect(new Flatten().forward(ones([2, 3, 4, 5])).shape).toEqual([2, 60]);
  expect(new Flatten(2).forward(ones([2, 3, 4, 5])).shape).toEqual([2, 3, 20]);
});

test('pooling layers are the functions with their options', () => {
  const x = numbers([2, 2, 7, 7]);
  const max = { stride: 2, padding: 1, dilation: 2 } as const;
  expect(distance(new MaxPool2d(3, max).forward(x), maxPool2d(x, 3, max))).toBe(0);
  const avg = { stride: [1, 2], padding: 1, countIncludePad: false } as const;
  expect(distance(new AvgPool2d([3, 2], avg).forward(x), avgPool2d(x, [3, 2], avg))).toBe(0);
  expect(new MaxPool2d(2).forward(x).shape).toEqual([2, 2, 3, 3]);
});

const training = (seed: number) => ({ training: true, rng: new Rng(seed) });

describe('Dropout', () => {
  const x = ones([100, 100]);
  test('outside training is the identity', () => {
    expect(new Dropout(0.5).forward(x)).toBe(x);
    expect(new Dropout(0.5).forward(x, { rng: new Rng(1) })).toBe(x);
  });

  test('in training drops by chance and scales what stays, which keeps the mean', () => {
    const values = [...new Dropout(0.2).forward(x, training(1)).dataSync()];
    const dropped = values.filter((value) => value === 0).length;
    // Of 10,000 elements 2,000 are expected, give or take 40.
    expect(Math.abs(dropped - 2_000)).toBeLessThan(160);
    expect(new Set(values)).toEqual(new Set([0, 1.25]));
  });

  test('draws from the generator it is given', () => {
    const layer = new Dropout();
    const context = training(1);
    const first = layer.forward(x, context);
    expect(distance(layer.forward(x, training(1)), first)).toBe(0);
    expect(distance(layer.forward(x, training(2)), first)).toBe(2);
    expect(distance(layer.forward(x, context), first)).toBe(2);
  });

  test('the gradient passes where the element did', () => {
    const layer = new Dropout(0.5);
    const y = layer.forward(x, training(1));
    const [gradient] = grad(() => layer.forward(x, training(1)).sum(), [x]);
    expect(distance(gradient, y)).toBe(0);
  });

  test('needs a generator in training, unless there is nothing to drop', () => {
    expect(() => new Dropout().forward(x, { training: true })).toThrow(
      'Pass a generator: model.forward(x, { training: true, rng: new Rng(seed) })',
    );
    expect(new Dropout(0).forward(x, { training: true })).toBe(x);
  });

  test('refuses what is no probability of dropping', () => {
    for (const probability of [-0.1, 1, 2, NaN]) expect(() => new Dropout(probability)).toThrow(RangeError);
  });
});

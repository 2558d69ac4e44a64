import { grad } from '@receptive/autograd';
import { reference } from '@receptive/backend/reference';
import {
  CELU,
  Conv2d,
  ELU,
  GELU,
  Hardsigmoid,
  Hardswish,
  Hardtanh,
  LeakyReLU,
  LogSoftmax,
  Maxout,
  MaxPool2d,
  Mish,
  Module,
  PReLU,
  ReLU,
  ReLU6,
  SELU,
  ScaledTanh,
  Sequential,
  SiLU,
  Sigmoid,
  Softmax,
  Softplus,
  Softsign,
  Step,
  Tanh,
  summary,
} from '@receptive/layers';
import * as t from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import { describe, expect, test } from 'vitest';
import { nested, numbers } from './harness.ts';

t.setBackend(reference());

const layers: readonly (readonly [Module, (x: Tensor) => Tensor])[] = [
  [new ReLU(), t.relu],
  [new LeakyReLU(), t.leakyRelu],
  [new LeakyReLU({ negativeSlope: 0.1 }), (x) => t.leakyRelu(x, { negativeSlope: 0.1 })],
  [new ReLU6(), t.relu6],
  [new ELU({ alpha: 2 }), (x) => t.elu(x, { alpha: 2 })],
  [new SELU(), t.selu],
  [new CELU({ alpha: 2 }), (x) => t.celu(x, { alpha: 2 })],
  [new GELU(), t.gelu],
  [new GELU({ approximate: 'tanh' }), (x) => t.gelu(x, { approximate: 'tanh' })],
  [new SiLU(), t.silu],
  [new Mish(), t.mish],
  [new Softplus(), t.softplus],
  [new Softplus({ beta: 2, threshold: 1 }), (x) => t.softplus(x, { beta: 2, threshold: 1 })],
  [new Softsign(), t.softsign],
  [new Tanh(), t.tanh],
  [new ScaledTanh(), t.scaledTanh],
  [new Hardtanh({ minVal: -0.2 }), (x) => t.hardTanh(x, { minVal: -0.2 })],
  [new Sigmoid(), t.sigmoid],
  [new Hardsigmoid(), t.hardSigmoid],
  [new Hardswish(), t.hardSwish],
  [new Step(), t.step],
  [new Softmax(1), (x) => t.softmax(x, 1)],
  [new LogSoftmax(), t.logSoftmax],
  [new LogSoftmax(1), (x) => t.logSoftmax(x, 1)],
  [new Maxout(2), (x) => t.maxout(x, 2)],
  [new Maxout(3, -1), (x) => t.maxout(x, 3, -1)],
  [new PReLU(), (x) => t.prelu(x, t.full([1], 0.25, { dtype: 'float64' }))],
];

describe('layers are the functions of their names, with their options', () => {
  test.each(layers.map(([layer, f]) => [layer.constructor.name, layer, f] as const))('%s', (name, layer, f) => {
    const x = numbers([2, 4, 3]);
    if (layer instanceof PReLU) layer.weight.assign(t.full([1], 0.25, { dtype: 'float64' }));
    expect(nested(layer.forward(x))).toEqual(nested(f(x)));
    expect(name).toMatch(/^[A-Z]/);
  });
});

describe('PReLU', () => {
  test('begins at 0.25, as in He et al., or where it is told', () => {
    expect(nested(new PReLU().weight.value)).toEqual([0.25]);
    expect(nested(new PReLU(2, { init: 0.5 }).weight.value)).toEqual([0.5, 0.5]);
    expect([...new PReLU().stateDict().keys()]).toEqual(['weight']);
  });

  test('learns a slope for each channel', () => {
    const layer = new PReLU(2);
    const x = t.tensor([-1, -2, 3, -4], { shape: [1, 2, 2] });
    expect(nested(grad(() => t.sum(layer.forward(x)), layer.parameters())[0]!)).toEqual([-3, -4]);
    expect(() => layer.forward(t.zeros([1, 3, 4]))).toThrow('for each of its 3 channels, but was given [2]');
  });
});

test('options that make no sense are refused where the model is built', () => {
  expect(() => new LeakyReLU({ negativeSlope: NaN })).toThrow('leakyRelu: negativeSlope must be a finite number');
  expect(() => new CELU({ alpha: 0 })).toThrow('celu: alpha must be');
  expect(() => new Hardtanh({ minVal: 2 })).toThrow('minVal must be below maxVal');
  expect(() => new GELU({ approximate: 'erf' as never })).toThrow('approximate must be one of');
  expect(() => new Step({ estimator: 'steepSigmoid', slope: -1 })).toThrow('slope must be');
  expect(() => new Maxout(0)).toThrow('Maxout: pieces must be');
  expect(() => new PReLU(0)).toThrow('PReLU: numParameters must be');
  expect(() => new PReLU(1, { init: Infinity })).toThrow('PReLU: init must be a finite number');
});

test('making a layer is nobody to be told of', () => {
  const heard: string[] = [];
  t.listen(
    ({ op }) => heard.push(op.name),
    () => new ELU(),
  );
  expect(heard).toEqual([]);
});

test('a summary counts slopes, and sees through activations and maxout', () => {
  const model = new Sequential([
    new Conv2d(1, 8, 3),
    new PReLU(8),
    new Maxout(2),
    new MaxPool2d(2),
    new Hardswish(),
    new Conv2d(4, 2, 3),
  ]);
  const { layers: found, totals } = summary(model, [1, 12, 12]);
  expect(found.map(({ type }) => type)).toEqual(['Conv2d', 'PReLU', 'Maxout', 'MaxPool2d', 'Hardswish', 'Conv2d']);
  expect(found[1]).toMatchObject({ parameters: 8, multiplyAdds: 0, output: [8, 10, 10], receptiveField: [3, 3] });
  expect(found[2]).toMatchObject({ parameters: 0, output: [4, 10, 10], receptiveField: [3, 3] });
  expect(found[5]!.receptiveField).toEqual([8, 8]);
  expect(totals.parameters).toBe(80 + 8 + 74);
});

test('a reduction over places sees all of them, though what is left looks like an image', () => {
  const rows = new (class extends Module {
    override forward(x: Tensor): Tensor {
      return t.sum(x, 3);
    }
  })();
  expect(summary(rows, [5, 5, 5]).layers[0]!.receptiveField).toEqual([5, 5]);
});

test('a threshold moves by its estimator, where its derivative would leave it', () => {
  const bias = t.tensor([-0.5]);
  const x = t.tensor([-1, 0.25, 1]);
  const loss = (layer: Step): Tensor => t.sum(t.square(t.sub(layer.forward(t.add(x, bias)), t.tensor([0, 1, 1]))));
  // One output of three is too low, by 1: its slope is -2, times 1 / width inside the window.
  expect(nested(grad(() => loss(new Step()), [bias])[0])).toEqual([-2]);
  expect(nested(grad(() => loss(new Step({ estimator: 'clippedLinear', width: 4 })), [bias])[0])).toEqual([-0.5]);
});

import { reference } from '@receptive/backend/reference';
import type { StepOptions, Tensor } from '@receptive/tensor';
import {
  celu,
  elu,
  gelu,
  hardSigmoid,
  hardSwish,
  leakyRelu,
  mish,
  prelu,
  scaledTanh,
  selu,
  setBackend,
  silu,
  softsign,
  step,
  sum,
  tensor,
} from '@receptive/tensor';
import { describe, expect, test } from 'vitest';
import { grad } from '../src/index.ts';

setBackend(reference());

/** The derivatives of `f` at some places. */
function slopes(
  f: (x: Tensor) => Tensor,
  values: readonly number[],
  dtype: 'float32' | 'float64' = 'float64',
): number[] {
  const x = tensor(values, { dtype });
  return [...grad(() => sum(f(x)), [x])[0].dataSync()].map((value) => value + 0);
}

describe('the derivatives of activations level off, and are numbers up to infinity', () => {
  const ends: readonly (readonly [string, (x: Tensor) => Tensor, below: number, above: number])[] = [
    ['leakyRelu', leakyRelu, 0.01, 1],
    ['elu', elu, 0, 1],
    ['selu', selu, 0, 1.0507009873554805],
    ['celu', celu, 0, 1],
    ['gelu', gelu, 0, 1],
    ['gelu by tanh', (x) => gelu(x, { approximate: 'tanh' }), 0, 1],
    ['silu', silu, 0, 1],
    ['mish', mish, 0, 1],
    ['softsign', softsign, 0, 0],
    ['hardSigmoid', hardSigmoid, 0, 0],
    ['hardSwish', hardSwish, 0, 1],
    ['scaledTanh', scaledTanh, 0, 0],
  ];

  test.each(ends)('%s', (_, f, below, above) => {
    for (const dtype of ['float32', 'float64'] as const) {
      const wanted = [below, below, above, above].map((value) => expect.closeTo(value, 6));
      expect(slopes(f, [-Infinity, -1e4, 1e4, Infinity], dtype)).toEqual(wanted);
    }
  });

  test('a slope of prelu learns from what is below 0 alone', () => {
    const [x, weight] = [tensor([Infinity, -2, 3, -4]), tensor([0.25])];
    expect([...grad(() => sum(prelu(x, weight)), [weight])[0].dataSync()]).toEqual([-6]);
  });
});

describe('estimators of the step function, by value', () => {
  const places = [-3, -1.5, -1, -0.5, 0, 0.25, 0.5, 1, 1.5, 3];
  const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
  const estimators: readonly (readonly [StepOptions, (x: number) => number])[] = [
    [{ estimator: 'straightThrough' }, () => 1],
    [{ estimator: 'clippedLinear', width: 2 }, (x) => (Math.abs(x) <= 1 ? 1 / 2 : 0)],
    [{ estimator: 'steepSigmoid', slope: 3 }, (x) => 3 * sigmoid(3 * x) * (1 - sigmoid(3 * x))],
    [{ estimator: 'difference', h: 0.5 }, (x) => (Number(x + 0.5 > 0) - Number(x - 0.5 > 0)) / (2 * 0.5)],
  ];

  test.each(estimators)('%o', (options, slope) => {
    expect(slopes((x) => step(x, options).mul(5), places)).toEqual(places.map((x) => expect.closeTo(5 * slope(x), 12)));
  });

  test('the straight-through one is the default', () => {
    expect(slopes(step, [-2, 2])).toEqual([1, 1]);
  });

  test.each(estimators)('%o has no NaN at the ends', (options) => {
    expect(slopes((x) => step(x, options), [-Infinity, -1e4, 1e4, Infinity]).every(Number.isFinite)).toBe(true);
  });
});

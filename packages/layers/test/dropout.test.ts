import { beforeEach, describe, expect, test } from 'vitest';
import { grad } from '@receptive/autograd';
import { reference } from '@receptive/backend/reference';
import { AlphaDropout, Dropout, Dropout1d, Dropout2d, Dropout3d, StochasticDepth, summary } from '@receptive/layers';
import type { Module } from '@receptive/layers';
import {
  Rng,
  alphaDropout,
  cast,
  div,
  dropout,
  max,
  mean,
  min,
  mul,
  ones,
  setBackend,
  spatialDropout,
  stochasticDepth,
  sum,
  tensor,
  variance,
  zeros,
} from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import { distance, nested, numbers } from './harness.ts';

beforeEach(() => setBackend(reference()));

const training = (seed = 1) => ({ training: true, rng: new Rng(seed) });
const number = (x: Tensor): number => x.dataSync()[0]!;

/** All layers that drop, an input of each, and the function behind it. */
const layers: readonly (readonly [string, Module, readonly number[], (x: Tensor, rng: Rng) => Tensor])[] = [
  ['Dropout', new Dropout(0.3), [4, 5], (x, rng) => dropout(x, 0.3, rng)],
  ['Dropout1d', new Dropout1d(0.3), [4, 5, 3], (x, rng) => spatialDropout(x, 0.3, rng)],
  ['Dropout2d', new Dropout2d(0.3), [4, 5, 3, 2], (x, rng) => spatialDropout(x, 0.3, rng)],
  ['Dropout3d', new Dropout3d(0.3), [4, 5, 3, 2, 2], (x, rng) => spatialDropout(x, 0.3, rng)],
  ['AlphaDropout', new AlphaDropout(0.3), [4, 5], (x, rng) => alphaDropout(x, 0.3, rng)],
  ['StochasticDepth', new StochasticDepth(0.3, 'row'), [20, 2], (x, rng) => stochasticDepth(x, 0.3, 'row', rng)],
];

describe.each(layers)('%s', (name, layer, shape, f) => {
  test('is the identity outside training', () => {
    const x = numbers(shape);
    expect(layer.forward(x)).toBe(x);
    expect(layer.forward(x, { rng: new Rng(1) })).toBe(x);
    expect(summary(layer, shape.slice(1)).totals.parameters).toBe(0);
  });

  test('in training is its function, and the seed decides', () => {
    const x = numbers(shape);
    const y = layer.forward(x, training());
    expect(distance(y, f(x, new Rng(1)))).toBe(0);
    expect(distance(y, x)).toBeGreaterThan(0);
    const others = [2, 3, 4, 5].map((seed) => distance(layer.forward(x, training(seed)), y));
    expect(Math.max(...others)).toBeGreaterThan(0);
  });

  test('needs a generator then', () => {
    expect(() => layer.forward(numbers(shape), { training: true })).toThrow(
      `${name}: in training it needs random numbers. Pass a generator`,
    );
  });
});

test('probabilities that leave nothing are refused, by layers and functions', () => {
  const x = ones([2, 3, 4]);
  for (const probability of [-0.1, 1, 2, NaN]) {
    for (const Layer of [Dropout, Dropout1d, Dropout2d, Dropout3d, AlphaDropout])
      expect(() => new Layer(probability)).toThrow(`${Layer.name}: the probability of dropping must be at least 0`);
    expect(() => new StochasticDepth(probability, 'row')).toThrow(RangeError);
    for (const f of [dropout, spatialDropout, alphaDropout])
      expect(() => f(x, probability, new Rng(1))).toThrow(`${f.name}: the probability of dropping must be at least 0`);
    expect(() => stochasticDepth(x, probability, 'batch', new Rng(1))).toThrow(RangeError);
  }
});

describe('spatialDropout', () => {
  test('drops whole channels and scales the others', () => {
    const y = spatialDropout(ones([40, 50, 2, 3]), 0.2, new Rng(1));
    const [low, high] = [min(y, [2, 3]), max(y, [2, 3])];
    expect(distance(low, high)).toBe(0);
    expect(new Set(low.dataSync())).toEqual(new Set([0, 1.25]));
    // Of 2,000 channels 400 are expected to be dropped, give or take 18.
    expect(Math.abs([...low.dataSync()].filter((value) => value === 0).length - 400)).toBeLessThan(75);
  });

  test('needs channels with places, and layers those of their name', () => {
    expect(() => spatialDropout(ones([2, 3]), 0.5, new Rng(1))).toThrow(
      'spatialDropout: needs an input [N, C, ...spatial]',
    );
    expect(() => new Dropout2d().forward(ones([2, 3, 4]), training())).toThrow(
      'Dropout2d: needs an input [N, C, H, W], but was given [2, 3, 4].',
    );
  });
});

describe('alphaDropout', () => {
  test.each([0.05, 0.1, 0.5, 0.9])('keeps mean 0 and variance 1, probability %d', (probability) => {
    const x = new Rng(3).normal([100_000]);
    const y = alphaDropout(x, probability, new Rng(4));
    // Standard errors are near 0.003 and 0.01.
    expect(Math.abs(number(mean(y)))).toBeLessThan(0.02);
    expect(Math.abs(number(variance(y)) - 1)).toBeLessThan(0.05);
  });

  test('puts the same number in the place of what it drops, and is affine in the rest', () => {
    const x = numbers([1000]);
    const y = alphaDropout(x, 0.4, new Rng(1));
    // Klambauer et al.: s = -lambda * alpha = -1.7581, a = (q + s^2 q (1 - q))^(-1/2), b = -a (1 - q) s.
    const [s, q] = [-1.7580993408473766, 0.6];
    const a = 1 / Math.sqrt(q + s * s * q * (1 - q));
    const b = -a * (1 - q) * s;
    const [before, after] = [x.dataSync(), y.dataSync()];
    const kinds = Array.from(after, (value, i) => {
      if (Math.abs(value - (a * s + b)) < 1e-12) return 'dropped';
      return Math.abs(value - (a * before[i]! + b)) < 1e-12 ? 'kept' : 'neither';
    });
    expect(new Set(kinds)).toEqual(new Set(['dropped', 'kept']));
    expect(Math.abs(kinds.filter((kind) => kind === 'dropped').length - 400)).toBeLessThan(80);
    expect(distance(alphaDropout(x, 0, new Rng(1)), x)).toBeLessThan(1e-15);
  });
});

describe('stochasticDepth', () => {
  test('row decides for each example', () => {
    const y = stochasticDepth(ones([2000, 2, 2]), 0.2, 'row', new Rng(1));
    const rows = min(y, [1, 2]);
    expect(distance(rows, max(y, [1, 2]))).toBe(0);
    expect(new Set(rows.dataSync())).toEqual(new Set([0, 1.25]));
    expect(Math.abs([...rows.dataSync()].filter((value) => value === 0).length - 400)).toBeLessThan(75);
  });

  test('batch decides once', () => {
    const values = Array.from({ length: 200 }, (_, seed) => stochasticDepth(ones([3, 2]), 0.5, 'batch', new Rng(seed)));
    for (const y of values) expect(number(min(y))).toBe(number(max(y)));
    const dropped = values.filter((y) => number(y) === 0).length;
    expect(Math.abs(dropped - 100)).toBeLessThan(30);
  });

  test('refuses another mode', () => {
    const mode = 'column' as 'row';
    expect(() => stochasticDepth(ones([2]), 0.5, mode, new Rng(1))).toThrow(
      "stochasticDepth: the mode must be 'batch' or 'row', but is \"column\".",
    );
    expect(() => new StochasticDepth(0.5, mode)).toThrow("StochasticDepth: the mode must be 'batch' or 'row'");
  });
});

test('gradients pass where the elements did, times what these were multiplied by', () => {
  const x = numbers([6, 3, 2]);
  const drops = [dropout, spatialDropout, (y: Tensor, p: number, rng: Rng) => stochasticDepth(y, p, 'row', rng)];
  for (const f of drops) {
    const [gradient] = grad(() => sum(f(x, 0.5, new Rng(2))), [x]);
    expect(distance(gradient, div(f(x, 0.5, new Rng(2)), x))).toBeLessThan(1e-12);
    expect(new Set(gradient.dataSync())).toEqual(new Set([0, 2]));
  }
});

test('the mask has the type of the input, and integers are refused', () => {
  const x = cast(ones([3, 3]), 'float64');
  expect(dropout(x, 0.5, new Rng(1)).dtype).toBe('float64');
  expect(() => dropout(zeros([2], { dtype: 'int32' }), 0.5, new Rng(1))).toThrow('dropout: works on floats');
  const y = dropout(tensor([1, 2, 3]), 0, new Rng(1));
  expect(nested(mul(y, 1))).toEqual([1, 2, 3]);
});

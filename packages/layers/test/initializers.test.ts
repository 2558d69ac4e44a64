import { beforeAll, describe, expect, test } from 'vitest';
import { reference } from '@receptive/backend/reference';
import { Conv2d, Linear, initializers } from '@receptive/layers';
import type { Initializer } from '@receptive/tensor';
import { Rng, setBackend } from '@receptive/tensor';

beforeAll(() => setBackend(reference()));

// 32 * 16 * 5 * 5 = 12,800 draws. fanIn = 16 * 25 = 400, fanOut = 32 * 25 = 800.
const shape = [32, 16, 5, 5];

const draw = (initializer: Initializer, of: readonly number[] = shape): Float32Array =>
  initializer(of, new Rng(11)).dataSync() as Float32Array;

const moments = (values: Float32Array): { mean: number; std: number; kurtosis: number; largest: number } => {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const moment = (power: number): number => values.reduce((sum, x) => sum + (x - mean) ** power, 0) / values.length;
  return {
    mean,
    std: Math.sqrt(moment(2)),
    kurtosis: moment(4) / moment(2) ** 2,
    largest: values.reduce((most, x) => Math.max(most, Math.abs(x)), 0),
  };
};

const { kaimingNormal, kaimingUniform, lecunNormal, lecunUniform, xavierNormal, xavierUniform } = initializers;

// The standard deviations that the papers derive; a uniform distribution of that deviation ends at sqrt(3) times it.
const cases: readonly (readonly [name: string, uniform: Initializer, normal: Initializer, std: number])[] = [
  ['Kaiming', kaimingUniform(), kaimingNormal(), Math.sqrt(2 / 400)],
  ['Kaiming, fanOut', kaimingUniform({ mode: 'fanOut' }), kaimingNormal({ mode: 'fanOut' }), Math.sqrt(2 / 800)],
  [
    'Kaiming, tanh',
    kaimingUniform({ nonlinearity: 'tanh' }),
    kaimingNormal({ nonlinearity: 'tanh' }),
    5 / 3 / Math.sqrt(400),
  ],
  [
    'Kaiming, leaky',
    kaimingUniform({ nonlinearity: 'leakyRelu', negativeSlope: 0.5 }),
    kaimingNormal({ nonlinearity: 'leakyRelu', negativeSlope: 0.5 }),
    Math.sqrt(2 / 1.25 / 400),
  ],
  ['Xavier', xavierUniform(), xavierNormal(), Math.sqrt(2 / 1200)],
  ['Xavier, gain', xavierUniform({ gain: 5 / 3 }), xavierNormal({ gain: 5 / 3 }), (5 / 3) * Math.sqrt(2 / 1200)],
  ['LeCun', lecunUniform(), lecunNormal(), Math.sqrt(1 / 400)],
];

describe.each(cases)('%s', (_, uniform, normal, std) => {
  // Of n draws, the mean strays by std / sqrt(n) and the deviation by less than std / sqrt(n): four times that is never met by chance.
  const stray = (4 * std) / Math.sqrt(12_800);

  test('uniform', () => {
    const found = moments(draw(uniform));
    expect(Math.abs(found.mean)).toBeLessThan(stray);
    expect(Math.abs(found.std - std)).toBeLessThan(stray);
    expect(found.kurtosis).toBeCloseTo(1.8, 1);
    expect(found.largest).toBeLessThanOrEqual(Math.sqrt(3) * std * (1 + 1e-6));
    expect(found.largest).toBeGreaterThan(Math.sqrt(3) * std * 0.999);
  });

  test('normal', () => {
    const found = moments(draw(normal));
    expect(Math.abs(found.mean)).toBeLessThan(stray);
    expect(Math.abs(found.std - std)).toBeLessThan(stray);
    expect(Math.abs(found.kurtosis - 3)).toBeLessThan(4 * Math.sqrt(24 / 12_800));
    expect(found.largest).toBeGreaterThan(3 * std);
  });
});

test('constants', () => {
  expect([...draw(initializers.zeros, [2])]).toEqual([0, 0]);
  expect([...draw(initializers.ones, [2])]).toEqual([1, 1]);
  expect([...draw(initializers.constant(0.5), [2])]).toEqual([0.5, 0.5]);
});

test('uniform and normal by hand', () => {
  const flat = moments(draw(initializers.uniform(2, 4)));
  expect(flat.mean).toBeCloseTo(3, 1);
  expect(flat.largest).toBeLessThan(4);
  const bell = moments(draw(initializers.normal(2, 0.5)));
  expect(bell.mean).toBeCloseTo(2, 1);
  expect(bell.std).toBeCloseTo(0.5, 1);
});

test('the gains of the nonlinearities', () => {
  const { gainOf } = initializers;
  expect(gainOf('linear')).toBe(1);
  expect(gainOf('sigmoid')).toBe(1);
  expect(gainOf('tanh')).toBe(5 / 3);
  expect(gainOf('relu')).toBe(Math.SQRT2);
  expect(gainOf('leakyRelu')).toBe(Math.sqrt(2 / 1.0001));
  expect(gainOf('leakyRelu', 0)).toBe(Math.SQRT2);
  expect(gainOf('selu')).toBe(0.75);
});

test('fans', () => {
  expect(initializers.fansOf([32, 16, 5, 5])).toEqual({ fanIn: 400, fanOut: 800 });
  expect(initializers.fansOf([10, 84])).toEqual({ fanIn: 84, fanOut: 10 });
  expect(() => draw(kaimingNormal(), [10])).toThrow('weights of shape [10] have no fan');
});

test("layers begin as PyTorch's: weights and bias uniform within 1 / sqrt(fanIn)", () => {
  // A quarter of the input channels in each of 4 groups: fanIn = 16 / 4 * 25 = 100.
  for (const [layer, fanIn] of [
    [new Conv2d(16, 512, 5), 400],
    [new Conv2d(16, 512, 5, { groups: 4 }), 100],
    [new Linear(64, 512), 64],
  ] as const) {
    layer.initialize(5);
    for (const values of [layer.weight, layer.bias!].map(({ value }) => value.dataSync() as Float32Array)) {
      const { largest, std } = moments(values);
      expect(largest).toBeLessThanOrEqual((1 / Math.sqrt(fanIn)) * (1 + 1e-6));
      expect(largest).toBeGreaterThan(0.98 / Math.sqrt(fanIn));
      // The standard deviation of the 512 draws of a bias strays by some 2 %.
      expect(Math.abs(std * Math.sqrt(3 * fanIn) - 1)).toBeLessThan(0.1);
    }
  }
});

test('layers take other initialisers', () => {
  const layer = new Linear(2, 1, { weightInit: initializers.ones, biasInit: initializers.constant(3) });
  expect([...layer.weight.value.dataSync(), ...layer.bias!.value.dataSync()]).toEqual([1, 1, 3]);
});

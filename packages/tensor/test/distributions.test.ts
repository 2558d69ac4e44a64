import { reference } from '@receptive/backend/reference';
import { Rng, setBackend } from '@receptive/tensor';
import { describe, expect, test } from 'vitest';
import { normalCdf, normalQuantile } from '../src/gaussian.ts';
import { numbersOf } from './harness.ts';

setBackend(reference());

const n = 100_000;

/** Mean, variance and third and fourth standardised moments. */
function moments(values: readonly number[]): { mean: number; variance: number; skew: number; kurtosis: number } {
  const about = (centre: number, power: number): number =>
    values.reduce((sum, x) => sum + (x - centre) ** power, 0) / values.length;
  const mean = about(0, 1);
  const variance = about(mean, 2);
  return { mean, variance, skew: about(mean, 3) / variance ** 1.5, kurtosis: about(mean, 4) / variance ** 2 };
}

/** Within five standard errors, given the standard deviation of one sample. */
function expectNear(value: number, expected: number, deviation: number): void {
  expect(Math.abs(value - expected)).toBeLessThan((5 * deviation) / Math.sqrt(n));
}

/** Whether a histogram of `counts` is even: chi-squared, within five of its standard deviations. */
function expectEven(counts: readonly number[]): void {
  const expected = counts.reduce((a, b) => a + b, 0) / counts.length;
  const chi = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  const freedom = counts.length - 1;
  expect(Math.abs(chi - freedom)).toBeLessThan(5 * Math.sqrt(2 * freedom));
}

describe('uniform', () => {
  test('has the moments and the evenness of the uniform distribution', () => {
    const values = numbersOf(new Rng(1).uniform([n]));
    const { mean, variance, skew, kurtosis } = moments(values);
    expectNear(mean, 1 / 2, Math.sqrt(1 / 12));
    expectNear(variance, 1 / 12, Math.sqrt(1 / 180));
    expectNear(skew, 0, 2);
    expectNear(kurtosis, 1.8, 1);
    const counts = new Array<number>(100).fill(0);
    for (const x of values) counts[Math.floor(x * 100)]!++;
    expectEven(counts);
  });

  test.each([
    [0, 1],
    [-3, 5],
    [0.7, 0.70001],
    [0.1, 0.3],
    [-0.3, -0.1],
    [1, 1 + 2 ** -22],
    [0.3, 0.3 + 1e-7],
    [16777216, 16777219],
    [-1e-45, 1e-45],
    [-1e38, 1e38],
  ])('from %d up to %d stays in the half open interval after rounding to float32', (low, high) => {
    const values = numbersOf(new Rng(2).uniform([20_000], low, high));
    const [least, greatest] = [Math.min(...values), Math.max(...values)];
    expect(least).toBeGreaterThanOrEqual(low);
    expect(greatest).toBeLessThan(high);
    expect(values).not.toContain(Number.NaN);
  });

  test('reaches its lower limit and comes within one step of the upper one', () => {
    // Of 2^24 equally likely numbers, about 600,000 draws see the lowest and highest 2^-16 of the range.
    const values = numbersOf(new Rng(4).uniform([600_000]));
    expect(values.reduce((a, b) => Math.min(a, b))).toBeLessThan(2 ** -16);
    expect(values.reduce((a, b) => Math.max(a, b))).toBeGreaterThan(1 - 2 ** -16);
    expect(new Set(numbersOf(new Rng(4).uniform([100], 1, 1 + 2 ** -23)))).toEqual(new Set([1]));
  });

  test.each([
    [1, 1],
    [2, 1],
    [Number.NaN, 1],
    [0, Number.POSITIVE_INFINITY],
    [Number.NEGATIVE_INFINITY, 0],
    [0.1, 0.1 + 1e-12],
  ])('from %d up to %d is refused', (low, high) => {
    expect(() => new Rng(1).uniform([1], low, high)).toThrow(RangeError);
    expect(() => new Rng(1).uniform([1], low, high)).toThrow(
      `uniform: needs finite limits low < high, but they are ${low} and ${high}`,
    );
  });
});

describe('normal', () => {
  test('has the moments of the normal distribution', () => {
    const { mean, variance, skew, kurtosis } = moments(numbersOf(new Rng(1).normal([n])));
    expectNear(mean, 0, 1);
    expectNear(variance, 1, Math.sqrt(2));
    expectNear(skew, 0, Math.sqrt(6));
    expectNear(kurtosis, 3, Math.sqrt(24));
  });

  test('is scaled and shifted, and finite', () => {
    const [plain, moved] = [new Rng(3), new Rng(3)].map((rng, i) =>
      numbersOf(i ? rng.normal([101], 10, 2) : rng.normal([101])),
    );
    moved!.forEach((x, i) => expect(x).toBeCloseTo(10 + 2 * plain![i]!, 5));
    expect(moved!.every(Number.isFinite)).toBe(true);
    expect(numbersOf(new Rng(3).normal([4], 1, 0))).toEqual([1, 1, 1, 1]);
  });

  test('the two numbers of a pair do not follow each other', () => {
    const values = numbersOf(new Rng(5).normal([n]));
    const products = values.flatMap((x, i) => (i % 2 === 0 ? [x * values[i + 1]!] : []));
    expect(Math.abs(products.reduce((a, b) => a + b) / products.length)).toBeLessThan(5 / Math.sqrt(products.length));
  });

  test.each([
    [Number.NaN, 1],
    [0, -1],
    [0, Number.POSITIVE_INFINITY],
  ])('of mean %d and std %d is refused', (mean, std) => {
    expect(() => new Rng(1).normal([1], mean, std)).toThrow(
      `normal: needs a finite mean and a std of at least 0, but they are ${mean} and ${std}`,
    );
  });
});

describe('truncatedNormal', () => {
  test('has the variance of the normal distribution cut at two standard deviations', () => {
    const { mean, variance, skew } = moments(numbersOf(new Rng(1).truncatedNormal([n])));
    // 1 - 4 phi(2) / (2 Phi(2) - 1), phi and Phi the density and distribution function.
    const expected = 1 - (4 * 0.05399096651318806) / 0.9544997361036416;
    expectNear(mean, 0, 0.88);
    expectNear(variance, expected, 1);
    expectNear(skew, 0, 2);
  });

  test.each([
    [0, 1, -2, 2],
    [0, 0.02, -0.04, 0.04],
    [0, 1, 0.7, 0.70001],
    [0, 1, -0.3, 0.1],
    [5, 2, 5.1, 5.3],
    [0, 1, 3, 9],
    [0, 1, -9, -3],
    [0, 1, 10, 11],
    [0, 1, -0.1, Number.POSITIVE_INFINITY],
    [0, 1, Number.NEGATIVE_INFINITY, -0.1],
    [0, 1, 0.3, 0.3 + 1e-7],
  ])('of mean %d and std %d never leaves [%d, %d] after rounding to float32', (mean, std, low, high) => {
    const values = numbersOf(new Rng(6).truncatedNormal([20_000], mean, std, low, high));
    expect(values.every((x) => x >= low && x <= high && Number.isFinite(x))).toBe(true);
    expect(new Set(values).size).toBeGreaterThan(high - low > 1e-4 ? 1000 : 1);
  });

  test('falls off in the tail as the normal distribution does', () => {
    const [far, near] = [new Rng(7), new Rng(7)].map((rng, i) =>
      i
        ? moments(numbersOf(rng.truncatedNormal([n], 0, 1, 1, Number.POSITIVE_INFINITY)))
        : moments(numbersOf(rng.truncatedNormal([n], 0, 1, 3, 4))),
    );
    // phi(1) / (1 - Phi(1)), and (phi(3) - phi(4)) / (Phi(4) - Phi(3)).
    expectNear(near!.mean, 1.525135276, 0.45);
    expect(Math.abs(far!.mean - 3.260454)).toBeLessThan((5 * 0.22) / Math.sqrt(n));
  });

  test.each([
    [0, 0, -1, 1],
    [0, 1, 1, 1],
    [0, 1, 2, -2],
    [0, 1, 50, 51],
    [Number.NaN, 1, -1, 1],
    [0, Number.NaN, -1, 1],
  ])('of mean %d, std %d, low %d, high %d is refused', (mean, std, low, high) => {
    expect(() => new Rng(1).truncatedNormal([1], mean, std, low, high)).toThrow(RangeError);
  });
});

describe('bernoulli', () => {
  test.each([0, 0.1, 0.5, 0.9, 1])('is 1 at the rate of %d', (probability) => {
    const draw = new Rng(1).bernoulli([n], probability);
    expect(draw.dtype).toBe('uint8');
    const rate = numbersOf(draw).reduce((a, b) => a + b) / n;
    if (probability === 0 || probability === 1) expect(rate).toBe(probability);
    else expectNear(rate, probability, 0.5);
  });

  test.each([-0.1, 1.1, Number.NaN])('of probability %d is refused', (probability) => {
    expect(() => new Rng(1).bernoulli([1], probability)).toThrow(
      `bernoulli: the probability must lie between 0 and 1, but is ${probability}`,
    );
  });
});

describe('permutation', () => {
  test('holds every number once', () => {
    for (const length of [0, 1, 2, 1000]) {
      const order = new Rng(1).permutation(length);
      expect([...order].sort((a, b) => a - b)).toEqual([...Array(length).keys()]);
    }
    expect(() => new Rng(1).permutation(-1)).toThrow(RangeError);
  });

  test('is every order equally often', () => {
    const rng = new Rng(8);
    const counts = new Map<string, number>();
    for (let i = 0; i < 24_000; i++) {
      const order = rng.permutation(4).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    expectEven([...counts.values()]);
  });
});

test('the normal distribution function and its inverse', () => {
  // Tabulated values of the distribution function.
  expect(normalCdf(0)).toBe(0.5);
  expect(normalCdf(1)).toBeCloseTo(0.8413447460685429, 15);
  expect(normalCdf(-2)).toBeCloseTo(0.02275013194817921, 15);
  expect(normalCdf(3.5)).toBeCloseTo(0.9997673709209645, 14);
  expect(normalCdf(-10) / 7.619853024160527e-24).toBeCloseTo(1, 12);
  expect([normalCdf(Number.NEGATIVE_INFINITY), normalCdf(Number.POSITIVE_INFINITY)]).toEqual([0, 1]);
  expect(normalQuantile(0.5)).toBe(0);
  expect(normalQuantile(0.975)).toBeCloseTo(1.959963984540054, 8);
  expect(normalQuantile(0.001)).toBeCloseTo(-3.090232306167813, 8);
});

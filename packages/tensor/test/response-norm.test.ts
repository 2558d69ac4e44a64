import { reference } from '@receptive/backend/reference';
import {
  add,
  broadcastTo,
  flip,
  localContrastNorm,
  localResponseNorm,
  mul,
  reshape,
  setBackend,
  tensor,
  zeros,
} from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import { describe, expect, test } from 'vitest';
import { expectClose, numbersOf, random } from './harness.ts';
import { reader, table } from './naive.ts';
import type { Index } from './naive.ts';

setBackend(reference());

const average = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

const like = (x: Tensor, values: number[]): Tensor => tensor(values, { shape: x.shape, dtype: 'float64' });

describe('localResponseNorm', () => {
  const x = tensor(Float64Array.of(1, 2, 3), { shape: [1, 3, 1] });
  const one = { alpha: 1, beta: 1, k: 0 };

  test('by hand', () => {
    expectClose(localResponseNorm(x, { ...one, size: 3 }), like(x, [1 / (1 + 4), 2 / (1 + 4 + 9), 3 / (4 + 9)]));
    expectClose(
      localResponseNorm(x, { ...one, size: 3, alpha: 3, divideBySize: true }),
      localResponseNorm(x, { ...one, size: 3 }),
    );
    // Far more channels than there are: all are inside.
    expectClose(localResponseNorm(x, { ...one, size: 9 }), like(x, [1 / 14, 2 / 14, 3 / 14]));
    expectClose(
      localResponseNorm(x, { ...one, size: 1, k: 1, beta: 0.5 }),
      like(x, [1 / Math.sqrt(2), 2 / Math.sqrt(5), 3 / Math.sqrt(10)]),
    );
  });

  test('an even window reaches down as in PyTorch; turned round, up as in ONNX', () => {
    expectClose(localResponseNorm(x, { ...one, size: 2 }), like(x, [1 / 1, 2 / (1 + 4), 3 / (4 + 9)]));
    const up = flip(localResponseNorm(flip(x, 1), { ...one, size: 2 }), 1);
    expectClose(up, like(x, [1 / (1 + 4), 2 / (4 + 9), 3 / 9]));
  });

  test('is what Krizhevsky et al. write, with their constants', () => {
    // Section 3.3: b_i = a_i / (k + alpha * sum over j from max(0, i - n / 2) to min(N - 1, i + n / 2) of a_j^2)^beta, k = 2, n = 5, alpha = 1e-4, beta = 0.75.
    const a = mul(random([2, 9, 2, 3]), 100);
    const read = reader(a);
    const wanted = table(a.shape, ([image, i, ...place]) => {
      let energy = 0;
      for (let j = Math.max(0, i! - 2); j <= Math.min(8, i! + 2); j++) energy += read([image!, j, ...place]) ** 2;
      return read([image!, i!, ...place]) / (2 + 1e-4 * energy) ** 0.75;
    });
    expectClose(localResponseNorm(a), like(a, wanted));
  });

  test.each<[string, () => unknown, string]>([
    ['features', () => localResponseNorm(zeros([2, 3])), 'localResponseNorm: needs an input [N, C, ...spatial]'],
    [
      'a size that is none',
      () => localResponseNorm(x, { size: 0 }),
      'size must be a whole number of channels of at least 1, but is 0',
    ],
    ['half a channel', () => localResponseNorm(x, { size: 1.5 }), 'but is 1.5'],
    ['a constant that is none', () => localResponseNorm(x, { beta: NaN }), 'beta must be a finite number, but is NaN'],
    ['integers', () => localResponseNorm(zeros([1, 1, 1], { dtype: 'int32' })), 'works on floats'],
  ])('refuses %s', (_, f, message) => expect(f).toThrow(message));
});

describe('localContrastNorm', () => {
  /** The formulas of Jarrett et al., section 2, place by place, with weights that sum to 1 over the places inside. */
  function jarrett(x: Tensor, size: number, width: number, least: number): number[] {
    const [n, channels, height, w] = x.shape as [number, number, number, number];
    const half = (size - 1) / 2;
    const local = (read: (index: Index) => number, image: number, j: number, k: number): number => {
      let [sum, total] = [0, 0];
      for (let p = Math.max(0, j - half); p <= Math.min(height - 1, j + half); p++) {
        for (let q = Math.max(0, k - half); q <= Math.min(w - 1, k + half); q++) {
          const weight = Math.exp(-((p - j) ** 2 + (q - k) ** 2) / (2 * width ** 2));
          total += weight;
          for (let i = 0; i < channels; i++) sum += (weight * read([image, i, p, q])) / channels;
        }
      }
      return sum / total;
    };
    const of = (values: number[], shape: readonly number[]): ((index: Index) => number) =>
      reader(tensor(Float64Array.from(values), { shape }));
    const input = reader(x);
    const v = of(
      table(x.shape, ([a, i, j, k]) => input([a!, i!, j!, k!]) - local(input, a!, j!, k!)),
      x.shape,
    );
    const sigma = table([n, height, w], ([a, j, k]) =>
      Math.max(least, Math.sqrt(local((index) => v(index) ** 2, a!, j!, k!))),
    );
    const deviation = of(sigma, [n, height, w]);
    return table(x.shape, ([a, i, j, k]) => {
      const typical = average(sigma.slice(a! * height * w, (a! + 1) * height * w));
      return v([a!, i!, j!, k!]) / Math.max(typical, deviation([a!, j!, k!]));
    });
  }

  test('subtracts the local mean and divides by the local deviation, over all channels', () => {
    const x = random([2, 3, 6, 5]);
    expectClose(localContrastNorm(x, { size: 3, sigma: 1.5 }), like(x, jarrett(x, 3, 1.5, 1e-4)));
    expectClose(localContrastNorm(x), like(x, jarrett(x, 9, 9 / 4, 1e-4)));
    expectClose(localContrastNorm(x, { size: 5, eps: 0.5 }), like(x, jarrett(x, 5, 5 / 4, 0.5)));
  });

  test('sees neither brightness nor contrast; an even image becomes 0, at the edges too', () => {
    const x = random([1, 2, 5, 5]);
    expectClose(localContrastNorm(add(mul(x, 4), 9)), localContrastNorm(x));
    const even = numbersOf(localContrastNorm(broadcastTo(tensor([0.3], { dtype: 'float64' }), [1, 3, 12, 12])));
    expect(Math.max(...even.map(Math.abs))).toBeLessThan(1e-10);
  });

  test('over other numbers of spatial axes', () => {
    const x = random([1, 2, 7]);
    const flat = localContrastNorm(reshape(x, [1, 2, 7, 1]), { size: [5, 1], sigma: 1 });
    expectClose(localContrastNorm(x, { size: 5, sigma: 1 }), reshape(flat, x.shape));
    const deep = localContrastNorm(reshape(x, [1, 2, 1, 7, 1]), { size: [3, 5, 1], sigma: 1 });
    expectClose(reshape(deep, x.shape), localContrastNorm(x, { size: 5, sigma: 1 }));
  });

  const x = zeros([1, 1, 4, 4]);
  test.each<[string, () => unknown, string]>([
    ['features', () => localContrastNorm(zeros([2, 3])), 'localContrastNorm: needs an input [N, C, ...spatial]'],
    ['an even size', () => localContrastNorm(x, { size: [3, 4] }), 'size must be odd, to have a middle, but is [3,4]'],
    [
      'other axes',
      () => localContrastNorm(x, { size: [3] }),
      'size must be a whole number of at least 1, or 2 of them',
    ],
    ['no width', () => localContrastNorm(x, { sigma: 0 }), 'sigma must be a positive number, but is 0'],
    [
      'integers',
      () => localContrastNorm(zeros([1, 1, 4, 4], { dtype: 'int32' })),
      'localContrastNorm: works on floats',
    ],
    ['no least deviation', () => localContrastNorm(x, { eps: 0 }), 'eps must be a positive number, but is 0'],
  ])('refuses %s', (_, f, message) => expect(f).toThrow(message));
});

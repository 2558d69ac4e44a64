import { collapse, sizeOf, stridesOf } from '@receptive/backend';
import { cursorBytes } from './axes.ts';
import type { Located } from './elementwise.ts';
import { GRAIN } from './elementwise.ts';
import type { Phase, Plan, Reserve } from './plan.ts';
import { float, pieces, words } from './plan.ts';
import { reduce, reduceWith } from './reduce.ts';

/** A kernel that goes through x together with statistics, whose `strides` are 0 along the axes that they do not have. */
function alongRows(
  kernel: string,
  x: Located,
  out: Located,
  strides: readonly number[],
  operands: readonly [number, number, number, number],
): Phase {
  const count = sizeOf(x.shape);
  const loops = collapse(x.shape, stridesOf(x.shape), strides);
  const [counts, steps] = [loops.counts, loops.strides[1]!];
  const outer = Math.max(0, counts.length - 1);
  return {
    kernel,
    words: words(
      [x.address, out.address, count, GRAIN, counts.at(-1) ?? 1, steps.at(-1) ?? 0],
      operands,
      [outer],
      counts.slice(0, outer),
      steps.slice(0, outer).map((stride) => stride * 4),
    ),
    chunks: pieces(count, GRAIN),
    scratch: cursorBytes(outer),
  };
}

/** What becomes of sums divided by `by`: the quotients, and of these as variances `weight / sqrt(quotient + eps)`; each where there is an address. */
export function share(
  sums: number,
  count: number,
  by: number,
  to: { readonly quotients?: number; readonly weights?: number; readonly factors?: number; readonly eps?: number },
): Phase {
  const { quotients = 0, weights = 0, factors = 0, eps = 0 } = to;
  return {
    kernel: 'share',
    words: [sums, quotients, weights, factors, count, GRAIN, float(by), float(eps)],
    chunks: pieces(count, GRAIN),
    scratch: 0,
  };
}

/** Statistics and affine map of batch normalisation: vectors, of which the last two are given both, or neither. */
export interface ChannelVectors {
  readonly mean: Located;
  readonly variance: Located;
  readonly weight: Located | undefined;
  readonly bias: Located | undefined;
}

export function batchNorm(
  x: Located,
  { mean, variance, weight, bias }: ChannelVectors,
  out: Located,
  eps: number,
  reserve: Reserve,
): Plan {
  const channels = x.shape[1]!;
  const factors = reserve(channels * 4);
  const alongChannels = x.shape.map((_, axis) => Number(axis === 1));
  return [
    share(variance.address, channels, 1, { weights: weight?.address ?? 0, factors, eps }),
    alongRows('normalise', x, out, alongChannels, [mean.address, factors, bias?.address ?? 0, 0]),
  ];
}

/** Strides of statistics of x over `axes`. */
function statisticStrides(x: Located, axes: readonly number[]): number[] {
  const own = stridesOf(x.shape.map((length, axis) => (axes.includes(axis) ? 1 : length)));
  return own.map((stride, axis) => (axes.includes(axis) ? 0 : stride));
}

export function standardize(
  x: Located,
  { y, mean, variance }: { readonly y: Located; readonly mean: Located; readonly variance: Located },
  axes: readonly number[],
  eps: number,
  reserve: Reserve,
): Plan {
  const count = sizeOf(mean.shape);
  const taken = sizeOf(x.shape) / count;
  const factors = reserve(count * 4);
  // In place: each sum is read before its quotient is written.
  return [
    ...reduce('sum', x, mean, axes, reserve),
    share(mean.address, count, taken, { quotients: mean.address }),
    ...reduceWith('squares', x, mean, variance, axes, reserve),
    share(variance.address, count, taken, { quotients: variance.address, factors, eps }),
    alongRows('normalise', x, y, statisticStrides(x, axes), [mean.address, factors, 0, 0]),
  ];
}

export function standardizeGradient(
  gradient: Located,
  { y, variance }: { readonly y: Located; readonly variance: Located },
  out: Located,
  axes: readonly number[],
  eps: number,
  reserve: Reserve,
): Plan {
  const count = sizeOf(variance.shape);
  const taken = sizeOf(y.shape) / count;
  const vector = (): Located => ({ ...variance, address: reserve(count * 4) });
  const [means, slopes, factors] = [vector(), vector(), vector()];
  return [
    ...reduce('sum', gradient, means, axes, reserve),
    ...reduceWith('products', gradient, y, slopes, axes, reserve),
    share(means.address, count, taken, { quotients: means.address }),
    share(slopes.address, count, taken, { quotients: slopes.address }),
    share(variance.address, count, 1, { factors: factors.address, eps }),
    alongRows('normaliseGradient', gradient, out, statisticStrides(y, axes), [
      y.address,
      means.address,
      slopes.address,
      factors.address,
    ]),
  ];
}

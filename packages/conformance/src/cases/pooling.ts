import type { Window } from '@receptive/backend';
import type { OpName } from '@receptive/tensor';
import type { OpCases } from '../case.ts';
import { given, numbers, uniform } from '../case.ts';
import type { Tolerance } from '../tolerance.ts';
import { exact, sums } from '../tolerance.ts';

/** Neighbours that overlap, and hang over unlike edges. */
const overlapping: Window = {
  kernel: [2, 3],
  stride: [1, 2],
  dilation: [2, 1],
  padding: [
    [1, 0],
    [0, 2],
  ],
};
const row: Window = { kernel: [2], stride: [1], dilation: [1], padding: [[1, 1]] };
const cube: Window = {
  kernel: [2, 1, 2],
  stride: [2, 1, 1],
  dilation: [1, 1, 1],
  padding: [
    [0, 0],
    [0, 0],
    [0, 1],
  ],
};

/** Distances from a mean, squared: a sum of 0 is what errors of the elements' own size must be seen against. */
const variance: Tolerance = { c: 16, scale: 'largest' };

export const poolingCases = {
  sumPool: {
    tolerance: sums,
    cases: [
      { name: 'unlike edges and dilation', inputs: [numbers([2, 2, 4, 5])], attributes: { window: overlapping } },
      { name: 'three axes', inputs: [numbers([1, 2, 4, 2, 3])], attributes: { window: cube } },
      {
        name: 'NaN and infinity stay in their windows',
        inputs: [given([1, 2, NaN, 3, Infinity, -Infinity, 4], [1, 1, 7])],
        attributes: { window: row },
      },
    ],
  },
  variancePool: {
    tolerance: variance,
    cases: [
      { name: 'unlike edges and dilation', inputs: [numbers([2, 2, 4, 5])], attributes: { window: overlapping } },
      { name: 'three axes', inputs: [numbers([1, 2, 4, 2, 3])], attributes: { window: cube } },
      {
        name: 'far from 0, and NaN in its windows',
        inputs: [given([4096, 4097, 4099, 4099, NaN, 1, 1], [1, 1, 7])],
        attributes: { window: row },
      },
    ],
  },
  stochasticPool: {
    tolerance: exact,
    cases: [
      {
        name: 'unlike edges and dilation',
        inputs: [numbers([2, 2, 4, 5]), uniform([4, 6, 9], 0.1, 4)],
        attributes: { window: overlapping },
      },
      {
        name: 'three axes',
        inputs: [numbers([1, 2, 4, 2, 3]), uniform([2, 4, 12], 0.1, 4)],
        attributes: { window: cube },
      },
      {
        name: 'the first to arrive wins; nothing positive gives 0, and NaN itself',
        inputs: [given([0, -1, 2, 1, 0, NaN], [1, 1, 6]), given([1, 1, 1, 1, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1], [1, 2, 7])],
        attributes: { window: row },
      },
    ],
  },
} satisfies { readonly [N in OpName]?: OpCases<N> };

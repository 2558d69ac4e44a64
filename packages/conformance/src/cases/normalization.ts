import type { OpName } from '@receptive/tensor';
import type { Input, OpCases } from '../case.ts';
import { given, numbers, uniform } from '../case.ts';
import { formula } from '../tolerance.ts';

/** Eight values for each of two channels of `[2, 2, 4]`, about a mean of 10,000 that float32 holds: their squares it does not. */
const farFromZero: Input = given(
  // prettier-ignore
  [
    0, 1.5, -1, 0.5, -0.25, -1.25, 2, -0.5,
    -1.5, 1, -0.5, 0, 0.25, 1.25, -2, 0.5,
  ].map((distance) => 10_000 + distance),
  [2, 2, 4],
);

export const normalizationCases = {
  standardize: {
    tolerance: formula,
    cases: [
      {
        name: 'each channel over a batch of images',
        inputs: [numbers([2, 3, 2, 4])],
        attributes: { axes: [0, 2, 3], eps: 1e-5 },
      },
      { name: 'rows', inputs: [numbers([3, 17])], attributes: { axes: [1], eps: 1e-5 } },
      { name: 'all of a tensor, eps 0', inputs: [numbers([3, 5])], attributes: { axes: [0, 1], eps: 0 } },
      { name: 'a mean far from 0', inputs: [farFromZero], attributes: { axes: [0, 2], eps: 1e-5 } },
      {
        name: 'equal numbers become 0',
        inputs: [given([3, 3, 3, 3, -0.5, -0.5, -0.5, -0.5], [2, 4])],
        attributes: { axes: [1], eps: 1e-2 },
      },
      {
        name: 'NaN and infinities spoil their own row alone',
        inputs: [given([1, NaN, 2, 3, 1, Infinity, 2, 3, 1, 0, 2, 4], [3, 4])],
        attributes: { axes: [1], eps: 1e-5 },
      },
    ],
  },
  standardizeGradient: {
    tolerance: formula,
    cases: [
      {
        name: 'each channel over a batch of images',
        inputs: [numbers([2, 3, 2, 4]), numbers([2, 3, 2, 4]), numbers([2, 3, 2, 4]), uniform([1, 3, 1, 1], 0.5, 2)],
        attributes: { axes: [0, 2, 3], eps: 1e-5 },
      },
      {
        name: 'rows',
        inputs: [numbers([3, 17]), numbers([3, 17]), numbers([3, 17]), uniform([3, 1], 0.5, 2)],
        attributes: { axes: [1], eps: 0 },
      },
      {
        name: 'columns',
        inputs: [numbers([7, 5]), numbers([7, 5]), numbers([7, 5]), uniform([1, 5], 0.5, 2)],
        attributes: { axes: [0], eps: 0.1 },
      },
    ],
  },
  batchNorm: {
    tolerance: formula,
    cases: [
      {
        name: 'images, with weight and bias',
        inputs: [numbers([2, 3, 2, 3]), numbers([3]), uniform([3], 0.5, 2), numbers([3]), numbers([3])],
        attributes: { eps: 1e-5 },
      },
      {
        name: 'vectors',
        inputs: [numbers([4, 3]), numbers([3]), uniform([3], 0.5, 2)],
        attributes: { eps: 1e-3 },
      },
      {
        name: 'a channel without variance',
        inputs: [numbers([2, 2, 3]), given([0.5, -0.25]), given([0, 1])],
        attributes: { eps: 0.25 },
      },
    ],
  },
  localResponseNorm: {
    tolerance: formula,
    cases: [
      {
        name: 'the constants of Krizhevsky et al.',
        inputs: [uniform([1, 7, 2, 2], -100, 100)],
        attributes: { size: 5, alpha: 1e-4, beta: 0.75, k: 2 },
      },
      {
        name: 'an even window reaches down',
        inputs: [numbers([2, 3, 4])],
        attributes: { size: 2, alpha: 1, beta: 1, k: 1 },
      },
      {
        name: 'a window over more channels than there are',
        inputs: [numbers([1, 2, 2, 1, 2])],
        attributes: { size: 6, alpha: 0.5, beta: 0.5, k: 0.5 },
      },
    ],
  },
  localResponseNormGradient: {
    tolerance: formula,
    cases: [
      {
        name: 'the constants of Krizhevsky et al.',
        inputs: [numbers([1, 7, 2, 3]), uniform([1, 7, 2, 3], -100, 100)],
        attributes: { size: 5, alpha: 1e-4, beta: 0.75, k: 2 },
      },
      {
        name: 'an even window reaches down',
        inputs: [numbers([2, 3, 4]), numbers([2, 3, 4])],
        attributes: { size: 2, alpha: 1, beta: 1.25, k: 1 },
      },
    ],
  },
} satisfies { readonly [N in OpName]?: OpCases<N> };

import type { OpName } from '@receptive/tensor';
import type { OpCases } from '../case.ts';
import { allDTypes, given, numbers } from '../case.ts';
import { exact, sums } from '../tolerance.ts';

export const resamplingCases = {
  blend: {
    tolerance: sums,
    cases: [
      ...[0, 1, 2].map((axis) => ({
        name: `bands of many lengths along axis ${axis}`,
        inputs: [numbers([5, 5, 5])] as const,
        attributes: { axis, bands: [[0, 0.5], [0, 0.25, 0.75], [3], [1, 1, -2, 3, 0.5], [4, 1]] as const },
      })),
      {
        name: 'what lies outside a band may be infinite',
        inputs: [given([Infinity, 1, 2, NaN])] as const,
        attributes: { axis: 0, bands: [[1, 1], [1, 0.5, 0.5], [0], [2, 1, 1], [0, 1, 1]] as const },
      },
    ],
  },
  interpolate: {
    tolerance: sums,
    cases: [
      {
        name: 'linear, larger and smaller',
        inputs: [numbers([2, 2, 3, 4])],
        attributes: { size: [5, 2], scale: undefined, mode: 'linear', alignCorners: false },
      },
      {
        name: 'linear, corners aligned',
        inputs: [numbers([1, 2, 3, 4])],
        attributes: { size: [5, 1], scale: undefined, mode: 'linear', alignCorners: true },
      },
      {
        name: 'linear, by a factor that leaves a rest, three axes',
        inputs: [numbers([1, 1, 2, 3, 2])],
        attributes: { size: [3, 3, 5], scale: [1.5, 1, 2.6], mode: 'linear', alignCorners: false },
      },
      {
        name: 'an element is itself, whatever lies beside it',
        inputs: [given([1, Infinity, 2, NaN, 3], [1, 1, 5])],
        attributes: { size: [9], scale: undefined, mode: 'linear', alignCorners: true },
      },
      {
        name: 'nearest',
        inputs: [numbers([2, 1, 3, 4])],
        attributes: { size: [7, 3], scale: undefined, mode: 'nearest', alignCorners: false },
        dtypes: allDTypes,
      },
    ],
  },
  pixelShuffle: {
    tolerance: exact,
    cases: [
      { name: 'two axes', inputs: [numbers([2, 8, 2, 3])], attributes: { factor: 2 }, dtypes: allDTypes },
      { name: 'one axis', inputs: [numbers([2, 6, 4])], attributes: { factor: 3 } },
      { name: 'three axes', inputs: [numbers([1, 8, 1, 2, 2])], attributes: { factor: 2 } },
    ],
  },
  pixelUnshuffle: {
    tolerance: exact,
    cases: [
      { name: 'two axes', inputs: [numbers([2, 2, 4, 6])], attributes: { factor: 2 }, dtypes: allDTypes },
      { name: 'one axis', inputs: [numbers([2, 2, 6])], attributes: { factor: 3 } },
      { name: 'three axes', inputs: [numbers([1, 2, 2, 4, 2])], attributes: { factor: 2 } },
    ],
  },
} satisfies { readonly [N in OpName]?: OpCases<N> };

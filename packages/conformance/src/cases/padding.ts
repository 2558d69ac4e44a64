import type { OpName } from '@receptive/tensor';
import type { OpCases } from '../case.ts';
import { allDTypes, given, numbers } from '../case.ts';
import { exact } from '../tolerance.ts';

export const paddingCases = {
  extend: {
    tolerance: exact,
    cases: [
      ...(['reflect', 'replicate', 'circular'] as const).map((mode) => ({
        name: `${mode}, unlike sides`,
        inputs: [numbers([2, 3, 4])] as const,
        attributes: {
          mode,
          padding: [
            [0, 0],
            [2, 0],
            [1, 3],
          ] as const,
        },
        dtypes: allDTypes,
      })),
      {
        name: 'a ring that is gone round as a whole',
        inputs: [given([1, NaN, Infinity])],
        attributes: { mode: 'circular', padding: [[3, 3]] },
      },
    ],
  },
} satisfies { readonly [N in OpName]?: OpCases<N> };

import type { Shape } from '@receptive/backend';
import type { OpName } from '@receptive/tensor';
import { mul, square } from '@receptive/tensor';
import type { Case, Input, OpCases } from '../case.ts';
import { allDTypes, given, numbers, uniform, whole } from '../case.ts';
import { approximation, arithmetic, exact, formula, sums } from '../tolerance.ts';

/** Along each of several axes, long and short, with values of which many are equal. */
const extremes: OpCases<'max' | 'min' | 'argmax' | 'argmin'> = {
  tolerance: exact,
  cases: [
    ...(
      [
        ['a vector', [1037], 0],
        ['rows', [5, 9], 1],
        ['columns', [9, 5], 0],
        ['the middle axis', [3, 4, 5], 1],
        ['one element', [4, 1], 1],
      ] as const
    ).flatMap(([name, shape, axis]) =>
      [false, true].map(
        (keepDims) =>
          ({
            name: `${name}${keepDims ? ', kept' : ''}`,
            inputs: [whole(shape, 0, 6)],
            attributes: { axis, keepDims },
            dtypes: allDTypes,
          }) as const,
      ),
    ),
    { name: 'all negative', inputs: [uniform([3, 17], -9, -1)], attributes: { axis: 1, keepDims: false } },
    {
      name: 'NaN is the extreme, and the first of equals counts',
      inputs: [
        given(
          // prettier-ignore
          [
            1, NaN, 3, NaN, 2, 9,
            2, 2, 2, 2, 2, 2,
            -Infinity, -Infinity, Infinity, Infinity, 0, NaN,
            -Infinity, -Infinity, -Infinity, -Infinity, -Infinity, -Infinity,
          ],
          [4, 6],
        ),
      ],
      attributes: { axis: 1, keepDims: false },
    },
  ],
};

const matrices: readonly (readonly [a: Shape, b: Shape])[] = [
  [
    [1, 1],
    [1, 1],
  ],
  [
    [2, 3],
    [3, 2],
  ],
  [
    [7, 13],
    [13, 5],
  ],
  [
    [6, 16],
    [16, 8],
  ],
  [
    [37, 19],
    [19, 23],
  ],
  [
    [64, 64],
    [64, 64],
  ],
  [
    [3, 500],
    [500, 4],
  ],
  [
    [1, 129],
    [129, 70],
  ],
  [
    [70, 129],
    [129, 1],
  ],
  [
    [2, 5, 4],
    [2, 4, 3],
  ],
  [
    [3, 5, 4],
    [4, 6],
  ],
  [
    [5, 4],
    [3, 4, 6],
  ],
  [
    [2, 1, 3, 4],
    [5, 4, 2],
  ],
];

const swapped = (shape: Shape): Shape => [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!];

const operand = (shape: Shape, transposed: boolean): string =>
  `[${shape.join(', ')}]${transposed ? ' transposed' : ''}`;

const products: readonly Case<'matmul'>[] = matrices.flatMap(([a, b]) =>
  [false, true].flatMap((transposeA) =>
    [false, true].map((transposeB): Case<'matmul'> => {
      const [left, right] = [transposeA ? swapped(a) : a, transposeB ? swapped(b) : b];
      return {
        name: `${operand(left, transposeA)} x ${operand(right, transposeB)}`,
        inputs: [numbers(left), numbers(right)],
        attributes: { transposeA, transposeB },
      };
    }),
  ),
);

const rows: readonly Case<'softmax' | 'logSoftmax'>[] = [
  ...([[10], [1], [3, 7], [64, 10], [2, 3, 130]] as const).map((shape): Case<'softmax'> => ({
    name: `[${shape.join(', ')}]`,
    inputs: [uniform(shape, -8, 8)],
    attributes: undefined,
  })),
  {
    name: 'large numbers do not overflow',
    inputs: [given([1000, 1000, 999, -1000, -1001, -1000], [2, 3])],
    attributes: undefined,
  },
  { name: '-Infinity has no share', inputs: [given([0, -Infinity, 1, -Infinity], [2, 2])], attributes: undefined },
  { name: 'NaN spoils its row alone', inputs: [given([0, NaN, 1, 2], [2, 2])], attributes: undefined },
];

const image: Input = numbers([2, 3, 4, 5]);

/** Of any numbers in the output's place: the gradients do not ask where they come from. */
const rowGradients = [
  { name: 'rows', inputs: [numbers([5, 10]), numbers([5, 10])] as const, attributes: undefined },
  {
    name: 'of all remainders by four',
    inputs: [numbers([2, 3, 7]), numbers([2, 3, 7])] as const,
    attributes: undefined,
  },
  {
    name: 'a long row',
    inputs: [uniform([1, 1027], -0.1, 0.1), uniform([1, 1027], 0, 0.1)] as const,
    attributes: undefined,
  },
];

/** Rows of all remainders by four, with each reduction. */
const classified = (['mean', 'sum', 'none'] as const).flatMap((reduction) =>
  (
    [
      [[4, 10], whole([4], 0, 10, 'int32')],
      [[3, 7], given([6, 0, 3], [3], 'int32')],
      [[2, 1027], given([1026, 1], [2], 'int32')],
      [[1, 1], given([0], [1], 'int32')],
    ] as const
  ).map(([shape, classes]) => ({ shape, classes, reduction, name: `[${shape.join(', ')}], ${reduction}` })),
);
const strangers = given([1, -1, 3, 2], [4], 'int32');

export const reductionCases = {
  sum: {
    tolerance: sums,
    cases: [
      ...([[0], [1], [3], [0, 1], [0, 2, 3], [1, 3], [0, 1, 2, 3]] as const).flatMap((axes) =>
        [false, true].map(
          (keepDims) =>
            ({
              name: `axes ${axes.join(', ')} of four${keepDims ? ', kept' : ''}`,
              inputs: [image],
              attributes: { axes, keepDims },
              dtypes: ['float32', 'float64', 'int32'],
            }) as const,
        ),
      ),
      { name: 'uint8', inputs: [whole([3, 4], 0, 9)], attributes: { axes: [1], keepDims: false }, dtypes: ['uint8'] },
      { name: 'a long vector', inputs: [numbers([4099])], attributes: { axes: [0], keepDims: false } },
      { name: 'long columns', inputs: [numbers([501, 3])], attributes: { axes: [0], keepDims: false } },
    ],
  },
  max: extremes,
  min: extremes,
  argmax: extremes,
  argmin: extremes,
  matmul: { tolerance: sums, cases: products },
  softmax: { tolerance: { ...approximation, c: 32 }, cases: rows },
  logSoftmax: { tolerance: formula, cases: rows },
  softmaxGradient: { tolerance: formula, cases: rowGradients },
  logSoftmaxGradient: { tolerance: formula, cases: rowGradients },
  softmaxCrossEntropy: {
    tolerance: { ...formula, c: 32 },
    cases: [
      ...classified.map(({ shape, classes, reduction, name }) => ({
        name,
        inputs: [uniform(shape, -8, 8), classes] as const,
        attributes: { reduction },
      })),
      {
        name: 'NaN where there is no such class',
        inputs: [numbers([4, 3]), strangers],
        attributes: { reduction: 'none' },
      },
      {
        name: 'large numbers do not overflow',
        inputs: [given([1000, 999, -1000, 1000], [2, 2]), given([1, 0], [2], 'int32')],
        attributes: { reduction: 'sum' },
      },
      {
        name: 'NaN and an impossible class spoil their rows alone',
        inputs: [given([0, NaN, 0, -Infinity, 1, 2], [3, 2]), given([0, 1, 1], [3], 'int32')],
        attributes: { reduction: 'none' },
      },
    ],
  },
  softmaxCrossEntropyGradient: {
    tolerance: { ...formula, c: 32 },
    cases: [
      ...classified.map(({ shape, classes, reduction, name }) => ({
        name,
        inputs: [numbers(reduction === 'none' ? [shape[0]] : []), uniform(shape, -8, 8), classes] as const,
        attributes: { reduction },
      })),
      {
        name: 'none for a row of no class',
        inputs: [numbers([4]), numbers([4, 3]), strangers],
        attributes: { reduction: 'none' },
      },
    ],
  },
  custom: {
    tolerance: arithmetic,
    cases: [
      {
        name: 'computes its forward function',
        inputs: [numbers([2, 3])],
        attributes: { forward: (x) => square(x), backward: (gradient, [x]) => [mul(gradient, x!)] },
      },
    ],
  },
} satisfies { readonly [N in OpName]?: OpCases<N> };

import type { BinaryName, CompareName, DType, Shape, UnaryName } from '@receptive/backend';
import type { Case, Input, OpCases } from '../case.ts';
import { allDTypes, given, numbers, uniform, whole } from '../case.ts';
import type { Tolerance } from '../tolerance.ts';
import { approximation, arithmetic, exact, formula } from '../tolerance.ts';

const shapes: readonly Shape[] = [[], [1], [7], [3, 5], [2, 3, 4, 5], [1037]];
const named = (shape: Shape): string => `[${shape.join(', ')}]`;

/** Zeros, kinks, halves, small and large numbers, infinities and NaN. */
const special: readonly number[] = [
  0,
  -0,
  0.5,
  -0.5,
  1,
  -1,
  1.5,
  -1.5,
  2.5,
  -2.5,
  1e-3,
  -1e-3,
  1e-30,
  -1e-30,
  20,
  -20,
  100,
  -100,
  Infinity,
  -Infinity,
  NaN,
];

/** Cases of a function over `[low, high)`, and at special numbers. */
function unary(tolerance: Tolerance, low: number, high: number, more: readonly number[] = []): OpCases<UnaryName> {
  return {
    tolerance,
    cases: [
      ...shapes.map(
        (shape) => ({ name: named(shape), inputs: [uniform(shape, low, high)], attributes: undefined }) as const,
      ),
      { name: 'special numbers', inputs: [given([...special, ...more])], attributes: undefined },
    ],
  };
}

/** The cases of a function that has a kink at 0, and one on both sides of it. */
function kinked(own: OpCases<UnaryName>): OpCases<UnaryName> {
  return {
    ...own,
    cases: [...own.cases, { name: 'around the kink', inputs: [given([-1, -0.5, 0, 0.5, 1])], attributes: undefined }],
  };
}

/** Past 2^23 all float32 numbers are whole. */
const largeWhole = [8388607.5, 8388609, -8388609, 3e9, -3e9];

const broadcasts: readonly (readonly [Shape, Shape])[] = [
  [
    [3, 4],
    [3, 4],
  ],
  [[1037], [1037]],
  [[3, 4], [4]],
  [[4], [3, 4]],
  [
    [3, 1],
    [1, 4],
  ],
  [
    [2, 1, 3],
    [4, 1],
  ],
  [[2, 3, 4, 5], []],
  [[], [2, 3]],
  [
    [2, 8, 3, 3],
    [8, 1, 1],
  ],
  [[1], [5]],
];

/** Cases of two arguments whose elements `left` and `right` make. */
function binary<N extends BinaryName | CompareName>(
  tolerance: Tolerance,
  left: (shape: Shape) => Input,
  right: (shape: Shape) => Input,
  more: readonly Case<N>[] = [],
): OpCases<BinaryName | CompareName> {
  return {
    tolerance,
    cases: [
      ...broadcasts.map(
        ([a, b]) =>
          ({
            name: `${named(a)} and ${named(b)}`,
            inputs: [left(a), right(b)],
            attributes: undefined,
            dtypes: allDTypes,
          }) as const,
      ),
      {
        name: 'special numbers, each with each',
        inputs: [given(special, [special.length, 1]), given(special)],
        attributes: undefined,
      },
      ...more,
    ],
  };
}

/** In which a tie is likely. */
const few = (shape: Shape): Input => whole(shape, 0, 3);

const comparison = binary(exact, few, few);

/** Of each type, what truncation and saturation do something to. */
const convertible: Readonly<Record<DType, readonly number[]>> = {
  float32: [...special, 1.9, -1.9, 254.7, 255.5, 256, 300, 2147483520, 2147483648, -2147483648, -3e9, 1e20],
  float64: [...special, 1.9, -1.9, 254.7, 255.5, 256, 300, 2147483647.5, -3e9, 1e20, 16777217, 0.1],
  int32: [0, 1, -1, 127, 128, 255, 256, -2147483648, 2147483647, 16777217],
  uint8: [0, 1, 127, 128, 255],
};

export const elementwiseCases = {
  neg: unary(exact, -2, 2),
  abs: kinked(unary(exact, -2, 2)),
  sign: unary(exact, -2, 2),
  square: unary(arithmetic, -2, 2),
  sqrt: unary(arithmetic, 0, 4),
  rsqrt: unary(arithmetic, 0.1, 4),
  reciprocal: unary(arithmetic, 0.1, 4),
  exp: unary(approximation, -10, 10, [88.5, 89, -87, -104]),
  expm1: unary(approximation, -3, 3),
  log: unary(approximation, 0.01, 10),
  log1p: unary(approximation, -0.9, 5),
  sin: unary(formula, -10, 10),
  cos: unary(formula, -10, 10),
  tanh: unary(approximation, -4, 4),
  sigmoid: unary(approximation, -8, 8),
  softplus: unary(approximation, -8, 8),
  relu: kinked(unary(exact, -2, 2)),
  erf: unary(approximation, -3, 3),
  floor: unary(exact, -5, 5, largeWhole),
  ceil: unary(exact, -5, 5, largeWhole),
  round: unary(exact, -5, 5, largeWhole),
  add: binary(arithmetic, numbers, numbers),
  // Unsigned numbers do not go below zero here: what they would wrap to is nobody's business.
  sub: binary(
    arithmetic,
    (shape) => whole(shape, 9, 19),
    (shape) => whole(shape, 0, 9),
  ),
  mul: binary(arithmetic, numbers, numbers),
  div: binary(arithmetic, numbers, (shape) => whole(shape, 1, 5), [
    {
      name: 'integers divide towards zero, and by zero to 0',
      inputs: [given([7, -7, 7, 0]), given([2, 2, 0, 0])],
      attributes: undefined,
      dtypes: ['int32'],
    },
  ]),
  pow: {
    tolerance: approximation,
    cases: [
      ...broadcasts.map(
        ([a, b]) =>
          ({
            name: `${named(a)} to ${named(b)}`,
            inputs: [uniform(a, 0.2, 3), uniform(b, -3, 3)],
            attributes: undefined,
          }) as const,
      ),
      {
        name: 'whole exponents of any base',
        inputs: [given([-2, -0.5, 0, 1, 3], [5, 1]), given([0, 1, 2, 3, 4])],
        attributes: undefined,
      },
      {
        name: 'NaN for a negative base and a fraction',
        inputs: [given([-2, -1]), given([0.5, 1.5])],
        attributes: undefined,
      },
      {
        name: 'integers',
        inputs: [whole([4, 1], 0, 4), whole([5], 0, 4)],
        attributes: undefined,
        dtypes: ['int32', 'uint8'],
      },
    ],
  },
  maximum: binary(exact, few, few),
  minimum: binary(exact, few, few),
  equal: comparison,
  notEqual: comparison,
  less: comparison,
  lessEqual: comparison,
  greater: comparison,
  greaterEqual: comparison,
  activationGradient: {
    tolerance: arithmetic,
    cases: (['relu', 'tanh', 'sigmoid'] as const).flatMap((name) => [
      ...shapes.map(
        (shape) =>
          ({
            name: `${name} ${named(shape)}`,
            inputs: [numbers(shape), uniform(shape, -1, 1)],
            attributes: { name },
          }) as const,
      ),
      {
        name: `${name} at the ends of its range, and NaN`,
        inputs: [given([1, 2, -3, NaN, 4, 5]), given([0, 1, -1, 0.5, NaN, 0.25])] as const,
        attributes: { name },
      },
    ]),
  },
  where: {
    tolerance: exact,
    cases: [
      ...(
        [
          [[5], [5], [5]],
          [[1037], [1037], []],
          [[3, 1], [4], [2, 1, 1]],
          [[], [2, 3], [3]],
        ] as const
      ).map(
        ([condition, a, b]) =>
          ({
            name: `${named(condition)}, ${named(a)} and ${named(b)}`,
            inputs: [whole(condition, 0, 2, 'uint8'), numbers(a), numbers(b)],
            attributes: undefined,
            dtypes: allDTypes,
          }) as const,
      ),
      {
        name: 'what is not chosen does not matter, though it is NaN',
        inputs: [given([1, 0, 1, 0], [4], 'uint8'), given([1, NaN, Infinity, NaN]), given([NaN, 2, NaN, -Infinity])],
        attributes: undefined,
      },
      {
        name: 'any condition but 0 holds',
        inputs: [given([0, 1, 2, 255], [4], 'uint8'), numbers([4]), numbers([4])],
        attributes: undefined,
      },
    ],
  },
  cast: {
    tolerance: exact,
    cases: [
      ...allDTypes.flatMap((from) =>
        allDTypes.flatMap((to) =>
          from === to
            ? []
            : [
                {
                  name: `${from} to ${to}`,
                  inputs: [given(convertible[from], undefined, from)],
                  attributes: { dtype: to },
                } as const,
              ],
        ),
      ),
      {
        name: 'float32 to float64, finite numbers',
        inputs: [given([-1.5, 0, 0.1, 3e9], undefined, 'float32')],
        attributes: { dtype: 'float64' },
      },
    ],
  },
} satisfies {
  readonly [N in UnaryName | BinaryName | CompareName | 'activationGradient' | 'where' | 'cast']: OpCases<N>;
};

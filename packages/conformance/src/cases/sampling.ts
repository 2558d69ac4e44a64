import type { OpName } from '@receptive/tensor';
import type { Case, Input, OpCases } from '../case.ts';
import { given, numbers, uniform } from '../case.ts';
import type { Tolerance } from '../tolerance.ts';

/** Weighted means of a few elements: what an error is measured by is not what sampling at the coordinates' magnitudes would give. */
const interpolation: Tolerance = { c: 16, scale: 'largest' };

interface Sampling {
  readonly name: string;
  readonly x: readonly number[];
  readonly points: Input;
}

const samplings: readonly Sampling[] = [
  {
    // Inside, on pixels, on both borders, at their ends, far outside.
    name: 'one axis',
    x: [1, 2, 5],
    points: given([0.25, 2.75, 0, 3, 4, -0.5, 4.25, -1, 5, -1.5, 5.5, -1e9, 1e30], [1, 13, 1]),
  },
  { name: 'two axes, two images', x: [2, 3, 4, 5], points: uniform([2, 9, 2], -1.5, 5.5) },
  {
    name: 'two axes, special places',
    x: [1, 2, 3, 4],
    points: given(
      [
        ...[1, 2, 0.5, 2, 2, 0.5, -0.5, 1.5, 2.5, 3.5, -0.25, -0.75],
        ...[-1, 1.5, 1.5, -1, 3, 1.5, 1.5, 4, 1e9, 1.5, 1.5, -1e30],
      ],
      [1, 12, 2],
    ),
  },
  { name: 'three axes', x: [1, 2, 3, 2, 4], points: uniform([1, 10, 3], -1.2, 4.2) },
];

const nowhere: readonly Sampling[] = [
  {
    name: 'NaN and infinities',
    x: [1, 2, 2, 3],
    points: given([NaN, 1, 0.5, NaN, NaN, 9, Infinity, 1, 0.5, -Infinity, Infinity, NaN, 0.5, 0.5], [1, 7, 2]),
  },
  { name: 'NaN and infinities on one axis', x: [1, 1, 3], points: given([NaN, Infinity, -Infinity, 1.5], [1, 4, 1]) },
];

/** The output's gradient, or the output. */
function sampled({ x, points }: Sampling): readonly number[] {
  return [x[0]!, x[1]!, points.shape[1]!];
}

function sampling<N extends OpName>(rest: (each: Sampling) => Omit<Case<N>, 'name'>): OpCases<N> {
  return {
    tolerance: interpolation,
    cases: [...samplings, ...nowhere].map((each) => ({ name: each.name, ...rest(each) })),
  };
}

export const samplingCases = {
  sample: sampling<'sample'>(({ x, points }) => ({ inputs: [numbers(x), points], attributes: undefined })),
  sampleInputGradient: sampling<'sampleInputGradient'>((each) => ({
    inputs: [numbers(sampled(each)), each.points],
    attributes: { inputShape: each.x },
  })),
  samplePointsGradient: sampling<'samplePointsGradient'>((each) => ({
    inputs: [numbers(each.x), each.points, numbers(sampled(each))],
    attributes: undefined,
  })),
} satisfies { readonly [N in OpName]?: OpCases<N> };

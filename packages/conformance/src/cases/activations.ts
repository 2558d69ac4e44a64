import type { CurveName } from '@receptive/backend';
import type { OpName } from '@receptive/tensor';
import type { Case, OpCases } from '../case.ts';
import { given, numbers } from '../case.ts';
import { formula } from '../tolerance.ts';

type ActivationName =
  | 'leakyRelu'
  | 'elu'
  | 'selu'
  | 'celu'
  | 'gelu'
  | 'silu'
  | 'mish'
  | 'softsign'
  | 'hardSigmoid'
  | 'hardSwish'
  | 'hardTanh'
  | 'scaledTanh'
  | 'step';

/** From one end to the other, and near the kinks; all of it has derivatives. */
const points = [-1e4, -100, -20, -3.5, -3, -1, -0.5, -1e-3, -0, 0, 1e-3, 0.5, 1, 3, 3.5, 20, 100, 1e4];

/** Cases of an activation, once with each of `attributes`, the first of them also where there is no derivative. */
function activation<N extends ActivationName>(
  ...attributes: readonly [Case<N>['attributes'], ...Case<N>['attributes'][]]
): OpCases<N> {
  const cases = attributes.map((own) => ({
    name: own === undefined ? 'from end to end' : `from end to end, ${JSON.stringify(own)}`,
    inputs: [given(points)],
    attributes: own,
  }));
  const beyond = { name: 'infinities and NaN', inputs: [given([-Infinity, Infinity, NaN])], attributes: attributes[0] };
  // What the compiler cannot see: all these ops take one input.
  return { tolerance: formula, cases: [...cases, beyond] as unknown as readonly Case<N>[] };
}

export const activationCases = {
  leakyRelu: activation<'leakyRelu'>({ negativeSlope: 0.1 }),
  prelu: {
    tolerance: formula,
    cases: [
      { name: 'one slope', inputs: [given(points), given([0.25], [])], attributes: undefined },
      { name: 'a slope for each channel', inputs: [numbers([2, 3, 2, 2]), numbers([3, 1, 1])], attributes: undefined },
      {
        name: 'infinities and NaN',
        inputs: [given([-Infinity, Infinity, NaN]), given([0.25], [])],
        attributes: undefined,
      },
    ],
  },
  elu: activation<'elu'>({ alpha: 1.5 }),
  selu: activation<'selu'>(undefined),
  celu: activation<'celu'>({ alpha: 0.5 }),
  gelu: activation<'gelu'>({ approximate: 'none' }, { approximate: 'tanh' }),
  silu: activation<'silu'>(undefined),
  mish: activation<'mish'>(undefined),
  softsign: activation<'softsign'>(undefined),
  hardSigmoid: activation<'hardSigmoid'>(undefined),
  hardSwish: activation<'hardSwish'>(undefined),
  hardTanh: activation<'hardTanh'>({ minVal: -0.5, maxVal: 3 }),
  scaledTanh: activation<'scaledTanh'>(undefined),
  step: activation<'step'>(
    { estimator: 'straightThrough' },
    { estimator: 'clippedLinear', width: 2 },
    { estimator: 'steepSigmoid', slope: 5 },
    { estimator: 'difference', h: 0.5 },
  ),
  curveGradient: {
    tolerance: formula,
    cases: Object.entries({
      leakyRelu: [0.1],
      elu: [1.5, 2, 0.5],
      gelu: [],
      geluTanh: [],
      silu: [],
      mish: [],
      softsign: [],
      hardSigmoid: [],
      hardSwish: [],
      hardTanh: [-0.5, 3],
      scaledTanh: [],
    } satisfies Record<CurveName, readonly number[]>).map(([curve, constants]): Case<'curveGradient'> => ({
      name: curve,
      inputs: [numbers([points.length]), given(points)],
      attributes: { curve: curve as CurveName, constants },
    })),
  },
} satisfies { readonly [N in OpName]?: OpCases<N> };

import { dispatch } from '../dispatch.ts';
import { ShapeError, formatShape } from '../errors.ts';
import type { Op } from '../op.ts';
import { scope } from '../scope.ts';
import type { Tensor } from '../tensor.ts';
import { broadcastShape, floats, sameDtype, shapeIs } from './check.ts';
import {
  abs,
  add,
  cast,
  clamp,
  div,
  expm1,
  greater,
  maximum,
  minimum,
  mul,
  sigmoid,
  softplus as smooth,
  tanh,
  where,
} from './elementwise.ts';
import type { Curve } from './curves.ts';
import { curves, level, nearlyNormal, normal, seluAlpha, seluScale } from './curves.ts';
import { reshape } from './views.ts';

type Composed<A> = Op<A, [x: 0], [y: 0]>;
type ActivationArguments<A> = [f: (x: Tensor, attributes: A) => Tensor, check?: (attributes: A) => void];

/** An op of one float tensor, made element by element of others. `check` refuses senseless attributes. */
function activation<A>(
  name: string,
  f: (x: Tensor, attributes: A) => Tensor,
  check?: (attributes: A) => void,
): Composed<A> {
  return {
    name,
    pointwise: true,
    infer([x], attributes) {
      floats(name, x);
      check?.(attributes);
      return [x];
    },
    compose: ([x], attributes) => [f(x, attributes)],
  };
}

/** The same, with a kernel: the attributes tell which curve it is. */
function curved<A>(name: keyof typeof curves, ...rest: ActivationArguments<A>): Composed<A> {
  return {
    ...activation(name, ...rest),
    fused: 'curve',
    run(kernels, [x], [y], attributes) {
      const { curve, constants } = (curves[name] as (own: A) => Curve)(attributes);
      kernels.curve(curve, x, y, constants);
    },
  };
}

/** Refuses the first of some options that is not as it must be. */
function refuse(op: string, expected: string, test: (value: number) => boolean, options: object): void {
  for (const [name, value] of Object.entries(options) as [string, unknown][]) {
    if (typeof value !== 'number' || !test(value))
      throw new RangeError(`${op}: ${name} must be ${expected}, but is ${String(value)}.`);
  }
}

const finite = (op: string, options: object): void => refuse(op, 'a finite number', Number.isFinite, options);
const positive = (op: string, options: object): void =>
  refuse(op, 'a finite number above 0', (value) => value > 0 && Number.isFinite(value), options);

/**
 * x where it is above 0, else `f` of it. `f` is given nothing above 0, so that what it would overflow to there poisons no gradient; at 0 the derivative is
 * that of `f`.
 */
function rectified(x: Tensor, f: (below: Tensor) => Tensor): Tensor {
  return where(greater(x, 0), x, f(minimum(x, 0)));
}

/** `x * gate(x)`, for a gate that rises from 0 to 1. Neither it nor its derivative is given an infinity, for which they would make 0 * Infinity. */
function gated(x: Tensor, gate: (x: Tensor) => Tensor): Tensor {
  const above = maximum(x, -level);
  return mul(above, gate(minimum(above, level)));
}

/** `max(0, min(1, x / 6 + 1 / 2))`. The constants come first in the comparisons: where they are met, the gradient is theirs. */
const hardGate = (x: Tensor): Tensor => add(mul(minimum(3, maximum(-3, x)), 1 / 6), 0.5);

/** Approximations of the Gaussian error linear unit. */
export interface GeluOptions {
  /** `'none'` (the default) is exact, `'tanh'` the approximation that GPT-2 was trained with. */
  readonly approximate?: 'none' | 'tanh';
}

/** Limits of {@link hardTanh}. */
export interface HardTanhOptions {
  /** -1 by default. */
  readonly minVal?: number;
  /** 1 by default. */
  readonly maxVal?: number;
}

/**
 * What stands for the derivative of {@link step}, which has none that teaches anything:
 * - `straightThrough`: 1 everywhere;
 * - `clippedLinear`: `1 / width` where `|x| <= width / 2`, else 0: that of the line that rises from 0 to 1 over `width`;
 * - `steepSigmoid`: that of `sigmoid(slope * x)`;
 * - `difference`: the difference quotient `(step(x + h) - step(x - h)) / (2 h)`.
 */
export type StepOptions =
  | { readonly estimator: 'straightThrough' }
  | { readonly estimator: 'clippedLinear'; readonly width: number }
  | { readonly estimator: 'steepSigmoid'; readonly slope: number }
  | { readonly estimator: 'difference'; readonly h: number };

/** The number that each estimator takes. */
const sizeOfEstimator: Readonly<Record<StepOptions['estimator'], string | undefined>> = {
  straightThrough: undefined,
  clippedLinear: 'width',
  steepSigmoid: 'slope',
  difference: 'h',
};

const preluOp: Op<undefined, [x: 0, weight: 0], [y: 0]> = {
  name: 'prelu',
  pointwise: true,
  infer([x, weight]) {
    floats('prelu', x);
    sameDtype('prelu', x, weight);
    shapeIs('prelu', 'the result', { ...x, shape: broadcastShape('prelu', x.shape, weight.shape) }, x.shape);
    return [x];
  },
  compose: ([x, weight]) => [rectified(x, (below) => mul(below, weight))],
};

export const activationOps = {
  leakyRelu: curved<{ readonly negativeSlope: number }>(
    'leakyRelu',
    (x, { negativeSlope }) => rectified(x, (below) => mul(below, negativeSlope)),
    (options) => finite('leakyRelu', options),
  ),
  prelu: preluOp,
  elu: curved<{ readonly alpha: number }>(
    'elu',
    (x, { alpha }) => rectified(x, (below) => mul(expm1(below), alpha)),
    (options) => finite('elu', options),
  ),
  selu: curved<undefined>('selu', (x) =>
    mul(
      rectified(x, (below) => mul(expm1(below), seluAlpha)),
      seluScale,
    ),
  ),
  celu: curved<{ readonly alpha: number }>(
    'celu',
    (x, { alpha }) => rectified(x, (below) => mul(expm1(div(below, alpha)), alpha)),
    (options) => positive('celu', options),
  ),
  gelu: curved<Required<GeluOptions>>(
    'gelu',
    (x, { approximate }) => gated(x, approximate === 'tanh' ? nearlyNormal : normal),
    ({ approximate }) => oneOf('gelu', 'approximate', approximate, ['none', 'tanh']),
  ),
  silu: curved<undefined>('silu', (x) => gated(x, sigmoid)),
  mish: curved<undefined>('mish', (x) => gated(x, (z) => tanh(smooth(z)))),
  softsign: curved<undefined>('softsign', (x) => {
    // Infinity / Infinity is no number; the quotient is 1 long before.
    const within = clamp(x, -1e30, 1e30);
    return div(within, add(abs(within), 1));
  }),
  hardSigmoid: curved<undefined>('hardSigmoid', hardGate),
  hardSwish: curved<undefined>('hardSwish', (x) => gated(x, hardGate)),
  hardTanh: curved<Required<HardTanhOptions>>(
    'hardTanh',
    (x, { minVal, maxVal }) => minimum(maxVal, maximum(minVal, x)),
    ({ minVal, maxVal }) => {
      if (!(minVal < maxVal))
        throw new RangeError(`hardTanh: minVal must be below maxVal, but they are ${minVal} and ${maxVal}.`);
    },
  ),
  scaledTanh: curved<undefined>('scaledTanh', (x) => mul(tanh(mul(x, 2 / 3)), 1.7159)),
  step: activation<StepOptions>(
    'step',
    (x) => cast(greater(x, 0), x.dtype),
    (options) => {
      oneOf('step', 'estimator', options.estimator, Object.keys(sizeOfEstimator));
      const size = sizeOfEstimator[options.estimator];
      if (size) positive('step', { [size]: (options as Partial<Record<string, unknown>>)[size] });
    },
  ),
};

function oneOf(op: string, option: string, value: string, choices: readonly string[]): void {
  if (!choices.includes(value)) {
    const listed = choices.map((choice) => `'${choice}'`).join(', ');
    throw new RangeError(`${op}: ${option} must be one of ${listed}, but is ${JSON.stringify(value)}.`);
  }
}

// Functions of one float tensor; shape and dtype are kept. DTypeError for integers, RangeError for options that make no sense.

/**
 * `x > 0 ? x : negativeSlope * x`, with a slope of 0.01 by default, as in PyTorch; courses often take 0.1. The derivative at 0 is the slope.
 * Source: Maas et al., Rectifier nonlinearities improve neural network acoustic models, ICML 2013.
 */
export function leakyRelu(x: Tensor, { negativeSlope = 0.01 }: { readonly negativeSlope?: number } = {}): Tensor {
  return dispatch(activationOps.leakyRelu, [x], { negativeSlope })[0];
}

/**
 * `x > 0 ? x : weight * x`, with one learned slope, or one for each channel of `[N, C, ...]`. The derivative at 0 is the slope.
 * Source: He et al., Delving deep into rectifiers, arXiv:1502.01852, equation 1.
 * @param weight A scalar, `[1]` or `[C]`.
 * @throws ShapeError if there are neither one nor C slopes.
 */
export function prelu(x: Tensor, weight: Tensor): Tensor {
  const channels = x.rank > 1 ? x.shape[1]! : 1;
  if (weight.rank > 1 || (weight.size !== 1 && weight.size !== channels)) {
    throw new ShapeError(
      `prelu: an input ${formatShape(x.shape)} needs one slope, or a vector of one for each of its ${channels} channels, but was given ${formatShape(weight.shape)}.`,
    );
  }
  const column = weight.size === 1 ? [] : [channels, ...x.shape.slice(2).fill(1)];
  return scope(() => dispatch(preluOp, [x, reshape(weight, column)], undefined)[0]);
}

/**
 * `x > 0 ? x : alpha * (e^x - 1)`, accurate near 0; alpha is 1 by default. The derivative at 0 is alpha.
 * Source: Clevert et al., Fast and accurate deep network learning by exponential linear units, arXiv:1511.07289, equation 15.
 */
export function elu(x: Tensor, { alpha = 1 }: { readonly alpha?: number } = {}): Tensor {
  return dispatch(activationOps.elu, [x], { alpha })[0];
}

/**
 * `scale * elu(x, alpha)` with the numbers that keep mean 0 and variance 1 from layer to layer: alpha = 1.6732632423543772, scale = 1.0507009873554805. The
 * derivative at 0 is `scale * alpha`. Source: Klambauer et al., Self-normalizing neural networks, arXiv:1706.02515, equation 2 and appendix A.1.
 */
export function selu(x: Tensor): Tensor {
  return dispatch(activationOps.selu, [x], undefined)[0];
}

/**
 * `x > 0 ? x : alpha * (e^(x / alpha) - 1)`: an exponential linear unit whose slope at 0 is 1 for any alpha above 0; 1 by default.
 * Source: Barron, Continuously differentiable exponential linear units, arXiv:1704.07483, equation 2.
 */
export function celu(x: Tensor, { alpha = 1 }: { readonly alpha?: number } = {}): Tensor {
  return dispatch(activationOps.celu, [x], { alpha })[0];
}

/**
 * `x * P(Z <= x)` for a normal Z, `x * (1 + erf(x / sqrt(2))) / 2`; approximated, `x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))) / 2`.
 * Source: Hendrycks and Gimpel, Gaussian error linear units, arXiv:1606.08415, section 2.
 */
export function gelu(x: Tensor, { approximate = 'none' }: GeluOptions = {}): Tensor {
  return dispatch(activationOps.gelu, [x], { approximate })[0];
}

/** `x * sigmoid(x)`, also called swish. Source: Elfwing et al., arXiv:1702.03118, equation 5; Ramachandran et al., arXiv:1710.05941. */
export function silu(x: Tensor): Tensor {
  return dispatch(activationOps.silu, [x], undefined)[0];
}

/** Options of {@link softplus}. */
export interface SoftplusOptions {
  /** How sharp the bend is, above 0; 1 unless told. */
  readonly beta?: number;
  /** Where `beta * x` is above it, the result is x. Infinity unless told: nothing overflows. PyTorch's is 20, where that is less than 2.1e-9 out. */
  readonly threshold?: number;
}

/**
 * `log(1 + e^(beta x)) / beta`, a smooth relu. Source: Dugas et al., Incorporating second-order functional knowledge for better option pricing, NIPS 2000.
 * @throws RangeError unless beta is above 0 and threshold a number.
 */
export function softplus(x: Tensor, { beta = 1, threshold = Infinity }: SoftplusOptions = {}): Tensor {
  floats('softplus', x);
  positive('softplus', { beta });
  if (Number.isNaN(threshold)) throw new RangeError('softplus: threshold must be a number, but is NaN.');
  if (beta === 1 && threshold === Infinity) return smooth(x);
  return scope(() => {
    const y = beta === 1 ? smooth(x) : div(smooth(mul(x, beta)), beta);
    return threshold === Infinity ? y : where(greater(x, threshold / beta), x, y);
  });
}

/** `x * tanh(softplus(x))`. Source: Misra, Mish: a self regularized non-monotonic activation function, arXiv:1908.08681, equation 1. */
export function mish(x: Tensor): Tensor {
  return dispatch(activationOps.mish, [x], undefined)[0];
}

/** `x / (1 + |x|)`. Source: Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks, 2010, section 2.2. */
export function softsign(x: Tensor): Tensor {
  return dispatch(activationOps.softsign, [x], undefined)[0];
}

/** `relu6(x + 3) / 6`, a sigmoid of straight lines. The derivative at -3 and 3 is 0. Source: Howard et al., Searching for MobileNetV3, arXiv:1905.02244. */
export function hardSigmoid(x: Tensor): Tensor {
  return dispatch(activationOps.hardSigmoid, [x], undefined)[0];
}

/** `x * relu6(x + 3) / 6`. The derivative at -3 is 0, and 1 at 3. Source: Howard et al., Searching for MobileNetV3, arXiv:1905.02244, section 5.2. */
export function hardSwish(x: Tensor): Tensor {
  return dispatch(activationOps.hardSwish, [x], undefined)[0];
}

/**
 * Elements limited to `minVal ... maxVal`. Unlike {@link clamp}'s, the derivative at the limits is 0, as relu's is at 0.
 * Source: Collobert, Large scale machine learning, 2004. RangeError unless minVal is below maxVal.
 */
export function hardTanh(x: Tensor, { minVal = -1, maxVal = 1 }: HardTanhOptions = {}): Tensor {
  return dispatch(activationOps.hardTanh, [x], { minVal, maxVal })[0];
}

/** `min(max(x, 0), 6)`: {@link hardTanh} from 0 to 6. The derivative at 0 and 6 is 0. Source: Howard et al., MobileNets, arXiv:1704.04861. */
export function relu6(x: Tensor): Tensor {
  return hardTanh(x, { minVal: 0, maxVal: 6 });
}

/** `1.7159 * tanh(2 x / 3)`, which takes 1 to 1 and -1 to -1. Source: LeCun et al., Efficient backprop, 1998, section 4.4; used in LeNet-5. */
export function scaledTanh(x: Tensor): Tensor {
  return dispatch(activationOps.scaledTanh, [x], undefined)[0];
}

/**
 * `x > 0 ? 1 : 0`. Its derivative is 0 almost everywhere, so that nothing would be learned: an estimator takes its place, the straight-through one unless
 * told. Source: Bengio et al., Estimating or propagating gradients through stochastic neurons, arXiv:1308.3432, section 4.
 */
export function step(x: Tensor, options: StepOptions = { estimator: 'straightThrough' }): Tensor {
  return dispatch(activationOps.step, [x], options)[0];
}

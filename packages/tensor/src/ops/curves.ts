import type { CurveName } from '@receptive/backend';
import { scalarLike } from '../create.ts';
import { dispatch } from '../dispatch.ts';
import type { Op } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import type { GeluOptions, HardTanhOptions } from './activations.ts';
import { floats, sameDtype, shapeIs } from './check.ts';
import {
  abs,
  add,
  cast,
  clamp,
  div,
  erf,
  exp,
  greater,
  less,
  minimum,
  mul,
  sigmoid,
  softplus,
  square,
  sub,
  tanh,
  where,
} from './elementwise.ts';

// Activations that have kernels of their own, and their derivatives.

export const seluAlpha = 1.6732632423543772;
export const seluScale = 1.0507009873554805;

/** Where a gate is 0 or 1, and level, in float32 and float64 alike: e^-750 is 0 in both. */
export const level = 750;

/** `(1 + tanh(u)) / 2 = sigmoid(2 u)`, which loses no digits where tanh is near -1, with `u = sqrt(2 / pi) * (x + 0.044715 x^3)`. */
export const nearlyNormal = (x: Tensor): Tensor =>
  sigmoid(mul(mul(x, 2 * Math.sqrt(2 / Math.PI)), add(mul(square(x), 0.044715), 1)));

/** The distribution function of the standard normal distribution. */
export const normal = (x: Tensor): Tensor => mul(add(erf(mul(x, Math.SQRT1_2)), 1), 0.5);

/** A kernel's name for an activation, and its constants. */
export interface Curve {
  readonly curve: CurveName;
  readonly constants: readonly number[];
}

/** The activations that have kernels of their own, forward and backward. */
export const curves = {
  leakyRelu: ({ negativeSlope }: { readonly negativeSlope: number }): Curve => ({
    curve: 'leakyRelu',
    constants: [negativeSlope],
  }),
  elu: ({ alpha }: { readonly alpha: number }): Curve => ({ curve: 'elu', constants: [1, alpha, 1] }),
  selu: (): Curve => ({ curve: 'elu', constants: [seluScale, seluScale * seluAlpha, 1] }),
  celu: ({ alpha }: { readonly alpha: number }): Curve => ({ curve: 'elu', constants: [1, alpha, 1 / alpha] }),
  gelu: ({ approximate }: Required<GeluOptions>): Curve => ({
    curve: approximate === 'tanh' ? 'geluTanh' : 'gelu',
    constants: [],
  }),
  silu: (): Curve => ({ curve: 'silu', constants: [] }),
  mish: (): Curve => ({ curve: 'mish', constants: [] }),
  softsign: (): Curve => ({ curve: 'softsign', constants: [] }),
  hardSigmoid: (): Curve => ({ curve: 'hardSigmoid', constants: [] }),
  hardSwish: (): Curve => ({ curve: 'hardSwish', constants: [] }),
  hardTanh: ({ minVal, maxVal }: Required<HardTanhOptions>): Curve => ({
    curve: 'hardTanh',
    constants: [minVal, maxVal],
  }),
  scaledTanh: (): Curve => ({ curve: 'scaledTanh', constants: [] }),
};

/** Where x lies between numbers, 1, else 0. */
const between = (x: Tensor, low: number, high: number): Tensor => cast(mul(greater(x, low), less(x, high)), x.dtype);

/** x, but no further from 0 than all gates are level. */
const near = (x: Tensor): Tensor => clamp(x, -level, level);

/** The derivative of `z * gate`, of the gate and its own derivative. */
const gatedSlope = (z: Tensor, gate: Tensor, rise: Tensor): Tensor => add(gate, mul(z, rise));

/** The derivatives of the curves. */
const slopes: { readonly [Name in CurveName]: (x: Tensor, a: number, b: number, c: number) => Tensor } = {
  leakyRelu: (x, a) => where(greater(x, 0), scalarLike(x, 1), scalarLike(x, a)),
  elu: (x, a, b, c) => where(greater(x, 0), scalarLike(x, a), mul(exp(mul(minimum(x, 0), c)), b * c)),
  gelu(x) {
    const z = near(x);
    return gatedSlope(z, normal(z), mul(exp(mul(square(z), -0.5)), 1 / Math.sqrt(2 * Math.PI)));
  },
  geluTanh(x) {
    const z = near(x);
    const gate = nearlyNormal(z);
    const inner = mul(add(mul(square(z), 3 * 0.044715), 1), 2 * Math.sqrt(2 / Math.PI));
    return gatedSlope(z, gate, mul(mul(gate, sub(1, gate)), inner));
  },
  silu(x) {
    const z = near(x);
    const gate = sigmoid(z);
    return gatedSlope(z, gate, mul(gate, sub(1, gate)));
  },
  mish(x) {
    const z = near(x);
    const gate = tanh(softplus(z));
    return gatedSlope(z, gate, mul(mul(sub(1, gate), add(1, gate)), sigmoid(z)));
  },
  softsign: (x) => square(div(1, add(abs(x), 1))),
  hardSigmoid: (x) => mul(between(x, -3, 3), 1 / 6),
  hardSwish(x) {
    const inside = greater(between(x, -3, 3), 0);
    return where(inside, add(mul(x, 1 / 3), 0.5), cast(greater(x, 0), x.dtype));
  },
  hardTanh: (x, a, b) => between(x, a, b),
  scaledTanh(x) {
    const y = tanh(mul(x, 2 / 3));
    return mul(mul(sub(1, y), add(1, y)), (1.7159 * 2) / 3);
  },
};

const curveGradientOp: Op<Curve, [gradient: 0, x: 0], [dx: 0]> = {
  name: 'curveGradient',
  pointwise: true,
  fused: 'curveGradient',
  infer([gradient, x]) {
    floats('curveGradient', x);
    sameDtype('curveGradient', gradient, x);
    shapeIs('curveGradient', "the output's gradient", gradient, x.shape);
    return [x];
  },
  run: (kernels, [gradient, x], [dx], { curve, constants }) => kernels.curveGradient(curve, gradient, x, dx, constants),
  compose: ([gradient, x], { curve, constants: [a = 0, b = 0, c = 0] }) => [mul(gradient, slopes[curve](x, a, b, c))],
};

export const curveOps = { curveGradient: curveGradientOp };

/** Gradient of an activation with respect to its input, from that of the output. */
export function curveGradient(gradient: Tensor, x: Tensor, curve: Curve): Tensor {
  return dispatch(curveGradientOp, [gradient, x], curve)[0];
}

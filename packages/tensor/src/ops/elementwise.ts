import type { ActivationName, BinaryName, CompareName, DType, UnaryName } from '@receptive/backend';
import { scalarLike } from '../create.ts';
import { dispatch } from '../dispatch.ts';
import { disposedError } from '../errors.ts';
import type { Op } from '../op.ts';
import { scope } from '../scope.ts';
import type { Tensor } from '../tensor.ts';
import { broadcastShape, dtypeIs, floats, sameDtype, shapeIs } from './check.ts';

type Unary = Op<undefined, [x: 0], [y: 0]>;
type Binary = Op<undefined, [a: 0, b: 0], [y: 0]>;

function unary(name: UnaryName): Unary {
  return {
    name,
    pointwise: true,
    infer([x]) {
      floats(name, x);
      return [x];
    },
    run: (kernels, [x], [y]) => kernels.unary(name, x, y),
  };
}

function binary(name: BinaryName): Binary {
  return {
    name,
    pointwise: true,
    infer([a, b]) {
      sameDtype(name, a, b);
      return [{ shape: broadcastShape(name, a.shape, b.shape), dtype: a.dtype }];
    },
    run: (kernels, [a, b], [y]) => kernels.binary(name, a, b, y),
  };
}

function compare(name: CompareName): Binary {
  return {
    name,
    pointwise: true,
    infer([a, b]) {
      sameDtype(name, a, b);
      return [{ shape: broadcastShape(name, a.shape, b.shape), dtype: 'uint8' }];
    },
    run: (kernels, [a, b], [y]) => kernels.compare(name, a, b, y),
  };
}

const whereOp: Op<undefined, [condition: 0, a: 0, b: 0], [y: 0]> = {
  name: 'where',
  pointwise: true,
  infer([condition, a, b]) {
    dtypeIs('where', 'the condition', condition, 'uint8');
    sameDtype('where', a, b);
    return [{ shape: broadcastShape('where', condition.shape, a.shape, b.shape), dtype: a.dtype }];
  },
  run: (kernels, [condition, a, b], [y]) => kernels.where(condition, a, b, y),
};

const castOp: Op<{ readonly dtype: DType }, [x: 0], [y: 0]> = {
  name: 'cast',
  pointwise: true,
  infer: ([x], { dtype }) => [{ shape: x.shape, dtype }],
  run: (kernels, [x], [y]) => kernels.cast(x, y),
};

/** Gradients of activations, from the output's gradient and the output. */
const fromOutput: Readonly<Record<ActivationName, (gradient: Tensor, y: Tensor) => Tensor>> = {
  relu: (gradient, y) => where(greater(y, 0), gradient, scalarLike(gradient, 0)),
  // 1 - y^2 would lose its digits where y is near 1; these factors do not.
  tanh: (gradient, y) => mul(gradient, mul(sub(1, y), add(1, y))),
  sigmoid: (gradient, y) => mul(gradient, mul(y, sub(1, y))),
};

const activationGradientOp: Op<{ readonly name: ActivationName }, [gradient: 0, y: 0], [dx: 0]> = {
  name: 'activationGradient',
  pointwise: true,
  fused: 'activationGradient',
  infer([gradient, y]) {
    floats('activationGradient', gradient);
    sameDtype('activationGradient', gradient, y);
    shapeIs('activationGradient', 'the output', y, gradient.shape);
    return [y];
  },
  run: (kernels, [gradient, y], [dx], { name }) => kernels.activationGradient(name, gradient, y, dx),
  compose: ([gradient, y], { name }) => [fromOutput[name](gradient, y)],
};

export const elementwiseOps = {
  neg: unary('neg'),
  abs: unary('abs'),
  sign: unary('sign'),
  square: unary('square'),
  sqrt: unary('sqrt'),
  rsqrt: unary('rsqrt'),
  reciprocal: unary('reciprocal'),
  exp: unary('exp'),
  expm1: unary('expm1'),
  log: unary('log'),
  log1p: unary('log1p'),
  sin: unary('sin'),
  cos: unary('cos'),
  tanh: unary('tanh'),
  sigmoid: unary('sigmoid'),
  softplus: unary('softplus'),
  relu: unary('relu'),
  erf: unary('erf'),
  floor: unary('floor'),
  ceil: unary('ceil'),
  round: unary('round'),
  add: binary('add'),
  sub: binary('sub'),
  mul: binary('mul'),
  div: binary('div'),
  pow: binary('pow'),
  maximum: binary('maximum'),
  minimum: binary('minimum'),
  equal: compare('equal'),
  notEqual: compare('notEqual'),
  less: compare('less'),
  lessEqual: compare('lessEqual'),
  greater: compare('greater'),
  greaterEqual: compare('greaterEqual'),
  where: whereOp,
  activationGradient: activationGradientOp,
  cast: castOp,
};

function apply(op: Unary, x: Tensor): Tensor {
  return dispatch(op, [x], undefined)[0];
}

/** A number stands for a scalar of the other operand's type. */
function apply2(op: Binary, a: Tensor | number, b: Tensor | number): Tensor {
  if (typeof a !== 'number' && typeof b !== 'number') return dispatch(op, [a, b], undefined)[0];
  const like = typeof a === 'number' ? b : a;
  if (typeof like === 'number')
    throw new TypeError(`${op.name}: at least one operand must be a tensor; both are numbers.`);
  if (like.disposed) throw disposedError(op.name, like);
  const operand = (x: Tensor | number): Tensor => (typeof x === 'number' ? scalarLike(like, x) : x);
  return scope(() => dispatch(op, [operand(a), operand(b)], undefined)[0]);
}

// Functions of one float tensor; shape and dtype are kept. DTypeError for integers.

/** `-x`. */
export const neg = (x: Tensor): Tensor => apply(elementwiseOps.neg, x);
/** `|x|`; its derivative at 0 is 0. */
export const abs = (x: Tensor): Tensor => apply(elementwiseOps.abs, x);
/** -1, 0 or 1. */
export const sign = (x: Tensor): Tensor => apply(elementwiseOps.sign, x);
/** `x * x`. */
export const square = (x: Tensor): Tensor => apply(elementwiseOps.square, x);
/** Square root; NaN below 0. */
export const sqrt = (x: Tensor): Tensor => apply(elementwiseOps.sqrt, x);
/** `1 / sqrt(x)`. */
export const rsqrt = (x: Tensor): Tensor => apply(elementwiseOps.rsqrt, x);
/** `1 / x`. */
export const reciprocal = (x: Tensor): Tensor => apply(elementwiseOps.reciprocal, x);
/** `e^x`. */
export const exp = (x: Tensor): Tensor => apply(elementwiseOps.exp, x);
/** `e^x - 1`, accurate near 0. */
export const expm1 = (x: Tensor): Tensor => apply(elementwiseOps.expm1, x);
/** Natural logarithm. */
export const log = (x: Tensor): Tensor => apply(elementwiseOps.log, x);
/** `log(1 + x)`, accurate near 0. */
export const log1p = (x: Tensor): Tensor => apply(elementwiseOps.log1p, x);
/** Sine, of radians. */
export const sin = (x: Tensor): Tensor => apply(elementwiseOps.sin, x);
/** Cosine, of radians. */
export const cos = (x: Tensor): Tensor => apply(elementwiseOps.cos, x);
/** Hyperbolic tangent. */
export const tanh = (x: Tensor): Tensor => apply(elementwiseOps.tanh, x);
/** `1 / (1 + e^-x)`. */
export const sigmoid = (x: Tensor): Tensor => apply(elementwiseOps.sigmoid, x);
/** `log(1 + e^x)`. */
export const softplus = (x: Tensor): Tensor => apply(elementwiseOps.softplus, x);
/** `max(x, 0)`; its derivative at 0 is 0. */
export const relu = (x: Tensor): Tensor => apply(elementwiseOps.relu, x);
/** The error function `2 / sqrt(pi) * integral of e^(-t^2) from 0 to x`. */
export const erf = (x: Tensor): Tensor => apply(elementwiseOps.erf, x);
/** Largest whole number not above x. */
export const floor = (x: Tensor): Tensor => apply(elementwiseOps.floor, x);
/** Smallest whole number not below x. */
export const ceil = (x: Tensor): Tensor => apply(elementwiseOps.ceil, x);
/** Nearest whole number, halves to even. */
export const round = (x: Tensor): Tensor => apply(elementwiseOps.round, x);

// Functions of two tensors of one dtype, or a tensor and a number, broadcast to a common shape. ShapeError if they do not broadcast, DTypeError if the dtypes differ.

/** `a + b`. */
export const add = (a: Tensor | number, b: Tensor | number): Tensor => apply2(elementwiseOps.add, a, b);
/** `a - b`. */
export const sub = (a: Tensor | number, b: Tensor | number): Tensor => apply2(elementwiseOps.sub, a, b);
/** `a * b`, element by element. */
export const mul = (a: Tensor | number, b: Tensor | number): Tensor => apply2(elementwiseOps.mul, a, b);
/** `a / b`; integers divide towards zero. */
export const div = (a: Tensor | number, b: Tensor | number): Tensor => apply2(elementwiseOps.div, a, b);
/** `a ^ b`. */
export const pow = (a: Tensor | number, b: Tensor | number): Tensor => apply2(elementwiseOps.pow, a, b);
/** The larger of each pair; NaN if either is. Where they are equal the gradient goes to `a`. */
export const maximum = (a: Tensor | number, b: Tensor | number): Tensor => apply2(elementwiseOps.maximum, a, b);
/** The smaller of each pair; NaN if either is. Where they are equal the gradient goes to `a`. */
export const minimum = (a: Tensor | number, b: Tensor | number): Tensor => apply2(elementwiseOps.minimum, a, b);
/** 1 where `a == b`, else 0, as uint8. */
export const equal = (a: Tensor | number, b: Tensor | number): Tensor<'uint8'> =>
  apply2(elementwiseOps.equal, a, b) as Tensor<'uint8'>;
/** 1 where `a != b`, else 0, as uint8. */
export const notEqual = (a: Tensor | number, b: Tensor | number): Tensor<'uint8'> =>
  apply2(elementwiseOps.notEqual, a, b) as Tensor<'uint8'>;
/** 1 where `a < b`, else 0, as uint8. */
export const less = (a: Tensor | number, b: Tensor | number): Tensor<'uint8'> =>
  apply2(elementwiseOps.less, a, b) as Tensor<'uint8'>;
/** 1 where `a <= b`, else 0, as uint8. */
export const lessEqual = (a: Tensor | number, b: Tensor | number): Tensor<'uint8'> =>
  apply2(elementwiseOps.lessEqual, a, b) as Tensor<'uint8'>;
/** 1 where `a > b`, else 0, as uint8. */
export const greater = (a: Tensor | number, b: Tensor | number): Tensor<'uint8'> =>
  apply2(elementwiseOps.greater, a, b) as Tensor<'uint8'>;
/** 1 where `a >= b`, else 0, as uint8. */
export const greaterEqual = (a: Tensor | number, b: Tensor | number): Tensor<'uint8'> =>
  apply2(elementwiseOps.greaterEqual, a, b) as Tensor<'uint8'>;

/** `condition ? a : b`, element by element, all three broadcast; the condition is uint8. */
export function where(condition: Tensor, a: Tensor, b: Tensor): Tensor {
  return dispatch(whereOp, [condition, a, b], undefined)[0];
}

/** Gradient of an activation with respect to its input, from the output's gradient and the output `y`. */
export function activationGradient(name: ActivationName, gradient: Tensor, y: Tensor): Tensor {
  return dispatch(activationGradientOp, [gradient, y], { name })[0];
}

/** Converts the elements; floats become integers by truncation towards zero, saturating for uint8. A cast to the same dtype shares the memory. */
export function cast<D extends DType>(x: Tensor, dtype: D): Tensor<D> {
  return (x.dtype === dtype ? x.clone() : dispatch(castOp, [x], { dtype })[0]) as Tensor<D>;
}

/** Elements limited to `min ... max`. The gradient passes inside the limits and at them. */
export function clamp(x: Tensor, min: number, max: number): Tensor {
  if (!(min <= max)) throw new RangeError(`clamp: min must not be above max, but they are ${min} and ${max}.`);
  return scope(() => minimum(maximum(x, min), max));
}

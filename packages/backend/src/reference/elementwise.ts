import type { DType } from '../dtype.ts';
import type { ActivationName, BinaryName, CompareName, Kernels, Operand, UnaryName } from '../kernels.ts';
import { broadcastStrides } from '../shape.ts';
import { erf } from './erf.ts';
import { positions } from './positions.ts';
import type { Open } from './positions.ts';

const unaries: Record<UnaryName, (x: number) => number> = {
  neg: (x) => -x,
  abs: Math.abs,
  sign: Math.sign,
  square: (x) => x * x,
  sqrt: Math.sqrt,
  rsqrt: (x) => 1 / Math.sqrt(x),
  reciprocal: (x) => 1 / x,
  exp: Math.exp,
  expm1: Math.expm1,
  log: Math.log,
  log1p: Math.log1p,
  sin: Math.sin,
  cos: Math.cos,
  tanh: Math.tanh,
  // Each branch raises e to a negative power only, which cannot overflow.
  sigmoid: (x) => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x))),
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  relu: (x) => Math.max(x, 0),
  erf,
  floor: Math.floor,
  ceil: Math.ceil,
  round: roundHalfToEven,
};

/** Math.round takes halves up; an odd result of a half goes back down to the even neighbour. */
function roundHalfToEven(x: number): number {
  const up = Math.round(x);
  return Math.abs(x % 1) === 0.5 && up % 2 !== 0 ? up - 1 : up;
}

const binaries: Record<BinaryName, (a: number, b: number) => number> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  pow: (a, b) => a ** b,
  maximum: Math.max,
  minimum: Math.min,
};

const comparisons: Record<CompareName, (a: number, b: number) => boolean> = {
  equal: (a, b) => a === b,
  notEqual: (a, b) => a !== b,
  less: (a, b) => a < b,
  lessEqual: (a, b) => a <= b,
  greater: (a, b) => a > b,
  greaterEqual: (a, b) => a >= b,
};

/** The gradient of the input, from that of the output and the output itself. */
const activationGradients: Record<ActivationName, (g: number, y: number) => number> = {
  relu: (g, y) => (y > 0 ? g : 0),
  // 1 - y^2 would lose its digits where y is near 1; these factors do not.
  tanh: (g, y) => g * ((1 - y) * (1 + y)),
  sigmoid: (g, y) => g * y * (1 - y),
};

/** The least and greatest value of the integer types. */
const ranges: Partial<Record<DType, readonly [least: number, greatest: number]>> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint8: [0, 255],
};

/** The kernels that compute each element of their output by itself. */
export function elementwise(
  open: Open,
): Required<Pick<Kernels, 'fill' | 'cast' | 'unary' | 'binary' | 'compare' | 'where' | 'activationGradient'>> {
  /** `out[i] = f(inputs[0][i], inputs[1][i], ...)`, the inputs broadcast to `out`. */
  function zip(inputs: readonly Operand[], out: Operand, f: (...values: number[]) => number): void {
    const arrays = inputs.map(open);
    const places = inputs.map((input) => positions(out.shape, broadcastStrides(input.shape, out.shape)));
    const result = open(out);
    for (let i = 0; i < result.length; i++) result[i] = f(...arrays.map((array, k) => array[places[k]![i]!]!));
  }

  return {
    fill(out, value) {
      open(out).fill(value);
    },

    cast(x, out) {
      const range = ranges[out.dtype];
      // Storing truncates towards zero and turns NaN into 0; it would wrap around what does not fit.
      zip([x], out, (value) => (range ? Math.min(Math.max(value, range[0]), range[1]) : value));
    },

    unary(name, x, out) {
      zip([x], out, unaries[name]);
    },

    binary(name, a, b, out) {
      zip([a, b], out, binaries[name]);
    },

    compare(name, a, b, out) {
      zip([a, b], out, (left, right) => Number(comparisons[name](left, right)));
    },

    activationGradient(name, gradient, y, out) {
      zip([gradient, y], out, activationGradients[name]);
    },

    where(condition, a, b, out) {
      zip([condition, a, b], out, (chosen, yes, no) => (chosen ? yes : no));
    },
  };
}

import type { Shape } from '@receptive/backend';
import type { Tensor } from '@receptive/tensor';
import * as t from '@receptive/tensor';
import type { Input } from '../case.ts';
import { numbers, uniform, whole } from '../case.ts';
import type { Value } from '../run.ts';
import type { Tolerance } from '../tolerance.ts';
import { approximation, arithmetic, exact, formula } from '../tolerance.ts';
import type { Draw } from './draw.ts';
import { away } from './draw.ts';
import type { Generator, Generators, OnnxInput, OnnxNode } from './generator.ts';

const flat = 'zero almost everywhere, or without meaning';

/** A function of one argument: where it is asked, and what ONNX calls it. */
interface Unary {
  readonly f: (x: Tensor) => Tensor;
  readonly from: number;
  readonly to: number;
  readonly tolerance: Tolerance;
  readonly kinks?: readonly number[];
  readonly onnx?: string | OnnxNode;
  readonly nondifferentiable?: string;
}

function unary({ f, from, to, tolerance, kinks = [], onnx, nondifferentiable }: Unary): Generator {
  return {
    tolerance,
    ...(nondifferentiable !== undefined && { nondifferentiable }),
    draw(draw) {
      const shape = draw.wholes(draw.whole(0, 4), 1, 3);
      return {
        description: JSON.stringify({ shape }),
        inputs: [away(shape, from, to, kinks)],
        f,
        ...(onnx !== undefined && { onnx: typeof onnx === 'string' ? { op: onnx } : onnx }),
      };
    },
  };
}

/** Shapes that broadcast: one, of which axes are left out at the front or have length 1. */
export function drawBroadcast(draw: Draw, count: number): number[][] {
  const result = draw.wholes(draw.whole(0, 3), 1, 3);
  return Array.from({ length: count }, () =>
    result.slice(draw.chance(0.3) ? draw.whole(0, result.length) : 0).map((length) => (draw.chance(0.3) ? 1 : length)),
  );
}

/** A number as an input of a node. */
export function scalar(value: number): Value {
  return { shape: [], dtype: 'float32', data: Float32Array.of(value) };
}

/** A function of two arguments, either of which may be a number. */
interface Binary {
  readonly f: (a: Tensor | number, b: Tensor | number) => Tensor;
  readonly a: (shape: Shape) => Input;
  readonly b: (shape: Shape) => Input;
  readonly tolerance: Tolerance;
  readonly onnx?: string;
  /** The result of a comparison is no float. */
  readonly compares?: true;
}

function binary({ f, a, b, tolerance, onnx, compares }: Binary): Generator {
  return {
    tolerance,
    ...(compares && { nondifferentiable: flat }),
    draw(draw) {
      const [left, right] = drawBroadcast(draw, 2) as [number[], number[]];
      const number = draw.pick([undefined, undefined, 'a', 'b'] as const);
      // One that all floats hold, and that `b` may take: neither 0 nor a tie of a function with a kink.
      const value = draw.pick([-1.5, 0.5, 1, 2]);
      const node = (inputs: readonly OnnxInput[]): { readonly onnx?: OnnxNode } =>
        onnx === undefined ? {} : { onnx: { op: onnx, inputs, ...(compares && { result: 'bool' }) } };
      if (number === 'a') {
        return {
          description: JSON.stringify({ a: value, b: right }),
          inputs: [b(right)],
          f: (x) => f(Math.abs(value), x),
          ...node([scalar(Math.abs(value)), 0]),
        };
      }
      if (number === 'b') {
        return {
          description: JSON.stringify({ a: left, b: value }),
          inputs: [a(left)],
          f: (x) => f(x, value),
          ...node([0, scalar(value)]),
        };
      }
      return {
        description: JSON.stringify({ a: left, b: right }),
        inputs: [a(left), b(right)],
        f: (x, y) => f(x, y),
        ...node([0, 1]),
      };
    },
  };
}

/** Numbers of which some are equal. */
const few = (shape: Shape): Input => whole(shape, -1, 2);
/** Numbers that are no nearer than 0.01 to those of {@link near0}, nor to the constants. */
const apart = (shape: Shape): Input => away(shape, -3, 3, [-1.5, 0, 0.5, 1, 2], 0.05);
const near0 = (shape: Shape): Input => uniform(shape, -0.04, 0.04);

const comparison = (f: Binary['f'], onnx?: string): Generator =>
  binary({ f, a: few, b: few, tolerance: exact, compares: true, ...(onnx !== undefined && { onnx }) });

export const elementwiseGenerators: Generators = {
  neg: unary({ f: t.neg, from: -3, to: 3, tolerance: exact, onnx: 'Neg' }),
  abs: unary({ f: t.abs, from: -3, to: 3, kinks: [0], tolerance: exact, onnx: 'Abs' }),
  sign: unary({ f: t.sign, from: -3, to: 3, tolerance: exact, onnx: 'Sign', nondifferentiable: flat }),
  square: unary({ f: t.square, from: -3, to: 3, tolerance: arithmetic, onnx: { op: 'Mul', inputs: [0, 0] } }),
  sqrt: unary({ f: t.sqrt, from: 0.3, to: 4, tolerance: arithmetic, onnx: 'Sqrt' }),
  rsqrt: unary({ f: t.rsqrt, from: 0.5, to: 4, tolerance: arithmetic }),
  reciprocal: unary({ f: t.reciprocal, from: 0.5, to: 4, tolerance: arithmetic, onnx: 'Reciprocal' }),
  exp: unary({ f: t.exp, from: -3, to: 2, tolerance: approximation, onnx: 'Exp' }),
  expm1: unary({ f: t.expm1, from: -3, to: 2, tolerance: approximation }),
  log: unary({ f: t.log, from: 0.3, to: 5, tolerance: formula, onnx: 'Log' }),
  log1p: unary({ f: t.log1p, from: -0.5, to: 5, tolerance: approximation }),
  sin: unary({ f: t.sin, from: -6, to: 6, tolerance: formula, onnx: 'Sin' }),
  cos: unary({ f: t.cos, from: -6, to: 6, tolerance: formula, onnx: 'Cos' }),
  tanh: unary({ f: t.tanh, from: -3, to: 3, tolerance: approximation, onnx: 'Tanh' }),
  // Other engines compute it by tanh, and lose digits near 0; the cases of the op hold us to more.
  sigmoid: unary({ f: t.sigmoid, from: -6, to: 6, tolerance: formula, onnx: 'Sigmoid' }),
  relu: unary({ f: t.relu, from: -3, to: 3, kinks: [0], tolerance: exact, onnx: 'Relu' }),
  erf: unary({ f: t.erf, from: -3, to: 3, tolerance: approximation, onnx: 'Erf' }),
  floor: unary({ f: t.floor, from: -5, to: 5, tolerance: exact, onnx: 'Floor', nondifferentiable: flat }),
  ceil: unary({ f: t.ceil, from: -5, to: 5, tolerance: exact, onnx: 'Ceil', nondifferentiable: flat }),
  round: unary({ f: t.round, from: -5, to: 5, tolerance: exact, onnx: 'Round', nondifferentiable: flat }),

  add: binary({ f: t.add, a: numbers, b: numbers, tolerance: arithmetic, onnx: 'Add' }),
  sub: binary({ f: t.sub, a: numbers, b: numbers, tolerance: arithmetic, onnx: 'Sub' }),
  mul: binary({ f: t.mul, a: numbers, b: numbers, tolerance: arithmetic, onnx: 'Mul' }),
  div: binary({
    f: t.div,
    a: numbers,
    b: (shape) => away(shape, -3, 3, [0], 0.5),
    tolerance: arithmetic,
    onnx: 'Div',
  }),
  pow: binary({
    f: t.pow,
    a: (shape) => uniform(shape, 0.4, 2),
    b: (shape) => uniform(shape, -2, 2),
    tolerance: approximation,
    onnx: 'Pow',
  }),
  maximum: binary({ f: t.maximum, a: apart, b: near0, tolerance: exact, onnx: 'Max' }),
  minimum: binary({ f: t.minimum, a: apart, b: near0, tolerance: exact, onnx: 'Min' }),
  equal: comparison(t.equal, 'Equal'),
  notEqual: comparison(t.notEqual),
  less: comparison(t.less, 'Less'),
  lessEqual: comparison(t.lessEqual, 'LessOrEqual'),
  greater: comparison(t.greater, 'Greater'),
  greaterEqual: comparison(t.greaterEqual, 'GreaterOrEqual'),

  where: {
    tolerance: exact,
    draw(draw) {
      const [condition, a, b] = drawBroadcast(draw, 3) as [number[], number[], number[]];
      return {
        description: JSON.stringify({ condition, a, b }),
        inputs: [whole(condition, 0, 2, 'uint8'), numbers(a), numbers(b)],
        f: t.where,
        onnx: { op: 'Where', inputs: [{ input: 0, as: 'bool' }, 1, 2] },
      };
    },
  },
  cast: {
    tolerance: exact,
    nondifferentiable: 'a whole number has no slope',
    draw(draw) {
      const shape = draw.wholes(draw.whole(0, 4), 1, 3);
      const dtype = draw.pick(['int32', 'uint8'] as const);
      // What is no byte may become another one in ONNX.
      return {
        description: JSON.stringify({ shape, dtype }),
        inputs: [dtype === 'int32' ? uniform(shape, -9, 9) : uniform(shape, 0, 255)],
        f: (x) => t.cast(x, dtype),
        onnx: { op: 'Cast', ints: { to: dtype === 'int32' ? 6 : 2 } },
      };
    },
  },
  clamp: {
    tolerance: exact,
    draw(draw) {
      const shape = draw.wholes(draw.whole(0, 4), 1, 3);
      const min = draw.real(-3, 1);
      const max = draw.chance(0.1) ? min : min + draw.real(0.5, 3);
      return {
        description: JSON.stringify({ shape, min, max }),
        inputs: [away(shape, -4, 4, [min, max])],
        f: (x) => t.clamp(x, min, max),
        onnx: { op: 'Clip', inputs: [0, scalar(min), scalar(max)] },
      };
    },
  },
};

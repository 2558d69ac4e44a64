import type { ReduceOptions, Tensor } from '@receptive/tensor';
import { argmax, argmin, logSoftmax, matmul, max, mean, min, softmax, sum, variance } from '@receptive/tensor';
import { numbers, uniform, whole } from '../case.ts';
import type { Tolerance } from '../tolerance.ts';
import { approximation, exact, formula, sums } from '../tolerance.ts';
import type { Draw } from './draw.ts';
import { drawBroadcast } from './elementwise.ts';
import type { Generator, Generators } from './generator.ts';

/** Axes as a user may name them, and from the front; undefined for all. */
function drawAxes(draw: Draw, rank: number) {
  const over = Array.from({ length: rank }, (_, axis) => axis).filter(() => draw.chance());
  if (over.length === 0) return { given: undefined, over: undefined };
  const named = over.map((axis) => (draw.chance(0.3) ? axis - rank : axis));
  return { given: named.length === 1 && draw.chance() ? named[0]! : named, over };
}

/** A reduction over several axes; what ONNX calls it. */
function reduction(
  f: (x: Tensor, axes: number | readonly number[] | undefined, options: ReduceOptions) => Tensor,
  tolerance: Tolerance,
  op?: string,
): Generator {
  return {
    tolerance,
    draw(draw) {
      const shape = draw.wholes(draw.whole(1, 4), 1, 3);
      const { given, over } = drawAxes(draw, shape.length);
      const keepDims = draw.chance();
      return {
        description: JSON.stringify({ shape, axes: given, keepDims }),
        inputs: [tolerance === exact ? draw.distinct(shape) : numbers(shape)],
        f: (x) => f(x, given, { keepDims }),
        ...(op !== undefined && {
          onnx: { op, inputs: over ? [0, over] : [0], ints: { keepdims: Number(keepDims) } },
        }),
      };
    },
  };
}

/** The place of an extreme; of equal ones the first. */
function place(f: typeof argmax, op: string): Generator {
  return {
    tolerance: exact,
    nondifferentiable: 'zero almost everywhere, or without meaning',
    draw(draw) {
      const shape = draw.wholes(draw.whole(1, 4), 1, 3);
      const [axis, keepDims] = [draw.whole(-shape.length, shape.length - 1), draw.chance()];
      return {
        description: JSON.stringify({ shape, axis, keepDims }),
        inputs: [whole(shape, 0, 4)],
        f: (x) => f(x, axis, { keepDims }),
        onnx: { op, ints: { axis, keepdims: Number(keepDims) }, result: 'int64' },
      };
    },
  };
}

/** A function along one axis: the last, unless told. */
function alongAxis(f: (x: Tensor, axis?: number) => Tensor, op: string, tolerance: Tolerance): Generator {
  return {
    tolerance,
    draw(draw) {
      const shape = draw.wholes(draw.whole(1, 4), 1, 3);
      const axis = draw.chance(0.3) ? undefined : draw.whole(-shape.length, shape.length - 1);
      return {
        description: JSON.stringify({ shape, axis }),
        inputs: [uniform(shape, -4, 4)],
        f: (x) => f(x, axis),
        onnx: { op, ints: { axis: axis ?? -1 } },
      };
    },
  };
}

export const reductionGenerators: Generators = {
  sum: reduction(sum, sums, 'ReduceSum'),
  mean: reduction(mean, sums, 'ReduceMean'),
  max: reduction(max, exact, 'ReduceMax'),
  min: reduction(min, exact, 'ReduceMin'),
  variance: {
    tolerance: { ...formula, c: 64 },
    draw(draw) {
      const shape = draw.wholes(draw.whole(1, 3), 2, 3);
      const { given } = drawAxes(draw, shape.length);
      const [keepDims, correction] = [draw.chance(), draw.whole(0, 1)];
      return {
        description: JSON.stringify({ shape, axes: given, keepDims, correction }),
        inputs: [numbers(shape)],
        f: (x) => variance(x, given, { keepDims, correction }),
      };
    },
  },
  argmax: place(argmax, 'ArgMax'),
  argmin: place(argmin, 'ArgMin'),
  softmax: alongAxis(softmax, 'Softmax', { ...approximation, c: 32 }),
  logSoftmax: alongAxis(logSoftmax, 'LogSoftmax', formula),
  matmul: {
    tolerance: sums,
    draw(draw) {
      const [before, after] = drawBroadcast(draw, 2) as [number[], number[]];
      const [m, k, n] = draw.wholes(3, 1, 3) as [number, number, number];
      const [transposeA, transposeB] = [draw.chance(), draw.chance()];
      const a = [...before, ...(transposeA ? [k, m] : [m, k])];
      const b = [...after, ...(transposeB ? [n, k] : [k, n])];
      const matrices = a.length === 2 && b.length === 2;
      return {
        description: JSON.stringify({ a, b, transposeA, transposeB }),
        inputs: [numbers(a), numbers(b)],
        f: (x, y) => matmul(x, y, { transposeA, transposeB }),
        // Of more than matrices ONNX transposes nothing.
        ...(matrices && { onnx: { op: 'Gemm', ints: { transA: Number(transposeA), transB: Number(transposeB) } } }),
        ...(!transposeA && !transposeB && { onnx: { op: 'MatMul' } }),
      };
    },
  },
};

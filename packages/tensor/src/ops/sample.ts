import type { Shape } from '@receptive/backend';
import { sizeOf, stridesOf } from '@receptive/backend';
import { scalarLike } from '../create.ts';
import { dispatch } from '../dispatch.ts';
import { ShapeError, formatShape } from '../errors.ts';
import type { Op, TensorType } from '../op.ts';
import { scope } from '../scope.ts';
import type { Tensor } from '../tensor.ts';
import { floats, sameDtype, shapeIs } from './check.ts';
import { stopGradient } from './control.ts';
import { add, cast, equal, floor, lessEqual, minimum, mul, neg, sub, where } from './elementwise.ts';
import { gather, scatterAdd } from './indexing.ts';
import { pad } from './padding.ts';
import { sum } from './reduce.ts';
import { broadcastTo, reshape, slice, stack } from './views.ts';

const sampleOp: Op<undefined, [x: 0, points: 0], [y: 0]> = {
  name: 'sample',
  fused: 'sample',
  infer([x, points]) {
    floats('sample', x);
    return [{ shape: [...x.shape.slice(0, 2), places('sample', x.shape, points, x)], dtype: x.dtype }];
  },
  run: (kernels, [x, points], [y]) => kernels.sample(x, points, y),
  compose([x, points]) {
    const planes = padded(x);
    const parts = cornersOf(points, x.shape.slice(2)).map(({ place, ends }) =>
      mul(valuesAt(planes, place), product(ends.map(({ weight }) => weight))),
    );
    return [parts.reduce((a, b) => add(a, b))];
  },
};

const sampleInputGradientOp: Op<{ readonly inputShape: Shape }, [gradient: 0, points: 0], [dx: 0]> = {
  name: 'sampleInputGradient',
  fused: 'sampleInputGradient',
  infer([gradient, points], { inputShape }) {
    floats('sampleInputGradient', gradient);
    const count = places('sampleInputGradient', inputShape, points, gradient);
    shapeIs('sampleInputGradient', "the output's gradient", gradient, [...inputShape.slice(0, 2), count]);
    return [{ shape: inputShape, dtype: gradient.dtype }];
  },
  run: (kernels, [gradient, points], [dx]) => kernels.sampleInputGradient(gradient, points, dx),
  compose([gradient, points], { inputShape }) {
    const [n, c, ...spatial] = inputShape as [number, number, ...number[]];
    const lengths = spatial.map(withPadding);
    const parts = cornersOf(points, spatial).map(({ place, ends }) =>
      scatterAdd(
        mul(gradient, product(ends.map(({ weight }) => weight))),
        broadcastTo(place, gradient.shape),
        2,
        sizeOf(lengths),
      ),
    );
    const sums = reshape(
      parts.reduce((a, b) => add(a, b)),
      [n, c, ...lengths],
    );
    return [slice(sums, [0, 0, ...spatial.map(() => before)], [n, c, ...spatial.map((length) => before + length)])];
  },
};

const samplePointsGradientOp: Op<undefined, [x: 0, points: 0, gradient: 0], [dpoints: 0]> = {
  name: 'samplePointsGradient',
  fused: 'samplePointsGradient',
  infer([x, points, gradient]) {
    floats('samplePointsGradient', x);
    sameDtype('samplePointsGradient', x, gradient);
    const count = places('samplePointsGradient', x.shape, points, x);
    shapeIs('samplePointsGradient', "the output's gradient", gradient, [...x.shape.slice(0, 2), count]);
    return [points];
  },
  run: (kernels, [x, points, gradient], [dpoints]) => kernels.samplePointsGradient(x, points, gradient, dpoints),
  compose([x, points, gradient]) {
    const planes = padded(x);
    const corners = cornersOf(points, x.shape.slice(2)).map(({ place, ends }) => ({
      ends,
      value: sum(mul(gradient, valuesAt(planes, place)), 1, { keepDims: true }),
    }));
    const along = (axis: number): Tensor =>
      corners
        .map(({ value, ends }) =>
          mul(value, product(ends.map(({ weight, slope }, other) => (other === axis ? slope : weight)))),
        )
        .reduce((a, b) => add(a, b));
    const [n, count, axes] = points.shape as [number, number, number];
    return [
      reshape(
        stack(
          Array.from({ length: axes }, (_, axis) => along(axis)),
          -1,
        ),
        [n, count, axes],
      ),
    ];
  },
};

export const sampleOps = {
  sample: sampleOp,
  sampleInputGradient: sampleInputGradientOp,
  samplePointsGradient: samplePointsGradientOp,
};

/** The number of points; refuses such as do not fit an input `[N, C, ...spatial]` or have another dtype than `like`. */
function places(op: string, [n, ...input]: Shape, points: TensorType, like: TensorType): number {
  const spatial = input.slice(1);
  if (spatial.length < 1 || spatial.length > 3) {
    throw new ShapeError(
      `${op}: needs an input [N, C, ...spatial] of one to three spatial axes, but was given ${formatShape([n!, ...input])}.`,
    );
  }
  const { shape } = points;
  if (shape.length !== 3 || shape[0] !== n || shape[2] !== spatial.length) {
    throw new ShapeError(
      `${op}: points in an input ${formatShape([n!, ...input])} have shape [${n}, P, ${spatial.length}], a coordinate for each spatial axis, but were given as ${formatShape(shape)}.`,
    );
  }
  sameDtype(op, like, points);
  return shape[1]!;
}

// The compositions read from planes with a margin of zeros, so that no corner of any cell needs a mask: one before an axis, for the cell that begins at
// -1, and two behind, for the cell that begins at its length, of which both ends are outside.
const [before, after] = [1, 2];

function withPadding(length: number): number {
  return before + length + after;
}

/** The planes with their margins, flattened: `[N, C, places]`. */
function padded(x: Tensor): Tensor {
  const margins = x.shape.map((_, axis) => (axis < 2 ? ([0, 0] as const) : ([before, after] as const)));
  return reshape(pad(x, margins), [...x.shape.slice(0, 2), -1]);
}

function valuesAt(planes: Tensor, place: Tensor): Tensor {
  return gather(planes, broadcastTo(place, [...planes.shape.slice(0, 2), place.shape[2]!]), 2);
}

function product(factors: readonly Tensor[]): Tensor {
  return factors.reduce((a, b) => mul(a, b));
}

/** One end of the cells in which points lie, along one axis; all tensors are `[N, 1, P]`. */
interface End {
  readonly weight: Tensor;
  /** Derivative of the weight in the coordinate. */
  readonly slope: Tensor;
}

/** One corner of the cells in which points lie. */
interface Corner {
  /** Where it is in the flattened planes with margins. */
  readonly place: Tensor;
  /** Its end along each axis. */
  readonly ends: readonly End[];
}

function cornersOf(points: Tensor, spatial: Shape): Corner[] {
  const [n, count] = points.shape as [number, number];
  const strides = stridesOf(spatial.map(withPadding));
  const axes = spatial.map((length, axis) =>
    cellOf(reshape(slice(points, [0, 0, axis], [n, count, axis + 1]), [n, 1, count]), length),
  );
  const first = axes.map(({ cell }, axis) => mul(cell, strides[axis]!)).reduce((a, b) => add(a, b));
  return Array.from({ length: 2 ** spatial.length }, (_, corner) => {
    const sides = spatial.map((_length, axis) => (corner >> axis) & 1);
    return {
      place: add(
        first,
        sides.reduce((offset, side, axis) => offset + side * strides[axis]!, 0),
      ),
      ends: sides.map((side, axis) => axes[axis]!.ends[side]!),
    };
  });
}

/** The cells of coordinates along an axis of `length`: their number, counted with the margin, and their two ends. */
function cellOf(coordinates: Tensor, length: number): { readonly cell: Tensor; readonly ends: readonly [End, End] } {
  const end = scalarLike(coordinates, length);
  // What is outside moves to the cell of zeros behind the axis, infinities too. NaN stays, and makes weights NaN; but it lies nowhere.
  const inside = minimum(where(lessEqual(coordinates, -1), end, coordinates), end);
  const number = equal(inside, inside);
  const from = floor(where(number, inside, end));
  const weight = sub(inside, from);
  const slope = where(number, scalarLike(inside, 1), inside);
  return {
    cell: cast(add(from, before), 'int32'),
    ends: [
      { weight: sub(1, weight), slope: neg(slope) },
      { weight, slope },
    ],
  };
}

/**
 * Values of `x` `[N, C, ...spatial]` between its pixels, at `points` `[N, P, D]`: `[N, C, P]`. A point has a coordinate for each of the D spatial axes, in
 * their order, counted in pixels from the first one's centre. For D = 2
 *
 * `y[n, c, p] = sum over i, j of max(0, 1 - |v - i|) * max(0, 1 - |w - j|) * x[n, c, i, j]`, with `(v, w) = points[n, p]`:
 *
 * linear interpolation among the 2^D corners of the cell `[floor(v), floor(v) + 1] x ...`, of which those outside count 0. A point with a coordinate of -1
 * or less, or of an axis's length or more, gives 0, and has no gradient. At whole coordinates the derivative is that of the cell that begins there. A NaN
 * coordinate gives NaN, and sends no gradient to `x`.
 *
 * Source: Dai et al., Deformable convolutional networks, arXiv:1703.06211, equations 3 and 4.
 * @throws ShapeError unless there are one to three spatial axes, and a coordinate of each point for each.
 * @throws DTypeError unless both are floats of one dtype.
 */
export function sample(x: Tensor, points: Tensor): Tensor {
  return dispatch(sampleOp, [x, points], undefined)[0];
}

/**
 * What {@link sample} gives where all coordinates are whole, read from that element alone: an infinite one beside it would make a NaN of its weight, 0. No gradient
 * reaches the points.
 */
export function elementsAt(x: Tensor, points: Tensor): Tensor {
  return scope(() => {
    const [{ place, ends }] = cornersOf(points, x.shape.slice(2)) as [Corner];
    // The weights are 1, or NaN.
    return mul(valuesAt(padded(x), place), stopGradient(product(ends.map(({ weight }) => weight))));
  });
}

/** Gradient of {@link sample} with respect to its input of shape `inputShape`, from the output's gradient `[N, C, P]`. */
export function sampleInputGradient(gradient: Tensor, points: Tensor, inputShape: Shape): Tensor {
  return dispatch(sampleInputGradientOp, [gradient, points], { inputShape })[0];
}

/** Gradient of {@link sample} with respect to its points, `[N, P, D]`, from the output's gradient `[N, C, P]`. */
export function samplePointsGradient(x: Tensor, points: Tensor, gradient: Tensor): Tensor {
  return dispatch(samplePointsGradientOp, [x, points, gradient], undefined)[0];
}

import type { Shape, View } from '@receptive/backend';
import { broadcastStrides, sameShape, sizeOf, stridesOf } from '@receptive/backend';
import { dispatch } from '../dispatch.ts';
import { ShapeError, formatShape } from '../errors.ts';
import type { Op, TensorType } from '../op.ts';
import { scope } from '../scope.ts';
import type { Tensor } from '../tensor.ts';
import { resolveAxes, resolveAxis, sameDtype, shapeIs, withLength } from './check.ts';

/** An op that reads its input's memory in another order, and makes a dense copy of what it reads. */
function viewOp<A>(
  name: string,
  shape: (x: Shape, attributes: A) => Shape,
  view: (x: Shape, attributes: A) => View,
): Op<A, [x: 0], [y: 0]> {
  return {
    name,
    infer: ([x], attributes) => [{ shape: shape(x.shape, attributes), dtype: x.dtype }],
    run: (kernels, [x], [y], attributes) => kernels.copyView(x, y, view(x.shape, attributes)),
  };
}

const reshapeOp: Op<{ readonly shape: Shape }, [x: 0], [y: 0]> = {
  name: 'reshape',
  alias: true,
  infer([x], { shape }) {
    if (sizeOf(shape) !== sizeOf(x.shape)) {
      throw new ShapeError(
        `reshape: ${formatShape(x.shape)} has ${sizeOf(x.shape)} elements, and ${formatShape(shape)} would have ${sizeOf(shape)}.`,
      );
    }
    return [{ shape, dtype: x.dtype }];
  },
};

const permuteOp = viewOp<{ readonly axes: readonly number[] }>(
  'permute',
  (x, { axes }) => axes.map((axis) => x[axis]!),
  (x, { axes }) => {
    const strides = stridesOf(x);
    return { offset: 0, strides: axes.map((axis) => strides[axis]!) };
  },
);

const sliceOp = viewOp<{ readonly start: readonly number[]; readonly end: readonly number[] }>(
  'slice',
  (_, { start, end }) => start.map((from, axis) => end[axis]! - from),
  (x, { start }) => {
    const strides = stridesOf(x);
    return { offset: start.reduce((offset, from, axis) => offset + from * strides[axis]!, 0), strides };
  },
);

const flipOp = viewOp<{ readonly axes: readonly number[] }>(
  'flip',
  (x) => x,
  (x, { axes }) => {
    const strides = stridesOf(x);
    let offset = 0;
    for (const axis of axes) {
      offset += (x[axis]! - 1) * strides[axis]!;
      strides[axis]! *= -1;
    }
    return { offset, strides };
  },
);

const broadcastToOp = viewOp<{ readonly shape: Shape }>(
  'broadcastTo',
  (x, { shape }) => {
    const missing = shape.length - x.length;
    if (missing < 0 || x.some((length, axis) => length !== 1 && length !== shape[axis + missing])) {
      throw new ShapeError(
        `broadcastTo: ${formatShape(x)} does not broadcast to ${formatShape(shape)}: aligned at the right, each axis must be equal or 1.`,
      );
    }
    return shape;
  },
  (x, { shape }) => ({ offset: 0, strides: broadcastStrides(x, shape) }),
);

const concatOp: Op<{ readonly axis: number }, readonly 0[], [y: 0]> = {
  name: 'concat',
  infer(inputs: readonly TensorType[], { axis }) {
    const [first, ...rest] = inputs;
    if (!first) throw new ShapeError('concat: was given no tensors. Give at least one.');
    sameDtype('concat', ...inputs);
    let length = first.shape[axis]!;
    for (const input of rest) {
      shapeIs(
        'concat',
        `an input (along axis ${axis} any length)`,
        input,
        withLength(first.shape, axis, input.shape[axis] ?? 0),
      );
      length += input.shape[axis]!;
    }
    return [{ shape: withLength(first.shape, axis, length), dtype: first.dtype }];
  },
  run: (kernels, inputs, [y], { axis }) => kernels.concat(inputs, y, axis),
};

export const viewOps = {
  reshape: reshapeOp,
  permute: permuteOp,
  slice: sliceOp,
  flip: flipOp,
  broadcastTo: broadcastToOp,
  concat: concatOp,
};

/**
 * The same elements under another shape; memory is shared. One length may be -1: it is what the others leave.
 * @throws ShapeError if the number of elements would change.
 */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const given = shape.filter((length) => length !== -1);
  const left = x.size / sizeOf(given);
  if (given.length < shape.length - 1 || (given.length < shape.length && !Number.isInteger(left))) {
    throw new ShapeError(
      `reshape: ${formatShape(shape)} does not take the ${x.size} elements of ${formatShape(x.shape)}: one length may be -1, and the others must divide the number of elements.`,
    );
  }
  return dispatch(reshapeOp, [x], { shape: shape.map((length) => (length === -1 ? left : length)) })[0];
}

/** All axes from `startAxis` on made into one. */
export function flatten(x: Tensor, startAxis = 0): Tensor {
  const axis = x.rank === 0 ? 0 : resolveAxis('flatten', startAxis, x.rank);
  return reshape(x, [...x.shape.slice(0, axis), -1]);
}

/** Inserts an axis of length 1 before `axis`, which may be the rank to append one. */
export function unsqueeze(x: Tensor, axis: number): Tensor {
  const before = resolveAxis('unsqueeze', axis, x.rank + 1);
  return reshape(x, [...x.shape.slice(0, before), 1, ...x.shape.slice(before)]);
}

/** Leaves out axes of length 1: those named, or all. */
export function squeeze(x: Tensor, axes?: number | readonly number[]): Tensor {
  const named = resolveAxes('squeeze', axes, x.rank).filter((axis) => axes !== undefined || x.shape[axis] === 1);
  const long = named.find((axis) => x.shape[axis] !== 1);
  if (long !== undefined)
    throw new ShapeError(`squeeze: axis ${long} of ${formatShape(x.shape)} has length ${x.shape[long]}, not 1.`);
  return reshape(
    x,
    x.shape.filter((_, axis) => !named.includes(axis)),
  );
}

/** Axes in another order: axis `i` of the result is axis `axes[i]` of x. */
export function permute(x: Tensor, axes: readonly number[]): Tensor {
  const order = axes.map((axis) => resolveAxis('permute', axis, x.rank));
  if (new Set(order).size !== x.rank || order.length !== x.rank) {
    throw new ShapeError(
      `permute: ${formatShape(axes)} must name each of the ${x.rank} axes of ${formatShape(x.shape)} once.`,
    );
  }
  return dispatch(permuteOp, [x], { axes: order })[0];
}

/** Two axes exchanged: the last two, unless named. */
export function transpose(x: Tensor, a = -2, b = -1): Tensor {
  const order = Array.from({ length: x.rank }, (_, axis) => axis);
  const [first, second] = [resolveAxis('transpose', a, x.rank), resolveAxis('transpose', b, x.rank)];
  [order[first], order[second]] = [second, first];
  return dispatch(permuteOp, [x], { axes: order })[0];
}

/** The block from `start` up to, not including, `end`, axis by axis. Negative places count from the axis's end; axes left out are taken whole. */
export function slice(x: Tensor, start: readonly number[], end: readonly number[] = []): Tensor {
  if (Math.max(start.length, end.length) > x.rank) {
    throw new ShapeError(
      `slice: ${Math.max(start.length, end.length)} places were given for the ${x.rank} axes of ${formatShape(x.shape)}.`,
    );
  }
  const from = x.shape.map((length, axis) => place(start[axis] ?? 0, length));
  const to = x.shape.map((length, axis) => place(end[axis] ?? length, length));
  x.shape.forEach((length, axis) => {
    const [a, b] = [from[axis]!, to[axis]!];
    if (!Number.isInteger(a) || !Number.isInteger(b) || a < 0 || a >= b || b > length) {
      throw new ShapeError(`slice: axis ${axis} of ${formatShape(x.shape)} has no elements ${a} up to ${b}.`);
    }
  });
  return dispatch(sliceOp, [x], { start: from, end: to })[0];
}

/** A place counted from the front of an axis. */
function place(given: number, length: number): number {
  return given < 0 ? given + length : given;
}

/** Elements in reverse order along the named axes. */
export function flip(x: Tensor, axes?: number | readonly number[]): Tensor {
  return dispatch(flipOp, [x], { axes: resolveAxes('flip', axes, x.rank) })[0];
}

/** x repeated along axes of length 1, and along new axes at the front, to `shape`. */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  return sameShape(x.shape, shape) ? x.clone() : dispatch(broadcastToOp, [x], { shape: [...shape] })[0];
}

/** Tensors one after another along `axis`; their other axes are equal. */
export function concat(inputs: readonly Tensor[], axis = 0): Tensor {
  return dispatch(concatOp, inputs, {
    axis: resolveAxis('concat', axis, inputs[0]?.rank ?? 1),
  })[0];
}

/** Tensors of one shape side by side along a new axis. */
export function stack(inputs: readonly Tensor[], axis = 0): Tensor {
  return scope(() =>
    concat(
      inputs.map((input) => unsqueeze(input, axis)),
      axis,
    ),
  );
}

/** Pieces of the given lengths along `axis`, which they fill. */
export function split(x: Tensor, lengths: readonly number[], axis = 0): Tensor[] {
  const along = resolveAxis('split', axis, x.rank);
  const total = lengths.reduce((sum, length) => sum + length, 0);
  if (total !== x.shape[along]) {
    throw new ShapeError(
      `split: lengths ${formatShape(lengths)} sum to ${total}, but axis ${along} of ${formatShape(x.shape)} has ${x.shape[along]}.`,
    );
  }
  let from = 0;
  return lengths.map((length) => {
    const start = x.shape.map((_, a) => (a === along ? from : 0));
    from += length;
    return slice(x, start, withLength(x.shape, along, from));
  });
}

import { dispatch } from '../dispatch.ts';
import { ShapeError, formatShape } from '../errors.ts';
import type { Op, TensorType } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { fits, withLength } from './check.ts';
import { broadcastTo, concat, flip, slice } from './views.ts';

/** Elements of padding before and after each axis. */
export type Pads = readonly (readonly [before: number, after: number])[];

/** How a tensor goes on beyond its edges; see {@link pad}. */
export type EdgeMode = 'reflect' | 'replicate' | 'circular';

/** Options of {@link pad}. */
export interface PadOptions {
  /** What lies around; `'constant'` unless told. */
  readonly mode?: 'constant' | EdgeMode;
  /** The constant; 0 unless told. */
  readonly value?: number;
}

/** `count` elements beyond one edge of an axis of `length`, made of `part`s of it. */
type Edge = (part: (from: number, to: number) => Tensor, count: number, length: number, axis: number) => Tensor;

/** Repeats a part of one element. */
const repeated = (element: Tensor, count: number, axis: number): Tensor =>
  broadcastTo(element, withLength(element.shape, axis, count));

/** What lies before and after an axis, and how many elements of padding one of `length` has to offer. */
const edges: Readonly<Record<EdgeMode, { most(length: number): number; before: Edge; after: Edge }>> = {
  reflect: {
    most: (length) => length - 1,
    before: (part, count, _, axis) => flip(part(1, count + 1), axis),
    after: (part, count, length, axis) => flip(part(length - 1 - count, length - 1), axis),
  },
  replicate: {
    most: () => Infinity,
    before: (part, count, _, axis) => repeated(part(0, 1), count, axis),
    after: (part, count, length, axis) => repeated(part(length - 1, length), count, axis),
  },
  circular: {
    most: (length) => length,
    before: (part, count, length) => part(length - count, length),
    after: (part, count) => part(0, count),
  },
};

const isNone = (padding: Pads): boolean => padding.flat().every((count) => count === 0);

function paddedType({ shape, dtype }: TensorType, padding: Pads): TensorType {
  return { shape: shape.map((length, axis) => length + padding[axis]![0] + padding[axis]![1]), dtype };
}

const padOp: Op<{ readonly padding: Pads; readonly value: number }, [x: 0], [y: 0]> = {
  name: 'pad',
  infer([x], { padding, value }) {
    fits('pad', value, x.dtype);
    return [paddedType(x, padding)];
  },
  run: (kernels, [x], [y], { padding, value }) => kernels.pad(x, y, padding, value),
};

const extendOp: Op<{ readonly padding: Pads; readonly mode: EdgeMode }, [x: 0], [y: 0]> = {
  name: 'extend',
  infer([x], { padding, mode }) {
    const axis = padding.findIndex((pair, a) => Math.max(...pair) > edges[mode].most(x.shape[a]!));
    if (axis >= 0) {
      const length = x.shape[axis]!;
      throw new ShapeError(
        `pad: mode '${mode}' gives an axis of ${length} at most ${edges[mode].most(length)} elements of padding on a side, but axis ${axis} of ${formatShape(x.shape)} is to get ${JSON.stringify(padding[axis])}. Pad less, or take mode 'replicate'.`,
      );
    }
    return [paddedType(x, padding)];
  },
  // Axis by axis, so that corners are continued along both of their axes.
  compose([x], { padding, mode }) {
    const { before, after } = edges[mode];
    return [
      padding.reduce((y, [head, tail], axis) => {
        if (head + tail === 0) return y;
        const length = y.shape[axis]!;
        const part = (from: number, to: number): Tensor =>
          slice(
            y,
            y.shape.map((_, a) => (a === axis ? from : 0)),
            withLength(y.shape, axis, to),
          );
        return concat(
          [
            ...(head > 0 ? [before(part, head, length, axis)] : []),
            y,
            ...(tail > 0 ? [after(part, tail, length, axis)] : []),
          ],
          axis,
        );
      }, x),
    ];
  },
};

export const paddingOps = { pad: padOp, extend: extendOp };

/**
 * x with `padding[axis]` elements before and after, axis by axis. Of a row `a b c d`, padded by two, the modes make
 * - `'constant'`: `0 0 | a b c d | 0 0`, or another `value`;
 * - `'reflect'`: `c b | a b c d | c b`, mirrored about the outermost elements, which are not repeated; needs fewer elements of padding than the axis has;
 * - `'replicate'`: `a a | a b c d | d d`;
 * - `'circular'`: `c d | a b c d | a b`, as if the axis closed to a ring; needs no more elements of padding than the axis has.
 * @throws ShapeError if padding is no pair of whole numbers for each axis, or more than the mode has elements for.
 * @throws DTypeError if x's integer type does not hold the value.
 * @throws RangeError for a mode that does not exist; TypeError for a value in a mode that takes none.
 */
export function pad(x: Tensor, padding: Pads, { mode = 'constant', value }: PadOptions = {}): Tensor {
  if (padding.length !== x.rank || !padding.flat().every((n) => Number.isInteger(n) && n >= 0)) {
    throw new ShapeError(
      `pad: needs a pair [before, after] of whole numbers for each of the ${x.rank} axes of ${formatShape(x.shape)}, but was given ${JSON.stringify(padding)}.`,
    );
  }
  if (mode === 'constant') return dispatch(padOp, [x], { padding, value: value ?? 0 })[0];
  if (!Object.hasOwn(edges, mode)) {
    throw new RangeError(
      `pad: mode must be one of constant, ${Object.keys(edges).join(', ')}, but is ${JSON.stringify(mode)}.`,
    );
  }
  if (value !== undefined) throw new TypeError(`pad: a value is for mode 'constant'; leave it out of mode '${mode}'.`);
  return isNone(padding) ? x.clone() : dispatch(extendOp, [x], { padding, mode })[0];
}

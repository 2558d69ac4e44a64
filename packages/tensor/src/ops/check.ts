import type { DType, Shape } from '@receptive/backend';
import { isFloat, sameShape, typedArray } from '@receptive/backend';
import { DTypeError, ShapeError, formatShape } from '../errors.ts';
import type { TensorType } from '../op.ts';

/** Refuses anything but floats. */
export function floats(op: string, ...inputs: readonly TensorType[]): void {
  for (const { dtype } of inputs) {
    if (!isFloat(dtype))
      throw new DTypeError(`${op}: works on floats, but was given ${dtype}. Convert it first: cast(x, 'float32').`);
  }
}

/** Refuses inputs of different element types: nothing is converted in silence. */
export function sameDtype(op: string, ...inputs: readonly TensorType[]): void {
  const first = inputs[0]?.dtype;
  for (const { dtype } of inputs) {
    if (dtype !== first)
      throw new DTypeError(
        `${op}: all inputs need one dtype, but were given ${first} and ${dtype}. Convert one with cast().`,
      );
  }
}

/** Refuses any dtype but `expected`, which the input called `what` must have. */
export function dtypeIs(op: string, what: string, input: TensorType, expected: string): void {
  if (input.dtype !== expected)
    throw new DTypeError(`${op}: ${what} must be ${expected}, but is ${input.dtype}. Convert it with cast().`);
}

/** Refuses a number that an integer type does not hold: nothing is truncated or wrapped around in silence. */
export function fits(op: string, value: number, dtype: DType): void {
  if (!isFloat(dtype) && typedArray(dtype, 1).fill(value)[0] !== value) {
    throw new DTypeError(
      `${op}: ${value} is no number of type ${dtype}. Work in float32, or truncate and limit it first: cast(x, '${dtype}').`,
    );
  }
}

/** Refuses another shape than `expected` for the input called `what`. */
export function shapeIs(op: string, what: string, input: TensorType, expected: Shape): void {
  if (!sameShape(input.shape, expected)) {
    throw new ShapeError(
      `${op}: ${what} must have shape ${formatShape(expected)}, but has ${formatShape(input.shape)}.`,
    );
  }
}

/** An axis counted from the front; negative ones count from the end. */
export function resolveAxis(op: string, axis: number, rank: number): number {
  const resolved = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || resolved < 0 || resolved >= rank) {
    const what =
      rank === 0 ? 'a scalar, which has none' : `a tensor of ${rank} axes. Axes run from ${-rank} to ${rank - 1}`;
    throw new ShapeError(`${op}: axis ${axis} does not exist in ${what}.`);
  }
  return resolved;
}

/** Axes counted from the front, ascending, each once; all of them if none are named. */
export function resolveAxes(op: string, axes: number | readonly number[] | undefined, rank: number): number[] {
  if (axes === undefined) return Array.from({ length: rank }, (_, axis) => axis);
  const named = typeof axes === 'number' ? [axes] : axes;
  const resolved = named.map((axis) => resolveAxis(op, axis, rank)).sort((a, b) => a - b);
  if (resolved.some((axis, i) => axis === resolved[i - 1]))
    throw new ShapeError(`${op}: axes ${formatShape(named)} name an axis twice.`);
  return resolved;
}

/** The shape to which all broadcast: aligned at the right, a length of 1 repeats. */
export function broadcastShape(op: string, ...shapes: readonly Shape[]): number[] {
  const rank = shapes.reduce((most, shape) => Math.max(most, shape.length), 0);
  const result = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    for (let axis = 0; axis < shape.length; axis++) {
      const place = axis + rank - shape.length;
      const [own, length] = [shape[axis]!, result[place]!];
      if (own === 1) continue;
      if (length !== 1 && length !== own) {
        throw new ShapeError(
          `${op}: shapes ${shapes.map(formatShape).join(' and ')} do not broadcast: aligned at the right, axes must be equal or 1, but one is ${length} and one ${own}.`,
        );
      }
      result[place] = own;
    }
  }
  return result;
}

/** `shape` with another length along one axis. */
export function withLength(shape: Shape, axis: number, length: number): number[] {
  return shape.map((own, a) => (a === axis ? length : own));
}

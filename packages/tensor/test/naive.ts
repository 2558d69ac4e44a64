import type { Shape } from '@receptive/backend';
import { stridesOf } from '@receptive/backend';
import { scope } from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import * as fc from 'fast-check';

// The plainest meaning of what the ops do: functions of an index.

export type Index = readonly number[];

/** Every index of a shape, in row-major order. */
export function indices(shape: Shape): Index[] {
  return shape.reduce<number[][]>(
    (found, length) => found.flatMap((index) => Array.from({ length }, (_, i) => [...index, i])),
    [[]],
  );
}

/** Reads a tensor by index. */
export function reader(x: Tensor): (index: Index) => number {
  const values = x.dataSync();
  const strides = stridesOf(x.shape);
  return (index) => values[index.reduce((place, i, axis) => place + i * strides[axis]!, 0)]!;
}

/** The numbers of a tensor of `shape` whose element at each index is `f`'s. */
export function table(shape: Shape, f: (index: Index) => number): number[] {
  return indices(shape).map(f);
}

/** An index into a tensor of `shape` that is read as part of a larger one: aligned at the right, lengths of 1 repeat. */
export function broadcastIndex(index: Index, shape: Shape): number[] {
  return shape.map((length, axis) => (length === 1 ? 0 : index[axis + index.length - shape.length]!));
}

/** Shapes of up to `rank` axes, small enough to enumerate. */
export function shapesUpTo(rank: number, min = 0): fc.Arbitrary<number[]> {
  return fc.array(fc.integer({ min: 1, max: 4 }), { minLength: min, maxLength: rank });
}

/** A shape, and shapes that broadcast to it. */
export const broadcastable: fc.Arbitrary<{ shape: number[]; parts: number[][] }> = shapesUpTo(4).chain((shape) =>
  fc
    .array(fc.tuple(fc.nat(shape.length), fc.array(fc.boolean(), { minLength: 4, maxLength: 4 })), {
      minLength: 2,
      maxLength: 3,
    })
    .map((choices) => ({
      shape,
      parts: choices.map(([cut, ones]) => shape.map((length, axis) => (ones[axis] ? 1 : length)).slice(cut)),
    })),
);

/** A shape and some of its axes, perhaps counted from the end. */
export function shapeAndAxes(min = 1): fc.Arbitrary<{ shape: number[]; axes: number[] }> {
  return shapesUpTo(4, 1).chain((shape) =>
    fc
      .subarray([...shape.keys()], { minLength: min })
      .chain((axes) =>
        fc
          .array(fc.boolean(), { minLength: axes.length, maxLength: axes.length })
          .map((fromEnd) => ({ shape, axes: axes.map((axis, i) => (fromEnd[i] ? axis - shape.length : axis)) })),
      ),
  );
}

/** Checks `body` for many random values, each in a scope of its own. */
export function forAll<T>(arbitrary: fc.Arbitrary<T>, body: (value: T) => void): void {
  fc.assert(
    fc.property(arbitrary, (value) => scope(() => body(value))),
    { numRuns: 80 },
  );
}

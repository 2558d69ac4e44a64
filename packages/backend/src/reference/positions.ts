import type { TypedArray } from '../dtype.ts';
import type { Operand } from '../kernels.ts';
import type { Shape } from '../shape.ts';
import { sizeOf } from '../shape.ts';

/** Gives the elements of an operand. */
export type Open = (operand: Operand) => TypedArray;

/** Calls `visit` with every index of `shape` in row-major order, and with its number. The array `index` is reused. */
export function eachIndex(shape: Shape, visit: (index: readonly number[], number: number) => void): void {
  const index = shape.map(() => 0);
  const size = sizeOf(shape);
  for (let number = 0; number < size; number++) {
    visit(index, number);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]!++;
      if (index[axis]! < shape[axis]!) break;
      index[axis] = 0;
    }
  }
}

/** Where the elements of a strided view of shape `shape` lie, in row-major order. */
export function positions(shape: Shape, strides: readonly number[], offset = 0): Int32Array {
  const result = new Int32Array(sizeOf(shape));
  eachIndex(shape, (index, number) => {
    result[number] = index.reduce((position, i, axis) => position + i * strides[axis]!, offset);
  });
  return result;
}

/** Whether `value` takes the place of the maximum `best` found so far: equals keep the first, a NaN beats every number, and nothing beats a NaN. */
export function beats(value: number, best: number): boolean {
  return value > best || (Number.isNaN(value) && !Number.isNaN(best));
}

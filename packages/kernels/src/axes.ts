import type { DType } from '@receptive/backend';
import { bytesPerElement } from '@receptive/backend';

/** Nested loops over several memories at once, innermost last: how often each runs, and how far each memory moves with it. */
export interface Loops {
  readonly counts: readonly number[];
  readonly strides: readonly (readonly number[])[];
}

/** The same walk in as few loops as possible: loops that run once are left out, and neighbours that in every memory amount to one are merged. */
export function collapse(counts: readonly number[], ...strides: readonly (readonly number[])[]): Loops {
  const merged: number[] = [];
  const mergedStrides: number[][] = strides.map(() => []);
  for (let axis = 0; axis < counts.length; axis++) {
    const count = counts[axis]!;
    if (count === 1) continue;
    const last = merged.length - 1;
    if (last >= 0 && strides.every((own, i) => own[axis]! * count === mergedStrides[i]![last])) {
      merged[last]! *= count;
      strides.forEach((own, i) => (mergedStrides[i]![last] = own[axis]!));
    } else {
      merged.push(count);
      strides.forEach((own, i) => mergedStrides[i]!.push(own[axis]!));
    }
  }
  return { counts: merged, strides: mergedStrides };
}

/** Four words of counts for up to four nested axes. */
export function fourCounts(axes: readonly number[] = []): number[] {
  const missing = 4 - axes.length;
  return [0, 1, 2, 3].map((axis) => (axis < missing ? 1 : axes[axis - missing]!));
}

/** Four words of byte strides for up to four nested axes of 4-byte elements. */
export function fourStrides(axes: readonly number[] = []): number[] {
  const missing = 4 - axes.length;
  return [0, 1, 2, 3].map((axis) => (axis < missing ? 0 : axes[axis - missing]! * 4));
}

/** Bytes of scratch that a cursor over `rank` axes needs. */
export function cursorBytes(rank: number): number {
  return 16 + 4 * rank;
}

/** Logarithm to base 2 of the bytes of an element. */
export function shiftOf(dtype: DType): number {
  return Math.log2(bytesPerElement(dtype));
}

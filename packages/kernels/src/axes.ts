import type { DType } from '@receptive/backend';
import { bytesPerElement } from '@receptive/backend';

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

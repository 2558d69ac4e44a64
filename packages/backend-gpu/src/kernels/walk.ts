import type { Loops } from '@receptive/backend';
import { perAxis } from './places.ts';

// Where the elements of an output come from: expressions of `this.thread.x`, the number of the element in row-major order.
//
// Let one step along axis `a` of the output be `p_a` elements, and `q_a = div(this.thread.x, p_a)`. The index along the axis is `q_a - n_a * q_(a-1)`, so that
// the place in a memory with strides `s`, the sum of all indices times their strides, is the sum of `q_a * (s_a - n_(a+1) * s_(a+1))`. This takes one division
// for each axis but the last, whatever the number of memories, and no remainder.

function quotient(axis: number, rank: number): string {
  return axis === rank - 1 ? 'this.thread.x' : `div(this.thread.x, p${axis})`;
}

/** The place of the element in `memory`. */
export function placeIn(memory: string, rank: number): string {
  const steps = perAxis(memory, rank).map((step, axis) => `${quotient(axis, rank)} * ${step}`);
  return steps.join(' + ') || '0';
}

/** Integers that {@link placeIn} needs, for all `memories`. */
export function placeNames(rank: number, memories: readonly string[]): string[] {
  return [...perAxis('p', Math.max(0, rank - 1)), ...memories.flatMap((memory) => perAxis(memory, rank))];
}

/** Values of the {@link placeNames}, for the output's loops and the strides of each memory. */
export function placeValues({ counts, strides }: Loops): number[] {
  const steps = counts.map((_, axis) => counts.slice(axis + 1).reduce((size, count) => size * count, 1));
  return [
    ...steps.slice(0, -1),
    ...strides.flatMap((own) => own.map((stride, axis) => stride - (counts[axis + 1] ?? 0) * (own[axis + 1] ?? 0))),
  ];
}

/** The element's index along `axis`. It needs the {@link placeNames}, and the counts `n0`, `n1`, ... */
export function indexAlong(axis: number, rank: number): string {
  return axis === 0 ? quotient(0, rank) : `(${quotient(axis, rank)} - ${quotient(axis - 1, rank)} * n${axis})`;
}

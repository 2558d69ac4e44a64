// Windows over planes, row by row: what the taps along the innermost axis make of a row of the input is kept for as long as other windows see that row.

import { DILATION, IN, KERNEL, OPERANDS, OUT, PADDING, STRIDE, place, size } from './windows';

// Words after two addresses and an option: rows that are kept of each plane of a window, the first window along the innermost axis all of whose taps lie
// inside the input, one past the last, and rows of outputs a chunk: large planes are cut into bands of so many, alike at all depths.
const KEPT: usize = OPERANDS + 12;
const BEGIN: usize = OPERANDS + 16;
const END: usize = OPERANDS + 20;
const BAND: usize = OPERANDS + 24;

/** Words of a row, of which the last may be there to fill up a vector. */
// @ts-ignore: decorator
@inline
export function rowLength(args: usize): i32 {
  return (load<i32>(args, OUT + 8) + 3) & -4;
}

/** Bands that each plane is cut into. */
// @ts-ignore: decorator
@inline
function bands(args: usize): i32 {
  const rows = load<i32>(args, BAND);
  return (load<i32>(args, OUT + 4) + rows - 1) / rows;
}

/** The first plane of a chunk. */
// @ts-ignore: decorator
@inline
export function firstPlane(args: usize, chunk: i32): i32 {
  return chunk / bands(args) * load<i32>(args, 4);
}

/** One past the last plane of a chunk. */
// @ts-ignore: decorator
@inline
export function endPlane(args: usize, chunk: i32): i32 {
  return min(load<i32>(args), firstPlane(args, chunk) + load<i32>(args, 4));
}

/** The first row of outputs of a chunk. */
// @ts-ignore: decorator
@inline
export function firstRow(args: usize, chunk: i32): i32 {
  return chunk % bands(args) * load<i32>(args, BAND);
}

/** One past the last row of outputs of a chunk. */
// @ts-ignore: decorator
@inline
export function endRow(args: usize, chunk: i32): i32 {
  return min(load<i32>(args, OUT + 4), firstRow(args, chunk) + load<i32>(args, BAND));
}

/**
 * Makes the rows of outputs of a chunk, each for all its planes. `make` fills rows, of `words` words for each window, from the rows that begin with element number
 * `start` of their planes; `combine` takes those that the windows of an output row meet, which lie `count` distances from `rows`, none of them padding.
 * Scratch: `reserved` bytes that the callers have to themselves, a word for each row of a plane that is kept and one for each of a window, and the rows.
 */
// @ts-ignore: decorator
@inline
export function overRows(
  args: usize,
  chunk: i32,
  scratch: usize,
  reserved: usize,
  words: i32,
  make: (args: usize, row: usize, start: i32, to: usize, planes: i32, plane: usize, kept: usize) => void,
  combine: (args: usize, rows: usize, distances: usize, count: i32, output: i32, oz: i32, oy: i32, own: usize) => void,
): void {
  const inputs = size(args, IN), first = firstPlane(args, chunk), planes = endPlane(args, chunk) - first, begin = firstRow(args, chunk), end = endRow(args, chunk);
  const id = load<i32>(args, IN), ih = load<i32>(args, IN + 4), iw = load<i32>(args, IN + 8), od = load<i32>(args, OUT), oh = load<i32>(args, OUT + 4);
  const kd = load<i32>(args, KERNEL), kh = load<i32>(args, KERNEL + 4), kept = load<i32>(args, KEPT), slots = kd * kept;
  // A tag says which row lies in a slot: the number of its first element.
  const tags = scratch + reserved, seen = tags + (<usize>slots << 2), rows = seen + (<usize>(kd * kh) << 2), bytes = <usize>(rowLength(args) * words) << 2;
  const from = load<usize>(args, OPERANDS) + (<usize>(first * inputs) << 2);
  for (let slot = 0; slot < slots; slot++) store<i32>(tags + (<usize>slot << 2), -1);
  for (let oz = 0; oz < od; oz++) for (let oy = begin; oy < end; oy++) {
    let count = 0;
    for (let kz = 0; kz < kd; kz++) {
      const z = place(args, 0, oz, kz);
      if (<u32>z >= <u32>id) continue;
      for (let ky = 0; ky < kh; ky++) {
        const y = place(args, 4, oy, ky);
        if (<u32>y >= <u32>ih) continue;
        const slot = kz * kept + y % kept, start = (z * ih + y) * iw, distance = <usize>slot * bytes;
        if (load<i32>(tags + (<usize>slot << 2)) != start) {
          make(args, from + (<usize>start << 2), start, rows + distance, planes, <usize>inputs << 2, <usize>slots * bytes);
          store<i32>(tags + (<usize>slot << 2), start);
        }
        store<usize>(seen + (<usize>count << 2), distance);
        count++;
      }
    }
    for (let plane = 0; plane < planes; plane++) {
      combine(args, rows + <usize>(plane * slots) * bytes, seen, count, ((first + plane) * od + oz) * oh + oy, oz, oy, scratch);
    }
  }
}

/**
 * Makes a row of each plane: `fours` makes `n`, at least four, neighbouring windows that lie inside, of which the first begins at `p`, with element number
 * `at`; `one` makes a window at an edge, by the column where it begins.
 */
// @ts-ignore: decorator
@inline
export function alongRow(
  args: usize,
  row: usize,
  start: i32,
  to: usize,
  planes: i32,
  plane: usize,
  kept: usize,
  fours: (args: usize, p: usize, at: i32, to: usize, n: i32) => void,
  one: (args: usize, row: usize, start: i32, x: i32, to: usize) => void,
): void {
  const count = load<i32>(args, OUT + 8), begin = load<i32>(args, BEGIN), stride = load<i32>(args, STRIDE + 8), left = load<i32>(args, PADDING + 8);
  const end = load<i32>(args, END), inside = end - begin;
  for (; planes > 0; planes--) {
    for (let ox = 0; ox < count; ox++) {
      if (ox == begin && inside >= 4) {
        const x = begin * stride - left;
        fours(args, row + (<usize>x << 2), start + x, to + (<usize>begin << 2), inside);
        ox = end;
        if (ox == count) break;
      }
      one(args, row, start, ox * stride - left, to + (<usize>ox << 2));
    }
    row += plane;
    to += kept;
  }
}

/** How far the last four windows must be moved back to lie inside, after `n` others are left: computing windows twice is faster than one by one. */
// @ts-ignore: decorator
@inline
export function overlap(n: i32): i32 {
  return n > 0 && n < 4 ? 4 - n : 0;
}

/** Twice the taps along the innermost axis and the stride there, if they are common enough for loops of their own; else 0. */
// @ts-ignore: decorator
@inline
export function commonTaps(args: usize): i32 {
  const taps = load<i32>(args, KERNEL + 8), stride = load<i32>(args, STRIDE + 8);
  return load<i32>(args, DILATION + 8) == 1 && (taps == 2 || taps == 3) && stride <= 2 ? 2 * taps + stride : 0;
}

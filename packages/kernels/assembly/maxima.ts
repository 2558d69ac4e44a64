// Maxima of windows alone, without their places: inference asks for no more.

import { loadSteps } from './narrow';
import { put } from './vector';
import { alongRow, commonTaps, endPlane, endRow, firstPlane, firstRow, overRows, overlap } from './window-rows';
import { DILATION, IN, KERNEL, OPERANDS, OUT, STRIDE, fillRow, isHalving, size } from './windows';

/** Maxima of windows. Operands: input, output, none. */
export function maxima(args: usize, chunk: i32, scratch: usize): void {
  if (!isHalving(args)) {
    const common = commonTaps(args);
    if (common == 8) overRows(args, chunk, scratch, 0, 1, rowOfThreesByTwo, combine);
    else if (common == 6) overRows(args, chunk, scratch, 0, 1, rowOfPairs, combine);
    else if (common == 7) overRows(args, chunk, scratch, 0, 1, rowOfThrees, combine);
    else overRows(args, chunk, scratch, 0, 1, rowOfTaps, combine);
    return;
  }
  const inputs = size(args, IN), outputs = size(args, OUT), width = load<i32>(args, IN + 8), count = load<i32>(args, OUT + 8);
  const begin = firstRow(args, chunk), rows = endRow(args, chunk) - begin;
  for (let plane = firstPlane(args, chunk), last = endPlane(args, chunk); plane < last; plane++) {
    const from = load<usize>(args, OPERANDS) + (<usize>(plane * inputs + 2 * begin * width) << 2);
    halve(from, width, rows, count, load<usize>(args, OPERANDS + 4) + (<usize>(plane * outputs + begin * count) << 2));
  }
}

/** The greater of each lane, and of equals the first; NaN where either is: any number with all bits of a mask set is NaN. */
// @ts-ignore: decorator
@inline
function greater(first: v128, second: v128): v128 {
  return v128.or(f32x4.pmax(first, second), f32x4.ne(second, second));
}

/** The maxima of neighbours in eight elements. */
// @ts-ignore: decorator
@inline
function ofPairs(low: v128, high: v128): v128 {
  return greater(v128.shuffle<f32>(low, high, 0, 2, 4, 6), v128.shuffle<f32>(low, high, 1, 3, 5, 7));
}

/** Maxima of four 2 x 2 windows, whose elements begin at `p` and `below` it. */
// @ts-ignore: decorator
@inline
function ofSquares(p: usize, below: usize): v128 {
  const q = p + below;
  return greater(ofPairs(v128.load(p), v128.load(p, 16)), ofPairs(v128.load(q), v128.load(q, 16)));
}

/** Maxima of the 2 x 2 windows of some rows. */
function halve(from: usize, width: i32, rows: i32, count: i32, to: usize): void {
  const below = <usize>width << 2, last = <usize>(count - 4) << 2;
  for (; rows > 0; rows--) {
    let p = from, n = count;
    for (; n >= 8; n -= 8) {
      const a = ofSquares(p, below), b = ofSquares(p + 32, below);
      v128.store(to, a);
      v128.store(to, b, 16);
      p += 64;
      to += 32;
    }
    to += <usize>n << 2;
    // The last four overlap those before, if they must.
    if (n > 4) v128.store(to - (<usize>n << 2), ofSquares(p, below));
    if (n > 0) v128.store(to - 16, ofSquares(from + last * 2, below));
    from += below * 2;
  }
}

function rowOfThreesByTwo(args: usize, row: usize, start: i32, to: usize, planes: i32, plane: usize, kept: usize): void {
  alongRow(args, row, start, to, planes, plane, kept, threesByTwo, ofOne);
}

function rowOfPairs(args: usize, row: usize, start: i32, to: usize, planes: i32, plane: usize, kept: usize): void {
  alongRow(args, row, start, to, planes, plane, kept, pairs, ofOne);
}

function rowOfThrees(args: usize, row: usize, start: i32, to: usize, planes: i32, plane: usize, kept: usize): void {
  alongRow(args, row, start, to, planes, plane, kept, threes, ofOne);
}

function rowOfTaps(args: usize, row: usize, start: i32, to: usize, planes: i32, plane: usize, kept: usize): void {
  alongRow(args, row, start, to, planes, plane, kept, taps, ofOne);
}

function threesByTwo(args: usize, p: usize, at: i32, to: usize, n: i32): void {
  for (;;) {
    const low = v128.load(p), high = v128.load(p, 16), third = v128.shuffle<f32>(v128.load(p, 8), v128.load(p, 20), 0, 2, 5, 7);
    v128.store(to, greater(ofPairs(low, high), third));
    n -= 4;
    if (n <= 0) return;
    const windows = <usize>(4 - overlap(n)) << 2;
    p += windows << 1;
    to += windows;
  }
}

function pairs(args: usize, p: usize, at: i32, to: usize, n: i32): void {
  for (;;) {
    v128.store(to, ofPairs(v128.load(p), v128.load(p, 16)));
    n -= 4;
    if (n <= 0) return;
    const windows = <usize>(4 - overlap(n)) << 2;
    p += windows << 1;
    to += windows;
  }
}

function threes(args: usize, p: usize, at: i32, to: usize, n: i32): void {
  for (;;) {
    v128.store(to, greater(greater(v128.load(p), v128.load(p, 4)), v128.load(p, 8)));
    n -= 4;
    if (n <= 0) return;
    const windows = <usize>(4 - overlap(n)) << 2;
    p += windows;
    to += windows;
  }
}

function taps(args: usize, p: usize, at: i32, to: usize, n: i32): void {
  const step = load<usize>(args, STRIDE + 8) << 2, hop = load<usize>(args, DILATION + 8) << 2;
  for (;;) {
    let q = p, best = loadSteps(false, p, step);
    for (let tap = load<i32>(args, KERNEL + 8); tap > 1; tap--) {
      q += hop;
      best = greater(best, loadSteps(false, q, step));
    }
    v128.store(to, best);
    n -= 4;
    if (n <= 0) return;
    const windows = <usize>(4 - overlap(n));
    p += windows * step;
    to += windows << 2;
  }
}

/** Maximum of a window some of whose taps may meet padding; -Infinity if all do. */
// @ts-ignore: decorator
@inline
function ofOne(args: usize, row: usize, start: i32, x: i32, to: usize): void {
  const dilation = load<i32>(args, DILATION + 8), width = load<i32>(args, IN + 8);
  let best: f32 = -Infinity;
  for (let tap = load<i32>(args, KERNEL + 8); tap > 0; tap--) {
    if (<u32>x < <u32>width) {
      const v = load<f32>(row + (<usize>x << 2));
      best = <i32>!(v <= best) & <i32>(best == best) ? v : best;
    }
    x += dilation;
  }
  store<f32>(to, best);
}

function combine(args: usize, rows: usize, distances: usize, count: i32, output: i32, oz: i32, oy: i32, own: usize): void {
  let n = load<i32>(args, OUT + 8), to = load<usize>(args, OPERANDS + 4) + (<usize>(output * n) << 2);
  if (count == 0) {
    fillRow(to, n, f32x4.splat(-Infinity));
    return;
  }
  // The rows of common windows are three at most: the last of fewer may as well be asked again.
  const a = rows + load<usize>(distances), b = rows + load<usize>(distances + (<usize>min(count - 1, 1) << 2)), c = rows + load<usize>(distances + (<usize>min(count - 1, 2) << 2));
  for (let at: usize = 0; n > 0; n -= 4) {
    let best = greater(greater(v128.load(a + at), v128.load(b + at)), v128.load(c + at));
    for (let row = 3; row < count; row++) best = greater(best, v128.load(rows + load<usize>(distances + (<usize>row << 2)) + at));
    put(to, best, n);
    to += 16;
    at += 16;
  }
}

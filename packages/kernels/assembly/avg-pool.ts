// Sums and means of windows, and their gradients.

import { loadSteps } from './narrow';
import { storePartial } from './vector';
import { alongRow, commonTaps, endPlane, endRow, firstPlane, firstRow, overRows, overlap } from './window-rows';
import { DILATION, IN, KERNEL, OPERANDS, OUT, STRIDE, addRow, fillRanges, isHalving, place, size, zero } from './windows';

// What a sum is divided by: the window's taps, those that lie inside the input, or nothing.
const INSIDE: i32 = 0;
const WHOLE: i32 = 1;
const SUM: i32 = 2;

/** Sums or means of windows. Operands: input, output; then what to divide by. Scratch that is reserved: a word a window along the innermost axis. */
export function avgPool(args: usize, chunk: i32, scratch: usize): void {
  if (!isHalving(args)) {
    const common = commonTaps(args), reserved = <usize>load<i32>(args, OUT + 8) << 2;
    fillCounts(args, scratch);
    if (common == 8) overRows(args, chunk, scratch, reserved, 1, rowOfThreesByTwo, combineSums);
    else if (common == 6) overRows(args, chunk, scratch, reserved, 1, rowOfPairs, combineSums);
    else if (common == 7) overRows(args, chunk, scratch, reserved, 1, rowOfThrees, combineSums);
    else overRows(args, chunk, scratch, reserved, 1, rowOfSums, combineSums);
    return;
  }
  const inputs = size(args, IN), outputs = size(args, OUT), from = load<usize>(args, OPERANDS), to = load<usize>(args, OPERANDS + 4);
  const begin = firstRow(args, chunk), rows = endRow(args, chunk) - begin, width = load<i32>(args, IN + 8), count = load<i32>(args, OUT + 8);
  const share: f32 = load<i32>(args, OPERANDS + 8) == SUM ? 1 : 0.25;
  for (let plane = firstPlane(args, chunk), last = endPlane(args, chunk); plane < last; plane++) {
    meansOfPairs(from + (<usize>(plane * inputs + 2 * begin * width) << 2), width, rows, count, share, to + (<usize>(plane * outputs + begin * count) << 2));
  }
}

function rowOfThreesByTwo(args: usize, row: usize, start: i32, to: usize, planes: i32, plane: usize, kept: usize): void {
  alongRow(args, row, start, to, planes, plane, kept, threesByTwo, sumOfOne);
}

function rowOfPairs(args: usize, row: usize, start: i32, to: usize, planes: i32, plane: usize, kept: usize): void {
  alongRow(args, row, start, to, planes, plane, kept, pairs, sumOfOne);
}

function rowOfThrees(args: usize, row: usize, start: i32, to: usize, planes: i32, plane: usize, kept: usize): void {
  alongRow(args, row, start, to, planes, plane, kept, threes, sumOfOne);
}

function rowOfSums(args: usize, row: usize, start: i32, to: usize, planes: i32, plane: usize, kept: usize): void {
  alongRow(args, row, start, to, planes, plane, kept, sums, sumOfOne);
}

function threesByTwo(args: usize, p: usize, at: i32, to: usize, n: i32): void {
  for (;;) {
    const low = v128.load(p), high = v128.load(p, 16), next = v128.load(p, 20);
    const a = v128.shuffle<f32>(low, high, 0, 2, 4, 6), b = v128.shuffle<f32>(low, high, 1, 3, 5, 7);
    v128.store(to, f32x4.add(f32x4.add(a, b), v128.shuffle<f32>(a, next, 1, 2, 3, 7)));
    n -= 4;
    if (n <= 0) return;
    const step = <usize>(4 - overlap(n)) << 2;
    p += step << 1;
    to += step;
  }
}

function pairs(args: usize, p: usize, at: i32, to: usize, n: i32): void {
  for (;;) {
    const low = v128.load(p), high = v128.load(p, 16);
    v128.store(to, f32x4.add(v128.shuffle<f32>(low, high, 0, 2, 4, 6), v128.shuffle<f32>(low, high, 1, 3, 5, 7)));
    n -= 4;
    if (n <= 0) return;
    const step = <usize>(4 - overlap(n)) << 2;
    p += step << 1;
    to += step;
  }
}

function threes(args: usize, p: usize, at: i32, to: usize, n: i32): void {
  for (;;) {
    v128.store(to, f32x4.add(f32x4.add(v128.load(p), v128.load(p, 4)), v128.load(p, 8)));
    n -= 4;
    if (n <= 0) return;
    const step = <usize>(4 - overlap(n)) << 2;
    p += step;
    to += step;
  }
}

function sums(args: usize, p: usize, at: i32, to: usize, n: i32): void {
  const stride = <usize>load<i32>(args, STRIDE + 8), step = stride << 2, next = <usize>load<i32>(args, DILATION + 8) << 2, taps = load<i32>(args, KERNEL + 8);
  for (;;) {
    let q = p, sum = loadSteps(false, p, step);
    for (let tap = taps; tap > 1; tap--) {
      q += next;
      sum = f32x4.add(sum, loadSteps(false, q, step));
    }
    v128.store(to, sum);
    n -= 4;
    if (n <= 0) return;
    const windows = <usize>(4 - overlap(n));
    p += windows * step;
    to += windows << 2;
  }
}

/** Sum of a window some of whose taps may meet padding. */
// @ts-ignore: decorator
@inline
function sumOfOne(args: usize, row: usize, start: i32, x: i32, to: usize): void {
  const dilation = load<i32>(args, DILATION + 8), width = load<i32>(args, IN + 8);
  let sum: f64 = 0;
  for (let tap = load<i32>(args, KERNEL + 8); tap > 0; tap--) {
    if (<u32>x < <u32>width) sum += load<f32>(row + (<usize>x << 2));
    x += dilation;
  }
  store<f32>(to, <f32>sum);
}

/** Adds up rows, each of which was summed by itself, which keeps the digits of large windows. */
function combineSums(args: usize, rows: usize, distances: usize, count: i32, output: i32, oz: i32, oy: i32, counts: usize): void {
  const length = load<i32>(args, OUT + 8), row = load<usize>(args, OPERANDS + 4) + (<usize>(output * length) << 2), by = load<i32>(args, OPERANDS + 8);
  let to = row;
  const a = rows + load<usize>(distances), b = rows + load<usize>(distances, 4), c = rows + load<usize>(distances, 8);
  for (let at: usize = 0, n = length; n > 0; n -= 4) {
    let sum = count > 0 ? v128.load(a + at) : f32x4.splat(0);
    if (count > 1) sum = f32x4.add(sum, v128.load(b + at));
    if (count > 2) sum = f32x4.add(sum, v128.load(c + at));
    for (let i = 3; i < count; i++) sum = f32x4.add(sum, v128.load(rows + load<usize>(distances + (<usize>i << 2)) + at));
    if (n >= 4) v128.store(to, sum);
    else storePartial(to, sum, n);
    to += 16;
    at += 16;
  }
  if (by != SUM) scaleRow(args, by == WHOLE, oz, oy, counts, row, row);
}

/** Taps of a window that lie inside the input, along one axis. */
function tapsInside(args: usize, axis: usize, output: i32): i32 {
  let count = 0;
  for (let tap = 0; tap < load<i32>(args + KERNEL + axis); tap++) {
    if (<u32>place(args, axis, output, tap) < <u32>load<i32>(args + IN + axis)) count++;
  }
  return count;
}

/** Multiplies a row by the windows' shares: one over their taps, or over the taps inside. `counts` are the latter, along the innermost axis. */
function scaleRow(args: usize, countPadding: bool, oz: i32, oy: i32, counts: usize, from: usize, to: usize): void {
  const ow = load<i32>(args, OUT + 8), rows = countPadding ? 0 : tapsInside(args, 0, oz) * tapsInside(args, 4, oy);
  const taps = f32x4.splat(<f32>(countPadding ? size(args, KERNEL) : rows));
  let n = ow;
  for (; n >= 4; n -= 4) {
    v128.store(to, f32x4.div(v128.load(from), countPadding ? taps : f32x4.mul(taps, v128.load(counts))));
    from += 16;
    to += 16;
    counts += 16;
  }
  for (; n > 0; n--) {
    const count = f32x4.extract_lane(taps, 0);
    store<f32>(to, load<f32>(from) / (countPadding ? count : count * load<f32>(counts)));
    from += 4;
    to += 4;
    counts += 4;
  }
}

function fillCounts(args: usize, counts: usize): void {
  for (let ox = 0; ox < load<i32>(args, OUT + 8); ox++) store<f32>(counts + (<usize>ox << 2), <f32>tapsInside(args, 8, ox));
}

/** Sums of the 2 x 2 windows of a plane, times `share`. */
function meansOfPairs(plane: usize, width: i32, rows: i32, count: i32, share: f32, to: usize): void {
  const below = <usize>width << 2, shares = f32x4.splat(share);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < count; x += 4) {
      // The last four overlap those before, if they must.
      const o = <usize>min(x, count - 4) << 2, p = plane + o * 2;
      const a = v128.load(p), b = v128.load(p, 16), c = v128.load(p + below), d = v128.load(p + below, 16);
      const upper = f32x4.add(v128.shuffle<f32>(a, b, 0, 2, 4, 6), v128.shuffle<f32>(a, b, 1, 3, 5, 7));
      const lower = f32x4.add(v128.shuffle<f32>(c, d, 0, 2, 4, 6), v128.shuffle<f32>(c, d, 1, 3, 5, 7));
      v128.store(to + o, f32x4.mul(f32x4.add(upper, lower), shares));
    }
    plane += below * 2;
    to += <usize>count << 2;
  }
}

/** Gradient of avgPool. Operands: gradient, to; then whether padding counts. Scratch: two words a tap along the innermost axis and two a window. */
export function avgPoolGradient(args: usize, chunk: i32, scratch: usize): void {
  const inputs = size(args, IN), outputs = size(args, OUT), halving = isHalving(args), by = load<i32>(args, OPERANDS + 8);
  const id = load<i32>(args, IN), ih = load<i32>(args, IN + 4), iw = load<i32>(args, IN + 8);
  const first = chunk * load<i32>(args, 4), last = min(load<i32>(args), first + load<i32>(args, 4));
  const od = load<i32>(args, OUT), oh = load<i32>(args, OUT + 4), ow = load<i32>(args, OUT + 8);
  const kd = load<i32>(args, KERNEL), kh = load<i32>(args, KERNEL + 4), kw = load<i32>(args, KERNEL + 8), stride = load<i32>(args, STRIDE + 8);
  const shares = scratch + (<usize>kw << 3), counts = shares + (<usize>ow << 2);
  let gradient = load<usize>(args, OPERANDS) + (<usize>(first * outputs) << 2);
  fillRanges(args, scratch);
  fillCounts(args, counts);
  for (let plane = first; plane < last; plane++) {
    const to = load<usize>(args, OPERANDS + 4) + (<usize>(plane * inputs) << 2);
    if (!halving || 4 * outputs < inputs) zero(to, inputs);
    for (let oz = 0; oz < od; oz++) for (let oy = 0; oy < oh; oy++) {
      if (halving) shareRowOfPairs(gradient, by == SUM ? 1 : 0.25, to + (<usize>(2 * oy * iw) << 2), <usize>iw << 2, ow);
      else {
        if (by == SUM) memory.copy(shares, gradient, <usize>ow << 2);
        else scaleRow(args, by == WHOLE, oz, oy, counts, gradient, shares);
        for (let kz = 0; kz < kd; kz++) {
          const z = place(args, 0, oz, kz);
          if (<u32>z >= <u32>id) continue;
          for (let ky = 0; ky < kh; ky++) {
            const y = place(args, 4, oy, ky);
            if (<u32>y >= <u32>ih) continue;
            for (let kx = 0; kx < kw; kx++) {
              const range = scratch + (<usize>kx << 3), begin = load<i32>(range);
              const p = to + (<usize>((z * ih + y) * iw + place(args, 8, begin, kx)) << 2);
              addRow(p, stride, shares + (<usize>begin << 2), load<i32>(range, 4) - begin);
            }
          }
        }
      }
      gradient += <usize>ow << 2;
    }
  }
}

/** Hands `part` of each gradient of a row to each of the four elements of its 2 x 2 window. */
function shareRowOfPairs(gradient: usize, part: f32, to: usize, below: usize, count: i32): void {
  const parts = f32x4.splat(part);
  for (let x = 0; x < count; x += 4) {
    // The last four overlap those before, if they must.
    const at = <usize>min(x, count - 4) << 2, p = to + at * 2;
    const share = f32x4.mul(v128.load(gradient + at), parts);
    const left = v128.shuffle<f32>(share, share, 0, 0, 1, 1), right = v128.shuffle<f32>(share, share, 2, 2, 3, 3);
    v128.store(p, left);
    v128.store(p, right, 16);
    v128.store(p + below, left);
    v128.store(p + below, right, 16);
  }
}

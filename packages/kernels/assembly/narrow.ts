// Products with few rows, such as depthwise convolutions and their gradients: panels would take longer to pack than to use, so both operands are read
// where they lie, along rows of the image. Words of both kernels: m, A, A's row stride, B, C, C's row stride, initial or 0; batch counts and the batch
// strides of A, B, C and initial (5 x 4); then two groups of axes, each of four counts and three times four strides.

import { fillOffsets, offsetOf } from './axes';
import { gather4 } from './panels';
import { madd, sumLanes } from './vector';

const BATCH: usize = 28;
const FIRST: usize = BATCH + 80;
const SECOND: usize = FIRST + 64;

/** Four elements `step` bytes apart, which is 4 if they are known to be `dense`. */
// @ts-ignore: decorator
@inline
export function loadSteps(dense: bool, p: usize, step: usize): v128 {
  if (dense || step == 4) return v128.load(p);
  if (step == 8) return v128.shuffle<f32>(v128.load(p), v128.load(p, 12), 0, 2, 5, 7);
  return gather4(p, p + step, p + step * 2, p + step * 3);
}

// @ts-ignore: decorator
@inline
function storeSteps(dense: bool, p: usize, step: usize, v: v128): void {
  if (dense || step == 4) v128.store(p, v);
  else {
    v128.store32_lane(p, v, 0);
    v128.store32_lane(p + step, v, 1);
    v128.store32_lane(p + step * 2, v, 2);
    v128.store32_lane(p + step * 3, v, 3);
  }
}

// @ts-ignore: decorator
@inline
function product(counts: usize): i32 {
  return load<i32>(counts) * load<i32>(counts, 4) * load<i32>(counts, 8) * load<i32>(counts, 12);
}

/**
 * `C[row][place] = initial[row] + sum over inner of A[row][inner] * B[inner + place]`. The first axes are the inner dimension, with strides in A and B (the
 * last four are not used); the second the places, with strides in B and C. A chunk is one plane (the last two axes) of one product of the batch.
 * Scratch: two words an inner element.
 */
export function weighRows(args: usize, chunk: i32, scratch: usize): void {
  const planes = load<i32>(args, SECOND) * load<i32>(args, SECOND + 4), height = load<i32>(args, SECOND + 8), width = load<i32>(args, SECOND + 12);
  const batch = chunk / planes, plane = (chunk % planes) * height * width, k = product(args + FIRST);
  const a = load<usize>(args, 4) + offsetOf(args + BATCH, args + BATCH + 16, batch);
  const b = load<usize>(args, 12) + offsetOf(args + BATCH, args + BATCH + 32, batch) + offsetOf(args + SECOND, args + SECOND + 16, plane);
  const c = load<usize>(args, 16) + offsetOf(args + BATCH, args + BATCH + 48, batch) + offsetOf(args + SECOND, args + SECOND + 32, plane);
  let initial = load<usize>(args, 24);
  if (initial) initial += offsetOf(args + BATCH, args + BATCH + 64, batch);
  const weights = scratch, taps = scratch + (<usize>k << 2);
  fillOffsets(weights, args + FIRST, args + FIRST + 16, 0, k);
  fillOffsets(taps, args + FIRST, args + FIRST + 32, 0, k);
  const bRow = load<usize>(args, SECOND + 24), bStep = load<usize>(args, SECOND + 28), cRow = load<usize>(args, SECOND + 40), cStep = load<usize>(args, SECOND + 44);
  for (let row = 0; row < load<i32>(args); row++) {
    const w = a + <usize>row * load<usize>(args, 8), to = c + <usize>row * load<usize>(args, 20);
    const start = initial ? v128.load32_splat(initial + (<usize>row << 2)) : f32x4.splat(0);
    for (let y = 0; y < height; y++) {
      const from = b + <usize>y * bRow, into = to + <usize>y * cRow, bytes = <usize>k << 2;
      if (bStep == 4 && cStep == 4) weighRow(true, w, weights, from, taps, bytes, 4, into, 4, width, start);
      else weighRow(false, w, weights, from, taps, bytes, bStep, into, cStep, width, start);
    }
  }
}

/** One row of places. `dense`, a constant, says that B's and C's elements are neighbours. */
// @ts-ignore: decorator
@inline
function weighRow(dense: bool, w: usize, weights: usize, b: usize, taps: usize, bytes: usize, bStep: usize, to: usize, cStep: usize, n: i32, initial: v128): void {
  for (; n >= 16; n -= 16) {
    let s0 = initial, s1 = initial, s2 = initial, s3 = initial;
    for (let i: usize = 0; i < bytes; i += 4) {
      const x = v128.load32_splat(w + load<usize>(weights + i)), p = b + load<usize>(taps + i);
      s0 = madd(x, loadSteps(dense, p, bStep), s0);
      s1 = madd(x, loadSteps(dense, p + bStep * 4, bStep), s1);
      s2 = madd(x, loadSteps(dense, p + bStep * 8, bStep), s2);
      s3 = madd(x, loadSteps(dense, p + bStep * 12, bStep), s3);
    }
    storeSteps(dense, to, cStep, s0);
    storeSteps(dense, to + cStep * 4, cStep, s1);
    storeSteps(dense, to + cStep * 8, cStep, s2);
    storeSteps(dense, to + cStep * 12, cStep, s3);
    b += bStep * 16;
    to += cStep * 16;
  }
  for (; n >= 4; n -= 4) {
    let s = initial;
    for (let i: usize = 0; i < bytes; i += 4) s = madd(v128.load32_splat(w + load<usize>(weights + i)), loadSteps(dense, b + load<usize>(taps + i), bStep), s);
    storeSteps(dense, to, cStep, s);
    b += bStep * 4;
    to += cStep * 4;
  }
  for (; n > 0; n--) {
    let s = initial;
    for (let i: usize = 0; i < bytes; i += 4) s = madd(v128.load32_zero(w + load<usize>(weights + i)), v128.load32_zero(b + load<usize>(taps + i)), s);
    v128.store32_lane(to, s, 0);
    b += bStep;
    to += cStep;
  }
}

/** Columns whose dot products are formed together, for two rows. Without fused multiply-add, more would spill. */
const COLUMNS: i32 = ASC_FEATURE_RELAXED_SIMD ? 5 : 4;

/**
 * `C[row][column] = sum over inner of A[row][inner] * B[inner + column]`, where the inner dimension runs along dense rows of A. The first axes are the inner
 * dimension, with strides in A and B; the second the columns, with strides in B and C. A chunk is a slice of the inner dimension's outermost axis (words
 * after the axes: elements a slice, slices, C's stride between slices, whether to add to what C holds) of one product of the batch. Scratch: two words a
 * column.
 */
export function dotRows(args: usize, chunk: i32, scratch: usize): void {
  const options = args + SECOND + 64, size = load<i32>(options), slices = load<i32>(options, 4), add = load<i32>(options, 12) != 0;
  const slice = chunk % slices, batch = chunk / slices, m = load<i32>(args), n = product(args + SECOND), aRow = load<usize>(args, 8), cRow = load<usize>(args, 20);
  const a = load<usize>(args, 4) + offsetOf(args + BATCH, args + BATCH + 16, batch), b = load<usize>(args, 12) + offsetOf(args + BATCH, args + BATCH + 32, batch);
  const c = load<usize>(args, 16) + offsetOf(args + BATCH, args + BATCH + 48, batch) + slice * load<i32>(options, 8);
  const depth = load<i32>(args, FIRST + 4), height = load<i32>(args, FIRST + 8), width = load<i32>(args, FIRST + 12);
  const aLine = load<usize>(args, FIRST + 24), bLine = load<usize>(args, FIRST + 40), bStep = load<usize>(args, FIRST + 44);
  const inB = scratch, inC = scratch + (<usize>n << 2);
  fillOffsets(inB, args + SECOND, args + SECOND + 16, 0, n);
  fillOffsets(inC, args + SECOND, args + SECOND + 32, 0, n);
  const first = slice * size, last = min(load<i32>(args, FIRST), first + size);
  for (let image = first; image < last; image++) for (let z = 0; z < depth; z++) {
    const plane = (image * depth + z) * height * width, accumulate = add || image > first || z > 0;
    const p = a + offsetOf(args + FIRST, args + FIRST + 16, plane), q = b + offsetOf(args + FIRST, args + FIRST + 32, plane);
    for (let row = 0; row < m; row += 2) {
      // A row or column that does not exist repeats the last one.
      const second = min(row + 1, m - 1);
      for (let column = 0; column < n; column += COLUMNS) {
        const a0 = p + <usize>row * aRow, a1 = p + <usize>second * aRow, c0 = c + <usize>row * cRow, c1 = c + <usize>second * cRow;
        const from = inB + (<usize>column << 2), into = inC + (<usize>column << 2), most = min(COLUMNS, n - column) - 1;
        if (bStep == 4) dots(true, a0, a1, aLine, q, from, most, bLine, 4, height, width, c0, c1, into, accumulate);
        else dots(false, a0, a1, aLine, q, from, most, bLine, bStep, height, width, c0, c1, into, accumulate);
      }
    }
  }
}

/** Dot products of two planes of A with up to `most` + 1 of B. `dense`, a constant, says that B's elements are neighbours. */
// @ts-ignore: decorator
@inline
function dots(
  dense: bool, a0: usize, a1: usize, aLine: usize, b: usize, inB: usize, most: i32, bLine: usize, bStep: usize, height: i32, width: i32, c0: usize, c1: usize,
  inC: usize, accumulate: bool,
): void {
  let b0 = b + load<usize>(inB), b1 = b + load<usize>(inB + (<usize>min(1, most) << 2)), b2 = b + load<usize>(inB + (<usize>min(2, most) << 2));
  let b3 = b + load<usize>(inB + (<usize>min(3, most) << 2)), b4 = b + load<usize>(inB + (<usize>most << 2));
  let s00 = f32x4.splat(0), s01 = s00, s02 = s00, s03 = s00, s04 = s00, s10 = s00, s11 = s00, s12 = s00, s13 = s00, s14 = s00;
  for (let y = 0; y < height; y++) {
    let x: usize = 0, at: usize = 0, n = width;
    for (; n >= 4; n -= 4) {
      const u = v128.load(a0 + x), v = v128.load(a1 + x);
      let w = loadSteps(dense, b0 + at, bStep);
      s00 = madd(u, w, s00);
      s10 = madd(v, w, s10);
      w = loadSteps(dense, b1 + at, bStep);
      s01 = madd(u, w, s01);
      s11 = madd(v, w, s11);
      w = loadSteps(dense, b2 + at, bStep);
      s02 = madd(u, w, s02);
      s12 = madd(v, w, s12);
      w = loadSteps(dense, b3 + at, bStep);
      s03 = madd(u, w, s03);
      s13 = madd(v, w, s13);
      if (COLUMNS > 4) {
        w = loadSteps(dense, b4 + at, bStep);
        s04 = madd(u, w, s04);
        s14 = madd(v, w, s14);
      }
      x += 16;
      at += bStep * 4;
    }
    for (; n > 0; n--) {
      const u = v128.load32_zero(a0 + x), v = v128.load32_zero(a1 + x);
      let w = v128.load32_zero(b0 + at);
      s00 = madd(u, w, s00);
      s10 = madd(v, w, s10);
      w = v128.load32_zero(b1 + at);
      s01 = madd(u, w, s01);
      s11 = madd(v, w, s11);
      w = v128.load32_zero(b2 + at);
      s02 = madd(u, w, s02);
      s12 = madd(v, w, s12);
      w = v128.load32_zero(b3 + at);
      s03 = madd(u, w, s03);
      s13 = madd(v, w, s13);
      if (COLUMNS > 4) {
        w = v128.load32_zero(b4 + at);
        s04 = madd(u, w, s04);
        s14 = madd(v, w, s14);
      }
      x += 4;
      at += bStep;
    }
    a0 += aLine;
    a1 += aLine;
    b0 += bLine;
    b1 += bLine;
    b2 += bLine;
    b3 += bLine;
    if (COLUMNS > 4) b4 += bLine;
  }
  put(c0, inC, 0, most, s00, accumulate);
  put(c0, inC, 1, most, s01, accumulate);
  put(c0, inC, 2, most, s02, accumulate);
  put(c0, inC, 3, most, s03, accumulate);
  put(c0, inC, 4, most, s04, accumulate);
  if (c1 == c0) return;
  put(c1, inC, 0, most, s10, accumulate);
  put(c1, inC, 1, most, s11, accumulate);
  put(c1, inC, 2, most, s12, accumulate);
  put(c1, inC, 3, most, s13, accumulate);
  put(c1, inC, 4, most, s14, accumulate);
}

// @ts-ignore: decorator
@inline
function put(c: usize, inC: usize, column: i32, most: i32, v: v128, accumulate: bool): void {
  if (column > most) return;
  const to = c + load<usize>(inC + (<usize>column << 2)), sum = sumLanes(v);
  store<f32>(to, accumulate ? load<f32>(to) + sum : sum);
}

// Products that move more than they compute: few rows, or few inner elements. Tiles would visit long rows piece by piece, each time in another page of memory;
// here rows are swept from end to end, and what lies in the larger matrix is touched once.

import { get, madd, put } from './vector';

/** Rows of C that are swept together, and rows of B that are added to them at a time. */
const ROWS: i32 = 4;
const DEEP: i32 = 8;

/**
 * `C = A x B` where the columns of B and of C are neighbours. Words: m, n, k, rows of C a chunk, slices of the inner dimension, inner elements a slice, parts of the
 * columns, columns a part, A, byte strides of its rows and inner elements, B, its row stride, C, its row stride, and C's stride between slices. A chunk is some rows of a slice
 * and part. Scratch: DEEP x ROWS words.
 */
export function sweep(args: usize, chunk: i32, scratch: usize): void {
  const m = load<i32>(args), k = load<i32>(args, 8), grain = load<i32>(args, 12), slices = load<i32>(args, 16), size = load<i32>(args, 20);
  const parts = load<i32>(args, 24), columns = load<i32>(args, 28), column = chunk % parts * columns, n = min(columns, load<i32>(args, 4) - column);
  chunk /= parts;
  const slice = chunk % slices, first = chunk / slices * grain, last = min(m, first + grain), begin = slice * size, end = min(k, begin + size);
  const aRow = load<usize>(args, 36), aInner = load<usize>(args, 40), bRow = load<usize>(args, 48), cRow = load<usize>(args, 56);
  const from = load<usize>(args, 44) + (<usize>column << 2), c = load<usize>(args, 52) + <usize>slice * load<usize>(args, 60) + (<usize>column << 2);
  const groups = (last - first + ROWS - 1) / ROWS, blocks = (end - begin + DEEP - 1) / DEEP, areFew = groups < blocks;
  for (let step = 0; step < groups * blocks; step++) {
    // Either the rows of B stay in the cache until all rows of C have met them, or the other way round.
    const row = first + (areFew ? step % groups : step / blocks) * ROWS, inner = begin + (areFew ? step / groups : step % blocks) * DEEP, deep = min(DEEP, end - inner);
    for (let i = 0; i < ROWS; i++) {
      // A row that does not exist repeats the last one, and is stored where that is.
      const a = load<usize>(args, 32) + <usize>min(row + i, last - 1) * aRow + <usize>inner * aInner;
      for (let j = 0; j < deep; j++) store<f32>(scratch + (<usize>(j * ROWS + i) << 2), load<f32>(a + <usize>j * aInner));
    }
    const most = last - 1 - row, c0 = c + <usize>row * cRow, c1 = c0 + <usize>min(1, most) * cRow, c2 = c0 + <usize>min(2, most) * cRow, c3 = c0 + <usize>min(3, most) * cRow;
    sweepRows(scratch, deep, from + <usize>inner * bRow, bRow, c0, c1, c2, c3, n, inner > begin);
  }
}

/** Makes or adds to four rows of C: weights `a[deep][4]` times `deep` rows of B. */
function sweepRows(a: usize, deep: i32, b: usize, bRow: usize, c0: usize, c1: usize, c2: usize, c3: usize, n: i32, accumulate: bool): void {
  const zero = f32x4.splat(0), end = a + (<usize>deep << 4);
  let at: usize = 0;
  for (; n >= 8; n -= 8) {
    let s00 = zero, s01 = zero, s10 = zero, s11 = zero, s20 = zero, s21 = zero, s30 = zero, s31 = zero;
    if (accumulate) {
      s00 = v128.load(c0 + at);
      s01 = v128.load(c0 + at, 16);
      s10 = v128.load(c1 + at);
      s11 = v128.load(c1 + at, 16);
      s20 = v128.load(c2 + at);
      s21 = v128.load(c2 + at, 16);
      s30 = v128.load(c3 + at);
      s31 = v128.load(c3 + at, 16);
    }
    for (let w = a, p = b + at; w < end; w += 16) {
      const left = v128.load(p), right = v128.load(p, 16);
      let x = v128.load32_splat(w);
      s00 = madd(x, left, s00);
      s01 = madd(x, right, s01);
      x = v128.load32_splat(w, 4);
      s10 = madd(x, left, s10);
      s11 = madd(x, right, s11);
      x = v128.load32_splat(w, 8);
      s20 = madd(x, left, s20);
      s21 = madd(x, right, s21);
      x = v128.load32_splat(w, 12);
      s30 = madd(x, left, s30);
      s31 = madd(x, right, s31);
      p += bRow;
    }
    v128.store(c0 + at, s00);
    v128.store(c0 + at, s01, 16);
    v128.store(c1 + at, s10);
    v128.store(c1 + at, s11, 16);
    v128.store(c2 + at, s20);
    v128.store(c2 + at, s21, 16);
    v128.store(c3 + at, s30);
    v128.store(c3 + at, s31, 16);
    at += 32;
  }
  for (; n > 0; n -= 4) {
    let s0 = zero, s1 = zero, s2 = zero, s3 = zero;
    if (accumulate) {
      s0 = get(c0 + at, n);
      s1 = get(c1 + at, n);
      s2 = get(c2 + at, n);
      s3 = get(c3 + at, n);
    }
    for (let w = a, p = b + at; w < end; w += 16) {
      const v = get(p, n);
      s0 = madd(v128.load32_splat(w), v, s0);
      s1 = madd(v128.load32_splat(w, 4), v, s1);
      s2 = madd(v128.load32_splat(w, 8), v, s2);
      s3 = madd(v128.load32_splat(w, 12), v, s3);
      p += bRow;
    }
    put(c0 + at, s0, n);
    put(c1 + at, s1, n);
    put(c2 + at, s2, n);
    put(c3 + at, s3, n);
    at += 16;
  }
}

// Products of a few rows with a matrix whose columns lie dense, as the weights of a dense layer do: every element of the matrix is read once, where it lies, and what limits
// the product of a small batch is how fast memory gives it.

import { loadPartial, madd, sumLanes } from './vector';

/**
 * Dot products of rows of A with columns of B, all dense. A chunk is a block of columns. Words: rows, columns, inner elements, columns a chunk, A, its row stride, B, its column
 * stride, C, its row stride.
 */
export function dotProducts(args: usize, chunk: i32, scratch: usize): void {
  const m = load<i32>(args), n = load<i32>(args, 4), k = load<i32>(args, 8), grain = load<i32>(args, 12);
  const a = load<usize>(args, 16), aStep = load<usize>(args, 20), b = load<usize>(args, 24), bStep = load<usize>(args, 28);
  const c = load<usize>(args, 32), cStep = load<usize>(args, 36);
  const end = min(n, (chunk + 1) * grain);
  for (let j = chunk * grain; j < end; j += 4) {
    const count = min(4, end - j), b0 = b + <usize>j * bStep;
    for (let i = 0; i < m; i += 2) {
      // Rows and columns that do not exist repeat the last one.
      const a0 = a + <usize>i * aStep, a1 = i + 1 < m ? a0 + aStep : a0;
      tile(k, a0, a1, b0, b0 + bStep * min(1, count - 1), b0 + bStep * min(2, count - 1), b0 + bStep * (count - 1), scratch);
      for (let row = 0; row < min(2, m - i); row++) {
        const to = c + <usize>(i + row) * cStep + (<usize>j << 2);
        for (let column = 0; column < count; column++) {
          store<f32>(to + (<usize>column << 2), sumLanes(v128.load(scratch + (<usize>(row * 4 + column) << 4))));
        }
      }
    }
  }
}

/** Sums of products of two rows with four columns, lane by lane, at `to`. */
function tile(k: i32, a0: usize, a1: usize, b0: usize, b1: usize, b2: usize, b3: usize, to: usize): void {
  let s00 = f32x4.splat(0), s01 = s00, s02 = s00, s03 = s00, s10 = s00, s11 = s00, s12 = s00, s13 = s00;
  const vectors = <usize>(k & ~3) << 2;
  for (let o: usize = 0; o < vectors; o += 16) {
    const x = v128.load(a0 + o), y = v128.load(a1 + o);
    let w = v128.load(b0 + o);
    s00 = madd(w, x, s00);
    s10 = madd(w, y, s10);
    w = v128.load(b1 + o);
    s01 = madd(w, x, s01);
    s11 = madd(w, y, s11);
    w = v128.load(b2 + o);
    s02 = madd(w, x, s02);
    s12 = madd(w, y, s12);
    w = v128.load(b3 + o);
    s03 = madd(w, x, s03);
    s13 = madd(w, y, s13);
  }
  const rest = k & 3;
  if (rest) {
    const x = loadPartial(a0 + vectors, rest), y = loadPartial(a1 + vectors, rest);
    let w = loadPartial(b0 + vectors, rest);
    s00 = madd(w, x, s00);
    s10 = madd(w, y, s10);
    w = loadPartial(b1 + vectors, rest);
    s01 = madd(w, x, s01);
    s11 = madd(w, y, s11);
    w = loadPartial(b2 + vectors, rest);
    s02 = madd(w, x, s02);
    s12 = madd(w, y, s12);
    w = loadPartial(b3 + vectors, rest);
    s03 = madd(w, x, s03);
    s13 = madd(w, y, s13);
  }
  v128.store(to, s00);
  v128.store(to, s01, 16);
  v128.store(to, s02, 32);
  v128.store(to, s03, 48);
  v128.store(to, s10, 64);
  v128.store(to, s11, 80);
  v128.store(to, s12, 96);
  v128.store(to, s13, 112);
}

// Copying operands into panels, the order in which the tiles of a matrix multiplication read them. An operand is any memory whose element (i, k) lies at
// `base + outer(i) + inner(k)`: matrices, their transposes, and the columns of a convolution that are never written out.

import { WIDE } from '../build/flavour';

/** Columns of a tile. */
// @ts-ignore: decorator
@inline
export const NR: i32 = WIDE ? 16 : 8;
/** Bytes of a row of a tile. */
// @ts-ignore: decorator
@inline
export const ROW: usize = NR * 4;
/** Rows of the highest tile. */
// @ts-ignore: decorator
@inline
const HIGHEST: i32 = ASC_FEATURE_RELAXED_SIMD ? 6 : 5;

/** Rows that the highest tiles fill, whichever of the two they are; a chunk of rows is a multiple of it. */
const BLOCK: i32 = 60;

// Blocks of rows are cut into the highest tiles. The rows that are left over are cut as evenly as can be, which wastes none unless they are fewer than
// the lowest tile has: 16 rows are 6 + 5 + 5, or 4 + 4 + 4 + 4.

/** The first row that is left over. */
// @ts-ignore: decorator
@inline
export function leftOver(m: i32): i32 {
  return m - m % BLOCK;
}

/** Rows of the lower tiles of those that are left over. */
// @ts-ignore: decorator
@inline
export function lowRows(m: i32): i32 {
  const rows = m % BLOCK;
  return max(3, rows / max(1, (rows + HIGHEST - 1) / HIGHEST));
}

/** The first row of the lower tiles: the others of those left over have one row more. */
// @ts-ignore: decorator
@inline
export function firstLow(m: i32): i32 {
  const rows = m % BLOCK, tiles = max(1, (rows + HIGHEST - 1) / HIGHEST);
  return m - rows + rows % tiles * (rows / tiles + 1);
}

/** Rows of the tile at row `i`, given the three above. */
// @ts-ignore: decorator
@inline
export function rowsAt(i: i32, rest: i32, low: i32, from: i32): i32 {
  return i < rest ? HIGHEST : i < from ? low + 1 : low;
}

/** Rows of all tiles together. */
// @ts-ignore: decorator
@inline
export function tiledRows(m: i32): i32 {
  return max(m, leftOver(m) + (m % BLOCK ? 3 : 0));
}

/** Whether the offsets of all columns of a tile name neighbouring words. */
// @ts-ignore: decorator
@inline
export function allAdjacent(offsets: usize): bool {
  for (let at: usize = 0; at < ROW; at += 16) if (!adjacent(offsets + at)) return false;
  return load<i32>(offsets, ROW - 4) - load<i32>(offsets) == <i32>ROW - 4;
}

/** Whether four offsets along nested axes name four neighbouring words: then so do the first two, and the first and last are three apart. */
// @ts-ignore: decorator
@inline
export function adjacent(offsets: usize): bool {
  const first = load<i32>(offsets);
  return load<i32>(offsets, 12) - first == 12 && load<i32>(offsets, 4) - first == 4;
}

/** Four words, each from its own address. */
// @ts-ignore: decorator
@inline
export function gather4(p0: usize, p1: usize, p2: usize, p3: usize): v128 {
  return v128.load32_lane(p3, v128.load32_lane(p2, v128.load32_lane(p1, v128.load32_zero(p0), 1), 2), 3);
}

/** Loads four rows of four words and stores them as columns, `step` bytes apart. */
// @ts-ignore: decorator
@inline
export function transpose4(p0: usize, p1: usize, p2: usize, p3: usize, to: usize, step: usize): void {
  const v0 = v128.load(p0), v1 = v128.load(p1), v2 = v128.load(p2), v3 = v128.load(p3);
  const a = v128.shuffle<i32>(v0, v1, 0, 4, 1, 5), b = v128.shuffle<i32>(v2, v3, 0, 4, 1, 5);
  const c = v128.shuffle<i32>(v0, v1, 2, 6, 3, 7), d = v128.shuffle<i32>(v2, v3, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<i32>(a, b, 0, 1, 4, 5));
  v128.store(to + step, v128.shuffle<i32>(a, b, 2, 3, 6, 7));
  v128.store(to + step * 2, v128.shuffle<i32>(c, d, 0, 1, 4, 5));
  v128.store(to + step * 3, v128.shuffle<i32>(c, d, 2, 3, 6, 7));
}

/** Packs the columns of a panel, whose byte offsets are at `columns`, for the `kc` inner offsets at `inner`: `[kc][NR]`. */
export function packColumns(base: usize, columns: usize, inner: usize, kc: i32, to: usize): void {
  for (let at: usize = 0; at < ROW; at += 32) packPair(base, columns + at, inner, kc, to + at);
}

/** Packs eight columns of a panel. */
// @ts-ignore: decorator
@inline
function packPair(base: usize, columns: usize, inner: usize, kc: i32, to: usize): void {
  const left = adjacent(columns), right = adjacent(columns + 16);
  if (left && right) {
    const p = base + load<usize>(columns), q = base + load<usize>(columns, 16);
    for (; kc > 0; kc--) {
      const o = load<usize>(inner);
      v128.store(to, v128.load(p + o));
      v128.store(to, v128.load(q + o), 16);
      inner += 4;
      to += ROW;
    }
    return;
  }
  packFour(base, columns, left, inner, kc, to);
  packFour(base, columns + 16, right, inner, kc, to + 16);
}

/** Packs four columns of a panel. */
function packFour(base: usize, columns: usize, together: bool, inner: usize, kc: i32, to: usize): void {
  const c0 = base + load<usize>(columns);
  if (together) {
    for (; kc > 0; kc--) {
      v128.store(to, v128.load(c0 + load<usize>(inner)));
      inner += 4;
      to += ROW;
    }
    return;
  }
  const c1 = base + load<usize>(columns, 4), c2 = base + load<usize>(columns, 8), c3 = base + load<usize>(columns, 12);
  while (kc > 0) {
    const o = load<usize>(inner);
    if (kc >= 4 && adjacent(inner)) {
      transpose4(c0 + o, c1 + o, c2 + o, c3 + o, to, ROW);
      inner += 16;
      to += ROW * 4;
      kc -= 4;
    } else {
      v128.store(to, gather4(c0 + o, c1 + o, c2 + o, c3 + o));
      inner += 4;
      to += ROW;
      kc--;
    }
  }
}

/** Packs a panel of `height` rows, `stride` bytes apart, of which `rows` exist, for the `kc` inner offsets at `inner`: `[kc][height]`. */
export function packRows(base: usize, stride: usize, rows: i32, height: i32, inner: usize, kc: i32, to: usize): void {
  // Rows that do not exist repeat the last one that does; what is computed from them is never stored.
  const last = rows - 1, step = <usize>height << 2, together = stride == 4 && rows == height && height > 3;
  const r1 = base + stride * min(1, last), r2 = base + stride * min(2, last), r3 = base + stride * min(3, last);
  const r4 = base + stride * min(4, last), r5 = base + stride * min(5, last);
  while (kc > 0) {
    const o = load<usize>(inner), many = kc >= 4 && height >= 4 && !together && adjacent(inner), n: usize = many ? 16 : 4;
    if (many) transpose4(base + o, r1 + o, r2 + o, r3 + o, to, step);
    else if (together) v128.store(to, v128.load(base + o));
    else {
      store<f32>(to, load<f32>(base + o));
      store<f32>(to, load<f32>(r1 + o), 4);
      store<f32>(to, load<f32>(r2 + o), 8);
      if (height > 3) store<f32>(to, load<f32>(r3 + o), 12);
    }
    if (height > 4) packWords(r4 + o, n, to + 16, step);
    if (height > 5) packWords(r5 + o, n, to + 20, step);
    inner += n;
    to += many ? step * 4 : step;
    kc -= many ? 4 : 1;
  }
}

/** Copies one word, or four where `bytes` is 16, to places `step` bytes apart. */
// @ts-ignore: decorator
@inline
function packWords(from: usize, bytes: usize, to: usize, step: usize): void {
  store<f32>(to, load<f32>(from));
  if (bytes == 4) return;
  store<f32>(to + step, load<f32>(from, 4));
  store<f32>(to + step * 2, load<f32>(from, 8));
  store<f32>(to + step * 3, load<f32>(from, 12));
}

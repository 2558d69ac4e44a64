// Copying operands into panels, the order in which the tiles of a matrix multiplication read them. An operand is any memory whose element (i, k) lies at
// `base + outer(i) + inner(k)`: matrices, their transposes, and the columns of a convolution that are never written out.

/** Columns of a tile. */
// @ts-ignore: decorator
@inline
export const NR: i32 = 8;
/** Rows of a tile. */
// @ts-ignore: decorator
@inline
export const MR: i32 = ASC_FEATURE_RELAXED_SIMD ? 6 : 5;

/** Whether four offsets name four neighbouring words. */
// @ts-ignore: decorator
@inline
export function adjacent(offsets: usize): bool {
  const o = v128.load(offsets);
  return i32x4.all_true(i32x4.eq(o, i32x4.add(v128.load32_splat(offsets), i32x4(0, 4, 8, 12))));
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

/** Packs eight columns, whose byte offsets are at `columns`, for the `kc` inner offsets at `inner`: `[kc][8]`. */
export function packColumns(base: usize, columns: usize, inner: usize, kc: i32, to: usize): void {
  const left = adjacent(columns), right = adjacent(columns + 16);
  if (left && right) {
    const p = base + load<usize>(columns), q = base + load<usize>(columns, 16);
    for (; kc > 0; kc--) {
      const o = load<usize>(inner);
      v128.store(to, v128.load(p + o));
      v128.store(to, v128.load(q + o), 16);
      inner += 4;
      to += 32;
    }
    return;
  }
  packHalf(base, columns, left, inner, kc, to);
  packHalf(base, columns + 16, right, inner, kc, to + 16);
}

/** Packs four columns of a panel. */
function packHalf(base: usize, columns: usize, together: bool, inner: usize, kc: i32, to: usize): void {
  const c0 = base + load<usize>(columns);
  if (together) {
    for (; kc > 0; kc--) {
      v128.store(to, v128.load(c0 + load<usize>(inner)));
      inner += 4;
      to += 32;
    }
    return;
  }
  const c1 = base + load<usize>(columns, 4), c2 = base + load<usize>(columns, 8), c3 = base + load<usize>(columns, 12);
  while (kc > 0) {
    const o = load<usize>(inner);
    if (kc >= 4 && adjacent(inner)) {
      transpose4(c0 + o, c1 + o, c2 + o, c3 + o, to, 32);
      inner += 16;
      to += 128;
      kc -= 4;
    } else {
      v128.store(to, gather4(c0 + o, c1 + o, c2 + o, c3 + o));
      inner += 4;
      to += 32;
      kc--;
    }
  }
}

/** Packs MR rows, `stride` bytes apart, of which `rows` exist, for the `kc` inner offsets at `inner`: `[kc][MR]`. */
export function packRows(base: usize, stride: usize, rows: i32, inner: usize, kc: i32, to: usize): void {
  // Rows that do not exist repeat the last one that does; what is computed from them is never stored.
  const r0 = base, r1 = base + stride * min(1, rows - 1), r2 = base + stride * min(2, rows - 1), r3 = base + stride * min(3, rows - 1);
  const r4 = base + stride * min(4, rows - 1), r5 = base + stride * min(5, rows - 1);
  const together = stride == 4 && rows == MR;
  while (kc > 0) {
    const o = load<usize>(inner);
    if (together) {
      v128.store(to, v128.load(r0 + o));
      store<f32>(to, load<f32>(r4 + o), 16);
      if (MR > 5) store<f32>(to, load<f32>(r5 + o), 20);
    } else if (kc >= 4 && adjacent(inner)) {
      transpose4(r0 + o, r1 + o, r2 + o, r3 + o, to, MR * 4);
      for (let k: usize = 0; k < 4; k++) {
        store<f32>(to + k * (MR * 4), load<f32>(r4 + o + k * 4), 16);
        if (MR > 5) store<f32>(to + k * (MR * 4), load<f32>(r5 + o + k * 4), 20);
      }
      inner += 16;
      to += MR * 16;
      kc -= 4;
      continue;
    } else {
      v128.store(to, gather4(r0 + o, r1 + o, r2 + o, r3 + o));
      store<f32>(to, load<f32>(r4 + o), 16);
      if (MR > 5) store<f32>(to, load<f32>(r5 + o), 20);
    }
    inner += 4;
    to += MR * 4;
    kc--;
  }
}

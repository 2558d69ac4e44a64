// Small vocabulary over 128-bit vectors that all kernels share.

/** `a * b + c`, fused into one rounding where the relaxed build and the machine allow it. */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  else return f32x4.add(c, f32x4.mul(a, b));
}

/** The lanes of `a` where the mask is all ones, and those of `b` where it is 0. */
// @ts-ignore: decorator
@inline
export function select(a: v128, b: v128, mask: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i32x4.relaxed_laneselect(a, b, mask);
  else return v128.bitselect(a, b, mask);
}

/** The first `n` (1 to 3) floats or ints at `p`; the other lanes are 0. Never reads beyond them. */
export function loadPartial(p: usize, n: i32): v128 {
  let v = v128.load32_zero(p);
  if (n > 1) v = v128.load32_lane(p + 4, v, 1);
  if (n > 2) v = v128.load32_lane(p + 8, v, 2);
  return v;
}

/** Stores the first `n` (1 to 3) lanes of 32 bits. */
export function storePartial(p: usize, v: v128, n: i32): void {
  v128.store32_lane(p, v, 0);
  if (n > 1) v128.store32_lane(p + 4, v, 1);
  if (n > 2) v128.store32_lane(p + 8, v, 2);
}

/** The first `n` floats or ints at `p`, four at the most. */
// @ts-ignore: decorator
@inline
export function get(p: usize, n: i32): v128 {
  return n >= 4 ? v128.load(p) : loadPartial(p, n);
}

/** Stores the first `n` lanes of 32 bits, four at the most. */
// @ts-ignore: decorator
@inline
export function put(p: usize, v: v128, n: i32): void {
  if (n >= 4) v128.store(p, v);
  else storePartial(p, v, n);
}

/** Where `v` takes the place of `best`: it is further out, or the first NaN. */
// @ts-ignore: decorator
@inline
export function beats(largest: bool, v: v128, best: v128): v128 {
  return v128.andnot(f32x4.eq(best, best), largest ? f32x4.le(v, best) : f32x4.ge(v, best));
}

/** Sum of the four lanes, pairwise. */
// @ts-ignore: decorator
@inline
export function sumLanes(v: v128): f32 {
  return f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3));
}

/** Bytes of a float or an int. */
// @ts-ignore: decorator
@inline
export const WORD: usize = 4;

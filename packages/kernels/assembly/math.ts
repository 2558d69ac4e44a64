// Elementary functions of four floats at a time, each within a few units in the last place over the whole range. NaN passes through.
//
// The polynomials of exp and log are those of S. L. Moshier's Cephes library (netlib.org/cephes, single precision). Constants lie in memory because V8
// builds a vector constant anew, by several instructions, at each use.

import { madd } from './vector';

/** Constant number `i` of a table, in all lanes. */
// @ts-ignore: decorator
@inline
function at(table: usize, i: usize): v128 {
  return v128.load32_splat(table + (i << 2));
}

/** Chooses by a mask whose lanes are all ones or all zeros. */
// @ts-ignore: decorator
@inline
function select(yes: v128, no: v128, mask: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i32x4.relaxed_laneselect(yes, no, mask);
  else return v128.bitselect(yes, no, mask);
}

// 0: the sign; 1: the bias of exponents; 2: the bits of 1.5 * 2^23; 3: those of 1.5 * 2^23 + 1; 4: those of sqrt(1/2); 5: 23.
const BITS = memory.data<i32>([0x80000000, 127, 0x4b400000, 0x4b400001, 0x3f3504f3, 23]);

/** The magnitude `x` with the sign of `y`. */
// @ts-ignore: decorator
@inline
function signed(x: v128, y: v128): v128 {
  return v128.or(x, v128.and(y, at(BITS, 0)));
}

// 0-1: where the result is infinite or 0; 2: 1 / ln 2; 3: 1.5 * 2^23, adding which rounds to an integer in the low bits; 4-5: ln 2 in two parts;
// 6-11: (exp(r) - 1 - r) / r^2; 12: 1; 13: smallest argument for which expm1 differs from -1, with a margin.
const EXP = memory.data<f32>([
  89.0, -104.0, 1.44269504, 12582912.0, -0.693359375, 2.1219444e-4, 1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1,
  5.0000001201e-1, 1.0, -30.0,
]);

/** `exp(r) - 1` for |r| <= ln(2) / 2. */
// @ts-ignore: decorator
@inline
function expm1Reduced(r: v128): v128 {
  let p = madd(r, at(EXP, 6), at(EXP, 7));
  p = madd(p, r, at(EXP, 8));
  p = madd(p, r, at(EXP, 9));
  p = madd(p, r, at(EXP, 10));
  p = madd(p, r, at(EXP, 11));
  return madd(p, f32x4.mul(r, r), r);
}

/** `2^n` for integers -126 to 127. */
// @ts-ignore: decorator
@inline
function power2(n: v128): v128 {
  return i32x4.shl(i32x4.add(n, at(BITS, 1)), 23);
}

// @ts-ignore: decorator
@inline
export function exp(x: v128): v128 {
  // In this order of arguments, pmin and pmax return x if it is NaN.
  x = f32x4.pmax(f32x4.pmin(x, at(EXP, 0)), at(EXP, 1));
  const rounded = madd(x, at(EXP, 2), at(EXP, 3));
  const n = f32x4.sub(rounded, at(EXP, 3));
  const p = f32x4.add(expm1Reduced(madd(n, at(EXP, 5), madd(n, at(EXP, 4), x))), at(EXP, 12));
  // 2^n in two steps: the result may be infinite or subnormal where the factors are not.
  const exponent = i32x4.sub(rounded, at(BITS, 2)), half = i32x4.shr_s(exponent, 1);
  return f32x4.mul(f32x4.mul(p, power2(half)), power2(i32x4.sub(exponent, half)));
}

// @ts-ignore: decorator
@inline
export function expm1(x: v128): v128 {
  x = f32x4.pmax(f32x4.pmin(x, at(EXP, 0)), at(EXP, 13));
  const rounded = madd(x, at(EXP, 2), at(EXP, 3));
  const n = f32x4.sub(rounded, at(EXP, 3));
  const p = expm1Reduced(madd(n, at(EXP, 5), madd(n, at(EXP, 4), x)));
  // 2^n (p + 1) - 1 = 2 (2^(n-1) p + (2^(n-1) - 1/2)): 2^n itself may be infinite where the result is not.
  const scale = power2(i32x4.sub(rounded, at(BITS, 3)));
  const halved = madd(scale, p, f32x4.sub(scale, f32x4.splat(0.5)));
  return f32x4.add(halved, halved);
}

// 0: least normal number; 1: 2^23; 2-3: ln 2 in two parts; 4: 0.5; 5-13: (log(1 + r) - r + r^2 / 2) / r^3; 14: 1; 15: infinity; 16: -infinity; 17: NaN.
const LOG = memory.data<f32>([
  1.17549435e-38, 8388608.0, 0.693359375, -2.12194440e-4, 0.5, 7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
  -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1, 1.0, Infinity, -Infinity, NaN,
]);

// @ts-ignore: decorator
@inline
export function log(x: v128): v128 {
  const subnormal = f32x4.lt(x, at(LOG, 0));
  const bits = select(f32x4.mul(x, at(LOG, 1)), x, subnormal);
  // x = 2^e * m with m between sqrt(1/2) and sqrt(2).
  const exponent = i32x4.shr_s(i32x4.sub(bits, at(BITS, 4)), 23);
  const r = f32x4.sub(i32x4.sub(bits, i32x4.shl(exponent, 23)), at(LOG, 14));
  const e = f32x4.convert_i32x4_s(i32x4.sub(exponent, v128.and(subnormal, at(BITS, 5))));
  const z = f32x4.mul(r, r);
  let p = madd(at(LOG, 5), r, at(LOG, 6));
  p = madd(p, r, at(LOG, 7));
  p = madd(p, r, at(LOG, 8));
  p = madd(p, r, at(LOG, 9));
  p = madd(p, r, at(LOG, 10));
  p = madd(p, r, at(LOG, 11));
  p = madd(p, r, at(LOG, 12));
  p = madd(p, r, at(LOG, 13));
  p = f32x4.mul(f32x4.mul(p, z), r);
  p = madd(e, at(LOG, 3), p);
  p = f32x4.sub(p, f32x4.mul(z, at(LOG, 4)));
  const result = madd(e, at(LOG, 2), f32x4.add(r, p));
  const zero = f32x4.splat(0);
  const special = select(at(LOG, 16), select(at(LOG, 17), x, f32x4.lt(x, zero)), f32x4.eq(x, zero));
  return select(result, special, v128.and(f32x4.gt(x, zero), f32x4.lt(x, at(LOG, 15))));
}

/** log(u) for u = 1 + x, less the error made in adding, relative to u (Kahan). */
// @ts-ignore: decorator
@inline
export function log1p(x: v128): v128 {
  const u = f32x4.add(at(LOG, 14), x), l = log(u);
  const corrected = f32x4.sub(l, f32x4.div(f32x4.sub(f32x4.sub(u, at(LOG, 14)), x), u));
  return select(corrected, l, v128.and(f32x4.gt(u, f32x4.splat(0)), f32x4.lt(u, at(LOG, 15))));
}

// Own least-maximum fit of x P(x^2) / Q(x^2) within 2e-8, relatively. 0: 9.02, past which the result is 1; 1-5: P; 6-9: Q without its 1; 10: 1.
const TANH = memory.data<f32>([
  9.02, 1.331971087e-8, 2.058400670e-5, 3.494069485e-3, 1.337974843e-1, 0.9999999792, 7.762299629e-7, 3.283147802e-4, 2.587120937e-2, 4.671306374e-1, 1.0,
]);

// @ts-ignore: decorator
@inline
export function tanh(x: v128): v128 {
  const one = at(TANH, 10);
  x = f32x4.pmax(f32x4.pmin(x, at(TANH, 0)), f32x4.neg(at(TANH, 0)));
  const z = f32x4.mul(x, x);
  let p = madd(z, at(TANH, 1), at(TANH, 2));
  let q = madd(z, at(TANH, 6), at(TANH, 7));
  p = madd(p, z, at(TANH, 3));
  q = madd(q, z, at(TANH, 8));
  p = madd(p, z, at(TANH, 4));
  q = madd(q, z, at(TANH, 9));
  p = madd(p, z, at(TANH, 5));
  q = madd(q, z, one);
  // Rounding may carry the quotient past 1.
  return f32x4.pmax(f32x4.pmin(f32x4.div(f32x4.mul(x, p), q), one), f32x4.neg(one));
}

/** Both branches raise e to a negative power only, which cannot overflow. */
// @ts-ignore: decorator
@inline
export function sigmoid(x: v128): v128 {
  const one = at(EXP, 12), e = exp(v128.or(x, at(BITS, 0)));
  return f32x4.div(select(e, one, f32x4.lt(x, f32x4.splat(0))), f32x4.add(one, e));
}

/** `log(1 + exp(x))`. */
// @ts-ignore: decorator
@inline
export function softplus(x: v128): v128 {
  return f32x4.add(f32x4.max(x, f32x4.splat(0)), log1p(exp(v128.or(x, at(BITS, 0)))));
}

// Own least-maximum fits, each within 1e-9. 0-6: erf(x) / x for x <= 1, in x^2; 7-13: log(1 - erf(x)) for 1 <= x <= 4; 14: 4, past which the result is 1;
// 15: 1.
const ERF = memory.data<f32>([
  1.1283791659, -3.7612627136e-1, 1.1283600176e-1, -2.6854444592e-2, 5.1895353392e-3, -8.0208412780e-4, 7.8891195253e-5, -3.5370891070e-4, -1.1270400801,
  -6.3822560224e-1, -1.0303743563e-1, 2.1805351210e-2, -2.9396157496e-3, 1.8557489469e-4, 4.0, 1.0,
]);

// @ts-ignore: decorator
@inline
export function erf(x: v128): v128 {
  const z = f32x4.mul(x, x), magnitude = f32x4.pmin(f32x4.abs(x), at(ERF, 14));
  let p = madd(z, at(ERF, 6), at(ERF, 5));
  let q = madd(magnitude, at(ERF, 13), at(ERF, 12));
  p = madd(p, z, at(ERF, 4));
  q = madd(q, magnitude, at(ERF, 11));
  p = madd(p, z, at(ERF, 3));
  q = madd(q, magnitude, at(ERF, 10));
  p = madd(p, z, at(ERF, 2));
  q = madd(q, magnitude, at(ERF, 9));
  p = madd(p, z, at(ERF, 1));
  q = madd(q, magnitude, at(ERF, 8));
  p = madd(p, z, at(ERF, 0));
  q = madd(q, magnitude, at(ERF, 7));
  const large = signed(f32x4.sub(at(ERF, 15), exp(q)), x);
  return select(f32x4.mul(x, p), large, f32x4.lt(magnitude, at(ERF, 15)));
}

/** -1, 0 or 1; NaN for NaN. */
// @ts-ignore: decorator
@inline
export function sign(x: v128): v128 {
  return select(signed(at(LOG, 14), x), x, v128.or(f32x4.lt(x, f32x4.splat(0)), f32x4.gt(x, f32x4.splat(0))));
}

/** Power of integers modulo 2^32; what would be a fraction or infinite is 0. */
export function integerPower(base: i32, exponent: i32): i32 {
  if (exponent < 0) return base == 1 || (base == -1 && !(exponent & 1)) ? 1 : base == -1 ? -1 : 0;
  let result = 1;
  for (; exponent; exponent >>= 1) {
    if (exponent & 1) result *= base;
    base *= base;
  }
  return result;
}

// Functions of floats that need more digits on the way than floats have: computed in doubles, two at a time, and rounded once. What the vectors do not
// cover, which is seldom met, goes through the standard library element by element.

/** Constant number `i` of a table, in both lanes. */
// @ts-ignore: decorator
@inline
function at(table: usize, i: usize): v128 {
  return v128.load64_splat(table + (i << 3));
}

// @ts-ignore: decorator
@inline
function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f64x2.relaxed_madd(a, b, c);
  else return f64x2.add(f64x2.mul(a, b), c);
}

/** The upper two lanes, in doubles. */
// @ts-ignore: decorator
@inline
function high(x: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<f32>(x, x, 2, 3, 2, 3));
}

// @ts-ignore: decorator
@inline
function rounded(low: v128, high: v128): v128 {
  return v128.shuffle<f32>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 1, 4, 5);
}

/** Applies a function of one float, or two, that has no vector form. */
function eachLane(x: v128, y: v128, f: (x: f32, y: f32) => f32): v128 {
  let result = f32x4.splat(f(f32x4.extract_lane(x, 0), f32x4.extract_lane(y, 0)));
  result = f32x4.replace_lane(result, 1, f(f32x4.extract_lane(x, 1), f32x4.extract_lane(y, 1)));
  result = f32x4.replace_lane(result, 2, f(f32x4.extract_lane(x, 2), f32x4.extract_lane(y, 2)));
  return f32x4.replace_lane(result, 3, f(f32x4.extract_lane(x, 3), f32x4.extract_lane(y, 3)));
}

// 0: 2 / pi; 1: 1.5 * 2^52, adding which rounds to an integer in the low bits; 2-3: pi / 2 in two parts, of which the first has 33 bits, so that its
// multiples up to 2^20 are exact; own least-maximum fits for |r| <= pi / 4, in r^2: 4-9: sin(r) / r within 5e-15; 10-14: cos(r) within 5e-11.
const CIRCLE = memory.data<f64>([
  0.6366197723675814, 6755399441055744.0, 1.57079632673412561417, 6.07710050650619224932e-11, 0.9999999999999957, -0.16666666666616686,
  0.00833333332387815, -0.0001984126329839051, 2.7555271893389817e-6, -2.475655877198039e-8, 0.9999999999524894, -0.4999999961485761,
  0.041666616692532826, -0.0013886617999647076, 2.4379831251175367e-5,
]);

/** The sine of `x` and `turns` quarter turns. */
// @ts-ignore: decorator
@inline
function sine(x: v128, turns: i64): v128 {
  const shifted = f64x2.add(f64x2.mul(x, at(CIRCLE, 0)), at(CIRCLE, 1)), n = f64x2.sub(shifted, at(CIRCLE, 1));
  const r = f64x2.sub(f64x2.sub(x, f64x2.mul(n, at(CIRCLE, 2))), f64x2.mul(n, at(CIRCLE, 3))), z = f64x2.mul(r, r);
  let s = madd(z, at(CIRCLE, 9), at(CIRCLE, 8)), c = madd(z, at(CIRCLE, 14), at(CIRCLE, 13));
  s = madd(s, z, at(CIRCLE, 7));
  c = madd(c, z, at(CIRCLE, 12));
  s = madd(s, z, at(CIRCLE, 6));
  c = madd(c, z, at(CIRCLE, 11));
  s = madd(s, z, at(CIRCLE, 5));
  c = madd(c, z, at(CIRCLE, 10));
  s = f64x2.mul(madd(s, z, at(CIRCLE, 4)), r);
  const quarter = turns ? i64x2.add(shifted, i64x2.splat(turns)) : shifted;
  const odd = i64x2.shr_s(i64x2.shl(quarter, 63), 63), negative = i64x2.shl(i64x2.shr_u(i64x2.shl(quarter, 62), 63), 63);
  return v128.xor(v128.bitselect(c, s, odd), negative);
}

/** Whether the reduction of all lanes to a quarter turn is exact. */
// @ts-ignore: decorator
@inline
function isModerate(x: v128): bool {
  return i32x4.all_true(f32x4.lt(f32x4.abs(x), f32x4.splat(1e6)));
}

export function sin(x: v128): v128 {
  if (isModerate(x)) return rounded(sine(f64x2.promote_low_f32x4(x), 0), sine(high(x), 0));
  // In double precision: the standard library's sine of floats is wrong for some huge arguments.
  return eachLane(x, x, (value: f32, _: f32): f32 => <f32>NativeMath.sin(value));
}

export function cos(x: v128): v128 {
  if (isModerate(x)) return rounded(sine(f64x2.promote_low_f32x4(x), 1), sine(high(x), 1));
  return eachLane(x, x, (value: f32, _: f32): f32 => <f32>NativeMath.cos(value));
}

// 0: 1; 1: 1.5 * 2^52; 2: stands for the logarithm of 0; 3-4: past these exponents a float is 0 or infinite; own least-maximum fits: 5-9: log2((1 + z) /
// (1 - z)) / z within 2e-11, in z^2, for z to sqrt(2); 10-17: 2^r within 5e-11, for |r| <= 1/2.
const POWER = memory.data<f64>([
  1.0, 6755399441055744.0, -1e300, -300.0, 300.0, 2.885390081789987, 0.9617966734515485, 0.5770835660048659, 0.41167376623771057, 0.3407120415619086,
  0.9999999999595618, 0.6931471805568324, 0.24022651213498092, 0.055504109063258665, 0.009618025613318034, 0.0013333478473685416,
  0.00015469729214118296, 1.5303700711365693e-5,
]);
// 0: the bits of sqrt(1/2); 1: those of 1.5 * 2^52.
const POWER_BITS = memory.data<u64>([0x3fe6a09e667f3bcd, 0x4338000000000000]);

/** `x^y` for x of at least 0. */
// @ts-ignore: decorator
@inline
function powers(x: v128, y: v128): v128 {
  // x = 2^e * m with m between sqrt(1/2) and sqrt(2).
  const exponent = i64x2.shr_s(i64x2.sub(x, at(POWER_BITS, 0)), 52), m = i64x2.sub(x, i64x2.shl(exponent, 52));
  const e = f64x2.sub(i64x2.add(exponent, at(POWER_BITS, 1)), at(POWER, 1));
  const z = f64x2.div(f64x2.sub(m, at(POWER, 0)), f64x2.add(m, at(POWER, 0))), w = f64x2.mul(z, z);
  let p = madd(w, at(POWER, 9), at(POWER, 8));
  p = madd(p, w, at(POWER, 7));
  p = madd(p, w, at(POWER, 6));
  p = madd(p, w, at(POWER, 5));
  const logarithm = v128.bitselect(at(POWER, 2), madd(p, z, e), f64x2.eq(x, f64x2.splat(0)));
  const t = f64x2.pmin(f64x2.pmax(f64x2.mul(y, logarithm), at(POWER, 3)), at(POWER, 4));
  const shifted = f64x2.add(t, at(POWER, 1)), r = f64x2.sub(t, f64x2.sub(shifted, at(POWER, 1)));
  p = madd(r, at(POWER, 17), at(POWER, 16));
  p = madd(p, r, at(POWER, 15));
  p = madd(p, r, at(POWER, 14));
  p = madd(p, r, at(POWER, 13));
  p = madd(p, r, at(POWER, 12));
  p = madd(p, r, at(POWER, 11));
  p = madd(p, r, at(POWER, 10));
  return i64x2.add(p, i64x2.shl(shifted, 52));
}

export function power(x: v128, y: v128): v128 {
  // Bits as unsigned numbers: signs, -0's too, and what is not finite lie above.
  const plain = v128.and(i32x4.lt_u(x, i32x4.splat(0x7f800000)), f32x4.lt(f32x4.abs(y), f32x4.splat(Infinity)));
  if (!i32x4.all_true(plain)) return eachLane(x, y, powerOf);
  return rounded(powers(f64x2.promote_low_f32x4(x), f64x2.promote_low_f32x4(y)), powers(high(x), high(y)));
}

/** `x` to the power `y`; where C's pow gives 1 for a base of 1 or -1 and an exponent without value or end, NaN, as JavaScript does. */
function powerOf(x: f32, y: f32): f32 {
  return (x == 1 || x == -1) && !isFinite(y) ? NaN : Mathf.pow(x, y);
}

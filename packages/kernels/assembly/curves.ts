// Activations that are made of other functions, and the slopes by which their gradients are multiplied.

import { erf, exp, expm1, sigmoid, tanh } from './math';
import { loadPartial, madd, select, storePartial } from './vector';

/** Applies `f` to a chunk of x, times the gradient if there is one. Words: x, to, gradient or 0, elements, elements a chunk, three constants as floats. */
// @ts-ignore: decorator
@inline
function along(args: usize, chunk: i32, f: (x: v128, a: v128, b: v128, c: v128) => v128, times: bool): void {
  const grain = load<i32>(args, 16), start = <usize>(chunk * grain) << 2, a = v128.load32_splat(args, 20), b = v128.load32_splat(args, 24), c = v128.load32_splat(args, 28);
  let from = load<usize>(args) + start, to = load<usize>(args, 4) + start, gradient = load<usize>(args, 8) + start, n = min(grain, load<i32>(args, 12) - chunk * grain);
  for (; n > 0; n -= 4) {
    // Called in one place, f becomes part of the loop.
    const y = f(n >= 4 ? v128.load(from) : loadPartial(from, n), a, b, c);
    if (n >= 4) v128.store(to, times ? f32x4.mul(v128.load(gradient), y) : y);
    else storePartial(to, times ? f32x4.mul(loadPartial(gradient, n), y) : y, n);
    from += 16;
    to += 16;
    gradient += 16;
  }
}

// 0: 0; 1: 1; 2: 0.5; 3: sqrt(1/2); 4: 1 / sqrt(2 pi); 5: -750, below which every gate is 0, and 6: 750; 7: 2 sqrt(2 / pi); 8: 0.044715; 9: three times that;
// 10: 20, above which mish is x; 11: 2; 12: 4; 13: 3; 14: 1/6; 15: 1/3; 16: 1e30; 17: 1.7159; 18: 2/3; 19: their product.
const CONSTANTS = memory.data<f32>([
  0, 1, 0.5, 0.70710678, 0.39894228, -750, 750, 1.5957691, 0.044715, 0.134145, 20, 2, 4, 3, 0.16666667, 0.33333333, 1e30, 1.7159, 0.66666667, 1.1439333,
]);

// @ts-ignore: decorator
@inline
function at(i: usize): v128 {
  return v128.load32_splat(CONSTANTS + (i << 2));
}

/** x, but no further from 0 than all gates are level. In this order of arguments, pmin and pmax return x if it is NaN. */
// @ts-ignore: decorator
@inline
function near(x: v128): v128 {
  return f32x4.pmax(f32x4.pmin(x, at(6)), at(5));
}

/** `x * gate`: -Infinity becomes 0. */
// @ts-ignore: decorator
@inline
function gated(x: v128, gate: v128): v128 {
  return f32x4.mul(f32x4.pmax(x, at(5)), gate);
}

// @ts-ignore: decorator
@inline
function isAbove(x: v128): v128 {
  return f32x4.gt(x, at(0));
}

function leakyReluOf(x: v128, a: v128, b: v128, c: v128): v128 {
  return select(x, f32x4.mul(x, a), isAbove(x));
}
function leakyReluSlopeOf(x: v128, a: v128, b: v128, c: v128): v128 {
  return select(at(1), a, isAbove(x));
}

/** `a x` above 0, `b (e^(c x) - 1)` below. */
function eluOf(x: v128, a: v128, b: v128, c: v128): v128 {
  return select(f32x4.mul(x, a), f32x4.mul(expm1(f32x4.mul(x, c)), b), isAbove(x));
}
function eluSlopeOf(x: v128, a: v128, b: v128, c: v128): v128 {
  return select(a, f32x4.mul(f32x4.mul(b, c), exp(f32x4.mul(x, c))), isAbove(x));
}

/** The distribution function of the standard normal distribution. */
// @ts-ignore: decorator
@inline
function normal(x: v128): v128 {
  return f32x4.mul(f32x4.add(erf(f32x4.mul(x, at(3))), at(1)), at(2));
}
function geluOf(x: v128, a: v128, b: v128, c: v128): v128 {
  return gated(x, normal(x));
}
function geluSlopeOf(x: v128, a: v128, b: v128, c: v128): v128 {
  const z = near(x), density = f32x4.mul(exp(f32x4.neg(f32x4.mul(f32x4.mul(z, z), at(2)))), at(4));
  return madd(z, density, normal(z));
}

/** Twice what tanh is taken of. */
// @ts-ignore: decorator
@inline
function nearlyNormal(x: v128): v128 {
  return sigmoid(f32x4.mul(f32x4.mul(x, at(7)), madd(f32x4.mul(x, x), at(8), at(1))));
}
function geluTanhOf(x: v128, a: v128, b: v128, c: v128): v128 {
  return gated(x, nearlyNormal(near(x)));
}
function geluTanhSlopeOf(x: v128, a: v128, b: v128, c: v128): v128 {
  const z = near(x), s = nearlyNormal(z), rise = f32x4.mul(at(7), madd(f32x4.mul(z, z), at(9), at(1)));
  return madd(f32x4.mul(f32x4.mul(z, rise), s), f32x4.sub(at(1), s), s);
}

function siluOf(x: v128, a: v128, b: v128, c: v128): v128 {
  return gated(x, sigmoid(x));
}
function siluSlopeOf(x: v128, a: v128, b: v128, c: v128): v128 {
  const z = near(x), s = sigmoid(z);
  return f32x4.mul(s, madd(z, f32x4.sub(at(1), s), at(1)));
}

// tanh(log(1 + e)) = n / (n + 2) with n = e (e + 2), which loses no digits.
function mishOf(x: v128, a: v128, b: v128, c: v128): v128 {
  const e = exp(f32x4.pmin(x, at(10))), n = f32x4.mul(e, f32x4.add(e, at(11)));
  return gated(x, f32x4.div(n, f32x4.add(n, at(11))));
}
function mishSlopeOf(x: v128, a: v128, b: v128, c: v128): v128 {
  const z = near(x), e = exp(f32x4.pmin(z, at(10))), n = f32x4.mul(e, f32x4.add(e, at(11))), share = f32x4.div(at(1), f32x4.add(n, at(11)));
  const rise = f32x4.mul(f32x4.mul(f32x4.mul(at(12), e), f32x4.add(e, at(1))), f32x4.mul(share, share));
  return madd(z, rise, f32x4.mul(n, share));
}

function softsignOf(x: v128, a: v128, b: v128, c: v128): v128 {
  const within = f32x4.pmax(f32x4.pmin(x, at(16)), f32x4.neg(at(16)));
  return f32x4.div(within, f32x4.add(f32x4.abs(within), at(1)));
}
function softsignSlopeOf(x: v128, a: v128, b: v128, c: v128): v128 {
  const share = f32x4.div(at(1), f32x4.add(f32x4.abs(x), at(1)));
  return f32x4.mul(share, share);
}

// @ts-ignore: decorator
@inline
function hardGate(x: v128): v128 {
  return madd(f32x4.pmin(f32x4.pmax(x, f32x4.neg(at(13))), at(13)), at(14), at(2));
}
function hardSigmoidOf(x: v128, a: v128, b: v128, c: v128): v128 {
  return hardGate(x);
}
function hardSigmoidSlopeOf(x: v128, a: v128, b: v128, c: v128): v128 {
  return v128.and(at(14), f32x4.lt(f32x4.abs(x), at(13)));
}
function hardSwishOf(x: v128, a: v128, b: v128, c: v128): v128 {
  return gated(x, hardGate(x));
}
function hardSwishSlopeOf(x: v128, a: v128, b: v128, c: v128): v128 {
  return select(madd(x, at(15), at(2)), v128.and(at(1), isAbove(x)), f32x4.lt(f32x4.abs(x), at(13)));
}

function hardTanhOf(x: v128, a: v128, b: v128, c: v128): v128 {
  return f32x4.pmin(f32x4.pmax(x, a), b);
}
function hardTanhSlopeOf(x: v128, a: v128, b: v128, c: v128): v128 {
  return v128.and(at(1), v128.and(f32x4.gt(x, a), f32x4.lt(x, b)));
}

function scaledTanhOf(x: v128, a: v128, b: v128, c: v128): v128 {
  return f32x4.mul(tanh(f32x4.mul(x, at(18))), at(17));
}
function scaledTanhSlopeOf(x: v128, a: v128, b: v128, c: v128): v128 {
  const y = tanh(f32x4.mul(x, at(18)));
  return f32x4.mul(f32x4.mul(f32x4.sub(at(1), y), f32x4.add(at(1), y)), at(19));
}

export function leakyRelu(args: usize, chunk: i32, scratch: usize): void {
  along(args, chunk, leakyReluOf, false);
}
export function leakyReluSlope(args: usize, chunk: i32, scratch: usize): void {
  along(args, chunk, leakyReluSlopeOf, true);
}
export function elu(args: usize, chunk: i32, scratch: usize): void {
  along(args, chunk, eluOf, false);
}
export function eluSlope(args: usize, chunk: i32, scratch: usize): void {
  along(args, chunk, eluSlopeOf, true);
}
export function gelu(args: usize, chunk: i32, scratch: usize): void {
  along(args, chunk, geluOf, false);
}
export function geluSlope(args: usize, chunk: i32, scratch: usize): void {
  along(args, chunk, geluSlopeOf, true);
}
export function geluTanh(args: usize, chunk: i32, scratch: usize): void {
  along(args, chunk, geluTanhOf, false);
}
export function geluTanhSlope(args: usize, chunk: i32, scratch: usize): void {
  along(args, chunk, geluTanhSlopeOf, true);
}
export function silu(args: usize, chunk: i32, scratch: usize): void {
  along(args, chunk, siluOf, false);
}
export function siluSlope(args: usize, chunk: i32, scratch: usize): void {
  along(args, chunk, siluSlopeOf, true);
}
export function mish(args: usize, chunk: i32, scratch: usize): void {
  along(args, chunk, mishOf, false);
}
export function mishSlope(args: usize, chunk: i32, scratch: usize): void {
  along(args, chunk, mishSlopeOf, true);
}
export function softsign(args: usize, chunk: i32, scratch: usize): void {
  along(args, chunk, softsignOf, false);
}
export function softsignSlope(args: usize, chunk: i32, scratch: usize): void {
  along(args, chunk, softsignSlopeOf, true);
}
export function hardSigmoid(args: usize, chunk: i32, scratch: usize): void {
  along(args, chunk, hardSigmoidOf, false);
}
export function hardSigmoidSlope(args: usize, chunk: i32, scratch: usize): void {
  along(args, chunk, hardSigmoidSlopeOf, true);
}
export function hardSwish(args: usize, chunk: i32, scratch: usize): void {
  along(args, chunk, hardSwishOf, false);
}
export function hardSwishSlope(args: usize, chunk: i32, scratch: usize): void {
  along(args, chunk, hardSwishSlopeOf, true);
}
export function hardTanh(args: usize, chunk: i32, scratch: usize): void {
  along(args, chunk, hardTanhOf, false);
}
export function hardTanhSlope(args: usize, chunk: i32, scratch: usize): void {
  along(args, chunk, hardTanhSlopeOf, true);
}
export function scaledTanh(args: usize, chunk: i32, scratch: usize): void {
  along(args, chunk, scaledTanhOf, false);
}
export function scaledTanhSlope(args: usize, chunk: i32, scratch: usize): void {
  along(args, chunk, scaledTanhSlopeOf, true);
}

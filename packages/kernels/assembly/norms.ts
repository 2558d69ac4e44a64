// What norms do once their statistics are known: a factor and a shift for each row, channel or element, whose places are those of an operand that broadcasts.

import { advance, seek } from './axes';
import { get, loadPartial, put, storePartial } from './vector';

// Words of both kernels: from, to, elements, elements a chunk, innermost length, 1 or 0 for statistics that move along it or stand still, and four
// addresses; then outer axes, counts of these and byte strides of the statistics, for a cursor. Scratch: the cursor.

// @ts-ignore: decorator
@inline
function runs(args: usize, chunk: i32, scratch: usize, run: (args: usize, at: usize, statistic: usize, step: i32, n: i32) => void): void {
  const grain = load<i32>(args, 12), inner = load<i32>(args, 16), step = load<i32>(args, 20), rank = load<i32>(args, 40), axes = args + 44;
  let at = chunk * grain;
  const end = min(load<i32>(args, 8), at + grain);
  let column = at % inner;
  seek(scratch, axes, rank, 1, at / inner);
  while (at < end) {
    const n = min(inner - column, end - at);
    run(args, <usize>at << 2, load<usize>(scratch) + (<usize>(step * column) << 2), step, n);
    at += n;
    column = 0;
    advance(scratch, axes, rank, 1);
  }
}

// @ts-ignore: decorator
@inline
function four(p: usize, step: i32): v128 {
  return step ? v128.load(p) : v128.load32_splat(p);
}

// @ts-ignore: decorator
@inline
function few(p: usize, step: i32, n: i32): v128 {
  return step ? loadPartial(p, n) : v128.load32_splat(p);
}

/** `(x - mean) * factor`, plus a shift if there is one. Addresses: means, factors, shifts or 0, nothing. */
export function normalise(args: usize, chunk: i32, scratch: usize): void {
  runs(args, chunk, scratch, normaliseRun);
}

function normaliseRun(args: usize, at: usize, statistic: usize, step: i32, n: i32): void {
  const shifted = load<usize>(args, 32) != 0, move = <usize>step << 4;
  let from = load<usize>(args) + at, to = load<usize>(args, 4) + at;
  let means = load<usize>(args, 24) + statistic, factors = load<usize>(args, 28) + statistic, shifts = load<usize>(args, 32) + statistic;
  if (!step) {
    const mean = v128.load32_splat(means), factor = v128.load32_splat(factors), shift = shifted ? v128.load32_splat(shifts) : f32x4.splat(-0.0);
    for (; n >= 4; n -= 4) {
      v128.store(to, f32x4.add(f32x4.mul(f32x4.sub(v128.load(from), mean), factor), shift));
      from += 16;
      to += 16;
    }
  }
  for (; n >= 4; n -= 4) {
    const y = f32x4.mul(f32x4.sub(v128.load(from), four(means, step)), four(factors, step));
    v128.store(to, shifted ? f32x4.add(y, four(shifts, step)) : y);
    from += 16;
    to += 16;
    means += move;
    factors += move;
    shifts += move;
  }
  if (n) {
    const y = f32x4.mul(f32x4.sub(loadPartial(from, n), few(means, step, n)), few(factors, step, n));
    storePartial(to, shifted ? f32x4.add(y, few(shifts, step, n)) : y, n);
  }
}

/** `(gradient - mean - y * slope) * factor`. Addresses: y, means, slopes, factors. */
export function normaliseGradient(args: usize, chunk: i32, scratch: usize): void {
  runs(args, chunk, scratch, gradientRun);
}

function gradientRun(args: usize, at: usize, statistic: usize, step: i32, n: i32): void {
  const move = <usize>step << 4;
  let from = load<usize>(args) + at, to = load<usize>(args, 4) + at, y = load<usize>(args, 24) + at;
  let means = load<usize>(args, 28) + statistic, slopes = load<usize>(args, 32) + statistic, factors = load<usize>(args, 36) + statistic;
  if (!step) {
    const mean = v128.load32_splat(means), slope = v128.load32_splat(slopes), factor = v128.load32_splat(factors);
    for (; n >= 4; n -= 4) {
      v128.store(to, towards(v128.load(from), v128.load(y), mean, slope, factor));
      from += 16;
      to += 16;
      y += 16;
    }
  }
  for (; n >= 4; n -= 4) {
    v128.store(to, towards(v128.load(from), v128.load(y), four(means, step), four(slopes, step), four(factors, step)));
    from += 16;
    to += 16;
    y += 16;
    means += move;
    slopes += move;
    factors += move;
  }
  if (n) storePartial(to, towards(loadPartial(from, n), loadPartial(y, n), few(means, step, n), few(slopes, step, n), few(factors, step, n)), n);
}

// @ts-ignore: decorator
@inline
function towards(gradient: v128, y: v128, mean: v128, slope: v128, factor: v128): v128 {
  return f32x4.mul(f32x4.sub(f32x4.sub(gradient, mean), f32x4.mul(y, slope)), factor);
}

/**
 * Divides sums by a number, and makes factors of the quotients, which are variances: `weight / sqrt(quotient + eps)`. Words: sums, quotients or 0, weights or
 * 0, factors or 0, elements, elements a chunk, the number and eps as floats.
 */
export function share(args: usize, chunk: i32, scratch: usize): void {
  const grain = load<i32>(args, 20), weights = load<usize>(args, 8), quotients = load<usize>(args, 4), factors = load<usize>(args, 12);
  const by = v128.load32_splat(args, 24), eps = v128.load32_splat(args, 28);
  let at = <usize>(chunk * grain) << 2;
  for (let n = min(grain, load<i32>(args, 16) - chunk * grain); n > 0; n -= 4) {
    const quotient = f32x4.div(get(load<usize>(args) + at, n), by);
    if (quotients) put(quotients + at, quotient, n);
    if (factors) {
      const weight = !weights ? f32x4.splat(1) : get(weights + at, n);
      put(factors + at, f32x4.div(weight, f32x4.sqrt(f32x4.add(quotient, eps))), n);
    }
    at += 16;
  }
}

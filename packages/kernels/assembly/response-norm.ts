// Local response normalisation across channels: `y = x s^-beta`, `s = k + alpha * (sum of squares over a window of channels)`.

import { power } from './doubles';
import { get, madd, put } from './vector';

// Words of both kernels: channels, elements of a plane, elements of a block, blocks a plane, channels of the window before and after; k, alpha and beta as
// floats; then operands. A chunk is a block of places of one image, with all its channels.
const OPERANDS: usize = 36;

/** s at channel `c` of four places, whose first channel lies at `p`. */
// @ts-ignore: decorator
@inline
function scaleAt(args: usize, p: usize, c: i32, n: i32): v128 {
  const stride = <usize>load<i32>(args, 4) << 2, first = max(0, c - load<i32>(args, 16)), last = min(load<i32>(args) - 1, c + load<i32>(args, 20));
  let sum = f32x4.splat(0);
  p += <usize>first * stride;
  for (let i = first; i <= last; i++) {
    const x = get(p, n);
    sum = madd(x, x, sum);
    p += stride;
  }
  return madd(sum, v128.load32_splat(args, 28), v128.load32_splat(args, 24));
}

/** `x s^-beta`. The constants of most networks need no logarithm. */
// @ts-ignore: decorator
@inline
function divided(x: v128, s: v128, beta: f32): v128 {
  if (beta == 0.75) {
    const root = f32x4.sqrt(s);
    return f32x4.div(x, f32x4.mul(root, f32x4.sqrt(root)));
  }
  if (beta == 0.5) return f32x4.div(x, f32x4.sqrt(s));
  if (beta == 1) return f32x4.div(x, s);
  return f32x4.mul(x, power(s, f32x4.splat(-beta)));
}

/** Operands: x, to. */
export function localResponseNorm(args: usize, chunk: i32, scratch: usize): void {
  const channels = load<i32>(args), inner = load<i32>(args, 4), block = load<i32>(args, 8), blocks = load<i32>(args, 12), beta = load<f32>(args, 32);
  const start = (chunk % blocks) * block, end = min(inner, start + block), image = <usize>(chunk / blocks * channels * inner + start) << 2;
  const from = load<usize>(args, OPERANDS) + image, to = load<usize>(args, OPERANDS + 4) + image, stride = <usize>inner << 2;
  for (let c = 0; c < channels; c++) {
    let at: usize = 0;
    for (let n = end - start; n > 0; n -= 4) {
      const own = <usize>c * stride + at;
      put(to + own, divided(get(from + own, n), scaleAt(args, from + at, c, n), beta), n);
      at += 16;
    }
  }
}

/**
 * `g s^-beta - 2 alpha beta x * (sum of g y / s over the channels whose windows see x)`. Operands: g, x, to. Scratch: a float for each channel and place, which
 * holds the quotients.
 */
export function localResponseNormGradient(args: usize, chunk: i32, scratch: usize): void {
  const channels = load<i32>(args), inner = load<i32>(args, 4), block = load<i32>(args, 8), blocks = load<i32>(args, 12), beta = load<f32>(args, 32);
  const before = load<i32>(args, 16), after = load<i32>(args, 20), factor = f32x4.splat(-2 * beta * load<f32>(args, 28));
  const start = (chunk % blocks) * block, end = min(inner, start + block), image = <usize>(chunk / blocks * channels * inner + start) << 2;
  const gradient = load<usize>(args, OPERANDS) + image, x = load<usize>(args, OPERANDS + 4) + image, to = load<usize>(args, OPERANDS + 8) + image;
  const stride = <usize>inner << 2, row = <usize>block << 2;
  for (let c = 0; c < channels; c++) {
    let at: usize = 0;
    for (let n = end - start; n > 0; n -= 4) {
      const own = <usize>c * stride + at, s = scaleAt(args, x + at, c, n), direct = divided(get(gradient + own, n), s, beta);
      put(to + own, direct, n);
      v128.store(scratch + <usize>c * row + at, f32x4.div(f32x4.mul(direct, get(x + own, n)), s));
      at += 16;
    }
  }
  for (let c = 0; c < channels; c++) {
    const first = max(0, c - after), last = min(channels - 1, c + before);
    let at: usize = 0;
    for (let n = end - start; n > 0; n -= 4) {
      const own = <usize>c * stride + at;
      let sum = f32x4.splat(0), p = scratch + <usize>first * row + at;
      for (let i = first; i <= last; i++) {
        sum = f32x4.add(sum, v128.load(p));
        p += row;
      }
      put(to + own, madd(f32x4.mul(get(x + own, n), factor), sum, get(to + own, n)), n);
      at += 16;
    }
  }
}

// Steps of optimisers. Each element is read before it is written, so that outputs may lie on their inputs.

import { get, madd, put } from './vector';

/**
 * SGD. Words: elements, elements a chunk, parameter, gradient, velocity or 0, new parameter, new velocity, then floats: learning rate, momentum,
 * 1 - dampening, weight decay; then whether the step is Nesterov's.
 */
export function sgdStep(args: usize, chunk: i32, scratch: usize): void {
  const grain = load<i32>(args, 4), start = chunk * grain, parameter = load<usize>(args, 8), gradient = load<usize>(args, 12), velocity = load<usize>(args, 16);
  const newParameter = load<usize>(args, 20), newVelocity = load<usize>(args, 24), nesterov = load<i32>(args, 44) != 0;
  const rate = f32x4.neg(v128.load32_splat(args, 28)), momentum = v128.load32_splat(args, 32), fresh = v128.load32_splat(args, 36), decay = v128.load32_splat(args, 40);
  let at = <usize>start << 2;
  for (let n = min(grain, load<i32>(args) - start); n > 0; n -= 4) {
    const p = get(parameter + at, n), slope = madd(decay, p, get(gradient + at, n));
    let step = slope;
    if (velocity) {
      const v = madd(momentum, get(velocity + at, n), f32x4.mul(fresh, slope));
      put(newVelocity + at, v, n);
      step = nesterov ? madd(momentum, v, slope) : v;
    }
    put(newParameter + at, madd(rate, step, p), n);
    at += 16;
  }
}

/**
 * Adam and AdamW. Words: elements, elements a chunk, parameter, gradient, mean, variance, new parameter, new mean, new variance, then floats: beta1,
 * 1 - beta1, beta2, 1 - beta2, learning rate over the mean's bias correction, 1 over the variance's, eps, weight decay, what a parameter is multiplied by.
 */
export function adamStep(args: usize, chunk: i32, scratch: usize): void {
  const grain = load<i32>(args, 4), start = chunk * grain, parameter = load<usize>(args, 8), gradient = load<usize>(args, 12), mean = load<usize>(args, 16);
  const variance = load<usize>(args, 20), newParameter = load<usize>(args, 24), newMean = load<usize>(args, 28), newVariance = load<usize>(args, 32);
  const beta1 = v128.load32_splat(args, 36), rest1 = v128.load32_splat(args, 40), beta2 = v128.load32_splat(args, 44), rest2 = v128.load32_splat(args, 48);
  const rate = f32x4.neg(v128.load32_splat(args, 52)), correction = v128.load32_splat(args, 56), eps = v128.load32_splat(args, 60);
  const decay = v128.load32_splat(args, 64), shrink = v128.load32_splat(args, 68);
  let at = <usize>start << 2;
  for (let n = min(grain, load<i32>(args) - start); n > 0; n -= 4) {
    const p = f32x4.mul(get(parameter + at, n), shrink), slope = madd(decay, p, get(gradient + at, n));
    const m = madd(beta1, get(mean + at, n), f32x4.mul(rest1, slope));
    const v = madd(beta2, get(variance + at, n), f32x4.mul(f32x4.mul(rest2, slope), slope));
    put(newMean + at, m, n);
    put(newVariance + at, v, n);
    put(newParameter + at, madd(rate, f32x4.div(m, f32x4.add(f32x4.sqrt(f32x4.mul(v, correction)), eps)), p), n);
    at += 16;
  }
}

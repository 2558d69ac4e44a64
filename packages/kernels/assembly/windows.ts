// Sliding windows over planes of up to three axes. Words of all kernels of windows: planes, planes a chunk, then three words each of input, output and window
// lengths, stride, dilation, and padding before; then (from word 20) addresses and options.

import { storePartial } from './vector';

// @ts-ignore: decorator
@inline
export const IN: usize = 8;
// @ts-ignore: decorator
@inline
export const OUT: usize = 20;
// @ts-ignore: decorator
@inline
export const KERNEL: usize = 32;
// @ts-ignore: decorator
@inline
export const STRIDE: usize = 44;
// @ts-ignore: decorator
@inline
export const DILATION: usize = 56;
// @ts-ignore: decorator
@inline
export const PADDING: usize = 68;
// @ts-ignore: decorator
@inline
export const OPERANDS: usize = 80;

// @ts-ignore: decorator
@inline
export function size(args: usize, lengths: usize): i32 {
  return load<i32>(args + lengths) * load<i32>(args + lengths, 4) * load<i32>(args + lengths, 8);
}

/** Where tap `tap` of window `output` falls along an axis, in the input; outside of it for padding. */
// @ts-ignore: decorator
@inline
export function place(args: usize, axis: usize, output: i32, tap: i32): i32 {
  return output * load<i32>(args + STRIDE + axis) + tap * load<i32>(args + DILATION + axis) - load<i32>(args + PADDING + axis);
}

/** Fills `n` words. For rows, the engine's own fill takes longer to call than to run. */
export function fillRow(to: usize, n: i32, value: v128): void {
  for (; n >= 4; n -= 4) {
    v128.store(to, value);
    to += 16;
  }
  if (n > 0) storePartial(to, value, n);
}

export function zero(to: usize, n: i32): void {
  if (n > 256) memory.fill(to, 0, <usize>n << 2);
  else fillRow(to, n, i32x4.splat(0));
}

/** Writes, for each tap along the innermost axis, the first window that meets the input with it, and one past the last. */
export function fillRanges(args: usize, ranges: usize): void {
  const stride = load<i32>(args, STRIDE + 8), count = load<i32>(args, OUT + 8);
  for (let tap = 0; tap < load<i32>(args, KERNEL + 8); tap++) {
    const start = place(args, 8, 0, tap), room = load<i32>(args, IN + 8) - 1 - start;
    const first = start >= 0 ? 0 : (stride - 1 - start) / stride, end = room < 0 ? 0 : min(count, room / stride + 1);
    store<i32>(ranges, first);
    store<i32>(ranges, max(first, end), 4);
    ranges += 8;
  }
}

/** Whether windows are 2 x 2 and lie side by side, the most common pooling by far. */
export function isHalving(args: usize): bool {
  for (let axis: usize = 4; axis <= 8; axis += 4) {
    if (load<i32>(args + KERNEL + axis) != 2 || load<i32>(args + STRIDE + axis) != 2 || load<i32>(args + DILATION + axis) != 1) return false;
    if (load<i32>(args + PADDING + axis) != 0 || load<i32>(args + OUT + axis) * 2 > load<i32>(args + IN + axis)) return false;
  }
  return load<i32>(args, IN) == 1 && load<i32>(args, KERNEL) == 1 && load<i32>(args, OUT) == 1 && load<i32>(args, OUT + 8) >= 4;
}

/** Adds `n` elements to others, `toStep` apart. */
// @ts-ignore: decorator
@inline
export function addRow(to: usize, toStep: i32, from: usize, n: i32): void {
  if (toStep == 1) {
    for (; n >= 4; n -= 4) {
      v128.store(to, f32x4.add(v128.load(to), v128.load(from)));
      to += 16;
      from += 16;
    }
    if (n & 2) {
      v128.store64_lane(to, f32x4.add(v128.load64_zero(to), v128.load64_zero(from)), 0);
      to += 8;
      from += 8;
      n -= 2;
    }
  }
  for (; n > 0; n--) {
    store<f32>(to, load<f32>(to) + load<f32>(from));
    to += <usize>toStep << 2;
    from += 4;
  }
}

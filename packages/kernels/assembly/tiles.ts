// What the transforms of Winograd's convolutions are made of.

import { madd, storePartial } from './vector';

// @ts-ignore: decorator
@inline
export function add(a: v128, b: v128): v128 {
  return f32x4.add(a, b);
}

// @ts-ignore: decorator
@inline
export function sub(a: v128, b: v128): v128 {
  return f32x4.sub(a, b);
}

// @ts-ignore: decorator
@inline
export function mul(a: v128, factor: f32): v128 {
  return f32x4.mul(a, f32x4.splat(factor));
}

/** `a * factor + b`. */
// @ts-ignore: decorator
@inline
export function times(a: v128, factor: f32, b: v128): v128 {
  return madd(a, f32x4.splat(factor), b);
}

/** Stores four lanes, of which the last `4 - room` belong to the panel that lies `next` bytes further. */
// @ts-ignore: decorator
@inline
export function put4(to: usize, v: v128, room: i32, next: usize): void {
  if (room >= 4) {
    v128.store(to, v);
  } else if (room == 2) {
    v128.store64_lane(to, v, 0);
    v128.store64_lane(to + next + 8, v, 1);
  } else {
    v128.store32_lane(to, v, 0);
    v128.store32_lane(room > 1 ? to + 4 : to + next + 4, v, 1);
    v128.store32_lane(room > 2 ? to + 8 : to + next + 8, v, 2);
    v128.store32_lane(to + next + 12, v, 3);
  }
}

/** Stores the first `count` lanes. */
// @ts-ignore: decorator
@inline
export function putFirst(to: usize, v: v128, count: i32): void {
  if (count == 4) v128.store(to, v);
  else if (count == 2) v128.store64_lane(to, v, 0);
  else storePartial(to, v, count);
}

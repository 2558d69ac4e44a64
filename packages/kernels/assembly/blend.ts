// Weighted sums of neighbouring elements along an axis: interpolation, pooling by windows of many lengths, and their gradients.

import { gather4 } from './panels';
import { loadPartial, madd, storePartial } from './vector';

// Words: from, to, length of the axis in from and in to, inner length, slices (outer elements), slices a chunk, taps; then the table: for each four elements of
// the output four all ones or all zeros, where there is no sum, and for each tap four byte offsets into the slice and four weights.
const TABLE: usize = 32;

/** Blends slices `[axis, inner]`. */
export function blend(args: usize, chunk: i32, scratch: usize): void {
  const lengthIn = load<i32>(args, 8), lengthOut = load<i32>(args, 12), inner = load<i32>(args, 16), grain = load<i32>(args, 24), taps = load<i32>(args, 28);
  const first = chunk * grain, last = min(load<i32>(args, 20), first + grain), group = <usize>(16 + 32 * taps), row = <usize>inner << 2;
  let from = load<usize>(args) + <usize>(first * lengthIn) * row, to = load<usize>(args, 4) + <usize>(first * lengthOut) * row;
  for (let slice = first; slice < last; slice++) {
    let table = args + TABLE;
    for (let i = 0; i < lengthOut; i += 4) {
      const n = min(4, lengthOut - i);
      if (inner == 1) {
        const sum = ofElements(from, table, taps);
        if (n == 4) v128.store(to + (<usize>i << 2), sum);
        else storePartial(to + (<usize>i << 2), sum, n);
      } else {
        for (let lane = 0; lane < n; lane++) ofRows(from, table + (<usize>lane << 2), taps, to + <usize>(i + lane) * row, inner);
      }
      table += group;
    }
    from += <usize>lengthIn * row;
    to += <usize>lengthOut * row;
  }
}

// @ts-ignore: decorator
@inline
function ofElements(from: usize, table: usize, taps: i32): v128 {
  const isThere = v128.load(table);
  // Which is lost in any sum: single elements keep their sign.
  let sum = f32x4.splat(-0.0);
  for (let tap = taps; tap > 0; tap--) {
    table += 16;
    const x = gather4(from + load<u32>(table), from + load<u32>(table, 4), from + load<u32>(table, 8), from + load<u32>(table, 12));
    table += 16;
    sum = madd(x, v128.load(table), sum);
  }
  return v128.and(sum, isThere);
}

// @ts-ignore: decorator
@inline
function ofRows(from: usize, table: usize, taps: i32, to: usize, inner: i32): void {
  const isThere = v128.load32_splat(table), second = taps > 1 ? table + 32 : table;
  const a = from + load<u32>(table, 16), b = from + load<u32>(second, 16), wa = v128.load32_splat(table, 32), wb = v128.load32_splat(second, 32);
  let at: usize = 0;
  for (let n = inner; n > 0; n -= 4) {
    let sum = f32x4.mul(n >= 4 ? v128.load(a + at) : loadPartial(a + at, n), wa);
    if (taps > 1) sum = madd(n >= 4 ? v128.load(b + at) : loadPartial(b + at, n), wb, sum);
    for (let tap = 2, entry = table + 64; tap < taps; tap++) {
      const p = from + load<u32>(entry, 16) + at;
      sum = madd(n >= 4 ? v128.load(p) : loadPartial(p, n), v128.load32_splat(entry, 32), sum);
      entry += 32;
    }
    sum = v128.and(sum, isThere);
    if (n >= 4) v128.store(to + at, sum);
    else storePartial(to + at, sum, n);
    at += 16;
  }
}

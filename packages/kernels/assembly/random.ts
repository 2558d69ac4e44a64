// Random numbers by Philox4x32-10 (Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC 2011): four blocks of four words at a time, a lane each.

import { put } from './vector';

// @ts-ignore: decorator
@inline
const KEY: usize = 12;
// @ts-ignore: decorator
@inline
const COUNTER: usize = 20;
// @ts-ignore: decorator
@inline
const RANGE: usize = 28;

/** Uniform numbers of four words, with the roundings of doubles. */
// @ts-ignore: decorator
@inline
function uniformOf(words: v128, low: v128, span: v128, least: v128, greatest: v128): v128 {
  // 24 bits are a number of [0, 1).
  const units = i32x4.shr_u(words, 8), share = f64x2.splat(1.0 / 16777216.0);
  const p = f64x2.mul(f64x2.convert_low_i32x4_u(units), share);
  const q = f64x2.mul(f64x2.convert_low_i32x4_u(v128.shuffle<i32>(units, units, 2, 3, 2, 3)), share);
  const first = f64x2.min(greatest, f64x2.max(least, f64x2.add(low, f64x2.mul(span, p))));
  const second = f64x2.min(greatest, f64x2.max(least, f64x2.add(low, f64x2.mul(span, q))));
  return v128.shuffle<f32>(f32x4.demote_f64x2_zero(first), f32x4.demote_f64x2_zero(second), 0, 1, 4, 5);
}

/**
 * Uniform numbers. Words: output, elements, elements a chunk (a multiple of 4); the key's two words and the counter's lower two, of the first block; then four doubles: where the
 * interval begins, how long it is, and the least and the greatest float in it.
 */
export function uniform(args: usize, chunk: i32, _scratch: usize): void {
  const grain = load<i32>(args, 8), start = chunk * grain;
  const low = v128.load64_splat(args, RANGE), span = v128.load64_splat(args, RANGE + 8), least = v128.load64_splat(args, RANGE + 16), greatest = v128.load64_splat(args, RANGE + 24);
  const a = i32x4.splat(<i32>0xd2511f53), b = i32x4.splat(<i32>0xcd9e8d57);
  let block = load<u64>(args, COUNTER) + <u64>(start >>> 2), to = load<usize>(args) + (<usize>start << 2);
  for (let n = min(grain, load<i32>(args, 4) - start); n > 0; n -= 16, block += 4, to += 64) {
    const lower = i32x4.add(i32x4.splat(<i32>block), i32x4(0, 1, 2, 3));
    // Where the lower word has gone round, the upper one goes up.
    const carried = i32x4.lt_u(lower, i32x4.splat(<i32>block));
    let c0 = lower, c1 = i32x4.sub(i32x4.splat(<i32>(block >> 32)), carried), c2 = i32x4.splat(0), c3 = c2;
    let k0 = load<i32>(args, KEY), k1 = load<i32>(args, KEY + 4);
    for (let round = 0; round < 10; round++) {
      const p = i64x2.extmul_low_i32x4_u(a, c0), q = i64x2.extmul_high_i32x4_u(a, c0), r = i64x2.extmul_low_i32x4_u(b, c2), s = i64x2.extmul_high_i32x4_u(b, c2);
      c0 = v128.xor(v128.xor(v128.shuffle<i32>(r, s, 1, 3, 5, 7), c1), i32x4.splat(k0));
      c1 = v128.shuffle<i32>(r, s, 0, 2, 4, 6);
      c2 = v128.xor(v128.xor(v128.shuffle<i32>(p, q, 1, 3, 5, 7), c3), i32x4.splat(k1));
      c3 = v128.shuffle<i32>(p, q, 0, 2, 4, 6);
      k0 += <i32>0x9e3779b9;
      k1 += <i32>0xbb67ae85;
    }
    const d = v128.shuffle<i32>(c0, c1, 0, 4, 1, 5), e = v128.shuffle<i32>(c2, c3, 0, 4, 1, 5), f = v128.shuffle<i32>(c0, c1, 2, 6, 3, 7), g = v128.shuffle<i32>(c2, c3, 2, 6, 3, 7);
    put(to, uniformOf(v128.shuffle<i32>(d, e, 0, 1, 4, 5), low, span, least, greatest), n);
    if (n > 4) put(to + 16, uniformOf(v128.shuffle<i32>(d, e, 2, 3, 6, 7), low, span, least, greatest), n - 4);
    if (n > 8) put(to + 32, uniformOf(v128.shuffle<i32>(f, g, 0, 1, 4, 5), low, span, least, greatest), n - 8);
    if (n > 12) put(to + 48, uniformOf(v128.shuffle<i32>(f, g, 2, 3, 6, 7), low, span, least, greatest), n - 12);
  }
}

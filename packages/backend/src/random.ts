import type { RandomPlace, UniformRange } from './kernels.ts';

/** The high 32 bits of the product of two unsigned words, by halves of 16 bits: every sum stays below 2^32. */
function multiplyHigh(a: number, b: number): number {
  const [a0, a1, b0, b1] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16];
  const middle = Math.imul(a1, b0) + (Math.imul(a0, b0) >>> 16);
  const carried = Math.imul(a0, b1) + (middle & 0xffff);
  return (Math.imul(a1, b1) + (middle >>> 16) + (carried >>> 16)) | 0;
}

/**
 * Philox4x32-10: fills `out`, four words a block, from a key of two words and a counter of four; the first two words of the counter, low word first, go up
 * by one from block to block. A block is ten rounds of multiplication and exclusive or.
 * Source: Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC 2011, section 3.3.
 */
export function philox(
  key: readonly [number, number],
  counter: readonly [number, number, number, number],
  out: Uint32Array,
): Uint32Array {
  let [low, high] = counter;
  for (let i = 0; i < out.length; i += 4) {
    let [c0, c1, c2, c3] = [low, high, counter[2], counter[3]];
    let [k0, k1] = key;
    for (let round = 0; round < 10; round++) {
      const x0 = multiplyHigh(0xcd9e8d57, c2) ^ c1 ^ k0;
      const x2 = multiplyHigh(0xd2511f53, c0) ^ c3 ^ k1;
      c1 = Math.imul(0xcd9e8d57, c2);
      c3 = Math.imul(0xd2511f53, c0);
      c0 = x0;
      c2 = x2;
      // The key moves on by Weyl sequences: the golden ratio and the square root of 3, less 1.
      k0 = (k0 + 0x9e3779b9) | 0;
      k1 = (k1 + 0xbb67ae85) | 0;
    }
    out[i] = c0;
    out[i + 1] = c1;
    out[i + 2] = c2;
    out[i + 3] = c3;
    low = (low + 1) | 0;
    if (low === 0) high = (high + 1) | 0;
  }
  return out;
}

/** The upper 24 bits of a word as a number in [0, 1), exact in float32. */
export function unit(word: number): number {
  return (word >>> 8) * 2 ** -24;
}

/** Words that are drawn at a time: they stay in the cache. */
const WORDS = 4096;

/** Fills `out` with what the kernel `uniform` is to give. */
export function fillUniform(
  out: { [i: number]: number; readonly length: number },
  { key, counter }: RandomPlace,
  { low, span, least, greatest }: UniformRange,
): void {
  const words = new Uint32Array(Math.min(WORDS, Math.ceil(out.length / 4) * 4));
  for (let first = 0; first < out.length; first += WORDS) {
    const block = counter + first / 4;
    philox(key, [block >>> 0, Math.floor(block / 2 ** 32), 0, 0], words);
    const count = Math.min(WORDS, out.length - first);
    for (let i = 0; i < count; i++) {
      // Rounding to float32 could leave the interval.
      out[first + i] = Math.min(greatest, Math.max(least, low + span * unit(words[i]!)));
    }
  }
}

/** Where neighbouring elements along an axis begin, and how much each of them counts. */
export type Band = readonly [start: number, ...weights: number[]];

/** After so many halves the rest is shared out evenly: halves of halves would end at 0. */
const HALVES = 20;

/**
 * What an element counts for at tap number `tap`, where all bands are to have as many as the longest: a shorter one takes its last element again and again,
 * in halves of what is left, which add up to its weight. Elements outside may be infinite, and must not be taken 0 times.
 */
export function bandShare(weights: readonly number[], tap: number, taps: number): number {
  const last = weights.length - 1;
  if (last < 0) return 0;
  if (tap < last) return weights[tap]!;
  const more = taps - 1 - last;
  const halves = Math.min(more, HALVES);
  const half = tap - last + 1;
  return half <= halves ? weights[last]! / 2 ** half : weights[last]! / 2 ** halves / (more - halves + 1);
}

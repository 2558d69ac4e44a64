import type { Band } from '@receptive/backend';
import { bandShare, sizeOf } from '@receptive/backend';
import type { Located } from './elementwise.ts';
import { GRAIN } from './elementwise.ts';
import type { Plan } from './plan.ts';
import { float, pieces, words } from './plan.ts';

/** Weighted sums of neighbouring elements along an axis, one band for each element of the output. */
export function blend(x: Located, out: Located, axis: number, bands: readonly Band[]): Plan {
  const inner = sizeOf(x.shape.slice(axis + 1));
  const slices = sizeOf(x.shape.slice(0, axis));
  const lengths = [x.shape[axis]!, bands.length];
  const taps = bands.reduce((most, band) => Math.max(most, band.length - 1), 1);
  const grain = Math.max(1, Math.floor(GRAIN / (inner * Math.max(...lengths))));
  const table = Array.from({ length: pieces(bands.length, 4) }, (_, group) =>
    groupWords(
      [0, 1, 2, 3].map((lane) => bands[4 * group + lane] ?? [0]),
      taps,
      inner * 4,
    ),
  );
  return [
    {
      kernel: 'blend',
      words: words([x.address, out.address, ...lengths, inner, slices, grain, taps], table.flat()),
      chunks: pieces(slices, grain),
      scratch: 0,
    },
  ];
}

/** What a kernel needs to know of four bands. */
function groupWords(four: readonly Band[], taps: number, bytes: number): number[] {
  const parts = Array.from({ length: taps }, (_, tap) => [
    ...four.map(([start, ...weights]) => (start + Math.max(0, Math.min(tap, weights.length - 1))) * bytes),
    ...four.map(([, ...weights]) => float(bandShare(weights, tap, taps))),
  ]);
  return [...four.map((band) => (band.length > 1 ? -1 : 0)), ...parts.flat()];
}

import type { RandomPlace, UniformRange } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import type { Located } from './elementwise.ts';
import { GRAIN } from './elementwise.ts';
import type { Plan } from './plan.ts';
import { double, pieces } from './plan.ts';

// Where a generator stands differs from draw to draw, so that plans take the words that say so as they come.

/** The words that {@link uniform} is told where it stands, and in which range. */
export function uniformWords({ key, counter }: RandomPlace, { low, span, least, greatest }: UniformRange): number[] {
  return [...key, counter, Math.floor(counter / 2 ** 32), ...[low, span, least, greatest].flatMap(double)];
}

export function uniform(out: Located, numbers: readonly number[]): Plan {
  const count = sizeOf(out.shape);
  return [
    { kernel: 'uniform', words: [out.address, count, GRAIN, ...numbers], chunks: pieces(count, GRAIN), scratch: 0 },
  ];
}

import { sizeOf } from '@receptive/backend';
import type { Located } from './elementwise.ts';
import { GRAIN } from './elementwise.ts';
import type { Plan } from './plan.ts';
import { pieces } from './plan.ts';

/** Softmax along the last axis, or its logarithm. */
export function softmax(kernel: 'softmax' | 'logSoftmax', x: Located, out: Located): Plan {
  const length = x.shape.at(-1) ?? 1;
  const rows = sizeOf(x.shape) / length;
  const grain = Math.max(1, Math.floor(GRAIN / length));
  return [{ kernel, words: [x.address, out.address, rows, length, grain], chunks: pieces(rows, grain), scratch: 0 }];
}

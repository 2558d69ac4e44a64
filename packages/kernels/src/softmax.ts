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

/** Gradient of softmax along the last axis, or of its logarithm, from that of the output and the output. */
export function softmaxGradient(
  kernel: 'softmaxGradient' | 'logSoftmaxGradient',
  gradient: Located,
  y: Located,
  out: Located,
): Plan {
  const length = y.shape.at(-1) ?? 1;
  const rows = sizeOf(y.shape) / length;
  const grain = Math.max(1, Math.floor(GRAIN / length));
  const words = [gradient.address, y.address, out.address, rows, length, grain];
  return [{ kernel, words, chunks: pieces(rows, grain), scratch: 0 }];
}

import type { LossReduction } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import type { Located } from './elementwise.ts';
import { GRAIN } from './elementwise.ts';
import type { Plan, Reserve } from './plan.ts';
import { float, pieces } from './plan.ts';
import { reduce } from './reduce.ts';

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

/** What each row's loss counts for, as a word. */
const shareOf = (rows: number, reduction: LossReduction): number => float(reduction === 'mean' ? 1 / rows : 1);

export function softmaxCrossEntropy(
  logits: Located,
  classes: Located,
  out: Located,
  reduction: LossReduction,
  reserve: Reserve,
): Plan {
  const [rows, length] = logits.shape as [number, number];
  const grain = Math.max(1, Math.floor(GRAIN / length));
  const losses = reduction === 'none' ? out : { ...out, address: reserve(rows * 4), shape: [rows] };
  const words = [logits.address, classes.address, losses.address, rows, length, grain, shareOf(rows, reduction)];
  const each = { kernel: 'softmaxCrossEntropy', words, chunks: pieces(rows, grain), scratch: length * 4 };
  return reduction === 'none' ? [each] : [each, ...reduce('sum', losses, out, [0], reserve)];
}

export function softmaxCrossEntropyGradient(
  gradient: Located,
  logits: Located,
  classes: Located,
  out: Located,
  reduction: LossReduction,
): Plan {
  const [rows, length] = logits.shape as [number, number];
  const grain = Math.max(1, Math.floor(GRAIN / length));
  const step = reduction === 'none' ? 4 : 0;
  const words = [
    ...[gradient.address, step, logits.address, classes.address, out.address],
    ...[rows, length, grain, shareOf(rows, reduction)],
  ];
  return [{ kernel: 'softmaxCrossEntropyGradient', words, chunks: pieces(rows, grain), scratch: 0 }];
}

import type { LossReduction } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import type { Located } from './elementwise.ts';
import { GRAIN } from './elementwise.ts';
import type { Phase, Plan, Reserve } from './plan.ts';
import { float, pieces } from './plan.ts';
import { reduce } from './reduce.ts';

/** A phase over rows of `length` elements, as many a chunk as have about GRAIN. Its words: `operands`, how many rows, their length, rows a chunk, and `more`. */
function overRows(
  kernel: string,
  operands: readonly number[],
  rows: number,
  length: number,
  { more = [], scratch = 0 }: { readonly more?: readonly number[]; readonly scratch?: number } = {},
): Phase {
  const grain = Math.max(1, Math.floor(GRAIN / length));
  return { kernel, words: [...operands, rows, length, grain, ...more], chunks: pieces(rows, grain), scratch };
}

/** Softmax along the last axis, or its logarithm. */
export function softmax(kernel: 'softmax' | 'logSoftmax', x: Located, out: Located): Plan {
  const length = x.shape.at(-1) ?? 1;
  return [overRows(kernel, [x.address, out.address], sizeOf(x.shape) / length, length)];
}

/** Gradient of softmax along the last axis, or of its logarithm, from that of the output and the output. */
export function softmaxGradient(
  kernel: 'softmaxGradient' | 'logSoftmaxGradient',
  gradient: Located,
  y: Located,
  out: Located,
): Plan {
  const length = y.shape.at(-1) ?? 1;
  return [overRows(kernel, [gradient.address, y.address, out.address], sizeOf(y.shape) / length, length)];
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
  const losses = reduction === 'none' ? out : { ...out, address: reserve(rows * 4), shape: [rows] };
  const operands = [logits.address, classes.address, losses.address];
  const share = shareOf(rows, reduction);
  const each = overRows('softmaxCrossEntropy', operands, rows, length, { more: [share], scratch: length * 4 });
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
  const step = reduction === 'none' ? 4 : 0;
  const operands = [gradient.address, step, logits.address, classes.address, out.address];
  return [overRows('softmaxCrossEntropyGradient', operands, rows, length, { more: [shareOf(rows, reduction)] })];
}

import type { ResponseNormOptions } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import type { Located } from './elementwise.ts';
import { GRAIN } from './elementwise.ts';
import type { Phase, Plan } from './plan.ts';
import { float, pieces, roundUp } from './plan.ts';

/** Places at a time, at least: cache lines are used whole. */
const PLACES = 32;

/** A kernel that takes some places of an image with all their channels. */
function acrossChannels(
  kernel: string,
  x: Located,
  operands: readonly number[],
  { size, alpha, beta, k }: ResponseNormOptions,
): Phase {
  const [images, channels, ...spatial] = x.shape as [number, number, ...number[]];
  const inner = sizeOf(spatial);
  const block = Math.min(roundUp(inner, 4), Math.max(PLACES, roundUp(Math.floor(GRAIN / channels), 4)));
  const blocks = pieces(inner, block);
  const before = Math.floor(size / 2);
  return {
    kernel,
    words: [
      channels,
      inner,
      block,
      blocks,
      before,
      size - 1 - before,
      float(k),
      float(alpha),
      float(beta),
      ...operands,
    ],
    chunks: images * blocks,
    scratch: channels * block * 4,
  };
}

export function localResponseNorm(x: Located, out: Located, options: ResponseNormOptions): Plan {
  return [acrossChannels('localResponseNorm', x, [x.address, out.address], options)];
}

export function localResponseNormGradient(
  gradient: Located,
  x: Located,
  out: Located,
  options: ResponseNormOptions,
): Plan {
  const operands = [gradient.address, x.address, out.address];
  return [acrossChannels('localResponseNormGradient', x, operands, options)];
}

import type { Window } from '@receptive/backend';
import { sizeOf, windowOutput } from '@receptive/backend';
import type { Located } from './elementwise.ts';
import { GRAIN } from './elementwise.ts';
import type { Phase, Plan } from './plan.ts';
import { pieces } from './plan.ts';

/** Three words for up to three spatial axes, padded at the front by what changes nothing. */
export function three(values: readonly number[], neutral: number): number[] {
  return [...new Array<number>(3 - values.length).fill(neutral), ...values];
}

/** What kernels need to know of a window over `[..., ...spatial]`: six times three words. */
function windowWords(spatial: readonly number[], window: Window): number[] {
  return [
    ...three(spatial, 1),
    ...three(windowOutput(spatial, window), 1),
    ...three(window.kernel, 1),
    ...three(window.stride, 1),
    ...three(window.dilation, 1),
    ...three(
      window.padding.map(([before]) => before),
      0,
    ),
  ];
}

/** A kernel that works plane by plane between an input of shape `[N, C, ...spatial]` and the outputs of a window over it. */
function perPlane(
  kernel: string,
  input: Located,
  addresses: readonly number[],
  window: Window,
  extra: readonly number[] = [],
): Phase {
  const [batch, channels, ...spatial] = input.shape as [number, number, ...number[]];
  const planes = batch * channels;
  const work = Math.max(sizeOf(spatial), sizeOf(windowOutput(spatial, window)) * sizeOf(window.kernel));
  const grain = Math.max(1, Math.floor(GRAIN / work));
  return {
    kernel,
    words: [planes, grain, ...windowWords(spatial, window), ...addresses, ...extra],
    chunks: pieces(planes, grain),
    scratch: 0,
  };
}

export function col2im(columns: Located, out: Located, window: Window): Plan {
  return [perPlane('col2im', out, [columns.address, out.address], window)];
}

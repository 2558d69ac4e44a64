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
function perPlane(kernel: string, input: Located, operands: readonly number[], window: Window): Phase {
  const [batch, channels, ...spatial] = input.shape as [number, number, ...number[]];
  const planes = batch * channels;
  const work = Math.max(sizeOf(spatial), sizeOf(windowOutput(spatial, window)) * sizeOf(window.kernel));
  const grain = Math.max(1, Math.floor(GRAIN / work));
  return {
    kernel,
    words: [planes, grain, ...windowWords(spatial, window), ...operands],
    chunks: pieces(planes, grain),
    scratch: 8 * (sizeOf(window.kernel) + windowOutput(spatial, window).at(-1)!),
  };
}

export function col2im(columns: Located, out: Located, window: Window): Plan {
  return [perPlane('col2im', out, [columns.address, out.address], window)];
}

export function maxPool(x: Located, out: Located, indices: Located, window: Window): Plan {
  return [perPlane('maxPool', x, [x.address, out.address, indices.address], window)];
}

export function maxPoolGradient(gradient: Located, indices: Located, out: Located): Plan {
  const planes = out.shape[0]! * out.shape[1]!;
  const [inputs, outputs] = [sizeOf(out.shape) / planes, sizeOf(gradient.shape) / planes];
  const grain = Math.max(1, Math.floor(GRAIN / (inputs + outputs)));
  const words = [planes, grain, inputs, outputs, gradient.address, indices.address, out.address];
  return [{ kernel: 'maxPoolGradient', words, chunks: pieces(planes, grain), scratch: 0 }];
}

export function avgPool(x: Located, out: Located, window: Window, countPadding: boolean): Plan {
  return [perPlane('avgPool', x, [x.address, out.address, Number(countPadding)], window)];
}

export function avgPoolGradient(gradient: Located, out: Located, window: Window, countPadding: boolean): Plan {
  return [perPlane('avgPoolGradient', out, [gradient.address, out.address, Number(countPadding)], window)];
}

import type { Window } from '@receptive/backend';
import { sameShape, sizeOf, windowOutput } from '@receptive/backend';
import type { Located } from './elementwise.ts';
import { GRAIN } from './elementwise.ts';
import { ENOUGH } from './gemm.ts';
import { gather } from './indexing.ts';
import { share } from './norms.ts';
import type { Phase, Plan, Reserve } from './plan.ts';
import { pieces, roundUp } from './plan.ts';
import { argReduce, reduce } from './reduce.ts';
import { copyStrided } from './views.ts';

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
  operands: readonly number[],
  window: Window,
  scratch = (_planes: number): number =>
    8 * (sizeOf(window.kernel) + windowOutput(input.shape.slice(2), window).at(-1)!),
): Phase {
  const [batch, channels, ...spatial] = input.shape as [number, number, ...number[]];
  const planes = batch * channels;
  const work = Math.max(sizeOf(spatial), sizeOf(windowOutput(spatial, window)) * sizeOf(window.kernel));
  // As many planes a chunk as make up a grain, about the same in each.
  const grain = pieces(planes, pieces(planes, Math.max(1, Math.floor(GRAIN / work))));
  return {
    kernel,
    words: [planes, grain, ...windowWords(spatial, window), ...operands],
    chunks: pieces(planes, grain),
    scratch: scratch(Math.min(planes, grain)),
  };
}

export function col2im(columns: Located, out: Located, window: Window): Plan {
  return [perPlane('col2im', out, [columns.address, out.address], window)];
}

/** A pooling, which keeps rows that several windows see: `words` for each place of one. Few planes are cut into bands of rows, to be enough chunks. */
function pooling(
  kernel: string,
  x: Located,
  operands: readonly [number, number, number],
  window: Window,
  words: number,
): Phase {
  const spatial = three(x.shape.slice(2), 1);
  const [deep, high, outputs] = three(windowOutput(x.shape.slice(2), window), 1) as [number, number, number];
  const [depth, height, width] = three(window.kernel, 1) as [number, number, number];
  const dilations = three(window.dilation, 1);
  const kept = Math.min(spatial[1]!, dilations[1]! * (height - 1) + 1);
  const [stride, left] = [window.stride.at(-1)!, window.padding.at(-1)![0]];
  const begin = Math.min(outputs, Math.ceil(left / stride));
  const room = spatial[2]! - 1 - (dilations[2]! * (width - 1) - left);
  const end = room < 0 ? begin : Math.max(begin, Math.min(outputs, Math.floor(room / stride) + 1));
  const lists = outputs + depth * (kept + height);
  const rows = depth * kept * roundUp(outputs, 4) * words;
  const phase = perPlane(kernel, x, [...operands, kept, begin, end], window, (planes) => 4 * (lists + planes * rows));
  const work = deep * high * outputs * depth * height * width;
  const bands = Math.max(1, Math.min(high, pieces(ENOUGH, phase.chunks), Math.floor(work / GRAIN)));
  const band = pieces(high, bands);
  return { ...phase, words: [...phase.words, band], chunks: phase.chunks * pieces(high, band) };
}

/** Whether each plane is one window: then it is reduced, without regard to its rows. */
function isWhole(x: Located, window: Window): boolean {
  const spatial = x.shape.slice(2);
  return (
    sameShape(spatial, window.kernel) &&
    window.padding.flat().every((n) => n === 0) &&
    window.dilation.every((n) => n === 1)
  );
}

/** The planes as rows. */
function rowsOf(x: Located): Located {
  const [batch, channels, ...spatial] = x.shape as [number, number, ...number[]];
  return { ...x, shape: [batch * channels, sizeOf(spatial)] };
}

export function maxPool(
  x: Located,
  out: Located,
  indices: Located | undefined,
  window: Window,
  reserve: Reserve,
): Plan {
  const [rows, maxima] = [rowsOf(x), rowsOf(out)];
  if (!indices) {
    if (isWhole(x, window)) return reduce('max', rows, maxima, [1], reserve);
    return [pooling('maxima', x, [x.address, out.address, 0], window, 1)];
  }
  if (isWhole(x, window)) {
    const places = rowsOf(indices);
    return [...argReduce('max', rows, places, 1), ...gather(rows, places, maxima, 1)];
  }
  return [pooling('maxPool', x, [x.address, out.address, indices.address], window, 2)];
}

export function maxPoolGradient(gradient: Located, indices: Located, out: Located): Plan {
  const planes = out.shape[0]! * out.shape[1]!;
  const [inputs, outputs] = [sizeOf(out.shape) / planes, sizeOf(gradient.shape) / planes];
  const grain = Math.max(1, Math.floor(GRAIN / (inputs + outputs)));
  const words = [planes, grain, inputs, outputs, gradient.address, indices.address, out.address];
  return [{ kernel: 'maxPoolGradient', words, chunks: pieces(planes, grain), scratch: 0 }];
}

/** What the sums of windows are divided by. */
const divisors = { inside: 0, whole: 1, none: 2 };

const divisor = (countPadding: boolean): number => (countPadding ? divisors.whole : divisors.inside);

function summing(x: Located, out: Located, window: Window, by: number, reserve: Reserve): Plan {
  if (!isWhole(x, window)) return [pooling('avgPool', x, [x.address, out.address, by], window, 1)];
  const [rows, sums] = [rowsOf(x), rowsOf(out)];
  const total = reduce('sum', rows, sums, [1], reserve);
  const count = sums.shape[0]!;
  return by === divisors.none
    ? total
    : [...total, share(out.address, count, rows.shape[1]!, { quotients: out.address })];
}

function spreading(gradient: Located, out: Located, window: Window, by: number, reserve: Reserve): Plan {
  if (!isWhole(out, window)) return [perPlane('avgPoolGradient', out, [gradient.address, out.address, by], window)];
  const [count, size] = rowsOf(out).shape as [number, number];
  const shares = reserve(count * 4);
  const to = { address: out.address, strides: [size, 1] };
  return [
    share(gradient.address, count, by === divisors.none ? 1 : size, { quotients: shares }),
    copyStrided('float32', [count, size], { address: shares, strides: [1, 0] }, to),
  ];
}

export function avgPool(x: Located, out: Located, window: Window, countPadding: boolean, reserve: Reserve): Plan {
  return summing(x, out, window, divisor(countPadding), reserve);
}

export function avgPoolGradient(
  gradient: Located,
  out: Located,
  window: Window,
  countPadding: boolean,
  reserve: Reserve,
): Plan {
  return spreading(gradient, out, window, divisor(countPadding), reserve);
}

export function sumPool(x: Located, out: Located, window: Window, reserve: Reserve): Plan {
  return summing(x, out, window, divisors.none, reserve);
}

export function sumPoolGradient(gradient: Located, out: Located, window: Window, reserve: Reserve): Plan {
  return spreading(gradient, out, window, divisors.none, reserve);
}

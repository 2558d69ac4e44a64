import { typedArray } from '@receptive/backend';
import { fromArray, scalarLike } from '../create.ts';
import { ShapeError, formatShape } from '../errors.ts';
import { scope } from '../scope.ts';
import type { Tensor } from '../tensor.ts';
import { floats } from './check.ts';
import { mul, where } from './elementwise.ts';
import { indexSelect } from './indexing.ts';
import { averagePool, maxPool } from './pool.ts';
import type { Pool } from './pool-window.ts';
import { max, sum } from './reduce.ts';
import { reshape } from './views.ts';
import { perAxis, spatialOf } from './window.ts';

/** Length of the output for all spatial axes, or for each; `null` keeps the input's. */
export type AdaptiveSize = number | readonly (number | null)[];

/** A pool whose windows are made to fit an output. */
export type AdaptivePool = (x: Tensor, outputSize: AdaptiveSize) => Tensor;

/** A kind of pooling: with a window, and of an axis that holds the elements of each window, of which the last is repeated where a window has fewer. */
interface Kind {
  readonly name: string;
  readonly plain: (axes: number, door: string) => Pool;
  readonly fold: (columns: Tensor, axis: number, lengths: readonly number[]) => Tensor;
}

const maximum: Kind = {
  name: 'MaxPool',
  plain: maxPool,
  // Repeated elements come last: they win over none.
  fold: (columns, axis) => max(columns, axis),
};

const average: Kind = {
  name: 'AvgPool',
  plain: averagePool,
  fold: (columns, axis, lengths) => {
    const longest = columns.shape[axis]!;
    const along = columns.shape.map((_, a) => (a < axis - 1 || a > axis ? 1 : columns.shape[a]!)).slice(axis - 1);
    const inside = Uint8Array.from({ length: lengths.length * longest }, (_, i) =>
      i % longest < lengths[Math.floor(i / longest)]! ? 1 : 0,
    );
    const share = typedArray(columns.dtype as 'float32' | 'float64', lengths.length);
    share.set(lengths.map((length) => 1 / length));
    // Left out, not multiplied by 0: what is repeated may be infinite.
    const own = where(fromArray(columns.backend, inside, along, 'uint8'), columns, scalarLike(columns, 0));
    const shape = [lengths.length, ...along.slice(2)];
    return mul(sum(own, axis), fromArray(columns.backend, share, shape, columns.dtype));
  },
};

/** Windows over `length` places, one for each of `count`: neighbours overlap where count does not divide the length, and all but them is covered. */
function windowsOf(length: number, count: number): (readonly [start: number, end: number])[] {
  return Array.from({ length: count }, (_, i) => [
    Math.floor((i * length) / count),
    Math.ceil(((i + 1) * length) / count),
  ]);
}

/** Pools one axis to `count` windows: gathers what each sees, and folds it. */
function poolAxis(x: Tensor, axis: number, count: number, fold: Kind['fold']): Tensor {
  const windows = windowsOf(x.shape[axis]!, count);
  const lengths = windows.map(([start, end]) => end - start);
  const longest = Math.max(...lengths);
  const places = windows.flatMap(([start, end]) =>
    Array.from({ length: longest }, (_, tap) => Math.min(start + tap, end - 1)),
  );
  const seen = indexSelect(x, fromArray(x.backend, Int32Array.from(places), [places.length], 'int32'), axis);
  const columns = [...x.shape.slice(0, axis), count, longest, ...x.shape.slice(axis + 1)];
  return fold(reshape(seen, columns), axis + 1, lengths);
}

function adaptive(kind: Kind, axes: number, door = `adaptive${kind.name}${axes}d`): AdaptivePool {
  return (x, outputSize) => {
    floats(door, x);
    const input = spatialOf(door, x, axes);
    const given = typeof outputSize === 'number' ? outputSize : outputSize.map((n, axis) => n ?? input[axis] ?? 0);
    const output = perAxis(door, 'outputSize', given, axes);
    if (input.every((length, axis) => Number.isInteger(length / output[axis]!))) {
      return kind.plain(axes, door)(
        x,
        input.map((length, axis) => length / output[axis]!),
      );
    }
    // From the last axis to the first, so that of equal maxima the first in the plane wins.
    return scope(() =>
      output.reduceRight((y, count, axis) => (count === input[axis] ? y : poolAxis(y, axis + 2, count, kind.fold)), x),
    );
  };
}

/**
 * Mean of windows of `[N, C, H, W]` that fit an output of `outputSize`: window i of o over n elements reaches from `floor(i * n / o)` up to, not including,
 * `ceil((i + 1) * n / o)`, as in PyTorch. Where o divides n it is avgPool2d with a window of n / o.
 * @throws ShapeError for an output size that is not made of whole numbers of at least 1.
 */
export const adaptiveAvgPool2d: AdaptivePool = adaptive(average, 2);
/** {@link adaptiveAvgPool2d} of `[N, C, L]`. */
export const adaptiveAvgPool1d: AdaptivePool = adaptive(average, 1);
/** {@link adaptiveAvgPool2d} of `[N, C, D, H, W]`. */
export const adaptiveAvgPool3d: AdaptivePool = adaptive(average, 3);

/**
 * Maximum of the windows of {@link adaptiveAvgPool2d}. Of equal maxima the first receives the gradient; NaN wins.
 * @throws ShapeError for an output size that is not made of whole numbers of at least 1.
 */
export const adaptiveMaxPool2d: AdaptivePool = adaptive(maximum, 2);
/** {@link adaptiveMaxPool2d} of `[N, C, L]`. */
export const adaptiveMaxPool1d: AdaptivePool = adaptive(maximum, 1);
/** {@link adaptiveMaxPool2d} of `[N, C, D, H, W]`. */
export const adaptiveMaxPool3d: AdaptivePool = adaptive(maximum, 3);

const overall =
  (kind: Kind) =>
  (x: Tensor): Tensor => {
    const door = `global${kind.name}`;
    if (x.rank < 3) {
      throw new ShapeError(`${door}: needs an input [N, C, ...spatial], but was given ${formatShape(x.shape)}.`);
    }
    return adaptive(kind, x.rank - 2, door)(x, 1);
  };

/**
 * Mean of each plane of `[N, C, ...spatial]`, as `[N, C, 1, ...]`. Source: Lin, Chen and Yan, Network in network, arXiv:1312.4400, section 3.2.
 * @throws ShapeError if there is no spatial axis.
 */
export const globalAvgPool: (x: Tensor) => Tensor = overall(average);
/**
 * Maximum of each plane of `[N, C, ...spatial]`, as `[N, C, 1, ...]`; the first of equals receives the gradient.
 * @throws ShapeError if there is no spatial axis.
 */
export const globalMaxPool: (x: Tensor) => Tensor = overall(maximum);

import type { Band } from '@receptive/backend';
import { typedArray } from '@receptive/backend';
import { fromArray } from '../create.ts';
import { ShapeError, formatShape } from '../errors.ts';
import { scope } from '../scope.ts';
import type { Tensor } from '../tensor.ts';
import { blend } from './blend.ts';
import { floats } from './check.ts';
import { mul } from './elementwise.ts';
import { averagePool, maxPool } from './pool.ts';
import type { Pool } from './pool-window.ts';
import { max } from './reduce.ts';
import { reshape } from './views.ts';
import { perAxis, spatialOf } from './window.ts';

/** Length of the output for all spatial axes, or for each; `null` keeps the input's. */
export type AdaptiveSize = number | readonly (number | null)[];

/** A pool whose windows are made to fit an output. */
export type AdaptivePool = (x: Tensor, outputSize: AdaptiveSize) => Tensor;

/** A kind of pooling: with a window, and of one axis with windows of many lengths. */
interface Kind {
  readonly name: string;
  readonly plain: (axes: number, door: string) => Pool;
  readonly along: (x: Tensor, axis: number, windows: readonly Span[]) => Tensor;
}

/** Where a window begins, and where what no longer belongs to it does. */
type Span = readonly [start: number, end: number];

const maximum: Kind = {
  name: 'MaxPool',
  plain: maxPool,
  along(x, axis, windows) {
    const longest = Math.max(...windows.map(([start, end]) => end - start));
    // Repeated elements come last: they win over none.
    const places = windows.flatMap(([start, end]) =>
      Array.from({ length: longest }, (_, tap) => Math.min(start + tap, end - 1)),
    );
    const seen = blend(x, { axis, bands: places.map((place): Band => [place, 1]) });
    return max(
      reshape(seen, [...x.shape.slice(0, axis), windows.length, longest, ...x.shape.slice(axis + 1)]),
      axis + 1,
    );
  },
};

const average: Kind = {
  name: 'AvgPool',
  plain: averagePool,
  // Not by weights of one over the number: sums of whole numbers stay whole.
  along(x, axis, windows) {
    const lengths = windows.map(([start, end]) => end - start);
    const bands = windows.map(([start], i): Band => [start, ...new Array<number>(lengths[i]!).fill(1)]);
    const share = typedArray(x.dtype as 'float32' | 'float64', lengths.length);
    share.set(lengths.map((length) => 1 / length));
    const shape = x.shape.slice(axis).map((_, i) => (i === 0 ? lengths.length : 1));
    return mul(blend(x, { axis, bands }), fromArray(x.backend, share, shape, x.dtype));
  },
};

/** Windows over `length` places, one for each of `count`: neighbours overlap where count does not divide the length, and all but them is covered. */
function windowsOf(length: number, count: number): Span[] {
  return Array.from({ length: count }, (_, i) => [
    Math.floor((i * length) / count),
    Math.ceil(((i + 1) * length) / count),
  ]);
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
      output.reduceRight(
        (y, count, axis) => (count === input[axis] ? y : kind.along(y, axis + 2, windowsOf(input[axis]!, count))),
        x,
      ),
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

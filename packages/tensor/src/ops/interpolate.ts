import type { Band, Shape } from '@receptive/backend';
import { isFloat } from '@receptive/backend';
import { fromArray } from '../create.ts';
import { dispatch } from '../dispatch.ts';
import { ShapeError, formatShape } from '../errors.ts';
import type { Op } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { blend } from './blend.ts';
import { floats, shapeIs } from './check.ts';
import { indexSelect } from './indexing.ts';
import { perAxis } from './window.ts';
import type { PerAxis } from './window.ts';

/** How what lies between elements is made. */
export type InterpolationMode = 'nearest' | 'linear';

/** Options of {@link interpolate}: a size or a factor. */
export interface InterpolateOptions {
  /** Spatial lengths of the output. */
  readonly size?: PerAxis;
  /** Factor of all spatial lengths, or of each; they are rounded down. */
  readonly scaleFactor?: number | readonly number[];
  /** `'nearest'` unless told. `'linear'` is bilinear over two axes, and trilinear over three. */
  readonly mode?: InterpolationMode;
  /** Put the middles of the outermost elements of input and output together, instead of their outer edges. Linear only; false unless told. */
  readonly alignCorners?: boolean;
}

/** A resolved resampling. */
export interface InterpolateAttributes {
  readonly size: readonly number[];
  /** Lengths of the output over those of the input, where they were given: then the size is rounded, and the places follow from these. */
  readonly scale: readonly number[] | undefined;
  readonly mode: InterpolationMode;
  readonly alignCorners: boolean;
}

const interpolateOp: Op<InterpolateAttributes, [x: 0], [y: 0]> = {
  name: 'interpolate',
  infer([x], { size, mode }) {
    if (mode === 'linear') floats('interpolate', x);
    shapeIs('interpolate', 'the input', x, [...x.shape.slice(0, 2), ...size.map((_, axis) => x.shape[axis + 2]!)]);
    return [{ shape: [...x.shape.slice(0, 2), ...size], dtype: x.dtype }];
  },
  compose: ([x], attributes) => [
    attributes.size.reduce((y, _, axis) => resampled(y, axis + 2, placesOf(x.shape, axis, attributes), attributes), x),
  ],
};

export const interpolateOps = { interpolate: interpolateOp };

/** Where each output element lies along one axis of the input, counted in its elements, none outside. */
function placesOf(input: Shape, axis: number, { size, scale, mode, alignCorners }: InterpolateAttributes): number[] {
  const [from, to] = [input[axis + 2]!, size[axis]!];
  // Multiplied before it is divided: whole places are met exactly.
  const stretched = (i: number): number => (scale ? i / scale[axis]! : (i * from) / to);
  const place = (i: number): number => {
    if (mode === 'nearest') return Math.floor(stretched(i));
    if (alignCorners) return to === 1 ? 0 : (i * (from - 1)) / (to - 1);
    return stretched(i + 0.5) - 0.5;
  };
  return Array.from({ length: to }, (_, i) => Math.min(from - 1, Math.max(0, place(i))));
}

/** Elements at `places` along an axis, each blended of its two neighbours where it lies between them. */
function resampled(x: Tensor, axis: number, places: readonly number[], { mode }: InterpolateAttributes): Tensor {
  if (places.length === x.shape[axis] && places.every((place, i) => place === i)) return x;
  const lower = places.map(Math.floor);
  if (!isFloat(x.dtype)) {
    return indexSelect(x, fromArray(x.backend, Int32Array.from(lower), [lower.length], 'int32'), axis);
  }
  const bands = places.map((place, i): Band => {
    const distance = place - lower[i]!;
    return mode === 'nearest' || distance === 0 ? [lower[i]!, 1] : [lower[i]!, 1 - distance, distance];
  });
  return blend(x, { axis, bands });
}

/**
 * Resamples the spatial axes of `[N, C, ...spatial]` to `size`, or to `floor(n * scaleFactor)`. Output i lies at `i / scale` of the input in the mode
 * `'nearest'`, which takes the element before it; in `'linear'` at `(i + 0.5) / scale - 0.5`, or with `alignCorners` at `i * (n - 1) / (size - 1)`, between two
 * elements (of each axis) that are blended by their distance; places outside are moved to the edge. All as PyTorch's interpolate.
 * @throws RangeError for a mode that does not exist.
 * @throws ShapeError unless either a size or a factor is given that leaves at least one element, or if corners are to be aligned without blending.
 */
export function interpolate(x: Tensor, options: InterpolateOptions): Tensor {
  const { size, scaleFactor, mode = 'nearest', alignCorners = false } = options;
  const [axes, spatial] = [x.rank - 2, x.shape.slice(2)];
  if (axes < 1) {
    throw new ShapeError(`interpolate: needs an input [N, C, ...spatial], but was given ${formatShape(x.shape)}.`);
  }
  if (mode !== 'nearest' && mode !== 'linear') {
    throw new RangeError(
      `interpolate: mode must be 'nearest' or 'linear' (bilinear over two axes), but is ${JSON.stringify(mode)}.`,
    );
  }
  if ((size === undefined) === (scaleFactor === undefined)) {
    throw new ShapeError('interpolate: needs either a size or a scaleFactor: give one of them.');
  }
  if (alignCorners && mode === 'nearest') {
    throw new ShapeError("interpolate: alignCorners has no meaning for 'nearest', which blends nothing. Leave it out.");
  }
  if (size !== undefined) {
    const lengths = perAxis('interpolate', 'size', size, axes);
    return dispatch(interpolateOp, [x], { size: lengths, scale: undefined, mode, alignCorners })[0];
  }
  const scale = typeof scaleFactor === 'number' ? spatial.map(() => scaleFactor) : scaleFactor!;
  const lengths = spatial.map((length, axis) => Math.floor(length * (scale[axis] ?? NaN)));
  if (scale.length !== axes || !lengths.every((length) => length >= 1 && length < Infinity)) {
    throw new ShapeError(
      `interpolate: scaleFactor must be a number, or ${axes} of them, that leaves at least one element of each of ${formatShape(spatial)}, but is ${JSON.stringify(scaleFactor)}.`,
    );
  }
  return dispatch(interpolateOp, [x], { size: lengths, scale, mode, alignCorners })[0];
}

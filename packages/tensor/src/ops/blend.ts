import type { Band, DType } from '@receptive/backend';
import { bandShare, typedArray } from '@receptive/backend';
import { fromArray, scalarLike } from '../create.ts';
import { dispatch } from '../dispatch.ts';
import { ShapeError, formatShape } from '../errors.ts';
import type { Op } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { floats, withLength } from './check.ts';
import { add, mul, where } from './elementwise.ts';
import { indexSelect } from './indexing.ts';

/** A matrix along an axis whose rows have their elements next to each other. */
export interface BlendAttributes {
  readonly axis: number;
  /** One for each element of the output. */
  readonly bands: readonly Band[];
}

const blendOp: Op<BlendAttributes, [x: 0], [y: 0]> = {
  name: 'blend',
  fused: 'blend',
  infer([x], { axis, bands }) {
    floats('blend', x);
    const length = x.shape[axis];
    if (length === undefined) {
      throw new ShapeError(`blend: an input ${formatShape(x.shape)} has no axis ${axis}; axes count from 0.`);
    }
    if (bands.some(([start, ...weights]) => !Number.isInteger(start) || start < 0 || start + weights.length > length)) {
      throw new ShapeError(`blend: each band must lie within axis ${axis}, whose length is ${length}.`);
    }
    return [{ shape: withLength(x.shape, axis, bands.length), dtype: x.dtype }];
  },
  run: (kernels, [x], [y], { axis, bands }) => kernels.blend(x, y, axis, bands),
  compose([x], { axis, bands }) {
    const vector = (values: readonly number[], dtype: DType): Tensor => {
      const array = typedArray(dtype, values.length);
      array.set(values);
      return fromArray(x.backend, array, dtype === 'int32' ? [values.length] : column, dtype);
    };
    const column = x.shape.slice(axis).map((_, i) => (i === 0 ? bands.length : 1));
    const taps = bands.reduce((most, band) => Math.max(most, band.length - 1), 1);
    const parts = Array.from({ length: taps }, (_, tap) => {
      const index = bands.map(([start, ...weights]) =>
        weights.length ? start + Math.min(tap, weights.length - 1) : 0,
      );
      const shares = bands.map(([, ...weights]) => bandShare(weights, tap, taps));
      const picked = indexSelect(x, vector(index, 'int32'), axis);
      return shares.every((share) => share === 1) ? picked : mul(picked, vector(shares, x.dtype));
    });
    const y = parts.reduce((total, part) => add(total, part));
    if (bands.every((band) => band.length > 1)) return [y];
    const isThere = vector(
      bands.map((band) => Number(band.length > 1)),
      'uint8',
    );
    return [where(isThere, y, scalarLike(y, 0))];
  },
};

export const blendOps = { blend: blendOp };

/**
 * Weighted sums of neighbouring elements along an axis: element i of the output is made of those from `bands[i][0]` on, times the weights that follow it.
 * Where an element is in bands that are not neighbours, the gradient takes those between them 0 times.
 * @throws ShapeError if a band reaches beyond the axis; DTypeError for integers.
 */
export function blend(x: Tensor, attributes: BlendAttributes): Tensor {
  return dispatch(blendOp, [x], attributes)[0];
}

/** The transposed matrix, for an axis of `length`. What lies between the elements of one of its rows is filled with zeros. */
export function transposedBands(bands: readonly Band[], length: number): Band[] {
  const columns = Array.from({ length }, (): number[] => []);
  bands.forEach(([start, ...weights], i) => {
    weights.forEach((weight, tap) => {
      const column = columns[start + tap]!;
      if (column.length === 0) column.push(i);
      while (column[0]! + column.length - 1 < i) column.push(0);
      column.push(weight);
    });
  });
  return columns.map(([start = 0, ...weights]) => [start, ...weights]);
}

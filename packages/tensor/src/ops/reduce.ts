import type { ReduceName } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import { dispatch } from '../dispatch.ts';
import { ShapeError, formatShape } from '../errors.ts';
import type { Op, TensorType } from '../op.ts';
import { scope } from '../scope.ts';
import type { ReduceOptions, Tensor } from '../tensor.ts';
import { floats, resolveAxes, resolveAxis } from './check.ts';
import { cast, div, mul, square, sub } from './elementwise.ts';
import { permute, reshape } from './views.ts';

/** Shape after reducing: the axes have length 1, or are left out. */
function reduced(x: TensorType, axes: readonly number[], keepDims: boolean): number[] {
  return keepDims
    ? x.shape.map((length, axis) => (axes.includes(axis) ? 1 : length))
    : x.shape.filter((_, axis) => !axes.includes(axis));
}

const sumOp: Op<{ readonly axes: readonly number[]; readonly keepDims: boolean }, [x: 0], [y: 0]> = {
  name: 'sum',
  infer: ([x], { axes, keepDims }) => [{ shape: reduced(x, axes, keepDims), dtype: x.dtype }],
  run: (kernels, [x], [y], { axes }) => kernels.reduce('sum', x, y, axes),
};

/** Along one axis only, so that "the first index" has a meaning for the derivative. */
function extremeOp(
  name: Exclude<ReduceName, 'sum'>,
): Op<{ readonly axis: number; readonly keepDims: boolean }, [x: 0], [y: 0]> {
  return {
    name,
    infer: ([x], { axis, keepDims }) => [{ shape: reduced(x, [axis], keepDims), dtype: x.dtype }],
    run: (kernels, [x], [y], { axis }) => kernels.reduce(name, x, y, [axis]),
  };
}

function argOp(
  name: 'argmax' | 'argmin',
  which: 'max' | 'min',
): Op<{ readonly axis: number; readonly keepDims: boolean }, [x: 0], [y: 0]> {
  return {
    name,
    infer: ([x], { axis, keepDims }) => [{ shape: reduced(x, [axis], keepDims), dtype: 'int32' }],
    run: (kernels, [x], [y], { axis }) => kernels.argReduce(which, x, y, axis),
  };
}

export const reduceOps = {
  sum: sumOp,
  max: extremeOp('max'),
  min: extremeOp('min'),
  argmax: argOp('argmax', 'max'),
  argmin: argOp('argmin', 'min'),
};

/** Sum over the named axes, or over all. A sum of uint8, such as a count of matches, is int32. */
export function sum(x: Tensor, axes?: number | readonly number[], { keepDims = false }: ReduceOptions = {}): Tensor {
  if (x.dtype === 'uint8') return scope(() => sum(cast(x, 'int32'), axes, { keepDims }));
  const over = resolveAxes('sum', axes, x.rank);
  return over.length === 0 ? x.clone() : dispatch(sumOp, [x], { axes: over, keepDims })[0];
}

/** Arithmetic mean over the named axes, or over all. */
export function mean(x: Tensor, axes?: number | readonly number[], options?: ReduceOptions): Tensor {
  floats('mean', x);
  const over = resolveAxes('mean', axes, x.rank);
  return scope(() => mul(sum(x, over, options), 1 / count(x, over)));
}

/**
 * Variance over the named axes, or over all: the mean square distance from the mean, dividing by `n - correction`. The default correction of 1 is the
 * unbiased estimate (Bessel); 0 is the biased one that batch normalisation normalises with.
 * @throws ShapeError if no more than `correction` elements are reduced.
 */
export function variance(
  x: Tensor,
  axes?: number | readonly number[],
  { keepDims = false, correction = 1 }: ReduceOptions & { readonly correction?: number } = {},
): Tensor {
  const over = resolveAxes('variance', axes, x.rank);
  const n = count(x, over);
  if (n <= correction) {
    throw new ShapeError(
      `variance: reducing axes ${formatShape(over)} of ${formatShape(x.shape)} takes ${n} at a time, but a variance with correction ${correction} needs more than ${correction}.`,
    );
  }
  return scope(() => {
    const distance = sub(x, mean(x, over, { keepDims: true }));
    return div(sum(square(distance), over, { keepDims }), n - correction);
  });
}

/** Maximum over the named axes, or over all; NaN if there is one. The gradient goes to the first maximum. */
export function max(x: Tensor, axes?: number | readonly number[], options?: ReduceOptions): Tensor {
  return extreme('max', x, axes, options);
}

/** Minimum over the named axes, or over all; NaN if there is one. The gradient goes to the first minimum. */
export function min(x: Tensor, axes?: number | readonly number[], options?: ReduceOptions): Tensor {
  return extreme('min', x, axes, options);
}

/** Index along `axis` of the first maximum, int32; a NaN counts as the maximum. */
export function argmax(x: Tensor, axis: number, { keepDims = false }: ReduceOptions = {}): Tensor<'int32'> {
  return dispatch(reduceOps.argmax, [x], { axis: resolveAxis('argmax', axis, x.rank), keepDims })[0] as Tensor<'int32'>;
}

/** Index along `axis` of the first minimum, int32; a NaN counts as the minimum. */
export function argmin(x: Tensor, axis: number, { keepDims = false }: ReduceOptions = {}): Tensor<'int32'> {
  return dispatch(reduceOps.argmin, [x], { axis: resolveAxis('argmin', axis, x.rank), keepDims })[0] as Tensor<'int32'>;
}

function count(x: Tensor, axes: readonly number[]): number {
  return sizeOf(axes.map((axis) => x.shape[axis]!));
}

function extreme(
  name: 'max' | 'min',
  x: Tensor,
  axes: number | readonly number[] | undefined,
  { keepDims = false }: ReduceOptions = {},
): Tensor {
  const over = resolveAxes(name, axes, x.rank);
  if (over.length === 0) return x.clone();
  if (over.length === 1) return dispatch(reduceOps[name], [x], { axis: over[0]!, keepDims })[0];
  // Several axes are brought together at the end and reduced as one.
  const kept = x.shape.flatMap((_, axis) => (over.includes(axis) ? [] : [axis]));
  const inOrder = over[0] === kept.length;
  return scope(() => {
    const last = inOrder ? x : permute(x, [...kept, ...over]);
    const together = reshape(last, [...kept.map((axis) => x.shape[axis]!), -1]);
    const y = dispatch(reduceOps[name], [together], { axis: kept.length, keepDims: false })[0];
    return keepDims ? reshape(y, reduced(x, over, true)) : y;
  });
}

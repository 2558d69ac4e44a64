import type { DType } from '@receptive/backend';
import { isFloat } from '@receptive/backend';
import { arange } from '../create.ts';
import { withBackend } from '../current.ts';
import { dispatch } from '../dispatch.ts';
import { ShapeError, formatShape } from '../errors.ts';
import type { Op, TensorType } from '../op.ts';
import { scope } from '../scope.ts';
import type { Tensor } from '../tensor.ts';
import { dtypeIs, resolveAxis, withLength } from './check.ts';
import { cast, equal } from './elementwise.ts';
import { broadcastTo, reshape, unsqueeze } from './views.ts';

/** All axes but `axis` must be as long in the index as in `x`. */
function checkIndex(op: string, x: TensorType, index: TensorType, axis: number): void {
  dtypeIs(op, 'the index', index, 'int32');
  if (index.shape.length !== x.shape.length || index.shape.some((length, a) => a !== axis && length !== x.shape[a])) {
    throw new ShapeError(
      `${op}: along axis ${axis} the index may have any length, but its other axes must be those of ${formatShape(x.shape)}; its shape is ${formatShape(index.shape)}.`,
    );
  }
}

const gatherOp: Op<{ readonly axis: number }, [x: 0, index: 0], [y: 0]> = {
  name: 'gather',
  infer([x, index], { axis }) {
    checkIndex('gather', x, index, axis);
    return [{ shape: index.shape, dtype: x.dtype }];
  },
  run: (kernels, [x, index], [y], { axis }) => kernels.gather(x, index, y, axis),
};

const scatterAddOp: Op<{ readonly axis: number; readonly length: number }, [source: 0, index: 0], [y: 0]> = {
  name: 'scatterAdd',
  infer([source, index], { axis, length }) {
    checkIndex('scatterAdd', source, index, axis);
    if (index.shape[axis] !== source.shape[axis]) {
      throw new ShapeError(
        `scatterAdd: source ${formatShape(source.shape)} and index ${formatShape(index.shape)} must have one shape.`,
      );
    }
    return [{ shape: withLength(source.shape, axis, length), dtype: source.dtype }];
  },
  run: (kernels, [source, index], [y], { axis }) => kernels.scatterAdd(source, index, y, axis),
};

export const indexingOps = { gather: gatherOp, scatterAdd: scatterAddOp };

/**
 * Picks elements along `axis`: `y[i][j] = x[i][index[i][j]]` for axis 1 of 2 (PyTorch's gather). `index` is int32 and has x's shape, but for `axis`.
 * An index outside the axis reads NaN (0 from integers): a device cannot raise an error for it.
 */
export function gather(x: Tensor, index: Tensor, axis: number): Tensor {
  return dispatch(gatherOp, [x, index], { axis: resolveAxis('gather', axis, x.rank) })[0];
}

/**
 * The transpose of {@link gather}: zeros of `length` along `axis`, to which each element of `source` is added at its index. An index outside the axis is
 * left out.
 */
export function scatterAdd(source: Tensor, index: Tensor, axis: number, length: number): Tensor {
  return dispatch(scatterAddOp, [source, index], { axis: resolveAxis('scatterAdd', axis, source.rank), length })[0];
}

/** Whole slices picked along `axis`, in the order of the int32 vector `index`. */
export function indexSelect(x: Tensor, index: Tensor, axis = 0): Tensor {
  const along = resolveAxis('indexSelect', axis, x.rank);
  if (index.rank !== 1)
    throw new ShapeError(`indexSelect: the index is a vector, but has shape ${formatShape(index.shape)}.`);
  const column = x.shape.map((_, a) => (a === along ? -1 : 1));
  return scope(() => gather(x, broadcastTo(reshape(index, column), withLength(x.shape, along, index.size)), along));
}

/**
 * `[...indices, classes]`: 1 at each index along the new last axis, 0 elsewhere; float32 by default. The indices are int32 or uint8; one outside the
 * classes gives zeros alone.
 */
export function oneHot<D extends DType = 'float32'>(
  index: Tensor,
  classes: number,
  dtype: D = 'float32' as D,
): Tensor<D> {
  if (isFloat(index.dtype)) dtypeIs('oneHot', 'the index', index, 'int32');
  return scope(() => {
    const labels = withBackend(index.backend, () => arange(0, classes));
    return cast(equal(unsqueeze(cast(index, 'int32'), -1), labels), dtype);
  });
}

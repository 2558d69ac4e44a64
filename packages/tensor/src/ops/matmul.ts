import { dispatch } from '../dispatch.ts';
import { ShapeError, formatShape } from '../errors.ts';
import type { Op, TensorType } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { broadcastShape, floats, sameDtype } from './check.ts';

/** Which operands are read transposed, in their last two axes, without a copy. */
export interface MatmulOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

const matmulOp: Op<Required<MatmulOptions>, [a: 0, b: 0], [y: 0]> = {
  name: 'matmul',
  infer([a, b], { transposeA, transposeB }) {
    floats('matmul', a, b);
    sameDtype('matmul', a, b);
    if (a.shape.length < 2 || b.shape.length < 2) {
      throw new ShapeError(
        `matmul: both inputs need two axes or more, but have shapes ${formatShape(a.shape)} and ${formatShape(b.shape)}. Make a vector a matrix with unsqueeze().`,
      );
    }
    const [m, k] = matrix(a, transposeA);
    const [k2, n] = matrix(b, transposeB);
    if (k !== k2) {
      throw new ShapeError(
        `matmul: ${described(a, transposeA)} times ${described(b, transposeB)} does not fit: ${k} columns meet ${k2} rows.`,
      );
    }
    return [{ shape: [...broadcastShape('matmul', a.shape.slice(0, -2), b.shape.slice(0, -2)), m, n], dtype: a.dtype }];
  },
  run: (kernels, [a, b], [y], options) => kernels.matmul(a, b, y, options),
};

function matrix({ shape }: TensorType, transposed: boolean): [rows: number, columns: number] {
  const [rows, columns] = [shape.at(-2)!, shape.at(-1)!];
  return transposed ? [columns, rows] : [rows, columns];
}

function described({ shape }: TensorType, transposed: boolean): string {
  return formatShape(shape) + (transposed ? ' transposed' : '');
}

export const matmulOps = { matmul: matmulOp };

/**
 * Matrix product over the last two axes, `[..., M, K] x [..., K, N] = [..., M, N]`; the axes before them broadcast.
 * @throws ShapeError if the inner lengths differ or the leading axes do not broadcast.
 */
export function matmul(a: Tensor, b: Tensor, { transposeA = false, transposeB = false }: MatmulOptions = {}): Tensor {
  return dispatch(matmulOp, [a, b], { transposeA, transposeB })[0];
}

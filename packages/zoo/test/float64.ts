import type { Backend, Kernels, Operand } from '@receptive/backend';
import { broadcastStrides, sizeOf } from '@receptive/backend';
import { reference } from '@receptive/backend/reference';

/** Columns of a product at a time: four rows of them stay in the first-level cache. */
const COLUMNS = 512;

/** Adds a product of row-major matrices, in four rows at a time, to zeros. */
function multiply(
  a: Float64Array,
  b: Float64Array,
  out: Float64Array,
  rows: number,
  inner: number,
  columns: number,
): void {
  for (let from = 0; from < columns; from += COLUMNS) {
    const count = Math.min(COLUMNS, columns - from);
    for (let row = 0; row < rows; row += 4) {
      // Rows that are left over are computed as often as it takes to make four.
      const [r0, r1, r2, r3] = [0, 1, 2, 3].map((i) => Math.min(row + i, rows - 1)) as [number, number, number, number];
      const sums = new Float64Array(4 * count);
      for (let k = 0; k < inner; k++) {
        const [a0, a1, a2, a3] = [a[r0 * inner + k]!, a[r1 * inner + k]!, a[r2 * inner + k]!, a[r3 * inner + k]!];
        const start = k * columns + from;
        for (let j = 0; j < count; j++) {
          const value = b[start + j]!;
          sums[j]! += a0 * value;
          sums[count + j]! += a1 * value;
          sums[2 * count + j]! += a2 * value;
          sums[3 * count + j]! += a3 * value;
        }
      }
      [r0, r1, r2, r3].forEach((r, i) => out.set(sums.subarray(i * count, (i + 1) * count), r * columns + from));
    }
  }
}

function transposed(matrix: Float64Array, rows: number, columns: number): Float64Array {
  const result = new Float64Array(matrix.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) result[j * rows + i] = matrix[i * columns + j]!;
  return result;
}

/** The places of a batch's matrices in an operand, whose leading axes are broadcast. */
function matrices({ shape }: Operand, batch: readonly number[]): number[] {
  const strides = broadcastStrides(shape.slice(0, -2), batch);
  return batch.reduce<number[]>(
    (places, length, axis) => places.flatMap((place) => Array.from({ length }, (_, i) => place + i * strides[axis]!)),
    [0],
  );
}

/**
 * The float64 reference, made quick enough for networks: convolutions are its products with columns, and products of float64 run along rows. The sums are of the same
 * products, in float64, in another order.
 */
export function quickReference(): Backend {
  const backend = reference();
  const { conv: _, convInputGradient: __, convWeightGradient: ___, ...kernels } = backend.kernels;
  const matmul: Kernels['matmul'] = (a, b, out, options) => {
    if (out.dtype !== 'float64') return kernels.matmul(a, b, out, options);
    const read = ({ storage, shape }: Operand): Float64Array => backend.readSync!(storage, 'float64', sizeOf(shape));
    const [rows, columns] = out.shape.slice(-2) as [number, number];
    const inner = a.shape.at(options.transposeA ? -2 : -1)!;
    const batch = out.shape.slice(0, -2);
    const [left, right, result] = [read(a), read(b), new Float64Array(sizeOf(out.shape))];
    const rightPlaces = matrices(b, batch);
    matrices(a, batch).forEach((place, i) => {
      const x = left.subarray(place * rows * inner, (place + 1) * rows * inner);
      const at = rightPlaces[i]! * inner * columns;
      const y = right.subarray(at, at + inner * columns);
      multiply(
        options.transposeA ? transposed(x, inner, rows) : x,
        options.transposeB ? transposed(y, columns, inner) : y,
        result.subarray(i * rows * columns, (i + 1) * rows * columns),
        rows,
        inner,
        columns,
      );
    });
    backend.write(out.storage, result);
  };
  return { ...backend, kernels: { ...kernels, matmul } };
}

import type { DType, Kernels, Operand, Shape } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import { reference } from '@receptive/backend/reference';

const backend = reference();

/** The reference has every kernel. */
export const kernels = backend.kernels as Required<Kernels>;

/** An operand of the given elements; float64 unless told. */
export function operand(shape: Shape, values: readonly number[], dtype: DType = 'float64'): Operand {
  const storage = backend.allocate(dtype, sizeOf(shape));
  const arrays = { float32: Float32Array, float64: Float64Array, int32: Int32Array, uint8: Uint8Array };
  backend.write(storage, arrays[dtype].from(values));
  return { storage, shape, dtype };
}

/** Runs `kernel` on a new operand and gives the elements it leaves there. */
export function output(shape: Shape, kernel: (out: Operand) => void, dtype: DType = 'float64'): number[] {
  const out = { storage: backend.allocate(dtype, sizeOf(shape)), shape, dtype };
  kernel(out);
  return elements(out);
}

export function elements({ storage, dtype, shape }: Operand): number[] {
  return [...backend.readSync!(storage, dtype, sizeOf(shape))];
}

/** Reproducible numbers in [-1, 1): the fractional parts of multiples of an irrational number. */
export function numbers(count: number, seed = 1): number[] {
  return Array.from(
    { length: count },
    (_, i) => 2 * ((((i + 1) * 0.6180339887498949 + seed * 0.7548776662466927) % 1) - 0.5),
  );
}

export function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}

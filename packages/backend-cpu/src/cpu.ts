import type { Backend } from '@receptive/backend';
import { linearBackend, single } from '@receptive/kernels';
import type { LinearOptions } from '@receptive/kernels';

/** Options of {@link cpu}. */
export type CpuOptions = LinearOptions;

/**
 * The backend that computes in WebAssembly on the calling thread. It has float32, int32 and uint8.
 * @throws RangeError if `maximumMemory` is less than 1 MiB; Error if the engine has no WebAssembly SIMD of the kind asked for.
 */
export async function cpu(options: CpuOptions = {}): Promise<Backend> {
  return linearBackend('cpu', options, single);
}

import type { Backend } from '@receptive/backend';
import type { CpuOptions } from '@receptive/backend-cpu';
import type { GpuOptions } from '@receptive/backend-gpu';
import type { WorkersOptions } from '@receptive/backend-workers';
import { setBackend } from '@receptive/tensor';

/** The backends that {@link init} can make, by name, and their options. */
export interface BackendOptions {
  /** In WebAssembly, on a pool of threads; on one where threads cannot share memory. */
  readonly workers: WorkersOptions;
  /** In WebAssembly, on the calling thread. */
  readonly cpu: CpuOptions;
  /** On WebGPU or WebGL2, by gpu.js, which is installed beside it. */
  readonly gpu: GpuOptions;
}

/** A backend that {@link init} can make. */
export type BackendName = keyof BackendOptions;

// Each is loaded when it is asked for: a page that computes on one backend does not fetch the others.
const makers: { readonly [N in BackendName]: (options?: BackendOptions[N]) => Promise<Backend> } = {
  workers: async (options) => (await import('@receptive/backend-workers')).workers(options),
  cpu: async (options) => (await import('@receptive/backend-cpu')).cpu(options),
  gpu: async (options) => (await import('@receptive/backend-gpu')).gpu(options),
};

/** What {@link init} can make, the default first. */
export const backends: readonly BackendName[] = Object.keys(makers) as BackendName[];

/**
 * Makes a backend and sets it: tensors are made there from now on. Unless another is named, it computes on as many threads as the machine gives this program.
 * @throws RangeError if there is no backend of that name, or an option is out of range; Error that says what to do, if there is no GPU or gpu.js is not installed.
 */
export async function init<N extends BackendName = 'workers'>(
  name: N = 'workers' as N,
  options?: BackendOptions[N],
): Promise<Backend> {
  if (!Object.hasOwn(makers, name)) {
    throw new RangeError(`init: there is no backend ${JSON.stringify(name)}. Available: ${backends.join(', ')}.`);
  }
  const backend = await makers[name](options);
  setBackend(backend);
  return backend;
}

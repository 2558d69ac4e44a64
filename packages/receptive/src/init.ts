import type { Backend } from '@receptive/backend';
import { setBackend } from '@receptive/tensor';

// Each is loaded when it is asked for: a page that computes on one backend does not fetch the others.
const makers = {
  cpu: async () => (await import('@receptive/backend-cpu')).cpu(),
  gpu: async () => (await import('@receptive/backend-gpu')).gpu(),
} satisfies Record<string, () => Promise<Backend>>;

/** A backend that {@link init} can make. `cpu` computes in WebAssembly, on the calling thread; `gpu` on WebGPU or WebGL2, by gpu.js, which is installed beside it. */
export type BackendName = keyof typeof makers;

/** What {@link init} can make, the default first. */
export const backends: readonly BackendName[] = Object.keys(makers) as BackendName[];

/**
 * Makes a backend and sets it: tensors are made there from now on.
 * @throws RangeError if there is no backend of that name; Error that says what to do, if there is no GPU or gpu.js is not installed.
 */
export async function init(name: BackendName = 'cpu'): Promise<Backend> {
  if (!Object.hasOwn(makers, name)) {
    throw new RangeError(`init: there is no backend ${JSON.stringify(name)}. Available: ${backends.join(', ')}.`);
  }
  const backend = await makers[name]();
  setBackend(backend);
  return backend;
}

import { gpu } from '@receptive/backend-gpu';
import type { GpuOptions } from '@receptive/backend-gpu';
import { add, setBackend } from '@receptive/tensor';
import type { Engine } from '../engine.ts';
import { input } from './inputs.ts';
import { receptive } from './receptive.ts';

/** Receptive on a GPU. */
export async function start(options: GpuOptions): Promise<Engine> {
  const backend = await gpu(options);
  setBackend(backend);
  const one = input('one', [1]);
  return {
    ...receptive(backend),
    // A device works in order: with a number computed after all else, all else is done.
    finish: async () => {
      const last = add(one, one);
      await last.data();
      last.dispose();
    },
    dispose: () => backend.dispose(),
  };
}

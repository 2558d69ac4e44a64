import { workers } from '@receptive/backend-workers';
import { Pool, host } from '@receptive/backend-workers/pool';
import { bestFlavour, compileKernels, instantiateKernels } from '@receptive/kernels';
import type { Program } from '@receptive/kernels';
import type { Engine, Prepared } from '../engine.ts';
import { receptive } from './receptive.ts';

/** A phase of as many chunks as there are threads, shared from the first one on. The chunks are rounds of multiply-adds in registers: none, one, two and so on. */
async function dispatch(threads: number): Promise<Prepared> {
  const memory = new WebAssembly.Memory({ initial: 16, maximum: 65536, shared: true });
  const module = await compileKernels(bestFlavour(), { shared: true });
  const { kernels, base } = instantiateKernels(module, memory);
  const means = { module, memory, kernels, hold() {}, release() {} };
  const pool = await Pool.start(means, host, { threads, patience: 30, worth: { sharing: 0, waking: 0 } });
  const phases = [{ kernel: 'peak', args: 0, chunks: threads }];
  const program: Program = { phases, words: new Int32Array(), links: new Int32Array(), reserve: 0, scratch: 64 };
  return { run: () => pool.run(program, { words: base, scratch: base + 64, stride: 64 }) };
}

/** Receptive on so many threads, networks compiled. */
export async function start(threads: number): Promise<Engine> {
  const backend = await workers({ threads });
  const engine = receptive(backend);
  return {
    ...engine,
    workloads: { dispatch: () => dispatch(threads), ...engine.workloads },
    dispose: () => backend.dispose(),
  };
}

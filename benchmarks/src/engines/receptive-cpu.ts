import { cpu } from '@receptive/backend-cpu';
import { bestFlavour, compileKernels, instantiateKernels } from '@receptive/kernels';
import type { Engine, Prepared } from '../engine.ts';
import { peakRounds } from '../workloads.ts';
import { receptive } from './receptive.ts';

/** Multiply-adds in registers, by the same instructions that the kernels use. */
async function peak(): Promise<Prepared> {
  const memory = new WebAssembly.Memory({ initial: 16, maximum: 65536 });
  const { kernels, base } = instantiateKernels(await compileKernels(bestFlavour()), memory);
  const compute = kernels['peak']!;
  return { run: () => compute(base, peakRounds, base + 64) };
}

/** Receptive on one thread. */
export async function start(): Promise<Engine> {
  const engine = receptive(await cpu());
  return { ...engine, workloads: { peak, ...engine.workloads } };
}

import { cpu } from '@receptive/backend-cpu';
import type { CpuOptions } from '@receptive/backend-cpu';
import { revectorize } from '@receptive/backend-cpu/revectorize';
import { bestFlavour, compileKernels, instantiateKernels } from '@receptive/kernels';
import { setBackend } from '@receptive/tensor';
import type { Engine, Prepared } from '../engine.ts';
import { inferences, peakRounds } from '../workloads.ts';
import { computations } from './computations.ts';
import { eager, receptive } from './receptive.ts';

/** Multiply-adds in registers, by the same instructions that the kernels use. */
async function peak(): Promise<Prepared> {
  const memory = new WebAssembly.Memory({ initial: 16, maximum: 65536 });
  const { kernels, base } = instantiateKernels(await compileKernels(bestFlavour()), memory);
  const compute = kernels['peak']!;
  return { run: () => compute(base, peakRounds, base + 64) };
}

/** Receptive on one thread, networks compiled. */
export async function start(options?: CpuOptions): Promise<Engine> {
  const engine = receptive(await cpu(options));
  return { ...engine, workloads: { ...(!options && { peak }), ...engine.workloads } };
}

/** The networks as they are, op by op. */
export async function startEager(): Promise<Engine> {
  const backend = await cpu();
  const workloads = Object.keys(inferences).map((name) => [name, () => eager(computations[name]!())] as const);
  return {
    describe: `${backend.describe()}, not compiled`,
    begin: () => setBackend(backend),
    workloads: Object.fromEntries(workloads),
  };
}

/** Receptive where V8 fuses vectors to 256 bits. */
export async function startWide(): Promise<Engine> {
  return start({ simd: await revectorize() });
}

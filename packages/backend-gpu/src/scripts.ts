import type { Gpu, GpuFunction, GpuJs, GpuKernel } from './gpu-js.ts';
import type { Script } from './program.ts';
import { realNumbers } from './real-numbers.ts';
import { wholeNumbers } from './whole-numbers.ts';

/** Functions that every script can call. */
export const functions: readonly GpuFunction[] = [...wholeNumbers, ...realNumbers];

/** An instance of gpu.js that makes kernels of scripts. */
export function gpuFor(gpuJs: GpuJs, settings: ConstructorParameters<GpuJs['GPU']>[0]): Gpu {
  const gpu = new gpuJs.GPU(settings);
  for (const { source, settings: types } of functions) gpu.addFunction(source, types);
  return gpu;
}

/**
 * gpu.js's kernel of a script.
 * @param memory What gpu.js calls the type of the memories that are read, and a small one.
 * @returns The kernel, and how to build it.
 */
export function kernelOf(
  gpu: Gpu,
  { reads, integers, floats, body }: Script,
  memory: { readonly type: string; readonly example: object },
): { readonly kernel: GpuKernel; build(): void } {
  const types = new Map([
    ...reads.map((name) => [name, memory.type] as const),
    ...integers.map((name) => [name, 'Integer'] as const),
    ...floats.map((name) => [name, 'Float'] as const),
  ]);
  const run = gpu.createKernel(`function(${[...types.keys()].join(', ')}) { ${body} }`, {
    output: [1],
    argumentTypes: Object.fromEntries(types),
    // Results stay on the device, each in memory of its own, and no loop is cut short.
    pipeline: true,
    immutable: true,
    dynamicOutput: true,
    dynamicArguments: true,
    precision: 'single',
    tactic: 'precision',
    loopMaxIterations: 2 ** 31 - 1,
  });
  return {
    // Building may put another kernel in its place.
    get kernel() {
      return run.kernel;
    },
    build() {
      run.kernel.build(...[...types.values()].map((type) => (type === memory.type ? memory.example : 0)));
    },
  };
}

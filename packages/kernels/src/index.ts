export { Heap } from './heap.ts';
export { plannedKernels } from './kernels.ts';
export type { Host } from './kernels.ts';
export { bestFlavour, compileKernels, hasRelaxedSimd, instantiateKernels } from './module.ts';
export type { CompiledModule, Flavour, Kernel, LinearMemory } from './module.ts';
export type { Phase, Plan, Reserve } from './plan.ts';

export { Heap } from './heap.ts';
export { Kept } from './kept.ts';
export { plannedKernels } from './kernels.ts';
export { bestFlavour, compileKernels, hasRelaxedSimd, instantiateKernels } from './module.ts';
export type { CompiledModule, Flavour, Kernel, LinearMemory } from './module.ts';
export type { Host } from './planner.ts';
export { link } from './program.ts';
export type { Program } from './program.ts';

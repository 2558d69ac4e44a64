export { gpu } from './gpu.ts';
export type { GpuOptions } from './gpu.ts';

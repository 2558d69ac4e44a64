export { workers } from './workers.ts';
export type { WorkersOptions } from './workers.ts';

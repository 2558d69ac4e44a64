export { conformance } from './conformance.ts';
export type { ConformanceOptions } from './conformance.ts';
export type { Skip } from './registry.ts';
export { float32Storage } from './float32-storage.ts';

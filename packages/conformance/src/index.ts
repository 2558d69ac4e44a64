export { conformance } from './conformance.ts';
export type { ConformanceOptions } from './conformance.ts';
export type { Skip } from './registry.ts';

import type { Engines } from '../engine.ts';

/** The engines that run in Node, each loaded where it is wanted. */
export const engines: Engines = {
  'receptive-cpu': async () => (await import('./receptive-cpu.ts')).start(),
  'tfjs-wasm': async () => (await import('./tfjs-wasm.ts')).start(),
};

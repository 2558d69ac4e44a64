import type { Engines } from '../engine.ts';

/** The engines that run in Node, each loaded where it is wanted. Those that can do so use so many threads. */
export const engines = (threads: number): Engines => ({
  'receptive-cpu': async () => (await import('./receptive-cpu.ts')).start(),
  'tfjs-wasm': async () => (await import('./tfjs-wasm.ts')).start(),
  'ort-node': async () => (await import('./ort-node.ts')).start(threads),
  'ort-web': async () => (await import('./ort-web.ts')).start(threads),
});

import type { Engines } from '../engine.ts';

/** The engines that run in Node, each loaded where it is wanted. */
export const engines: Engines = {
  'receptive-cpu': async () => (await import('./receptive-cpu.ts')).start(),
  'receptive-cpu-eager': async () => (await import('./receptive-cpu.ts')).startEager(),
  'receptive-cpu-256': async () => (await import('./receptive-cpu.ts')).startWide(),
  'receptive-workers': async (threads) => (await import('./receptive-workers.ts')).start(threads),
  'ort-node': async (threads) => (await import('./ort-node.ts')).start(threads),
  'ort-web': async (threads) => (await import('./ort-web.ts')).start(threads),
  'tfjs-wasm': async (threads) => (await import('./tfjs-wasm.ts')).start(threads),
  'tfjs-cpu': async () => (await import('./tfjs-cpu.ts')).start(),
  'jax-js': async () => (await import('./jax-js.ts')).start(),
  convnetjs: async () => (await import('./convnetjs.ts')).start(),
};

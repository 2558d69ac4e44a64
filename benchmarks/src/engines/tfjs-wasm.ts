import { dirname, join } from 'node:path';
import type { Engine } from '../engine.ts';
import { requirePeer } from '../peers.ts';
import { tfjs } from './tfjs.ts';
import type { Tf } from './tfjs.ts';

/** TensorFlow.js on its WebAssembly backend, one thread. It computes when an op is called: a result need not be read for the work to be done. */
export async function start(): Promise<Engine> {
  const tf = requirePeer('@tensorflow/tfjs-core') as Tf;
  const wasm = requirePeer('@tensorflow/tfjs-backend-wasm') as { setWasmPaths(prefix: string): void };
  wasm.setWasmPaths(join(dirname(requirePeer.resolve('@tensorflow/tfjs-backend-wasm')), '/'));
  return tfjs(tf, 'wasm', 'WebAssembly');
}

import os from 'node:os';
import { dirname, join } from 'node:path';
import workers from 'node:worker_threads';
import type { WorkerOptions } from 'node:worker_threads';
import type { Engine } from '../engine.ts';
import { requirePeer } from '../peers.ts';
import type { Tf } from './tfjs-network.ts';
import { tfjs } from './tfjs.ts';

const name = '@tensorflow/tfjs-backend-wasm';
interface Wasm {
  setWasmPaths(prefix: string): void;
  setThreadsCount(threads: number): void;
  getThreadsCount(): number;
}

/**
 * TensorFlow.js on its WebAssembly backend. It computes when an op is called: a result need not be read for the work to be done.
 * @throws Error if it does not use as many threads.
 */
export async function start(threads: number): Promise<Engine> {
  const tf = requirePeer('@tensorflow/tfjs-core') as Tf;
  const wasm = requirePeer(name) as Wasm;
  wasm.setWasmPaths(join(dirname(requirePeer.resolve(name)), '/'));
  if (threads > 1) spreadOver(threads, tf, wasm);
  const engine = await tfjs(tf, 'wasm', 'WebAssembly');
  if (threads > 1 && wasm.getThreadsCount() !== threads)
    throw new Error(`${name} was to use ${threads} threads, but uses ${wasm.getThreadsCount()}.`);
  return engine;
}

/**
 * Threads, which the library does not use in Node unless three things are done for it: it takes for granted that Node has none, starts them from addresses that only browsers
 * have, and uses no more than half of the cores.
 */
function spreadOver(threads: number, tf: Tf, wasm: Wasm): void {
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', true);
  wasm.setThreadsCount(threads);

  const folder = join(dirname(requirePeer.resolve(name)), '..', 'wasm-out');
  const script = join(folder, 'tfjs-backend-wasm-threaded-simd.js');
  const { wasmWorkerContents } = requirePeer(join(folder, 'tfjs-backend-wasm-threaded-simd.worker.js')) as {
    wasmWorkerContents: string;
  };
  class Worker extends workers.Worker {
    constructor(_address: string, options?: WorkerOptions) {
      super(wasmWorkerContents.replaceAll('\n', '\\n'), { ...options, eval: true });
      this.unref();
    }
    override postMessage(message: { readonly cmd?: string }, transfer?: []): void {
      super.postMessage(message.cmd === 'load' ? { ...message, urlOrBlob: script } : message, transfer);
    }
  }
  const cores = os.cpus().slice(0, 1);
  Object.assign(workers, { Worker });
  Object.assign(os, { cpus: () => Array.from({ length: 2 * threads }, () => cores[0]) });
}

import type { Engine } from '../engine.ts';
import { requirePeer } from '../peers.ts';
import { ort } from './ort.ts';
import type { Ort } from './ort.ts';

/** onnxruntime for the web, in WebAssembly; here in Node. */
export async function start(threads: number): Promise<Engine> {
  const library = requirePeer('onnxruntime-web') as Ort;
  library.env.wasm.numThreads = threads;
  return ort(library, {
    describe: `onnxruntime-web ${library.env.versions.web}, WebAssembly`,
    writes: false, // it leaves them as they are
    provider: { executionProviders: ['wasm'] },
  });
}

import type { Engine } from '../engine.ts';
import { requirePeer } from '../peers.ts';
import { ort } from './ort.ts';
import type { Ort } from './ort.ts';

/** onnxruntime for Node, native. */
export async function start(threads: number): Promise<Engine> {
  const library = requirePeer('onnxruntime-node') as Ort;
  return ort(library, {
    describe: `onnxruntime-node ${library.env.versions.node}, native`,
    writes: true,
    provider: { executionProviders: ['cpu'], intraOpNumThreads: threads, interOpNumThreads: 1 },
  });
}

import process from 'node:process';
import { setFlagsFromString } from 'node:v8';
import type { Backend, Operand } from '@receptive/backend';
import type { Flavour } from '@receptive/kernels';
import { cpu } from '../cpu.ts';

/** The first V8 that fuses vectors of WebAssembly (Node 24); before, the flag is unknown or without effect. */
const FIRST = 13;
/** Fused, the wide kernels take between half and two thirds of the time; not fused, a third more. */
const SHARE = 0.9;

/** Sides of the matrices that are multiplied to find out, and how often, first to have the engine compile for speed and then to measure. */
const SIZE = 192;
const ROUNDS = { before: 40, measured: 12 };

/**
 * Lets V8 fuse pairs of 128-bit instructions of WebAssembly into such of 256 bits, finds out whether it does, and names the kernels that are made for it:
 *
 * ```ts
 * const backend = await cpu({ simd: await revectorize() });
 * ```
 *
 * It sets the flag `--experimental-wasm-revectorize` for the whole process and for all WebAssembly that is compiled from now on, also where it throws in the end. V8 calls it experimental, and so
 * should you: results are the same bits as those of relaxed SIMD, and the conformance suite passes, but nothing falls back to it by itself.
 * @throws Error where the engine does not fuse vectors: before Node 24, or on a processor without 256-bit vectors.
 */
export async function revectorize(): Promise<Flavour> {
  const { v8, node } = process.versions;
  if (!(Number.parseInt(v8, 10) >= FIRST)) throw unable(`Node ${node} cannot`);
  setFlagsFromString('--experimental-wasm-revectorize');
  const made: Multiplier[] = [];
  try {
    const [narrow, wide] = [await multiplier('relaxed', made), await multiplier('wide', made)];
    for (let i = 0; i < ROUNDS.before; i++) for (const { multiply } of [narrow, wide]) multiply();
    // The optimising compiler works beside; what counts is how fast the kernels are when it is done.
    await new Promise((resolve) => setTimeout(resolve, 50));
    const best = [Infinity, Infinity];
    for (let i = 0; i < ROUNDS.measured; i++) {
      for (const [which, { multiply }] of [narrow, wide].entries()) {
        const start = performance.now();
        multiply();
        best[which] = Math.min(best[which]!, performance.now() - start);
      }
    }
    if (best[1]! > SHARE * best[0]!) throw unable(`Node ${node} on this processor (${process.arch}) does not`);
  } finally {
    for (const { backend } of made) backend.dispose();
  }
  return 'wide';
}

function unable(what: string): Error {
  return new Error(
    `revectorize: ${what} fuse vectors of WebAssembly to 256 bits. That takes Node 24 or later on a processor with AVX2; ` +
      'use `await cpu()`, which is faster where vectors are not fused.',
  );
}

/** A product of matrices by the kernels of a flavour. */
interface Multiplier {
  readonly backend: Backend;
  readonly multiply: () => void;
}

async function multiplier(simd: Flavour, made: Multiplier[]): Promise<Multiplier> {
  const backend = await cpu({ simd });
  const operand = (): Operand => {
    const storage = backend.allocate('float32', SIZE * SIZE);
    backend.write(storage, new Float32Array(SIZE * SIZE).fill(0.5));
    return { storage, shape: [SIZE, SIZE], dtype: 'float32' };
  };
  const [a, b, c] = [operand(), operand(), operand()];
  const options = { transposeA: false, transposeB: false };
  const own = { backend, multiply: () => backend.kernels.matmul(a, b, c, options) };
  made.push(own);
  return own;
}

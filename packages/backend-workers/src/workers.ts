import type { Backend } from '@receptive/backend';
import type { LinearOptions } from '@receptive/kernels';
import { linearBackend, single } from '@receptive/kernels';
import { host } from '#host';
import { Pool } from './pool.ts';

/** Options of {@link workers}. */
export interface WorkersOptions extends LinearOptions {
  /** How many threads compute, the calling one among them; as many as the machine gives this program, unless told. */
  readonly threads?: number;
  /** What there is where threads cannot share memory: one thread, with a message on the console (`'single'`, the default), or an error. */
  readonly fallback?: 'single' | 'error';
  /** Where the script of the threads lies: `generated/worker.js` of this package. It is found by itself, unless the page's security policy forbids what a bundler makes of it. */
  readonly workerUrl?: string | URL;
  /** Seconds that a thread may take for one chunk of an op before it is given up, the op throws, and another thread takes its place; 30 unless told. */
  readonly patience?: number;
}

/** More than any machine has processors. */
const MOST_THREADS = 1024;

/** Whether the console has been told that threads cannot share memory. */
let told = false;

/**
 * The backend that computes in WebAssembly on several threads over one shared memory: the same bits as the CPU backend's, whatever the number of threads. It has float32, int32 and uint8. Its
 * threads end with the process, or by `dispose()`; idle ones do not keep Node running.
 *
 * In a page, threads share memory only if it is cross-origin isolated. Where it is not, what comes is the CPU backend, and the console is told once which headers are missing.
 * @throws RangeError if `threads` is not a whole number from 1, `patience` not positive, or `maximumMemory` less than 1 MiB; Error if a thread cannot be started, or with `fallback: 'error'`
 *   if threads cannot share memory.
 */
export async function workers(options: WorkersOptions = {}): Promise<Backend> {
  const { threads = host.threads(), fallback = 'single', workerUrl: url, patience = 30 } = options;
  if (!Number.isInteger(threads) || threads < 1 || threads > MOST_THREADS)
    throw new RangeError(`workers: threads must be a whole number from 1 to ${MOST_THREADS}, but is ${threads}.`);
  if (!(patience > 0))
    throw new RangeError(`workers: patience must be a number of seconds above 0, but is ${patience}.`);
  const obstacle = host.obstacle();
  if (obstacle === undefined) {
    return linearBackend('workers', options, {
      shared: true,
      hire: (means) => Pool.start(means, host, { threads, reserve: threads > 1 ? 1 : 0, patience, url }),
    });
  }
  if (fallback === 'error') throw new Error(`workers: ${obstacle}.`);
  if (!told) console.warn(`receptive: one thread computes, for ${obstacle}.`);
  told = true;
  return linearBackend('cpu', options, single);
}

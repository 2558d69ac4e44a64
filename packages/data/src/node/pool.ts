import { fileURLToPath } from 'node:url';
import { Tinypool } from 'tinypool';
import { DataError } from '../errors.ts';
import type { Pool } from '../pool.ts';
import type { BatchRecipe } from '../prepare.ts';
import type { Outcome } from './worker.ts';

/** Milliseconds after which idle threads are ended; enough to save a checkpoint between an epoch and its validation. */
const PATIENCE = 5000;

/** Pools that are idle, by threads and batches for each. To start threads takes longer than to prepare a batch, and loops follow upon loops. */
const parked = new Map<string, { readonly pool: Pool; readonly timer: NodeJS.Timeout }>();

/**
 * Starts `threads` threads, or takes those that are idle. Each is handed up to `perThread` batches at once, so that it goes from one to the next while the
 * calling thread computes and serves nobody. Idle threads do not keep the process alive.
 */
export function openPool(threads: number, perThread: number): Pool {
  const key = `${threads} x ${perThread}`;
  const found = parked.get(key);
  if (found) {
    clearTimeout(found.timer);
    parked.delete(key);
    return found.pool;
  }
  const { prepare, close } = start(threads, perThread);
  const pool: Pool = {
    prepare,
    close,
    async park() {
      if (parked.has(key)) return close();
      const end = (): void => {
        parked.delete(key);
        void close();
      };
      parked.set(key, { pool, timer: setTimeout(end, PATIENCE).unref() });
    },
  };
  return pool;
}

/** The built module, used from source too: threads load plain JavaScript. */
const worker = fileURLToPath(new URL('../../dist/node/worker.js', import.meta.url));

function start(threads: number, perThread: number): Omit<Pool, 'park'> {
  const pool = new Tinypool({
    filename: worker,
    minThreads: threads,
    maxThreads: threads,
    concurrentTasksPerWorker: perThread,
    // Those of this process are for its own program: with some, such as --input-type, a thread does not start.
    execArgv: [],
  });
  // What befalls a thread that has nothing to do is no batch's error: Tinypool starts another.
  pool.on('error', () => {});

  let closing = false;
  const watched = new WeakSet();
  /** Tinypool hears of a thread that fails, and rejects what it was doing, but not of one that just ends. */
  const watch = (): void => {
    for (const thread of pool.threads) {
      if (watched.has(thread)) continue;
      watched.add(thread);
      thread.once('exit', (code: number) => {
        if (closing) return;
        thread.emit('error', new Error(`A thread that prepares batches has ended with exit code ${code}.`));
      });
    }
  };

  return {
    async prepare(batch) {
      watch();
      const outcome = (await pool.run(detached(batch))) as Outcome;
      if ('wrong' in outcome) throw new DataError(outcome.wrong);
      return outcome;
    },
    close() {
      closing = true;
      return pool.destroy();
    },
  };
}

/** `batch` with pixels of their own: what is a view of all images of a dataset would cross with all of them. */
function detached(batch: BatchRecipe): BatchRecipe {
  const images = batch.images.map((recipe) => {
    const { source } = recipe;
    if (!('pixels' in source) || source.pixels.buffer instanceof SharedArrayBuffer) return recipe;
    return { ...recipe, source: { pixels: source.pixels.slice() } };
  });
  return { ...batch, images };
}

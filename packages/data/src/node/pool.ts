import { fileURLToPath } from 'node:url';
import { Tinypool } from 'tinypool';
import { DataError } from '../errors.ts';
import type { Pool } from '../pool.ts';
import type { BatchRecipe } from '../prepare.ts';
import type { Outcome } from './worker.ts';

/** Milliseconds after which idle threads are ended; enough to save a checkpoint between an epoch and its validation. */
const PATIENCE = 5000;

/** A pool that may have lost a thread, after which it prepares nothing any more. */
interface ThreadPool extends Pool {
  readonly broken: boolean;
}

/** Pools that are idle, by threads and batches for each. To start threads takes longer than to prepare a batch, and loops follow upon loops. */
const parked = new Map<string, { readonly pool: ThreadPool; readonly timer: NodeJS.Timeout }>();

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
    if (!found.pool.broken) return found.pool;
    void found.pool.close();
  }
  return start(threads, perThread, async (pool) => {
    if (pool.broken || parked.has(key)) return pool.close();
    const end = (): void => {
      parked.delete(key);
      void pool.close();
    };
    parked.set(key, { pool, timer: setTimeout(end, PATIENCE).unref() });
  });
}

/** The built module, used from source too: threads load plain JavaScript. */
const worker = fileURLToPath(new URL('../../dist/node/worker.js', import.meta.url));

function start(threads: number, perThread: number, park: (pool: ThreadPool) => Promise<void>): ThreadPool {
  const tinypool = new Tinypool({
    filename: worker,
    minThreads: threads,
    maxThreads: threads,
    concurrentTasksPerWorker: perThread,
    // Those of this process are for its own program: with some, such as --input-type, a thread does not start.
    execArgv: [],
  });
  // What befalls a thread that has nothing to do is no batch's error.
  tinypool.on('error', () => {});

  // Tinypool hears of a thread that fails, but not of one that just ends.
  let ended: Error | undefined;
  const waiting = new Set<(error: Error) => void>();
  for (const thread of tinypool.threads) {
    thread.once('exit', (code: number) => {
      ended ??= new Error(`A thread that prepares batches has ended with exit code ${code}.`);
      for (const reject of waiting) reject(ended);
    });
  }

  const run = (batch: BatchRecipe): Promise<Outcome> =>
    new Promise((resolve, reject) => {
      if (ended) throw ended;
      waiting.add(reject);
      const outcome = tinypool.run(detached(batch)) as Promise<Outcome>;
      void outcome.then(resolve, reject).finally(() => waiting.delete(reject));
    });

  const pool: ThreadPool = {
    get broken() {
      return ended !== undefined;
    },
    async prepare(batch) {
      const outcome = await run(batch);
      if ('wrong' in outcome) throw new DataError(outcome.wrong);
      return outcome;
    },
    park: () => park(pool),
    async close() {
      await Promise.all(tinypool.threads.map((thread) => thread.terminate()));
    },
  };
  return pool;
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

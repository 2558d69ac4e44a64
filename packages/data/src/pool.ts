import { DataError } from './errors.ts';
import type { BatchRecipe } from './prepare.ts';
import type { Images } from './transform.ts';

/** Threads that prepare batches. */
export interface Pool {
  /**
   * Prepares a batch; how many are under way at once is the caller's choice.
   * @throws DataError as if it were prepared here; Error if the thread that prepares it ends.
   */
  prepare(batch: BatchRecipe): Promise<Images>;
  /** Lets the threads idle for a while, for the next who needs some; then they end. The pool has to be doing nothing. */
  park(): Promise<void>;
  /** Ends the threads, and gives up what they were doing. */
  close(): Promise<void>;
}

/** What browsers get in place of the function that starts threads; see `node/pool.ts`. */
export function openPool(threads: number, _perThread: number): Pool {
  throw new DataError(
    `DataLoader: workers is ${threads}, but batches are prepared on threads of their own only in Node. Leave it out in a browser.`,
  );
}

import type { Job } from './worker.ts';

/** A thread that serves a pool. */
export interface Thread {
  /** Resolves once the thread has ended, for whatever reason, and writes to memory no more. */
  readonly exited: Promise<void>;
  /** Ends it, wherever it is. */
  terminate(): void;
}

/** What differs between Node and browsers. */
export interface Host {
  /** How many threads the machine gives this program. */
  threads(): number;
  /** Why there is no memory that threads share, and what to do; undefined where there is. */
  obstacle(): string | undefined;
  /** Whether the calling thread may sleep. */
  maySleep(): boolean;
  /** Starts a thread, of the script at `url` if there is one. Rejects if it does not begin to serve, saying why. */
  spawn(job: Job, url: string | URL | undefined): Promise<Thread>;
}

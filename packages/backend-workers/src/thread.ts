import { version } from './generated/worker.ts';
import type { Answer, Job } from './worker.ts';

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

/** Takes a thread's answer: calls `serves`, or `refuse` with why it cannot serve. */
export function hear(answer: Answer, serves: () => void, refuse: (message: string) => void): void {
  if (!answer.ready) refuse(`workers: ${answer.reason}.`);
  else if (answer.version === version) serves();
  else {
    refuse(
      'workers: the script of the threads is of another version. Copy generated/worker.js of the installed @receptive/backend-workers anew to where workerUrl says.',
    );
  }
}

/** Seconds within which a thread answers: a script that is not ours never does. */
const PATIENCE = 30;

/** What a thread that has been started comes to. Rejects if that takes too long. */
export async function inTime(begun: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new Error(
      `workers: a thread has not begun to serve within ${PATIENCE} seconds. Is its script the right one?`,
    );
    timer = setTimeout(() => reject(error), PATIENCE * 1000);
  });
  try {
    await Promise.race([begun, late]);
  } finally {
    clearTimeout(timer);
  }
}

import { Worker } from 'node:worker_threads';
import type { WorkerOptions } from 'node:worker_threads';
import { source } from '../generated/worker.ts';
import { hear, inTime } from '../thread.ts';
import type { Host, Thread } from '../thread.ts';
import type { Answer, Job } from '../worker.ts';
import { availableThreads } from './threads.ts';

/** What was meant for the program is not for a thread that runs one small script. */
const options: WorkerOptions = { execArgv: [], name: 'receptive' };

/** Threads of Node. */
export const host: Host = {
  threads: availableThreads,
  obstacle: () => undefined,
  maySleep: () => true,
  async spawn(job, url) {
    const script = url === undefined ? new URL('../../generated/worker.js', import.meta.url) : new URL(url);
    try {
      return await begin(new Worker(script, options), job);
    } catch (error) {
      // A bundler has left the script behind.
      if (url === undefined && (error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND')
        return begin(new Worker(source, { ...options, eval: true }), job);
      throw error;
    }
  },
};

async function begin(worker: Worker, job: Job): Promise<Thread> {
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  try {
    const begun = new Promise<void>((resolve, reject) => {
      worker.once('message', (answer: Answer) => hear(answer, resolve, (message) => reject(new Error(message))));
      worker.once('error', reject);
      void exited.then(() => reject(new Error('the thread ended before it began to serve')));
    });
    worker.postMessage(job);
    await inTime(begun);
  } catch (error) {
    void worker.terminate();
    throw error;
  }
  // What ends a thread from within is told by its exit.
  worker.on('error', () => {});
  worker.unref();
  return {
    exited,
    terminate() {
      // Somebody may be waiting for it to end, and nothing else keep the process alive.
      worker.ref();
      void worker.terminate();
    },
  };
}

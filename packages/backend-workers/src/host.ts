import { source } from './generated/worker.ts';
import { hear, inTime } from './thread.ts';
import type { Host, Thread } from './thread.ts';
import type { Answer, Job } from './worker.ts';

/** Whether the script could not be found where it lies beside this one, as where a bundler has left it behind. */
let isLost = false;

/** Threads of a browser: workers of a page, or of a worker. */
export const host: Host = {
  // What is bundled for browsers runs elsewhere, too.
  threads: () => (globalThis.navigator as WorkerNavigator | undefined)?.hardwareConcurrency ?? 1,
  obstacle: () =>
    globalThis.crossOriginIsolated
      ? undefined
      : 'this page is not cross-origin isolated, so that its threads cannot share memory. Serve it with the headers ' +
        '"Cross-Origin-Opener-Policy: same-origin" and "Cross-Origin-Embedder-Policy: require-corp", over https or from localhost',
  maySleep() {
    try {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1);
      return true;
    } catch {
      return false;
    }
  },
  async spawn(job, url) {
    if (url !== undefined) {
      return begin(() => new Worker(url, { type: 'module' }), job).catch(explain(`from ${url}`));
    }
    if (!isLost) {
      try {
        // Written as bundlers look for it.
        return await begin(
          () => new Worker(new URL('../generated/worker.js', import.meta.url), { type: 'module' }),
          job,
        );
      } catch (error) {
        if (error instanceof Refusal) throw error;
        isLost = true;
      }
    }
    const blob = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
    try {
      return await begin(() => new Worker(blob, { type: 'module' }), job).catch(explain('where it is looked for'));
    } finally {
      URL.revokeObjectURL(blob);
    }
  },
};

/** Why a thread that has begun cannot serve. */
class Refusal extends Error {}

/** For `catch`: says what to do if the script of a thread could not be loaded. */
function explain(place: string): (error: unknown) => never {
  return (error) => {
    if (error instanceof Refusal) throw error;
    throw new Error(
      `workers: the script of the threads could not be loaded ${place}. Serve generated/worker.js of @receptive/backend-workers from the page's origin, with its headers, and give its address as workerUrl.`,
      { cause: error },
    );
  };
}

async function begin(make: () => Worker, job: Job): Promise<Thread> {
  const worker = make();
  // Nothing tells when a worker has ended, but for a lock that it held.
  const lock = `receptive ${crypto.randomUUID()}`;
  try {
    const begun = new Promise<void>((resolve, reject) => {
      worker.addEventListener('message', ({ data }: MessageEvent<Answer>) =>
        hear(data, resolve, (message) => reject(new Refusal(message))),
      );
      worker.addEventListener('error', ({ message }) => reject(new Error(message)));
    });
    worker.postMessage({ ...job, lock });
    await inTime(begun);
  } catch (error) {
    worker.terminate();
    throw error;
  }
  return { exited: navigator.locks.request(lock, async () => {}), terminate: () => worker.terminate() };
}

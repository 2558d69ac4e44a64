import type { Host, Thread } from './thread.ts';
import { source } from './generated/worker.ts';
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
    if (url !== undefined) return begin(new Worker(url, { type: 'module' }), job);
    if (!isLost) {
      try {
        // Written as bundlers look for it.
        return await begin(new Worker(new URL('../generated/worker.js', import.meta.url), { type: 'module' }), job);
      } catch {
        isLost = true;
      }
    }
    const blob = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
    try {
      return await begin(new Worker(blob, { type: 'module' }), job);
    } catch (cause) {
      throw new Error(
        `${cause instanceof Error ? cause.message : String(cause)}. Serve generated/worker.js of @receptive/backend-workers from the page's origin and give its address as workerUrl.`,
        { cause },
      );
    } finally {
      URL.revokeObjectURL(blob);
    }
  },
};

async function begin(worker: Worker, job: Job): Promise<Thread> {
  // Nothing tells when a worker has ended, but for a lock that it held.
  const lock = `receptive ${crypto.randomUUID()}`;
  try {
    await new Promise<void>((resolve, reject) => {
      worker.addEventListener('message', ({ data }: MessageEvent<Answer>) =>
        data.ready ? resolve() : reject(new Error(data.reason)),
      );
      worker.addEventListener('error', ({ message }) =>
        reject(new Error(message || 'the script of the worker could not be loaded')),
      );
      worker.postMessage({ ...job, lock });
    });
  } catch (error) {
    worker.terminate();
    throw error;
  }
  return { exited: navigator.locks.request(lock, async () => {}), terminate: () => worker.terminate() };
}

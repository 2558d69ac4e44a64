// What runs in each thread of a pool: this file becomes one without imports, the same for Node and browsers.
import type { Compute, Service } from './control.ts';
import { serve } from './control.ts';

/** What a thread is given. */
export interface Job extends Service {
  readonly module: object;
  readonly memory: object;
  readonly control: Int32Array;
  /** Name of the lock that tells, in a browser, whether the thread is alive; undefined in Node. */
  readonly lock?: string;
}

/** What a thread answers: that it serves from now on, by which version of this script, or why it cannot. */
export type Answer =
  | { readonly ready: true; readonly version: string }
  | { readonly ready: false; readonly reason: string };

/** Where this runs: a browser's worker, or one of Node, which has its port elsewhere. */
interface Surroundings {
  readonly process?: { getBuiltinModule?(name: string): { readonly parentPort: NodePort | null } };
  postMessage(answer: Answer): void;
  addEventListener?(
    type: 'message',
    listener: (event: { readonly data: Job }) => void,
    options: { readonly once: true },
  ): void;
}

interface NodePort {
  postMessage(answer: Answer): void;
  once(type: 'message', listener: (job: Job) => void): void;
}

const surroundings = globalThis as unknown as Surroundings;
const node = surroundings.process?.getBuiltinModule?.('node:worker_threads').parentPort;
const answer = (what: Answer): void => (node ?? surroundings).postMessage(what);

function abort(): never {
  throw new Error('A kernel was called in a way it does not support.');
}

async function begin(job: Job): Promise<void> {
  const { module, memory, control, lock } = job;
  try {
    const imports = { env: { memory: memory as WebAssembly.Memory, abort } };
    const { exports } = new WebAssembly.Instance(module, imports);
    // Held until the thread has ended.
    if (lock) {
      await new Promise<void>((resolve, reject) => {
        navigator.locks.request(lock, () => (resolve(), forever)).catch(reject);
      });
    }
    // Filled in when this file is made a script.
    answer({ ready: true, version: '__VERSION__' });
    serve(Object.values(exports) as Compute[], control, job);
  } catch (error) {
    answer({ ready: false, reason: String(error) });
  }
}

const forever = new Promise<never>(() => {});

if (node) node.once('message', (job) => void begin(job));
else surroundings.addEventListener?.('message', ({ data }) => void begin(data), { once: true });

// A process with threads: what it does with them is said by its arguments. It prints what a test is to know, a line each.
import { readFileSync, readdirSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker, parentPort } from 'node:worker_threads';
import type { Backend } from '@receptive/backend';
import { workers } from '../src/index.ts';
import { MANY, Rig, valueOf, vector } from './support.ts';

// At once, even if the process ends or the thread sleeps.
const say = (what: unknown): void => void writeSync(1, `${String(what)}\n`);

/** Squares a vector, on several threads. */
function square(backend: Backend): number {
  const [x, y] = [vector(backend, MANY, 3), vector(backend, MANY, 0)];
  try {
    // The first time the caller measures how long it takes.
    for (let i = 0; i < 3; i++) backend.kernels.unary('square', x, y);
    return valueOf(backend, y);
  } finally {
    for (const { storage } of [x, y]) backend.free(storage);
  }
}

async function started(): Promise<Backend> {
  const backend = await workers({ threads: 4 });
  say(square(backend));
  return backend;
}

const countThreads = (): number => readdirSync('/proc/self/task').length;

/** Waits until there are so many threads, or some seconds have passed. */
async function fallsTo(count: number): Promise<number> {
  for (let i = 0; i < 500 && countThreads() > count; i++) await sleep(10);
  return countThreads();
}

/** What a process takes. */
export interface Figures {
  readonly threads: number;
  /** Megabytes of memory. */
  readonly rss: number;
  /** Megabytes of addresses. */
  readonly addresses: number;
  /** How many stretches of addresses. */
  readonly maps: number;
}

function figures(): Figures {
  const { rss } = process.memoryUsage();
  const kilobytes = /^VmSize:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))![1];
  const maps = readFileSync('/proc/self/maps', 'utf8').split('\n').length;
  return {
    threads: countThreads(),
    rss: Math.round(rss / 2 ** 20),
    addresses: Math.round(Number(kilobytes) / 2 ** 10),
    maps,
  };
}

const tasks: Record<string, (argument: string) => unknown> = {
  /** Says on how many threads it would compute. */
  describe: async () => say((await workers()).describe()),

  /** Ends by itself: nobody disposes of the threads. */
  idle: started,

  exit: async () => {
    await started();
    process.exit(3);
  },

  throw: async () => {
    await started();
    setImmediate(() => {
      throw new Error('uncaught');
    });
  },

  /** Does nothing, with threads asleep. */
  wait: async () => {
    await started();
    say('ready');
    await sleep(100_000);
  },

  /** Computes for ever. */
  work: async () => {
    const backend = await started();
    say('ready');
    for (;;) square(backend);
  },

  /** Sleeps, waiting for a thread that never ends. */
  stuck: async () => {
    const { rig, backend } = await Rig.start();
    rig.trouble('loop');
    rig.patience = 1000;
    say('ready');
    square(backend);
  },

  /** Computes something of which one chunk takes half a second, where there is patience for a whole one. */
  stopped: async () => {
    const { rig, backend } = await Rig.start();
    rig.trouble('slow', 500);
    rig.patience = 1;
    say('ready');
    say(square(backend));
  },

  /** Nothing but what heals the pool keeps the process alive. */
  heal: async (kind) => {
    const { rig, backend } = await Rig.start();
    rig.trouble(kind as 'loop' | 'exit');
    try {
      square(backend);
    } catch {
      say('broken');
    }
    await backend.flush();
    say(square(backend));
  },

  dispose: async () => {
    const before = countThreads();
    const [one, two] = [await started(), await started()];
    say(countThreads() - before);
    one.dispose();
    say((await fallsTo(before + 4)) - before);
    say(square(two));
    two.dispose();
    say((await fallsTo(before)) - before);
  },

  /** A pool inside a worker, which ends by itself, or is ended. */
  nested: async (how) => {
    const before = countThreads();
    const worker = new Worker(fileURLToPath(import.meta.url), { argv: ['inner', how] });
    worker.once('message', () => how === 'terminated' && void worker.terminate());
    await new Promise((resolve) => worker.once('exit', resolve));
    say((await fallsTo(before)) - before);
  },

  inner: async (how) => {
    const backend = await started();
    parentPort!.postMessage('ready');
    const rounds = how === 'terminated' ? Infinity : 10;
    for (let i = 0; i < rounds; i++) square(backend);
  },

  cycles: async (count) => {
    for (let i = 0; i <= Number(count); i++) {
      const backend = await workers({ threads: 2 });
      if (square(backend) !== 9) throw new Error('wrong');
      backend.dispose();
      if (i % (Number(count) / 4) === 0) {
        await fallsTo(countThreads() - 1);
        // What one collection finds, the next one frees.
        for (let k = 0; k < 4; k++) {
          globalThis.gc!();
          await sleep(20);
        }
        say(JSON.stringify(figures()));
      }
    }
  },
};

const [task = '', argument = ''] = process.argv.slice(2);
await tasks[task]!(argument);

// Makes workloads ready, says what they compute, and times them: in a process of its own for Node's engines, in a page for a browser's.
import type { Engines, Prepared, Timed } from './engine.ts';
import { interleave } from './measure.ts';

/** What is to be run side by side: each of the workloads on each of the engines, for so many milliseconds each. */
export interface Task {
  readonly engines: readonly string[];
  readonly threads: number;
  readonly workloads: readonly string[];
  readonly budget: number;
  /** Whether the outputs are wanted too. */
  readonly outputs: boolean;
}

/** A workload on an engine. */
interface Measured {
  readonly engine: string;
  readonly workload: string;
  /** Milliseconds of a run. */
  readonly samples: readonly number[];
  readonly output: ArrayLike<number> | null;
}

/** What comes back. Workloads that an engine has not are left out. */
export interface Report {
  /** What ran it, for a person. */
  readonly host: string;
  /** Names of the engines, and what they say of themselves. */
  readonly engines: Readonly<Record<string, string>>;
  /** For each engine, why it has not some of the workloads. */
  readonly lacks: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly measured: readonly Measured[];
  /** Cores that others kept busy meanwhile, where that can be told. */
  readonly others?: number;
}

/** Performs tasks on `engines`, which are started, as workloads are made ready, once. */
export function performer(engines: Engines): (task: Task) => Promise<Omit<Report, 'host'>> {
  const start = once((name: string, threads: string) => engines[name]!(Number(threads)));
  const prepare = once(async (engine: string, threads: string, workload: string) => {
    const { workloads, begin, finish } = await start(engine, threads);
    if (!workloads[workload]) return undefined;
    await begin?.();
    const ready: Prepared & Timed = {
      ...(await workloads[workload]()),
      ...(begin && { begin }),
      ...(finish && { finish }),
    };
    return ready;
  });
  return async ({ engines: names, threads, workloads, budget, outputs }) => {
    const described: Record<string, string> = {};
    const lacking: Record<string, Record<string, string>> = {};
    const ready: (Omit<Measured, 'samples'> & { readonly timed: Timed })[] = [];
    for (const engine of names) {
      const { describe, lacks = {} } = await start(engine, String(threads));
      described[engine] = describe;
      lacking[engine] = Object.fromEntries(Object.entries(lacks).filter(([workload]) => workloads.includes(workload)));
      for (const workload of workloads) {
        const prepared = await prepare(engine, String(threads), workload);
        if (!prepared) continue;
        await prepared.begin?.();
        const output = outputs && prepared.output ? await prepared.output() : null;
        ready.push({ engine, workload, output, timed: { ...prepared, warm: output !== null } });
      }
    }
    const samples = await interleave(
      ready.map(({ timed }) => timed),
      budget,
    );
    return {
      engines: described,
      lacks: lacking,
      measured: ready.map(({ engine, workload, output }, i) => ({ engine, workload, output, samples: samples[i]! })),
    };
  };
}

/** The same function, called once for each of its arguments. */
function once<A extends readonly string[], T>(f: (...args: A) => Promise<T>): (...args: A) => Promise<T> {
  const made = new Map<string, Promise<T>>();
  return (...args) => {
    const key = args.join(' ');
    let result = made.get(key);
    if (!result) made.set(key, (result = f(...args)));
    return result;
  };
}

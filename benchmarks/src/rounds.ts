import { cpus } from 'node:os';
import { checkSame } from './compare.ts';
import { median } from './measure.ts';
import type { Report, Task } from './perform.ts';
import { rowOf } from './report.ts';
import type { Results } from './report.ts';
import type { Workload } from './workloads.ts';

/** Where tasks are performed. */
export interface Place {
  /** Cuts a round into tasks: what is in one is interleaved. */
  tasks(engines: readonly string[], workloads: readonly string[]): readonly Pick<Task, 'engines' | 'workloads'>[];
  perform(task: Task): Promise<Report>;
  /** Lets go of what was started there. */
  close(): Promise<void>;
}

/** What is measured, and for how long. */
export interface Plan {
  readonly sides: Results['sides'];
  readonly workloads: readonly Workload[];
  readonly rounds: number;
  /** Milliseconds for each workload of an engine, in each round. */
  readonly budget: number;
}

/** Above so many cores that other programs kept busy, a note says so. */
const BUSY = 0.15;

/**
 * Measures in rounds, and says on standard error how far it is. In the first round the engines' results are compared.
 * @throws Error if engines do not compute the same.
 */
export async function measure(place: Place, { sides, workloads, rounds, budget }: Plan): Promise<Results> {
  const names = workloads.map(({ name }) => name);
  const engines = Object.entries(sides).flatMap(([own, peers]) => [own, ...peers]);
  const notes: string[] = [];
  const described: Record<string, string> = {};
  const medians = new Map<string, Map<string, number[]>>();
  let host = '';

  for (let round = 1; round <= rounds; round++) {
    const outputs = new Map<string, Map<string, ArrayLike<number>>>();
    for (const task of place.tasks(engines, names)) {
      const [what] = [task.engines, task.workloads].filter((list) => list.length === 1);
      progress(`Round ${round} of ${rounds}: ${what?.[0] ?? task.engines.join(', ')}`);
      const report = await place.perform({ ...task, budget, outputs: round === 1 });
      ({ host } = report);
      Object.assign(described, report.engines);
      if (report.others !== undefined && report.others > BUSY)
        notes.push(`Round ${round}, ${task.engines[0]}: other programs kept ${report.others.toFixed(1)} cores busy.`);
      for (const { workload, engine, samples, output } of report.measured) {
        entry(entry(medians, workload, new Map<string, number[]>()), engine, []).push(median(samples));
        if (output) entry(outputs, workload, new Map<string, ArrayLike<number>>()).set(engine, output);
      }
    }
    for (const [name, results] of outputs) checkSame(name, results);
  }
  progress('');

  const rows = workloads.flatMap((workload) =>
    [...(medians.get(workload.name) ?? [])].map(([engine, times]) => rowOf(workload, engine, times)),
  );
  return { machine: cpus()[0]?.model ?? 'unknown processor', host, engines: described, sides, rows, notes };
}

/** Milliseconds between two lines where there is no terminal. */
const QUIET = 10_000;
let told = performance.now();

/** Says how far it is: on a terminal in a line that is replaced, else in a line now and then. */
export function progress(line: string): void {
  if (process.stderr.isTTY) {
    process.stderr.write(`\r\u001B[2K${line}`);
  } else if (line && performance.now() - told > QUIET) {
    told = performance.now();
    process.stderr.write(`${line}\n`);
  }
}

function entry<K, V>(map: Map<K, V>, key: K, initial: V): V {
  const found = map.get(key) ?? initial;
  map.set(key, found);
  return found;
}

import { cpus } from 'node:os';
import { checkSame } from './compare.ts';
import { threadsOf } from './engine.ts';
import type { Variant } from './engine.ts';
import { median } from './measure.ts';
import type { Report, Task } from './perform.ts';
import { labelOf, rowOf } from './report.ts';
import type { Results } from './report.ts';
import type { Workload } from './workloads.ts';

/** Whether an engine is to run a workload in the round that comes. */
type Wanted = (variant: Variant, workload: Workload) => boolean;

/** Where tasks are performed. */
export interface Place {
  /** Cuts a round into tasks: what is in one is interleaved. */
  tasks(
    variants: readonly Variant[],
    workloads: readonly Workload[],
    wanted: Wanted,
  ): readonly Pick<Task, 'engines' | 'threads' | 'workloads'>[];
  /** The version of Node that runs the engines; null in a browser. */
  readonly node: string | null;
  perform(task: Task): Promise<Report>;
  /** Lets go of what was started there. */
  close(): Promise<void>;
}

/** Tasks where all engines take turns at each workload, on one thread. */
export const eachByItself: Place['tasks'] = (variants, workloads, wanted) =>
  workloads.flatMap((workload) => {
    const engines = variants.filter((variant) => wanted(variant, workload)).map(({ engine }) => engine);
    return engines.length > 0 ? [{ engines, threads: 1, workloads: [workload.name] }] : [];
  });

/** What is measured, and for how long. */
export interface Plan {
  readonly sides: Results['sides'];
  readonly workloads: readonly Workload[];
  /** For the engines that can use several threads, with how many each is measured; the others have one. */
  readonly threads: readonly number[];
  readonly rounds: number;
  /** Milliseconds for each workload of an engine, in each round. */
  readonly budget: number;
  /** Minutes beyond which no round lasts, as far as can be told before it begins. */
  readonly minutes: number;
}

/** Above so many cores that other programs kept busy, a note says so. */
const BUSY = 0.15;

/** What an engine takes long for sits out the later rounds: its runs of all rounds together take about so many milliseconds. */
const PATIENCE = 8000;

/**
 * Measures in rounds, and says on standard error how far it is. In the first round the engines' results are compared.
 * @throws Error if engines do not compute the same.
 */
export async function measure(place: Place, plan: Plan): Promise<Results> {
  const { sides, workloads, threads, rounds, budget } = plan;
  const variants = [...new Set(Object.entries(sides).flat(2))].flatMap((engine) =>
    threadsOf(engine, threads).map((count): Variant => ({ engine, threads: count })),
  );
  const outputs = new Map<string, Map<string, ArrayLike<number>>>();
  const medians = new Map<string, number[]>();
  const described: Record<string, string> = {};
  const lacks = new Set<string>();
  const busy: { readonly others: number; readonly when: string }[] = [];
  const { node } = place;
  let [host, performed] = [`Node ${node}`, 0];

  const key = ({ engine, threads: count }: Variant, workload: string): string => `${workload} ${engine} ${count}`;
  const start = performance.now();
  /** Of a workload of an engine, how long it took the last time, with its share of what its process took to start. */
  const lasted = new Map<string, number>();
  let done = 0;
  const wanted: Wanted = (variant, { name, alone }) => {
    if (done === 0) return !alone || variant.engine in sides;
    const times = medians.get(key(variant, name));
    return times !== undefined && median(times) * (done + 1) <= PATIENCE;
  };
  const keysOf = (task: Pick<Task, 'engines' | 'threads' | 'workloads'>): string[] =>
    task.engines.flatMap((engine) => task.workloads.map((name) => key({ engine, threads: task.threads }, name)));
  const upcoming = (): ReturnType<Place['tasks']> => place.tasks(variants, workloads, wanted);
  const isInTime = (tasks: ReturnType<Place['tasks']>): boolean => {
    const expected = tasks.flatMap(keysOf).reduce((sum, one) => sum + (lasted.get(one) ?? 0), 0);
    return done === 0 || performance.now() - start + expected <= plan.minutes * 60_000;
  };
  for (let tasks = upcoming(); done < rounds && isInTime(tasks); tasks = upcoming()) {
    for (const task of tasks) {
      const begun = performance.now();
      const when = `Round ${done + 1} of ${rounds}: ${summary(task)}`;
      progress(when);
      const report = await place.perform({ ...task, budget, outputs: done === 0 });
      const keys = keysOf(task);
      for (const one of keys) lasted.set(one, (performance.now() - begun) / keys.length);
      performed++;
      host = report.host;
      Object.assign(described, report.engines);
      for (const [engine, reasons] of Object.entries(report.lacks))
        for (const [workload, reason] of Object.entries(reasons)) lacks.add(`No ${workload} of ${engine}: ${reason}.`);
      if ((report.others ?? 0) > BUSY) busy.push({ others: report.others!, when });
      for (const { workload, engine, samples, output } of report.measured) {
        const variant = { engine, threads: task.threads };
        entry(medians, key(variant, workload), []).push(median(samples));
        if (output) entry(outputs, workload, new Map<string, ArrayLike<number>>()).set(labelOf(variant), output);
      }
    }
    for (const [name, results] of outputs) checkSame(name, results);
    outputs.clear();
    done++;
  }
  progress('');

  const rows = workloads.flatMap((workload) =>
    variants.flatMap((variant) => {
      const times = medians.get(key(variant, workload.name));
      return times ? [rowOf(workload, variant, times, done)] : [];
    }),
  );
  const notes = [...lacks];
  if (done < rounds) notes.push(`Time was up after ${done} of ${rounds} rounds.`);
  if (busy.length > 0) {
    const worst = busy.reduce((a, b) => (b.others > a.others ? b : a));
    notes.push(
      `The machine was busy: in ${busy.length} of ${performed} turns other programs used more than ${BUSY} cores, at most ${worst.others.toFixed(1)} (${worst.when}).`,
    );
  }
  return { machine: machine(), node, host, engines: described, sides, rows, costs: [], loading: [], notes };
}

const machine = (): string => `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${cpus().length} cores`;

function summary({ engines, threads, workloads }: Pick<Task, 'engines' | 'threads' | 'workloads'>): string {
  const [engine, ...others] = engines;
  const who = others.length === 0 ? labelOf({ engine: engine!, threads }) : '';
  return [who, workloads.length <= 3 ? workloads.join(', ') : `${workloads.length} workloads`]
    .filter(Boolean)
    .join(', ');
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

// A process of its own for one engine: makes workloads ready, says what they compute, and times them. It speaks with its parent in messages.
import { engines } from './engine.ts';
import type { Prepared } from './engine.ts';
import { interleave, watchOthers } from './measure.ts';

/** What the parent asks for: engine, workloads to run side by side, and milliseconds for each. */
export interface Task {
  readonly engine: string;
  readonly workloads: readonly string[];
  readonly budget: number;
  /** Whether the outputs are wanted too. */
  readonly outputs: boolean;
}

/** What comes back. Lists go with the task's workloads that the engine has. */
export interface Report {
  readonly describe: string;
  /** Version of the Node that ran it. */
  readonly node: string;
  readonly workloads: readonly string[];
  readonly samples: readonly (readonly number[])[];
  readonly outputs: readonly (readonly number[] | null)[];
  /** Cores that others kept busy meanwhile. */
  readonly others: number;
}

async function perform({ engine: name, workloads, budget, outputs }: Task): Promise<Report> {
  const engine = await engines[name]!();
  const known = workloads.filter((workload) => engine.workloads[workload]);
  const prepared: Prepared[] = [];
  for (const workload of known) prepared.push(await engine.workloads[workload]!());
  const results: (number[] | null)[] = [];
  for (const { output } of prepared) results.push(outputs && output ? [...(await output())] : null);
  const others = watchOthers();
  const samples = await interleave(
    prepared.map(({ run }) => run),
    budget,
  );
  return {
    describe: engine.describe,
    node: process.versions.node,
    workloads: known,
    samples,
    outputs: results,
    others: others(),
  };
}

process.once('message', (task: Task) => {
  perform(task).then(
    (report) => process.send!(report, () => process.exit(0)),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});

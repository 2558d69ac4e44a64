import { expect, it } from 'vitest';
import { children } from '../src/children.ts';
import type { Report, Task } from '../src/perform.ts';
import { eachByItself, measure } from '../src/rounds.ts';
import type { Place, Plan } from '../src/rounds.ts';
import { workloads } from '../src/workloads.ts';

const named = (...names: string[]): Plan['workloads'] => workloads.filter(({ name }) => names.includes(name));

/** A place where every run takes what `ms` says, and what is asked for is noted. */
function fake(ms: (engine: string, workload: string) => number, report: Partial<Report> = {}) {
  const tasks: Task[] = [];
  const place: Place = {
    node: '24.0.0',
    tasks: eachByItself,
    async perform(task) {
      tasks.push(task);
      const measured = task.engines.flatMap((engine) =>
        task.workloads.map((workload) => ({
          ...{ engine, workload, samples: [ms(engine, workload)] },
          output: task.outputs ? [1, 2] : null,
        })),
      );
      return { host: 'Node 24.0.0', engines: { ours: 'ours 1' }, lacks: {}, measured, ...report };
    },
    close: async () => {},
  };
  return { place, tasks };
}

const plan: Plan = {
  sides: { ours: ['theirs'] },
  workloads: named('add_tiny', 'matmul_512'),
  threads: [1],
  rounds: 5,
  budget: 1,
  minutes: 1,
};

it('asks for outputs in the first round, and spares the slow the later rounds', async () => {
  const { place, tasks } = fake((engine, workload) => (engine === 'theirs' && workload === 'matmul_512' ? 3000 : 1));
  const { rows, node } = await measure(place, plan);
  expect(node).toBe('24.0.0');
  expect(tasks.filter(({ outputs }) => outputs)).toHaveLength(2);
  expect(rows.map(({ workload, engine, rounds, once }) => [workload, engine, rounds, once])).toEqual([
    ['add_tiny', 'ours', 5, false],
    ['add_tiny', 'theirs', 5, false],
    ['matmul_512', 'ours', 5, false],
    ['matmul_512', 'theirs', 2, false],
  ]);
});

it('spares the peers what is ours alone', async () => {
  const { place } = fake(() => 1);
  const { rows } = await measure(place, { ...plan, workloads: named('alexnet_b4', 'alexnet_b8') });
  expect(rows.map(({ workload, engine }) => `${workload} ${engine}`)).toEqual([
    'alexnet_b4 ours',
    'alexnet_b8 ours',
    'alexnet_b8 theirs',
  ]);
});

it('notes what an engine lacks, that the machine was busy, and that time was up', async () => {
  const lacks = { theirs: { matmul_512: 'a reason' } };
  const { place } = fake(() => 1, { lacks, others: 0.5 });
  const { notes, rows } = await measure(place, { ...plan, minutes: 0 });
  expect(rows[0]!.rounds).toBe(1);
  expect(notes).toEqual([
    'No matmul_512 of theirs: a reason.',
    'Time was up after 1 of 5 rounds.',
    'The machine was busy: in 2 of 2 turns other programs used more than 0.15 cores, at most 0.5 (Round 1 of 5: add_tiny).',
  ]);
});

it('refuses results that differ', async () => {
  const { place } = fake(() => 1);
  const differing: Place = {
    ...place,
    async perform(task) {
      const report = await place.perform(task);
      return { ...report, measured: report.measured.map((one, i) => ({ ...one, output: [1, i] })) };
    },
  };
  await expect(measure(differing, plan)).rejects.toThrow('compute different results');
});

it('gives large networks processes of their own, and several threads to engines that can use them', () => {
  const place = children(process.execPath);
  const variants = [
    { engine: 'ort-node', threads: 2 },
    { engine: 'tfjs-cpu', threads: 1 },
  ];
  const tasks = place.tasks(
    variants,
    named('add_tiny', 'lenet5_b1', 'alexnet_b1', 'alexnet_b8'),
    ({ engine }, { name }) => (engine === 'tfjs-cpu' ? name === 'add_tiny' : true),
  );
  expect(tasks).toEqual([
    { engines: ['ort-node'], threads: 2, workloads: ['add_tiny', 'lenet5_b1'] },
    { engines: ['tfjs-cpu'], threads: 1, workloads: ['add_tiny'] },
    { engines: ['ort-node'], threads: 2, workloads: ['alexnet_b1', 'alexnet_b8'] },
  ]);
});

import { fork, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Report, Task } from './perform.ts';
import type { Place } from './rounds.ts';

/** Fresh processes of the Node at `executable`, one for each engine in each round; large networks have one of their own. */
export function children(executable: string): Place {
  const running = new Set<ChildProcess>();
  const kill = (): void => {
    for (const child of running) child.kill('SIGKILL');
  };
  process.once('exit', kill);
  return {
    node: spawnSync(executable, ['-p', 'process.versions.node'], { encoding: 'utf8' }).stdout.trim(),
    tasks(variants, workloads, wanted) {
      const groups = [...new Set(workloads.map(({ apart }) => apart))];
      return groups.flatMap((group) =>
        variants.flatMap((variant) => {
          const names = workloads.filter((workload) => workload.apart === group && wanted(variant, workload));
          const { engine, threads } = variant;
          return names.length > 0 ? [{ engines: [engine], threads, workloads: names.map(({ name }) => name) }] : [];
        }),
      );
    },
    perform: (task) => runChild(executable, task, running),
    close: async () => kill(),
  };
}

function runChild(executable: string, task: Task, running: Set<ChildProcess>): Promise<Report> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL('../dist/child.js', import.meta.url)), [], {
      execPath: executable,
      execArgv: [],
      serialization: 'advanced', // typed arrays arrive as such
    });
    running.add(child);
    let report: Report | undefined;
    child.once('message', (message: Report) => {
      report = message;
    });
    child.once('error', reject);
    child.once('exit', (code) => {
      running.delete(child);
      if (report) resolve(report);
      else reject(new Error(`${task.engines.join(', ')} ended with code ${code} before it had measured anything.`));
    });
    child.send(task);
  });
}

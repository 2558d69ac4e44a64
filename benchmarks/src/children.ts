import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Report, Task } from './perform.ts';
import type { Place } from './rounds.ts';

/** Fresh processes of the Node at `executable`, one for each engine in each round, with `threads` for those that can use several. */
export function children(executable: string, threads: number): Place {
  return {
    tasks: (engines, workloads) => engines.map((engine) => ({ engines: [engine], workloads })),
    perform: (task) => runChild(executable, threads, task),
    close: async () => {},
  };
}

function runChild(executable: string, threads: number, task: Task): Promise<Report> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL('./child.js', import.meta.url)), [String(threads)], {
      execPath: executable,
      execArgv: [],
      serialization: 'advanced', // typed arrays arrive as such
    });
    let report: Report | undefined;
    child.once('message', (message: Report) => {
      report = message;
    });
    child.once('error', reject);
    child.once('exit', (code) => {
      if (report) resolve(report);
      else reject(new Error(`${task.engines.join(', ')} ended with code ${code} before it had measured anything.`));
    });
    child.send(task);
  });
}

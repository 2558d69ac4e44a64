// A process of its own for Node's engines. It speaks with its parent in messages, and ends with it.
import { cpus } from 'node:os';
import { engines } from './engines/node.ts';
import { performer } from './perform.ts';
import type { Report, Task } from './perform.ts';

async function perform(task: Task): Promise<Report> {
  const others = watchOthers();
  const report = await performer(engines)(task);
  return { ...report, host: `Node ${process.versions.node}`, others: others() };
}

/** Returns a function that tells how many cores everything else on the machine kept busy since the call. */
function watchOthers(): () => number {
  const busy = (): number =>
    cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);
  const [before, own, start] = [busy(), process.cpuUsage(), performance.now()];
  return () => {
    const used = process.cpuUsage(own);
    return Math.max(0, (busy() - before - (used.user + used.system) / 1e3) / (performance.now() - start));
  };
}

process.once('disconnect', () => process.exit(1));
process.once('message', (task: Task) => {
  perform(task).then(
    (report) => process.send!(report, () => process.exit(0)),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});

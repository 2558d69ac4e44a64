import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/**
 * How many threads this process can run at once: the processors that it may use, or fewer if the control groups that it is in grant less of their time.
 * `root` is where the file systems `proc` and `sys` lie.
 */
export function availableThreads(root = ''): number {
  const granted = groupsOf(root).map((folder) => timeOf(`${root}/sys/fs/cgroup${folder}`));
  return Math.max(1, Math.ceil(Math.min(availableParallelism(), ...granted)));
}

/** The folders of this process's groups, from the innermost to the root: limits of all of them count. */
function groupsOf(root: string): string[] {
  const lines = read(`${root}/proc/self/cgroup`).split('\n');
  return lines.flatMap((line) => {
    // Number of the hierarchy, its controllers, path. Version 2 has one hierarchy for all; in version 1 the one for time has a folder of its own.
    const [, controllers, ...rest] = line.split(':');
    const path = rest.join(':');
    if (!(controllers === '' || controllers?.split(',').includes('cpu'))) return [];
    const base = controllers === '' ? '' : '/cpu';
    const names = path.split('/').filter(Boolean);
    return [...names.map((_, i) => `${base}/${names.slice(0, names.length - i).join('/')}`), base];
  });
}

/** For how many processors a group has time; Infinity where it has no limit. */
function timeOf(folder: string): number {
  const [quota, period] = read(`${folder}/cpu.max`).split(' ').map(Number);
  const [oldQuota, oldPeriod] = ['quota', 'period'].map((what) => Number(read(`${folder}/cpu.cfs_${what}_us`)));
  for (const time of [quota! / period!, oldQuota! / oldPeriod!]) if (time > 0) return time;
  return Infinity;
}

/** The contents of a file; nothing if there is none. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

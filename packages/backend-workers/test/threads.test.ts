import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Backend } from '@receptive/backend';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { source, version } from '../src/generated/worker.ts';
import { workers } from '../src/index.ts';
import { availableThreads } from '../src/node/threads.ts';
import { inTime } from '../src/thread.ts';

/** As if there were so many: more than any of the groups below has time for. */
const processors = 6;
vi.mock('node:os', async (original) => ({
  ...(await original<typeof import('node:os')>()),
  availableParallelism: () => 6,
}));

const folders: string[] = [];

/** A folder with these files, as the root of a file system. */
function root(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'receptive-threads-'));
  folders.push(folder);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), `${text}\n`);
  }
  return folder;
}

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

const self = 'proc/self/cgroup';
const cgroup = 'sys/fs/cgroup';
const period = '100000';

/** Limits that a group has in the files of version 1. */
const old = (folder: string, quota: string): Record<string, string> => ({
  [`${cgroup}/cpu${folder}/cpu.cfs_quota_us`]: quota,
  [`${cgroup}/cpu${folder}/cpu.cfs_period_us`]: period,
});

/** What each file system grants, as a number of threads on a machine with more processors. */
const cases: readonly [what: string, granted: number, files: Readonly<Record<string, string>>][] = [
  ['no groups at all', Infinity, {}],
  ['version 2: no limit', Infinity, { [self]: '0::/a', [`${cgroup}/a/cpu.max`]: 'max 100000' }],
  ['version 2: the time of one', 1, { [self]: '0::/a', [`${cgroup}/a/cpu.max`]: '100000 100000' }],
  ['version 2: half the time of one', 1, { [self]: '0::/a', [`${cgroup}/a/cpu.max`]: '50000 100000' }],
  ['version 2: another period', 1, { [self]: '0::/a', [`${cgroup}/a/cpu.max`]: '25000 50000' }],
  ['version 2: the time of three and a bit', 4, { [self]: '0::/a', [`${cgroup}/a/cpu.max`]: '310000 100000' }],
  ['version 2: the time of one and a half', 2, { [self]: '0::/a', [`${cgroup}/a/cpu.max`]: '150000 100000' }],
  [
    'version 2: a container sees its own group as the root',
    1,
    { [self]: '0::/', [`${cgroup}/cpu.max`]: '90000 100000' },
  ],
  [
    'version 2: the group around it grants less',
    1,
    { [self]: '0::/a/b/c', [`${cgroup}/a/b/c/cpu.max`]: 'max 100000', [`${cgroup}/a/cpu.max`]: '100000 100000' },
  ],
  [
    'version 2: the group inside grants less',
    1,
    { [self]: '0::/a/b', [`${cgroup}/a/b/cpu.max`]: '100000 100000', [`${cgroup}/a/cpu.max`]: '800000 100000' },
  ],
  ['version 2: the group of somebody else', Infinity, { [self]: '0::/a', [`${cgroup}/b/cpu.max`]: '100000 100000' }],
  ['version 2: a name with a colon', 1, { [self]: '0::/a:b/c', [`${cgroup}/a:b/c/cpu.max`]: '100000 100000' }],
  ['version 1: no limit', Infinity, { [self]: '5:memory:/m\n3:cpu,cpuacct:/a\n', ...old('/a', '-1') }],
  ['version 1: the time of one', 1, { [self]: '5:memory:/m\n3:cpu,cpuacct:/a\n', ...old('/a', '100000') }],
  ['version 1: the time of one and a half', 2, { [self]: '3:cpuacct,cpu:/a', ...old('/a', '150000') }],
  [
    'version 1: the group around it grants less',
    1,
    { [self]: '3:cpu:/a/b', ...old('/a/b', '-1'), ...old('/a', '100000') },
  ],
  ['version 1: a container sees its own group as the root', 1, { [self]: '3:cpu:/docker/1f', ...old('', '100000') }],
  ['version 1: the same path of another controller', Infinity, { [self]: '3:cpuset:/a', ...old('/a', '100000') }],
  ['both versions', 1, { [self]: '1:cpu:/a\n0::/b', ...old('/a', '-1'), [`${cgroup}/b/cpu.max`]: '100000 100000' }],
  ['nonsense', Infinity, { [self]: 'a\n\n:\n0::', [`${cgroup}/cpu.max`]: '' }],
];

describe('as many threads', () => {
  test.each(cases)('as control groups grant: %s', (_, granted, files) => {
    expect(availableThreads(root(files))).toBe(Math.min(processors, granted));
  });

  test('as there are processors, unless told', async () => {
    expect(availableThreads(root({}))).toBe(processors);
    const backend = await workers();
    const threads = availableThreads();
    // Fewer where these tests run in a group that has less time.
    expect(threads).toBeLessThanOrEqual(processors);
    expect(backend.describe()).toContain(threads === 1 ? 'on one thread' : `on ${threads} threads`);
    backend.dispose();
  });
});

test('a script of another version is refused', async () => {
  const start = (script: string): Promise<Backend> => {
    const workerUrl = pathToFileURL(join(root({ 'worker.js': script }), 'worker.js'));
    return workers({ threads: 2, workerUrl });
  };
  (await start(source)).dispose();
  await expect(start(source.replace(version, 'older'))).rejects.toThrow(/^workers: .* another version\. Copy/);
});

test('a thread that never answers is not waited for without end', async () => {
  vi.useFakeTimers();
  try {
    const waiting = inTime(new Promise(() => {}));
    vi.advanceTimersByTime(30_000);
    await expect(waiting).rejects.toThrow('has not begun to serve within 30 seconds');
    await inTime(Promise.resolve());
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});

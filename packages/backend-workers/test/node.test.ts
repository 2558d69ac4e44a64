import type { ChildProcess } from 'node:child_process';
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, defaultServerConditions } from 'vite';
import type { Figures } from './child.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'receptive-workers-'));
const child = join(folder, 'child.js');
const hasProc = existsSync('/proc/self/task');

beforeAll(async () => {
  // One file of plain JavaScript, which every Node starts at once.
  const conditions = ['@receptive/source', ...defaultServerConditions];
  await build({
    configFile: false,
    logLevel: 'error',
    resolve: { conditions },
    ssr: { noExternal: true, resolve: { conditions } },
    build: {
      ssr: fileURLToPath(new URL('child.ts', import.meta.url)),
      target: 'node20',
      outDir: folder,
      emptyOutDir: false,
      rollupOptions: { output: { entryFileNames: 'child.js' } },
    },
  });
  copyFileSync(new URL('trouble.js', import.meta.url), join(folder, 'trouble.js'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
});

const running = new Set<ChildProcess>();

afterAll(() => {
  // Where a test has failed.
  for (const one of running) one.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

/** Milliseconds from when a process says that it is ready until it is at what it says. */
const SOON = 100;

interface Ended {
  readonly lines: readonly string[];
  readonly errors: string;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly pid: number;
}

/** Runs a task to its end. `onReady` is called when it says that it is ready. */
function run(args: readonly string[], onReady?: (kill: (signal: NodeJS.Signals) => void) => void): Promise<Ended> {
  const one = spawn(process.execPath, ['--expose-gc', child, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(one);
  const [output, errors]: [string[], string[]] = [[], []];
  let isReady = false;
  one.stdout.on('data', (text: Buffer) => {
    output.push(String(text));
    if (isReady || !output.join('').includes('ready')) return;
    isReady = true;
    setTimeout(() => onReady?.((signal) => void one.kill(signal)), SOON);
  });
  one.stderr.on('data', (text: Buffer) => errors.push(String(text)));
  return new Promise((resolve) =>
    one.on('close', (code, signal) => {
      running.delete(one);
      resolve({ lines: output.join('').trim().split('\n'), errors: errors.join(''), code, signal, pid: one.pid! });
    }),
  );
}

/** Whether there is a process or a thread of this number. */
function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('a process with threads', () => {
  test('ends when nothing but idle threads is left', async () => {
    expect(await run(['idle'])).toMatchObject({ lines: ['9'], errors: '', code: 0 });
  });

  test('ends by process.exit', async () => {
    const { code, pid } = await run(['exit']);
    expect(code).toBe(3);
    expect(isThere(pid)).toBe(false);
  });

  test('ends by an exception', async () => {
    const { code, errors, pid } = await run(['throw']);
    expect([code, errors.includes('uncaught')]).toEqual([1, true]);
    expect(isThere(pid)).toBe(false);
  });

  test.each([
    ['SIGTERM', 'wait'],
    ['SIGINT', 'work'],
    ['SIGKILL', 'work'],
    ['SIGTERM', 'stuck'],
    ['SIGINT', 'stuck'],
  ] as const)('ends by %s while threads %s', async (signal, task) => {
    const ended = await run([task], (kill) => kill(signal));
    expect(ended.signal).toBe(signal);
    expect(isThere(ended.pid)).toBe(false);
  });

  test.each(['loop', 'exit'])('waits for the pool to heal, where nothing else keeps it: %s', async (kind) => {
    expect(await run(['heal', kind])).toMatchObject({ lines: ['broken', '9'], errors: '', code: 0 });
  });

  test('may be stopped for longer than there is patience', async () => {
    const stop = (kill: (signal: NodeJS.Signals) => void): void => {
      kill('SIGSTOP');
      setTimeout(() => kill('SIGCONT'), 1500);
    };
    expect(await run(['stopped'], stop)).toMatchObject({ lines: ['ready', '9'], errors: '', code: 0 });
  });

  const hasTaskset = hasProc && spawnSync('taskset', ['--version']).status === 0;

  test.skipIf(!hasTaskset)('has one thread where it may use one processor', () => {
    const [processor] = /(?<=^Cpus_allowed_list:\s*)\d+/m.exec(readFileSync('/proc/self/status', 'utf8'))!;
    const { stdout } = spawnSync('taskset', ['-c', processor, process.execPath, child, 'describe'], {
      encoding: 'utf8',
    });
    expect(stdout).toMatch(/on one thread\n$/);
  });

  describe.skipIf(!hasProc)('where threads can be counted', () => {
    test('has none left of a backend that is disposed of', async () => {
      expect(await run(['dispose'])).toMatchObject({ lines: ['9', '9', '8', '4', '9', '0'], errors: '', code: 0 });
    });

    test.each(['ended', 'terminated'])('has none left of a pool in a worker that is %s', async (how) => {
      expect(await run(['nested', how])).toMatchObject({ lines: ['9', '0'], errors: '', code: 0 });
    });

    const cycles = process.env.RECEPTIVE_FULL ? 10_000 : 100;

    test(
      `creates and disposes of ${cycles} backends, and is no larger than half way`,
      async () => {
        const { lines, errors, code } = await run(['cycles', String(cycles)]);
        expect([errors, code]).toEqual(['', 0]);
        const figures = lines.map((line) => JSON.parse(line) as Figures);
        expect(figures).toHaveLength(5);
        const [first, , middle, , last] = figures as [Figures, Figures, Figures, Figures, Figures];
        if (process.env.RECEPTIVE_FULL) console.log(lines.join('\n'));
        expect(figures.map(({ threads }) => threads)).toEqual(figures.map(() => first.threads));
        // What is freed is not given back to the system at once. A memory takes addresses of 10 GiB, until it is collected.
        expect(last.rss).toBeLessThan(middle.rss + 48);
        expect(last.addresses).toBeLessThan(first.addresses + 5 * 10 * 1024);
        expect(last.maps).toBeLessThan(2 * middle.maps);
      },
      60 * 60_000,
    );
  });
});

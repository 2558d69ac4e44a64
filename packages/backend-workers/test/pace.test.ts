import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { afterEach, describe, expect, test } from 'vitest';
import { Crowd } from '../src/pace.ts';
import { CROWDED, LOSSES, wordsFor } from '../src/words.ts';
import { MANY, Rig, valueOf, vector } from './support.ts';

const clean: (() => void)[] = [];

afterEach(() => {
  for (const one of clean.splice(0)) one();
});

/** A backend and an op of many chunks on it. */
async function start(threads: number, reserve: number): Promise<{ rig: Rig; compute: () => void; check: () => void }> {
  const { rig, backend } = await Rig.start({ threads, reserve, sociable: false });
  clean.push(() => backend.dispose());
  const [x, y] = [vector(backend, 16 * MANY, 3), vector(backend, 16 * MANY, 0)];
  return {
    rig,
    compute: () => backend.kernels.unary('square', x, y),
    check: () => expect(valueOf(backend, y)).toBe(9),
  };
}

/** Computes until something is so; gives up after a minute. */
function computeUntil(compute: () => void, isSo: () => boolean): void {
  for (const until = performance.now() + 60_000; !isSo() && performance.now() < until;) compute();
  expect(isSo()).toBe(true);
}

describe('losses of the processor', () => {
  /** Whether there is a crowd after each look, where so many losses come before it. */
  function looks(...events: readonly (readonly [time: number, losses: number])[]): number[] {
    const control = wordsFor(2, 1);
    const crowd = new Crowd(control);
    return events.map(([time, losses]) => {
      Atomics.add(control, LOSSES, losses);
      crowd.look(time);
      return control[CROWDED]!;
    });
  }

  test('are a crowd if they are many', () => {
    expect(looks([1000, 0], [1030, 2], [1060, 2], [1090, 1], [1120, 1])).toEqual([0, 0, 0, 0, 1]);
  });

  test('are chance if they are few, or far from each other', () => {
    expect(looks([1000, 0], [1030, 3], [1060, 2], [1140, 0], [2000, 0])).toEqual([0, 0, 0, 0, 0]);
    expect(looks(...Array.from({ length: 20 }, (_, i) => [1000 + 30 * i, 1] as const))).not.toContain(1);
  });

  test('that came while nobody looked are no crowd now', () => {
    expect(looks([1000, 0], [9000, 100], [9010, 0])).toEqual([0, 0, 0]);
  });

  test('are looked for anew after a while', () => {
    expect(looks([1000, 0], [1010, 19], [1400, 9], [1600, 9], [1610, 0], [1620, 0])).toEqual([0, 1, 1, 0, 0, 0]);
    expect(looks([1000, 0], [1010, 19], [1400, 9], [1600, 9], [1610, 19])).toEqual([0, 1, 1, 0, 1]);
  });
});

test('a thread in reserve takes part in a crowd, and not before', async () => {
  const { rig, compute, check } = await start(1, 1);
  compute();
  expect(rig.chunks).toBe(0);
  rig.crowd();
  computeUntil(compute, () => rig.chunks > 0);
  check();
});

test('programs that compete for all processors are a crowd; when they have gone, there is none', async () => {
  const { rig, compute, check } = await start(2, 1);
  const programs = Array.from({ length: availableParallelism() }, () =>
    spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }),
  );
  const end = (): void => programs.forEach((program) => void program.kill('SIGKILL'));
  clean.push(end);
  computeUntil(compute, () => rig.isCrowded);
  check();
  end();
  computeUntil(compute, () => !rig.isCrowded);
  check();
});

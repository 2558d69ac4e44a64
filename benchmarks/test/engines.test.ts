import { describe, expect, it } from 'vitest';
import { children } from '../src/children.ts';
import { checkSame } from '../src/compare.ts';
import { sides, threaded } from '../src/engine.ts';
import { engines } from '../src/engines/node.ts';
import { installPeers } from '../src/peers.ts';
import type { Place } from '../src/rounds.ts';
import { workloads } from '../src/workloads.ts';

/** What takes longer is compared whenever it is timed: large networks, and much of what the slow engines do. */
const limits: Readonly<Record<string, number>> = { 'tfjs-cpu': 1e8, 'jax-js': 2e8 };
const large = (engine: string): ReadonlySet<string> =>
  new Set(workloads.flatMap(({ name, flops = 0 }) => (flops > (limits[engine] ?? 1e9) ? [name] : [])));

/** What an engine computes, in a process of its own as when it is timed: some of them change what is global. */
async function outputsOf(place: Place, engine: string, threads: number): Promise<Map<string, ArrayLike<number>>> {
  const names = workloads.map(({ name }) => name).filter((name) => !large(engine).has(name));
  const { measured } = await place.perform({ engines: [engine], threads, workloads: names, budget: 1, outputs: true });
  return new Map(measured.flatMap(({ workload, output }) => (output ? [[workload, output]] : [])));
}

describe('the engines compared', () => {
  it('compute the same', { timeout: 240_000 }, async () => {
    installPeers();
    const place = children(process.execPath);
    const [own, peers] = Object.entries(sides.node)[0]!;
    const expected = await outputsOf(place, own, 1);
    for (const peer of peers) {
      // With two threads, an engine refuses to start that would not use them.
      const results = await outputsOf(place, peer, threaded.has(peer) ? 2 : 1);
      expect(results.size).toBeGreaterThan(0);
      for (const [name, result] of results)
        checkSame(
          name,
          new Map([
            [own, expected.get(name)!],
            [peer, result],
          ]),
        );
    }
    await place.close();
  });

  it('run workloads that the table knows', async () => {
    const names = workloads.map(({ name }) => name);
    // That of 256 bits starts where the engine has them alone, and has what receptive-cpu has.
    for (const [name, start] of Object.entries(engines)) {
      if (name === 'receptive-cpu-256') continue;
      expect(names).toEqual(expect.arrayContaining(Object.keys((await start(1)).workloads)));
    }
  });
});

describe('checkSame', () => {
  it('refuses results that differ, are of another length, or are not numbers', () => {
    const against =
      (values: number[]): (() => void) =>
      () =>
        checkSame(
          'w',
          new Map([
            ['a', [1, -10]],
            ['b', values],
          ]),
        );
    expect(against([1, -10.0001])).not.toThrow();
    expect(against([1, -10.1])).toThrow('w: b and a compute different results');
    expect(against([1])).toThrow('different results');
    expect(against([1, Number.NaN])).toThrow('different results');
  });
});

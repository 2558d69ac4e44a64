import { describe, expect, it } from 'vitest';
import { checkSame } from '../src/compare.ts';
import { sides } from '../src/engine.ts';
import type { Engine } from '../src/engine.ts';
import { engines } from '../src/engines/node.ts';
import { installPeers } from '../src/peers.ts';
import { workloads } from '../src/workloads.ts';

/** The large networks, whose weights alone take seconds to make, are compared whenever they are timed. */
const large = new Set(workloads.flatMap(({ name, flops = 0 }) => (flops > 2.2e9 ? [name] : [])));

async function outputsOf({ workloads: known, begin }: Engine): Promise<Map<string, Float32Array>> {
  const outputs = new Map<string, Float32Array>();
  for (const [name, prepare] of Object.entries(known)) {
    if (large.has(name)) continue;
    await begin?.();
    const { output } = await prepare();
    if (output) outputs.set(name, await output());
  }
  return outputs;
}

describe('the engines compared', () => {
  it('compute the same', { timeout: 120_000 }, async () => {
    installPeers();
    const results = new Map<string, Map<string, Float32Array>>();
    for (const [name, start] of Object.entries(engines(1))) results.set(name, await outputsOf(await start()));
    const [own, peers] = Object.entries(sides.node)[0]!;
    for (const peer of peers) {
      const both = [...results.get(peer)!.keys()].filter((name) => results.get(own)!.has(name));
      expect(both).toContain('lenet5_b64');
      for (const name of both)
        checkSame(name, new Map([own, peer].map((engine) => [engine, results.get(engine)!.get(name)!])));
    }
  });

  it('run workloads that the table knows', async () => {
    const names = workloads.map(({ name }) => name);
    for (const start of Object.values(engines(1)))
      expect(names).toEqual(expect.arrayContaining(Object.keys((await start()).workloads)));
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

import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { measureCosts } from '../src/programs/measure.ts';

const folder = fileURLToPath(new URL('../build/', import.meta.url));
const build = (): string[] => (existsSync(folder) ? readdirSync(folder) : []);

it('starts a program in a fresh process, bundles it, and leaves nothing', { timeout: 60_000 }, async () => {
  const before = build();
  const [cost, ...others] = await measureCosts(
    process.execPath,
    ['receptive-cpu', 'convnetjs'],
    new Set(['startup', 'bundle'] as const),
    2,
  );
  expect(others).toEqual([]);
  const { engine, start, memory, bundle } = cost!;
  expect([engine, memory]).toEqual(['receptive-cpu', null]);
  expect(start!.min).toBeGreaterThan(0);
  expect(start!.max).toBeGreaterThanOrEqual(start!.ms);
  // The kernels alone are tens of kilobytes, and nothing of ours is a megabyte.
  expect(bundle!.gzip).toBeGreaterThan(20e3);
  expect(bundle!.bytes).toBeGreaterThan(bundle!.gzip);
  expect(bundle!.bytes).toBeLessThan(1e6);
  expect(build()).toEqual(before);
});

it('does nothing where nothing is wanted', async () => {
  expect(await measureCosts(process.execPath, ['receptive-cpu'], new Set(), 1)).toEqual([]);
});

import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { imageFolder } from '@receptive/data/node';
import { expect, it } from 'vitest';
import { measureLoading } from '../src/loading/measure.ts';
import { writePhotos } from '../src/loading/photos.ts';
import { markdown } from '../src/report.ts';

const folder = fileURLToPath(new URL('../build/', import.meta.url));
const build = (): string[] => (existsSync(folder) ? readdirSync(folder) : []);

it('times batches prepared in every place, and leaves nothing', async () => {
  const before = build();
  const loading = await measureLoading(process.execPath, ['loader_images', 'loader_train'], 1, 8);
  expect(loading.map(({ workload, prepared }) => `${workload} ${prepared}`)).toEqual(
    ['loader_images', 'loader_train'].flatMap((workload) =>
      ['here', '1 thread', '2 threads', 'beforehand'].map((place) => `${workload} ${place}`),
    ),
  );
  for (const { ms, min, max } of loading) expect([ms > 0, min, max]).toEqual([true, ms, ms]);
  expect(build()).toEqual(before);
});

it('does nothing where nothing is wanted', async () => {
  expect(await measureLoading(process.execPath, [], 1)).toEqual([]);
});

it('writes photos of their usual size, no two alike', async () => {
  const photos = mkdtempSync(join(tmpdir(), 'receptive-photos-'));
  writePhotos(photos, 4);
  const dataset = await imageFolder(photos, { size: [240, 320] });
  const images = Array.from({ length: 4 }, (_, i) => dataset.get(i));
  expect(images.map(({ label }) => label)).toEqual([0, 0, 1, 1]);
  expect(new Set(images.map(({ image }) => String(image))).size).toBe(4);
  // A photo of 77 thousand pixels takes some tens of kilobytes.
  for (const file of dataset.files) expect(Math.abs(statSync(file).size - 30e3)).toBeLessThan(20e3);
  rmSync(photos, { recursive: true });
});

it('reports how long a batch takes, beside one that is prepared on the calling thread', () => {
  const one = { workload: 'loader_train', images: 8, min: 40, max: 60 } as const;
  const report = markdown({
    machine: 'a machine',
    node: '24.0.0',
    host: 'Node 24.0.0',
    engines: {},
    sides: {},
    rows: [],
    costs: [],
    loading: [
      { ...one, prepared: 'here', ms: 50 },
      { ...one, prepared: '1 thread', ms: 40 },
    ],
    notes: [],
  });
  expect(report).toMatch(/loader_train \| here +\| 50\.0 +\| 40\.0 - 60\.0 +\| 160 +\| 1\.00/);
  expect(report).toMatch(/loader_train \| 1 thread +\| 40\.0 +\| 40\.0 - 60\.0 +\| 200 +\| 1\.25/);
});

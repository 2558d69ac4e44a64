import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeImage, init, oneHot } from 'receptive';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { compareNetworks } from '../src/coord-conv/compare.ts';
import { runExperiment, scoreOf } from '../src/coord-conv/experiment.ts';
import { tasks } from '../src/coord-conv/networks.ts';
import { centres, coordinatesOf, pixelsOf, splits, squaresAt } from '../src/coord-conv/task.ts';
import type { Place, Split } from '../src/coord-conv/task.ts';

vi.setConfig({ testTimeout: 60_000 });

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'receptive-coordconv-'));
  await init();
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Every so many-th place of the split by quadrants. */
const sample = (every: number): Split => {
  const { train, test: tested } = splits.quadrant();
  const some = (places: readonly Place[]): Place[] => places.filter((_, i) => i % every === 0);
  return { train: some(train), test: some(tested) };
};

test('there are 56 x 56 centres, and each is in one part of a split', () => {
  expect(centres).toHaveLength(3136);
  for (const [name, sizes] of [
    ['uniform', [2509, 627]],
    ['quadrant', [2352, 784]],
  ] as const) {
    const { train, test: tested } = splits[name](1);
    expect([train.length, tested.length]).toEqual(sizes);
    expect(new Set([...train, ...tested].map(String))).toEqual(new Set(centres.map(String)));
  }
  expect(splits.quadrant().test.every(([row, column]) => row >= 32 && column >= 32)).toBe(true);
  expect(splits.uniform(1).test).toEqual(splits.uniform(1).test);
  expect(splits.uniform(1).test).not.toEqual(splits.uniform(2).test);
});

test('a square has 9 x 9 pixels about its centre', () => {
  const data = squaresAt([
    [4, 59],
    [20, 33],
  ]).dataSync();
  const lit = [...data.keys()]
    .filter((i) => data[i] !== 0)
    .map((i) => [Math.floor(i / 4096), Math.floor(i / 64) % 64, i % 64]);
  for (const [image, row, column] of [
    [0, 4, 59],
    [1, 20, 33],
  ] as const) {
    const own = lit.filter(([at]) => at === image);
    expect(own).toHaveLength(81);
    expect(own.every(([, y, x]) => Math.abs(y! - row) <= 4 && Math.abs(x! - column) <= 4)).toBe(true);
  }
});

test('coordinates run from -1 to 1, pixels row by row', () => {
  expect([...coordinatesOf([[0, 63]]).dataSync()]).toEqual([-1, 1]);
  expect([...pixelsOf([[2, 3]]).dataSync()]).toEqual([131]);
});

test('answers are read in pixels', async () => {
  const places = [
    [4, 59],
    [31, 8],
  ] as const;
  const read = await tasks.regression.answers(coordinatesOf(places));
  expect(read.flat().map((value) => value.toFixed(3))).toEqual(['4.000', '59.000', '31.000', '8.000']);
  const scores = oneHot(pixelsOf(places), 64 * 64, 'float32');
  expect(await tasks.classification.answers(scores)).toEqual(places);
});

test('a score tells what is exact, and how far the rest is off', () => {
  const answers = [
    [10, 10.4],
    [13, 14],
  ] as const;
  expect(
    scoreOf({
      places: [
        [10, 10],
        [10, 10],
      ],
      answers,
    }),
  ).toEqual({
    exact: 0.5,
    meanError: expect.closeTo((0.4 + 5) / 2, 6),
    largestError: 5,
  });
});

describe('a few steps of every network', () => {
  const few = sample(40);
  const run = (seed: number) =>
    compareNetworks({ tasks: ['classification', 'regression'], splits: { few }, seed, out: folder, maxSteps: 3 });

  test('give a result and a picture for each, the same for the same seed', async () => {
    const results = await run(1);
    expect(results.map(({ task, network, steps }) => [task, network, steps])).toEqual([
      ['classification', 'CoordConv', 3],
      ['classification', 'transposed convolution', 3],
      ['regression', 'CoordConv', 3],
      ['regression', 'convolution', 3],
    ]);
    for (const { train, test: tested, picture } of results) {
      for (const score of [train, tested]) expect(Object.values(score).every(Number.isFinite)).toBe(true);
      const { width, height } = decodeImage(readFileSync(picture));
      expect([width, height]).toEqual([2 * 448 + 42, 448 + 56]);
    }
    const timeless = (list: typeof results) => list.map((result) => ({ ...result, seconds: 0 }));
    expect(timeless(await run(1))).toEqual(timeless(results));
  });

  test('end with the reason of a signal', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    const stopped = compareNetworks({ tasks: ['regression'], splits: { few }, seed: 1, out: folder, signal });
    await expect(stopped).rejects.toThrow('enough');
  });
});

test('CoordConv learns where squares are, in the quadrant that it never saw as well', async () => {
  const { train, test: tested } = await runExperiment(tasks.regression, tasks.regression.recipes.CoordConv, sample(4), {
    seed: 1,
  });
  expect(scoreOf(train).meanError).toBeLessThan(0.5);
  expect(scoreOf(tested).meanError).toBeLessThan(0.5);
});

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Worker } from 'node:worker_threads';
import { reference } from '@receptive/backend/reference';
import { encode } from 'jpeg-js';
import { build, defaultClientConditions } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  augment,
  compose,
  DataError,
  DataLoader,
  imageDataset,
  normalize,
  pad,
  randomAffine,
  randomCrop,
  randomHorizontalFlip,
  split,
  toRange,
} from '@receptive/data';
import type { Batch, BatchPosition, DataLoaderOptions, Dataset, Images } from '@receptive/data';
import { imageFolder } from '@receptive/data/node';
import { currentBackend, Rng, setBackend, withBackend } from '@receptive/tensor';

const folder = mkdtempSync(join(tmpdir(), 'receptive-prefetch-'));
let photos: Dataset;

beforeAll(async () => {
  setBackend(reference());
  for (let i = 0; i < 14; i++) {
    const [width, height] = [20 + i, 30 - i];
    const data = Uint8Array.from({ length: width * height * 4 }, (_, j) => (j * j * (i + 1)) >> 5);
    mkdirSync(join(folder, `class ${i % 3}`), { recursive: true });
    writeFileSync(join(folder, `class ${i % 3}`, `${i}.jpg`), encode({ width, height, data }, 90).data);
  }
  photos = await imageFolder(folder, { size: 16 });
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The threads that were started in a test, and how many of them run. */
const started: Worker[] = [];
const running = () => started.filter(({ threadId }) => threadId >= 0).length;
const note = (worker: Worker): void => void started.push(worker);

beforeEach(() => {
  // Idle threads are ended at a test's end, and by nothing else.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  process.on('worker', note);
});

afterEach(async () => {
  await vi.runAllTimersAsync();
  vi.useRealTimers();
  process.off('worker', note);
  await Promise.all(started.map((worker) => worker.terminate()));
  started.length = 0;
});

/** What is in a batch, which is disposed. */
function contentOf(batch: Batch) {
  const { index, images, labels } = batch;
  const content = { index, shape: images.shape, images: images.dataSync(), labels: labels.dataSync() };
  batch.dispose();
  return content;
}

type Content = ReturnType<typeof contentOf>;

async function contents(dataset: Dataset, options: Partial<DataLoaderOptions>, at?: BatchPosition): Promise<Content[]> {
  const result: Content[] = [];
  for await (const batch of new DataLoader(dataset, { batchSize: 4, ...options }).prefetched(at))
    result.push(contentOf(batch));
  return result;
}

const numbers = Uint8Array.from({ length: 10 }, (_, i) => 20 * i);
const inMemory = imageDataset(numbers, new Uint8Array(10), { shape: [1, 1, 1], classes: 1 });

describe('prefetched batches have the bits of those that are made here', () => {
  const random = [randomCrop(12, { padding: 1 }), randomHorizontalFlip(), randomAffine({ degrees: 9, stretch: 0.2 })];
  const twice = (images: { data: Float32Array }) => images.data.forEach((value, i) => (images.data[i] = 2 * value));

  test.each<[string, () => { dataset: Dataset } & Partial<DataLoaderOptions>]>([
    ['of files', () => ({ dataset: photos })],
    [
      'of files, augmented, split, shuffled and transformed',
      () => ({
        dataset: split(augment(photos, new Rng(5), ...random), 0.8, new Rng(2))[0],
        shuffle: new Rng(3),
        transform: compose(normalize({ mean: [0.4, 0.5, 0.6], std: 0.2 }), compose(pad(1, -1), toRange(-1, 2))),
      }),
    ],
    ['of pixels in memory', () => ({ dataset: augment(inMemory, new Rng(1), randomCrop(1, { padding: 1 })) })],
    [
      'of pixels in shared memory',
      () => {
        const shared = new Uint8Array(new SharedArrayBuffer(10));
        shared.set(numbers);
        return { dataset: imageDataset(shared, new Uint8Array(10), { shape: [1, 1, 1], classes: 1 }), dropLast: true };
      },
    ],
    [
      "of somebody's own dataset, made of one of these",
      () => ({
        // What it says of itself is true only of its own `get`.
        dataset: {
          ...photos,
          get: (index) => ({ image: photos.get(index).image.map((v) => 255 - v), label: index }),
          classes: 14,
        },
        transform: pad(1),
      }),
    ],
    [
      "with somebody's own transform between others",
      () => ({
        dataset: photos,
        transform: compose(toRange(-1, 1), (images) => (twice(images), images), pad(1, 3)),
      }),
    ],
  ])('%s', async (_, make) => {
    const { dataset, ...options } = make();
    const expected = [...new DataLoader(dataset, { batchSize: 4, ...options }).batches({ epoch: 2 })].map(contentOf);
    expect(await contents(dataset, options, { epoch: 2 })).toEqual(expected);
    expect(started).toHaveLength(0);
    for (const [workers, prefetch] of [
      [1, 1],
      [2, 2],
    ] as const) {
      const found = await contents(dataset, { ...options, workers, prefetch }, { epoch: 2 });
      expect(found).toEqual(expected);
      expect(running()).toBeGreaterThanOrEqual(workers);
    }
    expect(await contents(dataset, { ...options, workers: 1, prefetch: 1 }, { epoch: 2, startBatch: 2 })).toEqual(
      expected.slice(2),
    );
  });
});

describe('prefetched batches', () => {
  test('are on the backend that was current when the loop began, and leave no memory behind', async () => {
    const other = reference();
    const loader = new DataLoader(inMemory, { batchSize: 5, workers: 1 });
    const batches = withBackend(other, () => loader.prefetched());
    const before = currentBackend().memory();
    for await (const batch of batches) {
      expect(other.memory().storages).toBe(2);
      batch.dispose();
    }
    expect([other.memory().storages, currentBackend().memory()]).toEqual([0, before]);
  });

  test('are prepared so many ahead, and no more', async () => {
    const asked: number[] = [];
    const dataset: Dataset = { ...inMemory, get: (index) => (asked.push(index), inMemory.get(index)) };
    const batches = new DataLoader(dataset, { batchSize: 1, workers: 1, prefetch: 3 }).prefetched();
    (await batches.next()).value!.dispose();
    expect(asked).toEqual([0, 1, 2, 3]);
    (await batches.next()).value!.dispose();
    expect(asked).toEqual([0, 1, 2, 3, 4]);
    await batches.return();
  });

  test('are made as they are asked for, without workers', async () => {
    const asked: number[] = [];
    const dataset: Dataset = { ...inMemory, get: (index) => (asked.push(index), inMemory.get(index)) };
    for await (const batch of new DataLoader(dataset, { batchSize: 1 }).prefetched()) {
      batch.dispose();
      expect(asked).toHaveLength(batch.index + 1);
    }
  });
});

describe('threads', () => {
  test('idle between loops, and end when none follows', async () => {
    await contents(inMemory, { workers: 2 });
    await contents(photos, { workers: 2 });
    expect([started.length, running()]).toEqual([2, 2]);
    const ended = started.map((worker) => new Promise((resolve) => worker.once('exit', resolve)));
    await vi.runAllTimersAsync();
    await Promise.all(ended);
    await contents(inMemory, { workers: 2 });
    expect([started.length, running()]).toEqual([4, 2]);
  });

  test('are not shared by loops that run at the same time', async () => {
    const both = [contents(photos, { workers: 1 }), contents(inMemory, { workers: 1 })];
    const [one, other] = await Promise.all(both);
    expect([one!.length, other!.length, started.length]).toEqual([4, 3, 2]);
    // One pool idles; a second of the same kind is not kept.
    expect(running()).toBe(1);
  });

  test.each<[string, (batches: AsyncGenerator<Batch, void, undefined>) => Promise<unknown>]>([
    [
      'a break',
      async (batches) => {
        for await (const batch of batches) {
          batch.dispose();
          break;
        }
      },
    ],
    [
      'an exception',
      async (batches) => {
        const loop = async () => {
          for await (const batch of batches) {
            batch.dispose();
            throw new Error('enough');
          }
        };
        await expect(loop()).rejects.toThrow('enough');
      },
    ],
    [
      'a return while a batch is awaited',
      async (batches) => {
        const first = batches.next();
        await batches.return();
        (await first).value!.dispose();
        expect(await batches.next()).toEqual({ done: true, value: undefined });
      },
    ],
  ])('have ended after %s', async (_, leave) => {
    const before = currentBackend().memory();
    await leave(new DataLoader(photos, { batchSize: 1, workers: 2 }).prefetched());
    expect([started.length, running()]).toEqual([2, 0]);
    expect(currentBackend().memory()).toEqual(before);
  });

  test('do not start before the first batch is asked for', async () => {
    const batches = new DataLoader(photos, { batchSize: 1, workers: 2 }).prefetched();
    await batches.return();
    expect(started).toHaveLength(0);
  });

  test('do not keep the process alive, nor does a loop that was forgotten', () => {
    // In this process idle threads are never ended: were they to keep it, it would not end.
    const program = `
      import { DataLoader, imageDataset } from '@receptive/data';
      import { reference } from '@receptive/backend/reference';
      import { setBackend } from '@receptive/tensor';
      globalThis.setTimeout = () => ({ unref: () => process.stdout.write(' idle') });
      setBackend(reference());
      const dataset = imageDataset(new Uint8Array(9), new Uint8Array(9), { shape: [1, 1, 1], classes: 1 });
      const loader = new DataLoader(dataset, { batchSize: 1, workers: 2 });
      for await (const batch of loader.prefetched()) process.stdout.write(String(batch.index));
      const { value } = await loader.prefetched().next();
      process.stdout.write(' and ' + value.index);`;
    const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      encoding: 'utf8',
      timeout: 50_000,
    });
    expect([stdout, stderr, status]).toEqual(['012345678 idle and 0', '', 0]);
  });
});

describe('what is wrong', () => {
  /** The batches that come, and what comes then. */
  async function until(dataset: Dataset, options: Partial<DataLoaderOptions>) {
    const came: number[] = [];
    try {
      for await (const batch of new DataLoader(dataset, { batchSize: 2, ...options }).prefetched()) {
        came.push(batch.index);
        batch.dispose();
      }
    } catch (error) {
      return { came, error };
    }
    throw new Error('Nothing was wrong.');
  }

  test('with a file is said of its batch, as it is without workers', async () => {
    const damaged = mkdtempSync(join(tmpdir(), 'receptive-damaged-'));
    mkdirSync(join(damaged, 'a'));
    const { data } = encode({ width: 8, height: 8, data: new Uint8Array(256) });
    for (let i = 0; i < 8; i++) writeFileSync(join(damaged, 'a', `${i}.jpg`), i === 5 ? data.subarray(0, -9) : data);
    const dataset = await imageFolder(damaged, { size: 4 });
    const here = await until(dataset, {});
    const elsewhere = await until(dataset, { workers: 2 });
    rmSync(damaged, { recursive: true });
    expect(here.error).toBeInstanceOf(DataError);
    expect((here.error as Error).message).toBe(
      `${join(damaged, 'a', '5.jpg')}: This JPEG is damaged: it is truncated.`,
    );
    expect(elsewhere.error).toBeInstanceOf(DataError);
    expect((elsewhere.error as Error).message).toBe((here.error as Error).message);
    expect(elsewhere.came).toEqual(here.came);
    expect(here.came).toEqual([0, 1]);
    expect(running()).toBe(0);
  });

  test("with somebody's own dataset or transform is thrown when its batch's turn comes", async () => {
    const bad = new Error('No such image.');
    const get = (index: number) => {
      if (index === 4) throw bad;
      return inMemory.get(index);
    };
    expect(await until({ ...inMemory, get }, { workers: 1 })).toEqual({ came: [0, 1], error: bad });
    let calls = 0;
    const transform = (images: Images) => {
      if (++calls === 2) throw bad;
      return images;
    };
    expect(await until(inMemory, { workers: 1, transform })).toEqual({ came: [0], error: bad });
  });

  test('with the transforms, or the shape that a dataset has, is a DataError from the threads too', async () => {
    const transform = normalize({ mean: [0, 0], std: 1 });
    expect((await until(photos, { workers: 1, transform })).error).toEqual(
      new DataError("normalize was given 2 channels' mean or std, but the images have 3 channels."),
    );
    const wrong: Dataset = { ...inMemory, shape: [1, 1, 2] };
    expect((await until(wrong, { workers: 1 })).error).toEqual(
      new DataError('Image 0 has 1 pixels, but shape [1, 1, 2] takes 2.'),
    );
  });

  test.each<[string, (thread: Worker) => unknown]>([
    ['before it begins', (thread) => thread.terminate()],
    ['when it has begun', (thread) => thread.once('online', () => void thread.terminate())],
  ])('a thread that is ended %s ends the loop, and the other threads', async (_, end) => {
    process.once('worker', end);
    const { came, error } = await until(photos, { batchSize: 1, workers: 2 });
    expect(came.length).toBeLessThan(photos.length);
    expect((error as Error).message).toMatch(/^A thread that prepares batches has ended with exit code [01]\.$/);
    expect([started.length, running()]).toEqual([2, 0]);
  });

  test('threads that are ended at any moment hang no loop', async () => {
    for (let batch = 0; batch < 5; batch++) {
      const loop = async () => {
        for await (const { index, images, labels } of new DataLoader(photos, {
          batchSize: 1,
          workers: 1,
        }).prefetched()) {
          images.dispose();
          labels.dispose();
          if (index === batch) void started.at(-1)!.terminate();
        }
      };
      await expect(loop()).rejects.toThrow('A thread that prepares batches has ended with exit code 1.');
    }
    expect([started.length, running()]).toEqual([5, 0]);
  });

  test('a thread that is ended while it idles is replaced', async () => {
    await contents(inMemory, { workers: 1 });
    await started[0]!.terminate();
    expect(await contents(inMemory, { workers: 1 })).toHaveLength(3);
    expect([started.length, running()]).toEqual([2, 1]);
  });

  test('numbers of threads and batches that make no sense', () => {
    const loader = (options: Partial<DataLoaderOptions>) => () =>
      new DataLoader(inMemory, { batchSize: 1, ...options });
    expect(loader({ workers: -1 })).toThrow(/workers must be a whole number from 0, but is -1/);
    expect(loader({ workers: 1.5 })).toThrow(DataError);
    expect(loader({ prefetch: 0 })).toThrow(/prefetch must be a whole number from 1, but is 0/);
    expect(() => new DataLoader(inMemory, { batchSize: 1 }).prefetched({ startBatch: 11 })).toThrow(/startBatch/);
  });

  test('threads in a browser, whose bundle has nothing of them', async () => {
    const conditions = ['@receptive/source', ...defaultClientConditions];
    const bundle = mkdtempSync(join(tmpdir(), 'receptive-page-'));
    const entry = fileURLToPath(new URL('page.ts', import.meta.url));
    await build({
      configFile: false,
      logLevel: 'error',
      resolve: { conditions },
      build: { outDir: bundle, minify: false, lib: { entry, formats: ['es'], fileName: 'page' } },
    });
    const files = readdirSync(bundle).map((name) => readFileSync(join(bundle, name), 'utf8'));
    const page = (await import(pathToFileURL(join(bundle, 'page.js')).href)) as typeof import('./page.ts');
    expect(files.join('')).not.toMatch(/tinypool|worker_threads|from ['"]node:/);
    page.setBackend(reference());
    const loader = new page.DataLoader(inMemory, { batchSize: 5, workers: 2 });
    const message =
      'DataLoader: workers is 2, but batches are prepared on threads of their own only in Node. Leave it out in a browser.';
    await expect(loader.prefetched().next()).rejects.toMatchObject({ name: 'DataError', message });
    rmSync(bundle, { recursive: true });
  });
});

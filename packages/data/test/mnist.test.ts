import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DataError } from '@receptive/data';
import type { Dataset } from '@receptive/data';
import { mnist } from '@receptive/data/node';
import { idxFile } from './files.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'receptive-mnist-'));
});
afterEach(() => rm(directory, { recursive: true }));

const trainImages = idxFile([2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
const small: Record<string, Uint8Array> = {
  'train-images-idx3-ubyte': trainImages,
  'train-labels-idx1-ubyte': idxFile([2], [3, 4]),
  't10k-images-idx3-ubyte': idxFile([1, 2, 2], [9, 9, 9, 9]),
  't10k-labels-idx1-ubyte': idxFile([1], [5]),
};
const write = (files: Record<string, Uint8Array>) =>
  Promise.all(Object.entries(files).map(([name, bytes]) => writeFile(join(directory, name), bytes)));
const renamed = (rename: (name: string) => string, change: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes) =>
  Object.fromEntries(Object.entries(small).map(([name, bytes]) => [rename(name), change(bytes)]));

describe('a directory', () => {
  test.each<[string, Record<string, Uint8Array>]>([
    ['plain', small],
    ['gzipped', renamed((name) => `${name}.gz`, gzipSync)],
    ['with a dot', renamed((name) => name.replace('-idx', '.idx'))],
    ['with a dot and gzipped', renamed((name) => `${name.replace('-idx', '.idx')}.gz`, gzipSync)],
  ])('of files %s is read', async (_, files) => {
    await write(files);
    const { train, test: held } = await mnist(directory);
    expect(train).toMatchObject({ length: 2, shape: [1, 2, 2], classes: 10 });
    expect(train.get(1)).toEqual({ image: Uint8Array.of(5, 6, 7, 8), label: 4 });
    expect(held.get(0).label).toBe(5);
  });

  const { 'train-images-idx3-ubyte': _, ...others } = small;
  const instead = (bytes: Uint8Array) => ({ ...others, 'train-images-idx3-ubyte.gz': bytes });
  test.each<[string, Record<string, Uint8Array>, RegExp]>([
    ['nothing', {}, /has no file (train|t10k)-(images|labels)-idx\d-ubyte or .*\.gz/],
    [
      'three of the files',
      others,
      /has no file train-images-idx3-ubyte or train-images-idx3-ubyte\.gz or train-images\.idx3-ubyte/,
    ],
    [
      'a file that is not compressed',
      instead(trainImages),
      /train-images-idx3-ubyte\.gz cannot be decompressed: incorrect header check/,
    ],
    [
      'half a compressed file',
      instead(gzipSync(trainImages).subarray(0, -12)),
      /cannot be decompressed: unexpected end of file/,
    ],
    [
      'less than its header announces',
      instead(gzipSync(trainImages.subarray(0, -1))),
      /announces 2 x 2 x 2 = 8 bytes of data, but has 7/,
    ],
    [
      'a bomb',
      instead(gzipSync(Buffer.concat([trainImages, new Uint8Array(1e8)]))),
      /it holds more than its header announces/,
    ],
    ['no IDX file', instead(gzipSync(Buffer.from('hello'))), /train-images-idx3-ubyte\.gz is no IDX file/],
    [
      'an empty file',
      { ...small, 'train-images-idx3-ubyte': new Uint8Array(0) },
      /train-images-idx3-ubyte has 0 bytes/,
    ],
  ])('with %s is refused', async (__, files, message) => {
    await write(files);
    const reading = mnist(directory);
    await expect(reading).rejects.toThrow(DataError);
    await expect(reading).rejects.toThrow(message);
  });

  test('that is not there, or is none, is refused', async () => {
    await expect(mnist(join(directory, 'nowhere'))).rejects.toThrow(/nowhere has no file/);
    await write({ file: new Uint8Array(0) });
    await expect(mnist(join(directory, 'file'))).rejects.toThrow(/file has no file/);
  });
});

test('MNIST itself', { timeout: 20_000 }, async ({ skip }) => {
  const files = process.env['RECEPTIVE_MNIST'] ?? '';
  skip(files === '', 'RECEPTIVE_MNIST does not name a directory with the files of MNIST');
  const { train, test: held } = await mnist(files);
  expect(train).toMatchObject({ length: 60_000, shape: [1, 28, 28], classes: 10 });
  expect(held).toMatchObject({ length: 10_000, shape: [1, 28, 28], classes: 10 });
  expect(labels(train, 10)).toEqual([5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
  expect(labels(held, 10)).toEqual([7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
  // The mean and deviation by which the field normalises MNIST.
  let [sum, squares] = [0, 0];
  for (let i = 0; i < train.length; i++) {
    for (const pixel of train.get(i).image) {
      sum += pixel / 255;
      squares += (pixel / 255) ** 2;
    }
  }
  const mean = sum / (60_000 * 784);
  expect(mean).toBeCloseTo(0.1307, 4);
  expect(Math.sqrt(squares / (60_000 * 784) - mean ** 2)).toBeCloseTo(0.3081, 4);
});

function labels(dataset: Dataset, count: number): number[] {
  return Array.from({ length: count }, (_, i) => dataset.get(i).label);
}

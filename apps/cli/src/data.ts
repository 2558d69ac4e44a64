import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { DataError, Rng, idxDataset, splitDataset } from 'receptive';
import type { Dataset } from 'receptive';
import { mnist } from 'receptive/node';

/** Images to train on, and others to test on. */
export interface Digits {
  readonly train: Dataset;
  readonly test: Dataset;
  /** What they are, for people. */
  readonly title: string;
}

const TRAINED_ON = 0.9;
/** Decides which digits are held out. It is the same in every run, so that the tests of two runs can be compared. */
const SPLIT_SEED = 1998;

/**
 * Digits of 28x28 pixels: those of MNIST's files in `directory`, or the bundled ones.
 * @throws DataError if a file is missing or is not what it has to be.
 */
export async function loadDigits(directory: string | null): Promise<Digits> {
  if (directory !== null) return readDirectory(directory);
  const parts = ['images-idx3', 'labels-idx1'].map((part) =>
    readFile(fileURLToPath(new URL(`../build/digits-${part}-ubyte`, import.meta.url))),
  );
  const [images, labels] = await Promise.all(parts);
  const [train, test] = splitDataset(idxDataset(images!, labels!), TRAINED_ON, new Rng(SPLIT_SEED));
  return { train, test, title: 'the bundled digits' };
}

async function readDirectory(directory: string): Promise<Digits> {
  const { train, test } = await mnist(directory);
  for (const { shape } of [train, test]) {
    const [, height, width] = shape;
    if (height !== 28 || width !== 28) {
      throw new DataError(`${directory} holds images of ${height}x${width} pixels, but those of digits are 28x28.`);
    }
  }
  return { train, test, title: directory };
}

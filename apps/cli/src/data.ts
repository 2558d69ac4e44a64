import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Rng, idxDataset, splitDataset } from 'receptive';
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

/** 28x28 digits: of MNIST's files in `directory`, or those that come with the program. */
export async function loadDigits(directory: string | null): Promise<Digits> {
  if (directory !== null) return { ...(await mnist(directory)), title: directory };
  const parts = ['images-idx3', 'labels-idx1'].map((part) =>
    readFile(fileURLToPath(new URL(`../build/digits-${part}-ubyte`, import.meta.url))),
  );
  const [images, labels] = await Promise.all(parts);
  const [train, test] = splitDataset(idxDataset(images!, labels!), TRAINED_ON, new Rng(SPLIT_SEED));
  return { train, test, title: 'the bundled digits' };
}

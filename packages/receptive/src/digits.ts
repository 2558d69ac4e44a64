import type { Dataset } from '@receptive/data';
import { DataError } from '@receptive/data';

/** Handwritten digits as `lenet5` takes them: grey, 32x32. */
export interface Digits {
  readonly train: Dataset;
  readonly test: Dataset;
}

/** What browsers get in place of the function that reads from the disk; see `node/digits.ts`. */
export async function digits(directory: string): Promise<Digits> {
  throw new DataError(
    `digits: a browser has no directory ${directory} to read. Fetch the images and the labels, and make a dataset of the bytes with idxDataset.`,
  );
}

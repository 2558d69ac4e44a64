import type { Dataset } from '@receptive/data';
import { mnist } from '@receptive/data/node';
import type { Digits } from '../digits.ts';

/**
 * Reads MNIST, or a set of the same form, from a directory with its four IDX files, gzipped or not, and adds a border of 2 pixels: 28x28 digits become the
 * 32x32 that `lenet5` takes.
 * @throws DataError if a file is missing or is not what it has to be.
 */
export async function digits(directory: string): Promise<Digits> {
  const { train, test } = await mnist(directory);
  return { train: bordered(train, 2), test: bordered(test, 2) };
}

/** The images of `dataset` in the middle of black ones that are larger by `border` pixels on each side. */
function bordered(dataset: Dataset, border: number): Dataset {
  const [channels, height, width] = dataset.shape;
  const shape = [channels, height + 2 * border, width + 2 * border] as const;
  const pixels = shape[0] * shape[1] * shape[2];
  return {
    ...dataset,
    shape,
    get(index) {
      const { image, label } = dataset.get(index);
      const larger = new Uint8Array(pixels);
      for (let row = 0; row < channels * height; row++) {
        const plane = Math.floor(row / height);
        const to = (plane * shape[1] + (row % height) + border) * shape[2] + border;
        larger.set(image.subarray(row * width, (row + 1) * width), to);
      }
      return { image: larger, label };
    },
  };
}

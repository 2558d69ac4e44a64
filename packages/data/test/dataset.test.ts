import { describe, expect, test } from 'vitest';
import { DataError, imageDataset, split, subset } from '@receptive/data';
import type { Dataset } from '@receptive/data';
import { Rng } from '@receptive/tensor';

/** `length` images of one pixel, its value and its label the image's number. */
function numbered(length: number): Dataset {
  const numbers = Uint8Array.from({ length }, (_, i) => i);
  return imageDataset(numbers, numbers, { shape: [1, 1, 1], classes: length });
}

const labels = (dataset: Dataset) => Array.from({ length: dataset.length }, (_, i) => dataset.get(i).label);

describe('imageDataset', () => {
  test('gives each image with its label', () => {
    const dataset = imageDataset(
      Uint8Array.from({ length: 24 }, (_, i) => i),
      [1, 0],
      { shape: [3, 2, 2], classes: 2 },
    );
    expect(dataset.get(1)).toEqual({ image: Uint8Array.from({ length: 12 }, (_, i) => 12 + i), label: 0 });
  });

  const shape = [1, 2, 2] as const;
  test.each<[string, () => Dataset, RegExp]>([
    ['no images', () => imageDataset(new Uint8Array(0), [], { shape, classes: 2 }), /The dataset is empty/],
    [
      'a label too few',
      () => imageDataset(new Uint8Array(8), [0], { shape, classes: 2 }),
      /There are 1 labels but 2 images of shape \[1, 2, 2\]/,
    ],
    [
      'a label that is no class',
      () => imageDataset(new Uint8Array(4), [2], { shape, classes: 2 }),
      /label of image 0 is 2, but with 2 classes labels are 0 to 1/,
    ],
    ['half a label', () => imageDataset(new Uint8Array(4), [0.5], { shape, classes: 2 }), /label of image 0 is 0\.5/],
    [
      'no height',
      () => imageDataset(new Uint8Array(0), [0], { shape: [1, 0, 2], classes: 2 }),
      /\[channels, height, width\]/,
    ],
  ])('refuses %s', (_, make, message) => {
    expect(make).toThrow(DataError);
    expect(make).toThrow(message);
  });
});

describe('subset and split', () => {
  test('a subset has the samples named, in that order', () => {
    expect(labels(subset(numbered(5), [3, 3, 0]))).toEqual([3, 3, 0]);
    expect(() => subset(numbered(5), [])).toThrow(/empty/);
  });

  test('a split has every sample once, and the fraction asked for', () => {
    const [first, second] = split(numbered(10), 0.3, new Rng(1));
    expect([first.length, second.length]).toEqual([3, 7]);
    expect([...labels(first), ...labels(second)].sort((a, b) => a - b)).toEqual(labels(numbered(10)));
    expect(labels(first)).not.toEqual([0, 1, 2]);
  });

  test('the same key splits alike, however much was drawn; another splits otherwise', () => {
    const drawn = new Rng(1);
    drawn.permutation(100);
    const [a, b, c] = [new Rng(1), drawn, new Rng(2)].map((rng) => labels(split(numbered(100), 0.5, rng)[0]));
    expect(b).toEqual(a);
    expect(c).not.toEqual(a);
  });

  test.each([0, 1, 0.01, -1, 2, NaN])('a fraction of %d leaves a part empty', (fraction) => {
    expect(() => split(numbered(10), fraction, new Rng(1))).toThrow(DataError);
  });
});

import { Rng, imageDataset } from 'receptive';
import { describe, expect, test } from 'vitest';
import { augmented } from '../src/augment.ts';

/** A square of 8x8 white pixels in the middle of 28x28 black ones, a hundred times. */
const square = Uint8Array.from({ length: 28 * 28 }, (_, i) =>
  [i % 28, Math.floor(i / 28)].every((place) => place >= 10 && place < 18) ? 255 : 0,
);
const COUNT = 100;
const images = new Uint8Array(COUNT * square.length);
for (let i = 0; i < COUNT; i++) images.set(square, i * square.length);
const labels = Uint8Array.from({ length: COUNT }, (_, i) => i % 10);
const squares = imageDataset(images, labels, { shape: [1, 28, 28], classes: 10 });

/** The images of an epoch. */
function epochOf(seed: number, epoch: number): Uint8Array[] {
  const dataset = augmented(squares, new Rng(seed), () => epoch);
  return Array.from({ length: COUNT }, (_, i) => dataset.get(i).image);
}

/** Sum of the greys, and its centre. */
function ink(image: Uint8Array): { readonly sum: number; readonly x: number; readonly y: number } {
  let [sum, x, y] = [0, 0, 0];
  image.forEach((grey, i) => {
    sum += grey;
    x += grey * (i % 28);
    y += grey * Math.floor(i / 28);
  });
  return { sum, x: x / sum, y: y / sum };
}

describe('augmented images', () => {
  test('depend on seed, epoch and place alone, whenever they are asked for', () => {
    const first = epochOf(1, 3);
    expect(epochOf(1, 3)).toEqual(first);
    const dataset = augmented(squares, new Rng(1), () => 3);
    expect(dataset.get(57).image).toEqual(first[57]);
    for (const other of [epochOf(2, 3), epochOf(1, 4), first.slice(1)]) expect(other[0]).not.toEqual(first[0]);
  });

  test('are the same digits, in the same number', () => {
    const dataset = augmented(squares, new Rng(1), () => 0);
    expect([dataset.length, dataset.shape, dataset.classes]).toEqual([COUNT, [1, 28, 28], 10]);
    for (let i = 0; i < COUNT; i++) expect(dataset.get(i).label).toBe(labels[i]);
    expect(squares.get(0).image).toEqual(square);
  });

  test('are shifted by at most 1.5 pixels, either way, and stretched by at most a tenth, either way', () => {
    const inks = epochOf(1, 0).map(ink);
    const { sum } = ink(square);
    for (const [least, most, values] of [
      [-1.5, 1.5, inks.map(({ x }) => x - 13.5)],
      [-1.5, 1.5, inks.map(({ y }) => y - 13.5)],
      // An image is looked at through a frame that is up to a tenth larger or smaller, in both directions.
      [1 / 1.1 ** 2, 1 / 0.9 ** 2, inks.map((found) => found.sum / sum)],
    ] as const) {
      // The square is drawn in whole pixels: it gains or loses a little by interpolation.
      const slack = 0.02;
      expect(Math.min(...values)).toBeGreaterThan(least - slack);
      expect(Math.max(...values)).toBeLessThan(most + slack);
      // And not all by much less.
      expect(Math.max(...values) - Math.min(...values)).toBeGreaterThan(0.7 * (most - least));
    }
  });
});

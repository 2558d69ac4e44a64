import { describe, expect, test } from 'vitest';
import {
  augment,
  DataError,
  imageDataset,
  randomAffine,
  randomCrop,
  randomHorizontalFlip,
  subset,
} from '@receptive/data';
import type { Augmentation, Dataset, ImageShape } from '@receptive/data';
import { Rng } from '@receptive/tensor';

const COUNT = 100;
const labels = Uint8Array.from({ length: COUNT }, (_, i) => i % 10);

/** One image, a hundred times. */
function copies(image: Uint8Array, shape: ImageShape): Dataset {
  const images = new Uint8Array(COUNT * image.length);
  for (let i = 0; i < COUNT; i++) images.set(image, i * image.length);
  return imageDataset(images, labels, { shape, classes: 10 });
}

/** All images of a dataset, in an epoch. */
const all = (dataset: Dataset, epoch?: number) =>
  Array.from({ length: dataset.length }, (_, i) => [...dataset.get(i, epoch).image]);

/** A square of 8x8 white pixels in the middle of 28x28 black ones. */
const square = Uint8Array.from({ length: 28 * 28 }, (_, i) =>
  [i % 28, Math.floor(i / 28)].every((place) => place >= 10 && place < 18) ? 255 : 0,
);
const squares = copies(square, [1, 28, 28]);
const distortion = randomAffine({ degrees: 8, stretch: 0.1, shift: 1.5 });

/** Two channels of 2x3 pixels, no two of which are alike. */
const numbered = copies(
  Uint8Array.from({ length: 12 }, (_, i) => i + 1),
  [2, 2, 3],
);

describe('augmented images', () => {
  const epochOf = (seed: number, epoch: number) => all(augment(squares, new Rng(seed), distortion), epoch);

  test('depend on key, epoch and place alone, whenever they are asked for', () => {
    const first = epochOf(1, 3);
    expect(epochOf(1, 3)).toEqual(first);
    const rng = new Rng(1);
    rng.bits(100);
    const dataset = augment(squares, rng, distortion);
    expect([...dataset.get(57, 3).image]).toEqual(first[57]);
    expect([...subset(dataset, [5, 57]).get(1, 3).image]).toEqual(first[57]);
    for (const other of [epochOf(2, 3), epochOf(1, 4), first.slice(1)]) expect(other[0]).not.toEqual(first[0]);
    expect(all(dataset)).toEqual(epochOf(1, 0));
  });

  test('are the same images, in the same number, and those they are made of stay as they are', () => {
    const dataset = augment(squares, new Rng(1), distortion, randomHorizontalFlip(1), randomCrop(20));
    expect([dataset.length, dataset.shape, dataset.classes]).toEqual([COUNT, [1, 20, 20], 10]);
    for (let i = 0; i < COUNT; i++) expect(dataset.get(i).label).toBe(labels[i]);
    expect(squares.get(0).image).toEqual(square);
  });

  test('are changed by one augmentation after the other, which draw in turn', () => {
    const rng = new Rng(4);
    const both = augment(numbered, rng, randomCrop([2, 2]), randomHorizontalFlip());
    const cut = augment(numbered, rng, randomCrop([2, 2]));
    let flips = 0;
    for (let i = 0; i < COUNT; i++) {
      const [image, plain] = [[...both.get(i).image], [...cut.get(i).image]];
      const mirrored = [1, 0, 3, 2, 5, 4, 7, 6].map((from) => plain[from]);
      const flipped = image[0] !== plain[0];
      expect(image).toEqual(flipped ? mirrored : plain);
      if (flipped) flips++;
    }
    expect(flips).toBeGreaterThan(COUNT / 4);
    expect(flips).toBeLessThan((3 * COUNT) / 4);
  });
});

/** Sum of the greys, and its centre. */
function ink(image: readonly number[]): { readonly sum: number; readonly x: number; readonly y: number } {
  let [sum, x, y] = [0, 0, 0];
  image.forEach((grey, i) => {
    sum += grey;
    x += grey * (i % 28);
    y += grey * Math.floor(i / 28);
  });
  return { sum, x: x / sum, y: y / sum };
}

describe('randomAffine', () => {
  test('shifts by at most so many pixels, either way, and stretches by at most such a share, either way', () => {
    const inks = all(augment(squares, new Rng(1), distortion)).map(ink);
    const { sum } = ink([...square]);
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

  test('turns by at most so many degrees, either way', () => {
    // A bar along the middle row, whose ends rise and fall.
    const bar = Uint8Array.from({ length: 28 * 28 }, (_, i) => (Math.floor(i / 28) === 14 ? 255 : 0));
    const slopes = all(augment(copies(bar, [1, 28, 28]), new Rng(1), randomAffine({ degrees: 20 }))).map((image) => {
      const height = (x: number) => {
        const column = Array.from({ length: 28 }, (_, y) => image[y * 28 + x]!);
        return column.reduce((sum, grey, y) => sum + grey * y, 0) / column.reduce((sum, grey) => sum + grey, 0);
      };
      return (Math.atan((height(20) - height(7)) / 13) * 180) / Math.PI;
    });
    expect(Math.min(...slopes)).toBeGreaterThan(-20.5);
    expect(Math.max(...slopes)).toBeLessThan(20.5);
    expect(Math.max(...slopes) - Math.min(...slopes)).toBeGreaterThan(30);
  });

  test('by nothing leaves every pixel as it is, those at the border too', () => {
    expect(all(augment(numbered, new Rng(1), randomAffine({})))).toEqual(all(numbered));
  });

  test('lets what leaves the image fade into black', () => {
    const white = copies(new Uint8Array(16).fill(255), [1, 4, 4]);
    const edges = all(augment(white, new Rng(1), randomAffine({ shift: 0.9 }))).map((image) => image[0]!);
    // Where the corner comes from lies up to 0.9 pixels outside: 255 * (1 - 0.9)^2 is what is left of it.
    expect(Math.min(...edges)).toBeGreaterThanOrEqual(3);
    expect(Math.min(...edges)).toBeLessThan(80);
    expect(Math.max(...edges)).toBe(255);
  });
});

describe('randomHorizontalFlip', () => {
  test('mirrors every row of every channel', () => {
    expect([...augment(numbered, new Rng(1), randomHorizontalFlip(1)).get(0).image]).toEqual([
      3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10,
    ]);
    expect(all(augment(numbered, new Rng(1), randomHorizontalFlip(0)))).toEqual(all(numbered));
  });
});

describe('randomCrop', () => {
  test('cuts at every place, all channels at the same one', () => {
    const found = all(augment(numbered, new Rng(1), randomCrop([1, 2])));
    const places = [0, 1, 3, 4].map((place) => [1, 2, 7, 8].map((first) => place + first));
    expect([...new Set(found.map(String))].sort()).toEqual(places.map(String).sort());
  });

  test('sees black around the image where it has got a border', () => {
    const dataset = augment(numbered, new Rng(1), randomCrop([2, 3], { padding: 1 }));
    const found = new Set(all(dataset).map(String));
    expect(dataset.shape).toEqual([2, 2, 3]);
    expect(found.size).toBe(9);
    expect(found).toContain(String([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]));
    expect(found).toContain(String([0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 7, 8]));
    expect(found).toContain(String([5, 6, 0, 0, 0, 0, 11, 12, 0, 0, 0, 0]));
  });

  test('sees nothing but black far from it', () => {
    const far = all(augment(numbered, new Rng(2), randomCrop(1, { padding: 9 })));
    expect(far.filter((image) => image.every((pixel) => pixel === 0)).length).toBeGreaterThan(COUNT / 2);
  });
});

test.each<[string, () => Augmentation | Dataset, RegExp]>([
  ['a turn by less than nothing', () => randomAffine({ degrees: -1 }), /degrees is -1, stretch 0 and shift 0/],
  ['a stretch to nothing', () => randomAffine({ stretch: 1 }), /below 1, but .* stretch 1/],
  ['an endless shift', () => randomAffine({ shift: Infinity }), /shift Infinity/],
  ['no probability', () => randomHorizontalFlip(1.5), /probability from 0 to 1, but was given 1.5/],
  ['a crop of nothing', () => randomCrop([0, 4]), /height is 0, width 4 and padding 0/],
  ['half a border', () => randomCrop(4, { padding: 0.5 }), /padding 0.5/],
  [
    'a crop that is larger than the images after the crop before',
    () => augment(squares, new Rng(1), randomCrop(20), randomCrop(22, { padding: 0 })),
    /randomCrop cannot cut 22 x 22 out of images of 20 x 20 with a border of 0/,
  ],
])('refused: %s', (_, make, message) => {
  expect(make).toThrow(DataError);
  expect(make).toThrow(message);
});

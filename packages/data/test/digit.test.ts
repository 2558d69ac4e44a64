import { describe, expect, test } from 'vitest';
import { DataError, digitFromImage } from '@receptive/data';
import type { Image } from '@receptive/data';
import { mnist } from '@receptive/data/node';

/** A picture whose pixels are given by their place; `channels` numbers each. */
function picture(width: number, height: number, paint: (x: number, y: number) => number | readonly number[]): Image {
  const data = Array.from({ length: width * height }, (_, i) => paint(i % width, Math.floor(i / width))).flat();
  return {
    width,
    height,
    channels: (data.length / (width * height)) as Image['channels'],
    data: Uint8Array.from(data),
  };
}

/** The rows of a digit between the first and the last that has ink, and likewise the columns. */
function extent({ width, height, data }: Image) {
  const at = Array.from(data.keys()).filter((i) => data[i]! > 0);
  const [xs, ys] = [at.map((i) => i % width), at.map((i) => Math.floor(i / width))];
  const box = { left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys) };
  return { ...box, size: [width, height] };
}

const inside = (x: number, y: number) => x >= 30 && x < 50 && y >= 100 && y < 180;
/** A bar of 20x80 in a picture of 200x300: 5x20 in the box, at columns 12 to 16 and rows 4 to 23, its centre of mass at (14, 13.5). */
const bar = { left: 12, right: 16, top: 4, bottom: 23, size: [28, 28] };

describe('a digit is brought into the form of MNIST', () => {
  test.each<[string, Image]>([
    ['black on white', picture(200, 300, (x, y) => (inside(x, y) ? 0 : 255))],
    ['white on black', picture(200, 300, (x, y) => (inside(x, y) ? 255 : 0))],
    ['dark on light grey', picture(200, 300, (x, y) => (inside(x, y) ? 60 : 180))],
    ['blue on yellow', picture(200, 300, (x, y) => (inside(x, y) ? [0, 0, 255] : [255, 255, 0]))],
    ['black on transparent black', picture(200, 300, (x, y) => [0, inside(x, y) ? 255 : 0])],
    ['red on transparent black', picture(200, 300, (x, y) => [255, 0, 0, inside(x, y) ? 255 : 0])],
    ['on unevenly lit paper', picture(200, 300, (x, y) => (inside(x, y) ? 20 : 200 + ((x * 7 + y * 13) % 16)))],
  ])('%s', (_, image) => {
    const digit = digitFromImage(image);
    expect(extent(digit)).toEqual(bar);
    expect(digit.data[14 * 28 + 14]).toBe(255);
  });

  test('a stroke may run to the edge of the picture', () => {
    expect(extent(digitFromImage(picture(100, 80, (x) => (x >= 40 && x < 60 ? 0 : 255))))).toEqual(bar);
  });

  test('the aspect is kept, lying as well as standing', () => {
    const lying = digitFromImage(picture(300, 200, (x, y) => (inside(y, x) ? 0 : 255)));
    expect(extent(lying)).toEqual({ left: 4, right: 23, top: 12, bottom: 16, size: [28, 28] });
  });

  test('the centre of mass goes to the middle, not that of the box', () => {
    // A bar of 10x100 with a block of 40x50 at its upper right: 10x20 in the box, the upper half full, the lower half two columns.
    const flag = picture(200, 200, (x, y) =>
      ((x >= 50 && x < 60) || (x >= 60 && x < 100 && y < 100)) && y >= 50 && y < 150 ? 0 : 255,
    );
    const { left, top } = extent(digitFromImage(flag));
    // By hand: mass 100 at x = 4.5 (columns 0 to 9), y = 4.5 (rows 0 to 9), and 20 at x = 0.5, y = 14.5: centre (3.83, 6.17), rounded (4, 6).
    expect([left, top]).toEqual([14 - 4, 14 - 6]);
  });

  test('a small picture is scaled up', () => {
    expect(extent(digitFromImage(picture(12, 14, (x, y) => (x === 5 && y >= 2 && y < 12 ? 0 : 255))))).toMatchObject({
      top: 4,
      bottom: 23,
    });
    expect(extent(digitFromImage(picture(3, 3, (x, y) => (x === 1 && y === 1 ? 0 : 255))))).toMatchObject({
      left: 4,
      right: 23,
      top: 4,
      bottom: 23,
    });
  });

  test.each<[string, Image]>([
    ['white', picture(20, 20, () => 255)],
    ['black', picture(20, 20, () => 0)],
    ['a single pixel', picture(1, 1, () => 0)],
    ['wholly transparent', picture(20, 20, () => [0, 0, 0, 0])],
    ['almost even', picture(20, 20, (x, y) => (x === y ? 230 : 255))],
    ['noise', picture(40, 40, (x, y) => (x * 7919 + y * 104729 + x * y * 31) % 256)],
  ])('a picture that is %s has no digit', (_, image) => {
    expect(() => digitFromImage(image)).toThrow(DataError);
    expect(() => digitFromImage(image)).toThrow(/No digit stands out/);
  });
});

test('a digit of MNIST stays what it is', { timeout: 20_000 }, async ({ skip }) => {
  const files = process.env['RECEPTIVE_MNIST'] ?? '';
  skip(files === '', 'RECEPTIVE_MNIST does not name a directory with the files of MNIST');
  const { test: held } = await mnist(files);
  let same = 0;
  for (let i = 0; i < 1000; i++) {
    const { image } = held.get(i);
    const digit = digitFromImage({ width: 28, height: 28, channels: 1, data: image });
    if (image.every((pixel, at) => Math.abs(pixel - digit.data[at]!) <= 2)) same++;
  }
  // The others have faint ink far from their outline, which is taken for noise.
  expect(same).toBeGreaterThan(970);
});

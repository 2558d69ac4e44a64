import { describe, expect, test } from 'vitest';
import { framed } from '../src/frame.ts';
import type { Image } from '../src/image.ts';

const picture = (width: number, height: number, channels: Image['channels'], ...data: number[]): Image => ({
  width,
  height,
  channels,
  data: Uint8Array.from(data),
});

/** A grey picture of one row, brought to `width` pixels. */
const row = (width: number, ...greys: number[]) => [
  ...framed(picture(greys.length, 1, 1, ...greys), { shape: [1, 1, width], resize: 1 }),
];

describe('a picture is scaled', () => {
  test('up, by interpolation: between the centres of its pixels linearly, beyond them not at all', () => {
    // The result's pixels lie at -0.25, 0.25, 0.75 and 1.25 of the picture's.
    const up = framed(picture(2, 1, 1, 0, 100), { shape: [1, 2, 4], resize: 1 });
    expect([...up]).toEqual([0, 25, 75, 100, 0, 25, 75, 100]);
  });

  test('down, weighing by a triangle', () => {
    // Distances 0.5, 0.5 and 1.5 of a reach of 2 weigh 3, 3 and 1.
    const small = framed(
      picture(4, 4, 1, ...[7, 14, 21, 70], ...[7, 14, 21, 70], ...[7, 14, 21, 70], ...[7, 14, 21, 70]),
      { shape: [1, 2, 2], resize: 1 },
    );
    expect([...small]).toEqual([12, 41, 12, 41]);
  });

  test('not at all, where it has the size', () => {
    const pixels = [1, 2, 3, 4, 5, 6];
    expect([...framed(picture(3, 2, 1, ...pixels), { shape: [1, 2, 3], resize: 1 })]).toEqual(pixels);
  });
});

describe('the middle is cut out', () => {
  test('of what is wider or higher than the frame', () => {
    expect(row(1, 1, 2, 3)).toEqual([2]);
    expect(row(3, 1, 2, 3, 4, 5)).toEqual([2, 3, 4]);
    expect([...framed(picture(1, 3, 1, 1, 2, 3), { shape: [1, 1, 1], resize: 1 })]).toEqual([2]);
  });

  test('of a picture whose shorter side is brought to `resize` before', () => {
    const pixels = Array.from({ length: 16 }, (_, i) => 10 * i);
    expect([...framed(picture(4, 4, 1, ...pixels), { shape: [1, 2, 2], resize: 4 })]).toEqual([50, 60, 90, 100]);
  });

  test('of a picture however long, in no more room than the frame takes', () => {
    const long: Image = { width: 2 ** 20, height: 1, channels: 1, data: new Uint8Array(2 ** 20).fill(9) };
    expect(framed(long, { shape: [3, 50, 50], resize: 1 })).toEqual(new Uint8Array(7500).fill(9));
  });
});

describe('its channels become', () => {
  const colour = [10, 20, 30];
  test.each<[string, Image, channels: number, number[]]>([
    ['RGB one after the other', picture(2, 1, 3, ...colour, 40, 50, 60), 3, [10, 40, 20, 50, 30, 60]],
    ['RGB without alpha', picture(1, 1, 4, ...colour, 0), 3, colour],
    ['RGB of grey', picture(2, 1, 1, 7, 8), 3, [7, 8, 7, 8, 7, 8]],
    ['RGB of grey and alpha', picture(1, 1, 2, 7, 0), 3, [7, 7, 7]],
    // 0.299 * 10 + 0.587 * 20 + 0.114 * 30 = 18.15
    ['luma', picture(1, 1, 3, ...colour), 1, [18]],
    ['luma without alpha', picture(1, 1, 4, ...colour, 128), 1, [18]],
    ['grey', picture(1, 1, 2, 7, 128), 1, [7]],
  ])('%s', (_, image, channels, expected) => {
    const shape = [channels, image.height, image.width] as const;
    expect([...framed(image, { shape, resize: 1 })]).toEqual(expected);
  });
});

import { describe, expect, test } from 'vitest';
import { filters, VisualError } from '@receptive/visual';
import { pixelsOf } from './pixels.ts';

const [blue, white, red, gap] = [
  [33, 102, 172],
  [247, 247, 247],
  [178, 24, 43],
  [56, 56, 60],
];

const zeros = (...shape: number[]) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b)) });

describe('filters', () => {
  test('draws weights red, white and blue by their sign, each filter by its own largest', () => {
    const { width, height, at } = pixelsOf(
      filters({ shape: [2, 1, 1, 3], data: [-2, 0, 1, 0.01, -0.01, 0] }, { scale: 10, columns: 1 }),
    );
    expect([width, height]).toEqual([30 + 2 * 4, 2 * 10 + 3 * 4]);
    expect([at(0, 0), at(4, 4), at(14, 4)]).toEqual([gap, blue, white]);
    // Half way from white to red: (247 + 178) / 2 and so on, rounded up.
    expect(at(24, 13)).toEqual([213, 136, 145]);
    expect([at(33, 13), at(34, 13), at(4, 14)]).toEqual([[213, 136, 145], gap, gap]);
    expect([at(4, 18), at(14, 18), at(24, 18)]).toEqual([red, blue, white]);
  });

  test('draws filters of three channels in colour, zero as grey', () => {
    // Two filters of one weight a channel: red with no green, against blue; and nothing at all.
    const { width, at } = pixelsOf(filters({ shape: [2, 3, 1, 1], data: [1, 0, -1, 0, 0, 0] }, { scale: 8 }));
    expect(width).toBe(2 * 8 + 3 * 4);
    expect(at(4, 4)).toEqual([255, 128, 0]);
    expect(at(16, 4)).toEqual([128, 128, 128]);
  });

  test('gives a filter of many channels a row', () => {
    const { width, height } = pixelsOf(filters({ shape: [4, 2, 5, 5], data: new Float32Array(200) }, { scale: 1 }));
    expect([width, height]).toEqual([2 * 9 + 4, 4 * 9 + 4]);
  });

  test('lays one-channel filters out about square, with the gap for what is missing', () => {
    const { width, height, at } = pixelsOf(
      filters({ shape: [5, 1, 2, 2], data: new Float32Array(20).fill(1) }, { scale: 2 }),
    );
    expect([width, height]).toEqual([3 * 8 + 4, 2 * 8 + 4]);
    expect([at(12, 12), at(20, 12)]).toEqual([red, gap]);
  });

  test('scales a filter to some 80 pixels by itself', () => {
    const sizes = [1, 3, 5, 11, 200].map((kernel) => pixelsOf(filters(zeros(1, 1, kernel, kernel))).width - 2 * 4);
    expect(sizes).toEqual([80, 81, 80, 77, 200]);
  });

  test('gives the same bytes for the same weights', () => {
    const weights = { shape: [6, 1, 5, 5], data: Float32Array.from({ length: 150 }, (_, i) => Math.sin(i)) };
    expect(filters(weights)).toEqual(filters(weights));
  });

  test.each<[string, () => Uint8Array, RegExp]>([
    ['three axes', () => filters(zeros(6, 5, 5)), /shape \[out, in, height, width\], but was given \[6, 5, 5\]/],
    ['no filters', () => filters(zeros(0, 1, 5, 5)), /was given \[0, 1, 5, 5\]/],
    ['too few numbers', () => filters({ shape: [6, 1, 5, 5], data: [1] }), /are 150 numbers, but 1 were given/],
    ['NaN', () => filters({ shape: [1, 1, 1, 2], data: [0, NaN] }), /Weight 1 is NaN/],
    ['no scale', () => filters(zeros(1, 1, 1, 1), { scale: 0 }), /scale must be a whole number from 1, but is 0/],
    ['half a column', () => filters(zeros(1, 1, 1, 1), { columns: 0.5 }), /columns must be a whole number from 1/],
    [
      'a picture too large',
      () => filters(zeros(512, 512, 3, 3)),
      /would be 43524 x 43524 pixels. Take a smaller scale/,
    ],
  ])('refuses %s', (_, draw, message) => {
    expect(draw).toThrow(VisualError);
    expect(draw).toThrow(message);
  });
});

import { describe, expect, test } from 'vitest';
import { mistakes, VisualError } from '@receptive/visual';
import type { Judged } from '@receptive/visual';
import { pixelsOf } from './pixels.ts';

/** Four grey images of 28x28, each of one brightness; the second and the fourth are wrong. */
const judged: Judged = {
  images: {
    shape: [4, 1, 28, 28],
    data: Uint8Array.from({ length: 4 * 784 }, (_, i) => 50 * (1 + Math.floor(i / 784))),
  },
  predictions: [0, 7, 2, 9],
  truths: [0, 1, 2, 3],
  confidences: [1, 0.6, 1, 0.97],
};
/** The title takes 14 pixels and 12 above and below; a cell an image of 84, 6, a caption of 14, and 12. */
const [above, cell] = [38, 84 + 6 + 14 + 12];

const bytes = (...shape: number[]) => ({ shape, data: new Uint8Array(shape.reduce((a, b) => a * b)) });

describe('mistakes', () => {
  test('shows the misclassified images, the surest first', () => {
    const { width, height, at } = pixelsOf(mistakes(judged));
    // Captions of seven characters, of 12 pixels each, are as wide as an image; the title is wider.
    expect([width, height]).toEqual(['2 of 4 wrong  truth→prediction'.length * 12 + 2 * 12, above + cell]);
    expect([at(12, above), at(95, above + 83)]).toEqual([
      [200, 200, 200],
      [200, 200, 200],
    ]);
    expect(at(12 + 84 + 12, above)).toEqual([100, 100, 100]);
    expect(at(96, above)).toEqual([255, 255, 255]);
  });

  test('writes truth, prediction and confidence below each', () => {
    const { at } = pixelsOf(mistakes(judged));
    const top = above + 84 + 6;
    const written = (left: number) =>
      Array.from({ length: 7 }, (_, y) =>
        Array.from({ length: 5 }, (__, x) => (at(left + 2 * x, top + 2 * y)[1] === 255 ? ' ' : '#')).join(''),
      );
    expect(written(12)).toEqual(['#####', '   # ', '  #  ', '   # ', '    #', '#   #', ' ### ']); // 3
    expect(written(12 + 24)).toEqual([' ### ', '#   #', '#   #', ' ####', '    #', '   # ', ' ##  ']); // 9
    expect(written(12 + 48)).toEqual(written(12 + 24)); // of 97 %
    expect(at(12, top)).toEqual([21, 128, 61]);
    expect(at(12 + 26, top)).toEqual([185, 28, 28]);
  });

  test('shows no more than asked for, in as many columns', () => {
    const one = pixelsOf(mistakes(judged, { limit: 1 }));
    expect([one.at(12, above), one.at(12 + 84 + 12, above)]).toEqual([
      [200, 200, 200],
      [255, 255, 255],
    ]);
    const two = pixelsOf(mistakes(judged, { columns: 1, scale: 1 }));
    expect(two.height).toBe(above + 2 * (cell - 56));
    expect([two.at(12, above), two.at(12, above + cell - 56)]).toEqual([
      [200, 200, 200],
      [100, 100, 100],
    ]);
  });

  test('keeps the order of images it was equally sure of', () => {
    const { at } = pixelsOf(mistakes({ ...judged, confidences: [1, 0.5, 1, 0.5] }));
    expect([at(12, above), at(12 + 84 + 12, above)]).toEqual([
      [100, 100, 100],
      [200, 200, 200],
    ]);
  });

  test('without a mistake says so', () => {
    const { width, height } = pixelsOf(mistakes({ ...judged, predictions: judged.truths }));
    expect([width, height]).toEqual(['0 of 4 wrong'.length * 12 + 24, above]);
  });

  test('draws numbers from 0 to 1, and colours', () => {
    const images = { shape: [1, 3, 1, 2], data: Float32Array.of(0, 1, 0.2, 2, 0.4, -1) };
    const { at } = pixelsOf(mistakes({ images, predictions: [0], truths: [1], confidences: [0.5] }, { scale: 1 }));
    expect([at(12, above), at(13, above)]).toEqual([
      [0, 51, 102],
      [255, 255, 0],
    ]);
  });

  test.each<[string, Partial<Judged>, RegExp]>([
    ['three axes', { images: bytes(4, 28, 28) }, /shape \[n, 1 or 3, height, width\], but was given \[4, 28, 28\]/],
    ['two channels', { images: bytes(4, 2, 28, 28) }, /was given \[4, 2, 28, 28\]/],
    ['too few pixels', { images: { shape: [4, 1, 28, 28], data: [0] } }, /are 3136 numbers, but 1 were given/],
    ['too few truths', { truths: [1] }, /There are 4 images but 1 truths/],
    ['too many predictions', { predictions: [1, 2, 3, 4, 5] }, /4 images but 5 predictions/],
    [
      'a confidence above 1',
      { confidences: [1, 1, 97, 1] },
      /confidence of image 2 is 97, but must lie between 0 and 1/,
    ],
    ['a confidence that is none', { confidences: [NaN, 1, 1, 1] }, /confidence of image 0 is NaN/],
  ])('refuses %s', (_, change, message) => {
    expect(() => mistakes({ ...judged, ...change })).toThrow(VisualError);
    expect(() => mistakes({ ...judged, ...change })).toThrow(message);
  });
});

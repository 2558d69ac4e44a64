import { expect, test } from 'vitest';
import { Canvas } from '@receptive/visual';
import { pixelsOf } from './pixels.ts';

test('a disc is round, smooth at its edge, and may lie between pixels and beyond the picture', () => {
  const canvas = new Canvas(9, 9, [255, 255, 255]);
  canvas.disc(4.5, 4.5, 2, [55, 0, 0]);
  canvas.disc(0, 9, 1, [0, 0, 255]);
  const { at } = pixelsOf(canvas.toPng());
  expect([at(4, 4), at(4, 3), at(5, 5)]).toEqual([
    [55, 0, 0],
    [55, 0, 0],
    [55, 0, 0],
  ]);
  // Two pixels from the middle the edge passes: half of the way between both colours.
  expect([at(4, 2), at(6, 4)]).toEqual([
    [155, 128, 128],
    [155, 128, 128],
  ]);
  expect([at(4, 1), at(6, 6)]).toEqual([
    [255, 255, 255],
    [255, 255, 255],
  ]);
  expect(at(0, 8)[0]).toBeLessThan(100);
  expect([at(8, 0), at(8, 8)]).toEqual([
    [255, 255, 255],
    [255, 255, 255],
  ]);
});

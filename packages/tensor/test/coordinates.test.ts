import { reference } from '@receptive/backend/reference';
import { addCoordinates, ones, setBackend, slice, tensor } from '@receptive/tensor';
import type { CoordinateOptions, Tensor } from '@receptive/tensor';
import { expect, test } from 'vitest';
import { numbersOf, random } from './harness.ts';

setBackend(reference());

/** The channels that are appended to an input of one image and one channel. */
function appended(spatial: readonly number[], options?: CoordinateOptions): number[][] {
  const y = addCoordinates(ones([1, 1, ...spatial], { dtype: 'float64' }), options);
  const channels = Array.from({ length: y.shape[1]! - 1 }, (_, k) => k + 1);
  return channels.map((k) => numbersOf(slice(y, [0, k], [1, k + 1])));
}

test('rows, then columns, from -1 to 1', () => {
  expect(appended([3, 2])).toEqual([
    [-1, -1, 0, 0, 1, 1],
    [-1, 1, -1, 1, -1, 1],
  ]);
  expect(appended([5])).toEqual([[-1, -0.5, 0, 0.5, 1]]);
});

test('withR: the distance from the middle, over all axes', () => {
  const corner = Math.SQRT2;
  expect(appended([3, 3], { withR: true })[2]).toEqual([corner, 1, corner, 1, 0, 1, corner, 1, corner]);
  expect(appended([3], { withR: true })[1]).toEqual([1, 0, 1]);
  expect(appended([2, 2, 2], { withR: true })[3]!.map((r) => r.toFixed(12))).toEqual(
    new Array<string>(8).fill(Math.sqrt(3).toFixed(12)),
  );
});

test('an axis of length 1 has its only place in the middle', () => {
  expect(appended([1, 3], { withR: true })).toEqual([
    [0, 0, 0],
    [-1, 0, 1],
    [1, 0, 1],
  ]);
});

test('each image keeps its channels, and gets the same coordinates', () => {
  const x = random([2, 3, 4, 5]);
  const y = addCoordinates(x, { withR: true });
  expect(y.shape).toEqual([2, 6, 4, 5]);
  expect(numbersOf(slice(y, [0, 0], [2, 3]))).toEqual(numbersOf(x));
  const [first, second] = [slice(y, [0, 3], [1]), slice(y, [1, 3], [2])];
  expect(numbersOf(first)).toEqual(numbersOf(second));
});

test('the result has the type of the input, and nothing else is left of it', () => {
  const backend = reference();
  setBackend(backend);
  const x = ones([1, 1, 2, 2]);
  const before = backend.memory();
  const y: Tensor = addCoordinates(x);
  expect(y.dtype).toBe('float32');
  y.dispose();
  expect(backend.memory()).toEqual(before);
});

test('refuses what has no places, and what is no float', () => {
  expect(() => addCoordinates(ones([2, 3]))).toThrow(
    'addCoordinates: needs an input [N, C, ...spatial] with at least one spatial axis, but was given [2, 3].',
  );
  expect(() => addCoordinates(tensor([1], { shape: [1, 1, 1], dtype: 'uint8' }))).toThrow('works on floats');
});

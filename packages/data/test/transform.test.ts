import { describe, expect, test } from 'vitest';
import { compose, DataError, digitTransform, normalize, pad, stack, toRange } from '@receptive/data';
import type { Images } from '@receptive/data';

const images = (shape: Images['shape'], ...values: number[]): Images => ({ shape, data: Float32Array.from(values) });

test('stack makes numbers from 0 to 1 of pixels', () => {
  const batch = stack([Uint8Array.of(0, 255), Uint8Array.of(51, 102)], [1, 1, 2]);
  expect(batch).toEqual(images([2, 1, 1, 2], 0, 1, 0.2, 0.4));
  expect(() => stack([Uint8Array.of(1)], [1, 1, 2])).toThrow(/Image 0 has 1 pixels, but shape \[1, 1, 2\] takes 2/);
});

describe('normalize', () => {
  test('by one mean and deviation', () => {
    expect(normalize({ mean: 0.5, std: 0.25 })(images([1, 2, 1, 1], 0, 1))).toEqual(images([1, 2, 1, 1], -2, 2));
  });

  test('by one for each channel', () => {
    const batch = images([2, 2, 1, 2], 1, 2, 3, 4, 5, 6, 7, 8);
    expect(normalize({ mean: [1, 3], std: [1, 0.5] })(batch)).toEqual(images([2, 2, 1, 2], 0, 1, 0, 2, 4, 5, 8, 10));
  });

  test('refuses what would make infinities, and lists of another length', () => {
    expect(() => normalize({ mean: 0, std: 0 })).toThrow(DataError);
    expect(() => normalize({ mean: NaN, std: 1 })).toThrow(/finite means and positive deviations/);
    expect(() => normalize({ mean: [0, 0], std: 1 })(images([1, 3, 1, 1], 1, 2, 3))).toThrow(
      /given 2 .* have 3 channels/,
    );
  });
});

test('toRange maps 0 and 1', () => {
  expect(toRange(-1, 3)(images([1, 1, 1, 3], 0, 0.5, 1))).toEqual(images([1, 1, 1, 3], -1, 1, 3));
});

describe('pad', () => {
  test('puts a border around every channel of every image', () => {
    const padded = pad(1, 9)(images([1, 2, 1, 2], 1, 2, 3, 4));
    expect(padded.shape).toEqual([1, 2, 3, 4]);
    expect([...padded.data.subarray(0, 12)]).toEqual([9, 9, 9, 9, 9, 1, 2, 9, 9, 9, 9, 9]);
    expect([...padded.data.subarray(12)]).toEqual([9, 9, 9, 9, 9, 3, 4, 9, 9, 9, 9, 9]);
  });

  test('by nothing changes nothing, and by less is refused', () => {
    expect(pad(0)(images([1, 1, 1, 1], 5))).toEqual(images([1, 1, 1, 1], 5));
    expect(() => pad(-1)).toThrow(DataError);
    expect(() => pad(1.5)).toThrow(/whole number of pixels from 0, but was given 1.5/);
  });
});

test('compose does one after the other', () => {
  const transform = compose(toRange(0, 2), pad(1), toRange(1, 2));
  expect(transform(images([1, 1, 1, 1], 3)).data).toEqual(Float32Array.of(1, 1, 1, 1, 7, 1, 1, 1, 1));
});

test('digitTransform makes of digits what LeNet-5 is fed', () => {
  const { shape, data } = digitTransform(stack([new Uint8Array(784).fill(255)], [1, 28, 28]));
  expect(shape).toEqual([1, 1, 32, 32]);
  expect(data[0]).toBeCloseTo((0 - 0.1307) / 0.3081, 5);
  expect(data[2 * 32 + 2]).toBeCloseTo((1 - 0.1307) / 0.3081, 5);
  expect(data[1 * 32 + 2]).toBe(data[0]);
});

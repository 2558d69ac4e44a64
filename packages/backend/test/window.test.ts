import { describe, expect, test } from 'vitest';
import type { Padding, Window } from '@receptive/backend';
import { broadcastStrides, resolvePadding, sizeOf, stridesOf, windowOutput, windowSpan } from '@receptive/backend';

/** A window along one axis, with the padding a user would write. */
function along(
  length: number,
  kernel: number,
  { stride = 1, dilation = 1, padding = 0 }: { stride?: number; dilation?: number; padding?: Padding } = {},
) {
  const window = { kernel: [kernel], stride: [stride], dilation: [dilation] };
  const full: Window = { ...window, padding: resolvePadding(padding, [length], window) };
  return { padding: full.padding[0], output: windowOutput([length], full)[0] };
}

describe('windowOutput is floor((n + 2p - f) / s) + 1', () => {
  test.each([
    // n, f, p, s, output
    [6, 3, 0, 1, 4],
    [6, 3, 0, 2, 2],
    [7, 3, 0, 2, 3],
    [5, 3, 1, 1, 5],
    [227, 11, 0, 4, 55],
    [32, 5, 0, 1, 28],
    [28, 2, 0, 2, 14],
    [3, 3, 0, 1, 1],
    [3, 3, 0, 5, 1],
  ])('n %i, f %i, p %i, s %i: %i', (n, f, p, s, expected) => {
    expect(along(n, f, { stride: s, padding: p }).output).toBe(expected);
  });

  test('a dilated window spans d (f - 1) + 1', () => {
    expect(windowSpan(3, 1)).toBe(3);
    expect(windowSpan(3, 2)).toBe(5);
    expect(windowSpan(1, 7)).toBe(1);
    expect(along(7, 3, { dilation: 2 }).output).toBe(3);
  });

  test('a window that does not fit gives less than one output', () => {
    expect(along(2, 3).output).toBe(0);
  });

  test('axes are independent', () => {
    const window: Window = {
      kernel: [3, 1],
      stride: [2, 1],
      dilation: [1, 1],
      padding: [
        [0, 0],
        [2, 1],
      ],
    };
    expect(windowOutput([6, 4], window)).toEqual([2, 7]);
  });
});

describe('resolvePadding', () => {
  test("'same' keeps n with p = (f - 1) / 2 for an odd window", () => {
    for (const f of [1, 3, 5, 7]) {
      expect(along(10, f, { padding: 'same' })).toEqual({ padding: [(f - 1) / 2, (f - 1) / 2], output: 10 });
    }
  });

  test("'same' puts the odd element at the end", () => {
    expect(along(10, 4, { padding: 'same' })).toEqual({ padding: [1, 2], output: 10 });
    expect(along(6, 3, { padding: 'same', stride: 2 })).toEqual({ padding: [0, 1], output: 3 });
  });

  test("'same' gives ceil(n / s) outputs", () => {
    expect(along(7, 3, { padding: 'same', stride: 2 }).output).toBe(4);
    expect(along(8, 3, { padding: 'same', stride: 3 }).output).toBe(3);
    // A stride past the window leaves nothing to pad.
    expect(along(9, 1, { padding: 'same', stride: 4 })).toEqual({ padding: [0, 0], output: 3 });
  });

  test("'same' counts dilation", () => {
    expect(along(10, 3, { padding: 'same', dilation: 3 })).toEqual({ padding: [3, 3], output: 10 });
  });

  test("'valid' is none, a number is every side, a list is one entry an axis", () => {
    const window = { kernel: [3, 3], stride: [1, 1], dilation: [1, 1] };
    expect(resolvePadding('valid', [8, 8], window)).toEqual([
      [0, 0],
      [0, 0],
    ]);
    expect(resolvePadding(2, [8, 8], window)).toEqual([
      [2, 2],
      [2, 2],
    ]);
    expect(resolvePadding([1, [0, 3]], [8, 8], window)).toEqual([
      [1, 1],
      [0, 3],
    ]);
  });
});

describe('strides', () => {
  test('of a dense tensor', () => {
    expect(stridesOf([2, 3, 4])).toEqual([12, 4, 1]);
    expect(stridesOf([])).toEqual([]);
    expect(sizeOf([2, 3, 4])).toBe(24);
    expect(sizeOf([])).toBe(1);
  });

  test('of a broadcast tensor are 0 where it repeats', () => {
    expect(broadcastStrides([3, 1], [2, 3, 4])).toEqual([0, 1, 0]);
    expect(broadcastStrides([], [2, 2])).toEqual([0, 0]);
    expect(broadcastStrides([2, 3], [2, 3])).toEqual([3, 1]);
  });
});

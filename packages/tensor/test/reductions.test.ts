import { reference } from '@receptive/backend/reference';
import {
  argmax,
  argmin,
  matmul,
  max,
  mean,
  min,
  setBackend,
  softmax,
  sum,
  tensor,
  transpose,
  variance,
  zeros,
} from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expectClose, numbersOf, random } from './harness.ts';
import { broadcastIndex, forAll, indices, reader, shapeAndAxes, shapesUpTo, table } from './naive.ts';

setBackend(reference());

/** For each element of the result of reducing with kept axes, the list of the elements that meet in it. */
function groups(x: Tensor, axes: readonly number[]): { kept: number[]; lists: number[][] } {
  const named = axes.map((axis) => (axis < 0 ? axis + x.rank : axis));
  const kept = x.shape.map((length, axis) => (named.includes(axis) ? 1 : length));
  const read = reader(x);
  const lists = indices(kept).map((place) =>
    indices(x.shape.map((length, axis) => (named.includes(axis) ? length : 1))).map((within) =>
      read(place.map((i, axis) => i + within[axis]!)),
    ),
  );
  return { kept, lists };
}

const total = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);
const average = (list: readonly number[]): number => total(list) / list.length;
const spread = (list: readonly number[], correction: number): number =>
  total(list.map((value) => (value - average(list)) ** 2)) / (list.length - correction);

describe('over any axes, keeping them or not', () => {
  const reductions: [string, (x: Tensor, axes: number[], keepDims: boolean) => Tensor, (list: number[]) => number][] = [
    ['sum', (x, axes, keepDims) => sum(x, axes, { keepDims }), total],
    ['mean', (x, axes, keepDims) => mean(x, axes, { keepDims }), average],
    ['max', (x, axes, keepDims) => max(x, axes, { keepDims }), (list) => Math.max(...list)],
    ['min', (x, axes, keepDims) => min(x, axes, { keepDims }), (list) => Math.min(...list)],
    [
      'biased variance',
      (x, axes, keepDims) => variance(x, axes, { keepDims, correction: 0 }),
      (list) => spread(list, 0),
    ],
  ];

  test.each(reductions)('%s', (_, reduce, naive) => {
    forAll(fc.tuple(shapeAndAxes(0), fc.boolean()), ([{ shape, axes }, keepDims]) => {
      const x = random(shape);
      const { kept, lists } = groups(x, axes);
      const named = axes.map((axis) => (axis < 0 ? axis + shape.length : axis));
      const expected = tensor(Float64Array.from(lists, naive), {
        shape: keepDims ? kept : kept.filter((_length, axis) => !named.includes(axis)),
      });
      expectClose(reduce(x, axes, keepDims), expected);
    });
  });

  test('one axis may be given as a number, and none means all', () => {
    const x = random([2, 3]);
    expectClose(sum(x, -1), sum(x, [1]));
    expectClose(max(x), max(max(x, 0), 0));
    expectClose(mean(x, undefined, { keepDims: true }).reshape(), mean(x));
    expect(sum(x, undefined, { keepDims: true }).shape).toEqual([1, 1]);
  });

  test('an axis named twice, or that does not exist, is refused', () => {
    expect(() => sum(zeros([2, 3]), [1, -1])).toThrow('sum: axes [1, -1] name an axis twice');
    expect(() => max(zeros([2, 3]), 2)).toThrow('max: axis 2 does not exist in a tensor of 2 axes');
    expect(() => argmax(zeros([2, 3]), 0.5)).toThrow('argmax: axis 0.5 does not exist');
  });

  test('a scalar reduces to itself', () => {
    const x = tensor(3);
    for (const reduce of [sum, mean, max, min]) expect(numbersOf(reduce(x))).toEqual([3]);
  });
});

describe('variance', () => {
  test('divides by one less than the number of elements, unless told otherwise', () => {
    const x = tensor(Float64Array.of(1, 2, 3, 4));
    expect(numbersOf(variance(x))[0]).toBeCloseTo(5 / 3, 14);
    expect(numbersOf(variance(x, 0, { correction: 0 }))).toEqual([1.25]);
  });

  test('has no meaning for too few elements', () => {
    expect(() => variance(zeros([3, 1]), 1)).toThrow(
      'variance: reducing axes [1] of [3, 1] takes 1 at a time, but a variance with correction 1 needs more than 1',
    );
    expect(numbersOf(variance(zeros([3, 1]), 1, { correction: 0 }))).toEqual([0, 0, 0]);
  });

  test('keeps its digits far from zero', () => {
    expectClose(variance(random([100]).add(2 ** 20)).mul(2 ** -20), variance(random([100])).mul(2 ** -20));
  });
});

describe('argmax and argmin', () => {
  test('give the index along the axis', () => {
    forAll(fc.tuple(shapesUpTo(4, 1), fc.nat(3), fc.boolean()), ([shape, given, keepDims]) => {
      const axis = given % shape.length;
      const x = random(shape);
      const { kept, lists } = groups(x, [axis]);
      const y = argmax(x, axis, { keepDims });
      expect(y.dtype).toBe('int32');
      expect(y.shape).toEqual(keepDims ? kept : kept.filter((_, a) => a !== axis));
      expect(numbersOf(y)).toEqual(lists.map((list) => list.indexOf(Math.max(...list))));
      expect(numbersOf(argmin(x, axis - shape.length))).toEqual(lists.map((list) => list.indexOf(Math.min(...list))));
    });
  });

  test('of equals take the first, of NaN the first NaN', () => {
    const x = tensor([
      [1, 3, 3],
      [Number.NaN, 5, Number.NaN],
      [2, Number.NaN, 9],
    ]);
    expect(numbersOf(argmax(x, 1))).toEqual([1, 0, 1]);
    expect(numbersOf(argmin(x, 1))).toEqual([0, 0, 1]);
    expect(numbersOf(max(x, 1))).toEqual([3, Number.NaN, Number.NaN]);
    expect(numbersOf(min(x))).toEqual([Number.NaN]);
  });
});

test('a sum of uint8 counts beyond 255', () => {
  const ones = tensor(new Uint8Array(1000).fill(1));
  expect(sum(ones).dtype).toBe('int32');
  expect(numbersOf(sum(ones))).toEqual([1000]);
});

test('matmul: batched, broadcast, either side transposed', () => {
  const sizes = fc.record({
    batch: fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.constantFrom('both', 'left', 'right')), {
      maxLength: 2,
    }),
    m: fc.integer({ min: 1, max: 4 }),
    k: fc.integer({ min: 1, max: 4 }),
    n: fc.integer({ min: 1, max: 4 }),
    transposeA: fc.boolean(),
    transposeB: fc.boolean(),
    cut: fc.nat(2),
  });
  forAll(sizes, ({ batch, m, k, n, transposeA, transposeB, cut }) => {
    const leading = (side: string): number[] =>
      batch.map(([length, who]) => (who === side || who === 'both' ? length : 1));
    const a = random([...leading('left'), ...(transposeA ? [k, m] : [m, k])], 1);
    const b = random([...leading('right').slice(cut), ...(transposeB ? [n, k] : [k, n])], 2);
    const [left, right] = [reader(transposeA ? transpose(a) : a), reader(transposeB ? transpose(b) : b)];
    const y = matmul(a, b, { transposeA, transposeB });
    const outer = batch.map(([length, who], axis) => (who === 'right' && axis < cut ? 1 : length));
    const naive = table([...outer, m, n], (index) => {
      const [row, column] = index.slice(-2) as [number, number];
      const place = index.slice(0, -2);
      return total(
        Array.from(
          { length: k },
          (_, i) =>
            left([...broadcastIndex(place, a.shape.slice(0, -2)), row, i]) *
            right([...broadcastIndex(place, b.shape.slice(0, -2)), i, column]),
        ),
      );
    });
    expectClose(y, tensor(Float64Array.from(naive), { shape: [...outer, m, n] }));
  });
});

test('softmax sums to 1 along its axis and does not overflow', () => {
  const x = random([3, 4, 5]).mul(500);
  for (const axis of [0, 1, 2]) {
    expectClose(sum(softmax(x, axis), axis), sum(x, axis).mul(0).add(1));
    expectClose(softmax(x, axis).log().exp(), x.logSoftmax(axis).exp());
  }
});

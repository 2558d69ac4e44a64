import { grad, gradCheck } from '@receptive/autograd';
import { reference } from '@receptive/backend/reference';
import { hinge, multiMargin } from '@receptive/layers';
import type { MultiMarginOptions } from '@receptive/layers';
import { setBackend, tensor } from '@receptive/tensor';
import type { Nested, Tensor } from '@receptive/tensor';
import { describe, expect, test } from 'vitest';
import { nested, numbers } from './harness.ts';

setBackend(reference());

const doubles = (data: Nested): Tensor => tensor(data, { dtype: 'float64' });
const labels = (data: Nested): Tensor => tensor(data, { dtype: 'int32' });
const elements = (x: Tensor): number[] => [...x.dataSync()];

describe('hinge', () => {
  test('by hand', () => {
    const [x, y] = [doubles([2, 0.5, -0.25, -3]), doubles([1, 1, 1, -1])];
    expect(elements(hinge(x, y, { reduction: 'none' }))).toEqual([0, 0.5, 1.25, 0]);
    expect(elements(hinge(x, y))).toEqual([1.75 / 4]);
    expect(elements(hinge(x, y, { reduction: 'sum', margin: 3 }))).toEqual([1 + 2.5 + 3.25 + 0]);
  });

  test('pulls at what is within the margin, and not at the hinge', () => {
    const x = doubles([0.5, 1, 2, -0.5]);
    expect(
      elements(grad(() => hinge(x, doubles([1, 1, 1, -1]), { reduction: 'sum' }), [x])[0]).map((g) => g + 0),
    ).toEqual([-1, 0, 0, 1]);
    gradCheck((scores) => hinge(scores, doubles([1, -1, -1])), [[3]]);
  });

  test('what does not fit', () => {
    expect(() => hinge(doubles([1]), doubles([1, 1]))).toThrow('hinge: both inputs need one shape');
    expect(() => hinge(doubles([1]), labels([1]))).toThrow('one float dtype');
    expect(() => hinge(doubles([1]), doubles([1]), { margin: 0 })).toThrow(
      'margin must be a finite number above 0, but is 0',
    );
  });
});

describe('multiMargin', () => {
  test("CS231n's notes: scores 13, -7 and 11 with a margin of 10 cost max(0, -10) + max(0, 8)", () => {
    const cs231n = { margin: 10, classReduction: 'sum' } as const;
    expect(elements(multiMargin(doubles([[13, -7, 11]]), labels([0]), cs231n))).toEqual([8]);
  });

  // https://cs231n.github.io, lecture 3: cat, car and frog.
  test("CS231n's lecture: the images of a cat, a car and a frog cost 2.9, 0 and 12.9, on average 5.27", () => {
    const scores = doubles([
      [3.2, 5.1, -1.7],
      [1.3, 4.9, 2.0],
      [2.2, 2.5, -3.1],
    ]);
    const losses = elements(multiMargin(scores, labels([0, 1, 2]), { classReduction: 'sum', reduction: 'none' }));
    expect(losses).toEqual([2.9, 0, 12.9].map((value) => expect.closeTo(value, 12)));
    expect(elements(multiMargin(scores, labels([0, 1, 2]), { classReduction: 'sum' }))[0]).toBeCloseTo(5.27, 2);
  });

  test("PyTorch's example: 0.25 * ((1 - (0.8 - 0.1)) + (1 - (0.8 - 0.2)) + (1 - (0.8 - 0.4)))", () => {
    expect(elements(multiMargin(doubles([[0.1, 0.2, 0.4, 0.8]]), labels([3])))[0]).toBeCloseTo(0.325, 12);
  });

  /** PyTorch's formula, in loops. */
  function naive(x: readonly number[], y: number, { margin = 1, p = 1 }: MultiMarginOptions, factor: number): number {
    const terms = x.map((score, i) => (i === y ? 0 : Math.max(0, margin - x[y]! + score) ** p));
    return (factor * terms.reduce((a, b) => a + b)) / x.length;
  }

  test.each<MultiMarginOptions>([{}, { p: 2 }, { margin: 0.25 }, { margin: 2, p: 2 }])('%o, weighted', (options) => {
    const [x, classes, weight] = [numbers([4, 3]), [2, 0, 1, 1], [0.5, 2, 3]];
    const rows = nested(x) as number[][];
    const wanted = rows.map((row, i) => naive(row, classes[i]!, options, weight[classes[i]!]!));
    const weighted = { ...options, weight: doubles(weight) };
    expect(elements(multiMargin(x, labels(classes), { ...weighted, reduction: 'none' }))).toEqual(
      wanted.map((value) => expect.closeTo(value, 12)),
    );
    expect(elements(multiMargin(x, labels(classes), weighted))[0]).toBeCloseTo(wanted.reduce((a, b) => a + b) / 4, 12);
    gradCheck((scores) => multiMargin(scores, labels(classes), weighted), [[4, 3]]);
  });

  test('of images, a class for each pixel', () => {
    const pixels = doubles([[[[1, 3]], [[2, 2]], [[3, 1.5]]]]); // [1, 3, 1, 2]
    expect(nested(multiMargin(pixels, labels([[[2, 2]]]), { reduction: 'none', classReduction: 'sum' }))).toEqual([
      [[0, 1 - 1.5 + 3 + (1 - 1.5 + 2)]],
    ]);
  });

  test('what does not fit', () => {
    const x = doubles([[1, 2, 3]]);
    expect(() => multiMargin(x, labels([0, 1]))).toThrow('multiMargin: logits [1, 3] need class indices [1]');
    expect(() => multiMargin(x.cast('int32'), labels([0]))).toThrow(
      'multiMargin: logits are floats, but were given as int32',
    );
    expect(() => multiMargin(x, doubles([0]))).toThrow('int32 or uint8, but were given as float64');
    expect(() => multiMargin(x, labels([0]), { weight: doubles([1]) })).toThrow('3 classes need weights [3]');
    expect(() => multiMargin(x, labels([0]), { p: 3 as never })).toThrow('p must be 1 or 2, but is 3');
    expect(() => multiMargin(x, labels([0]), { margin: NaN })).toThrow('margin must be');
    expect(() => multiMargin(x, labels([0]), { classReduction: 'none' as 'sum' })).toThrow(
      'A loss\'s classReduction must be one of mean, sum, but is "none".',
    );
    expect(elements(multiMargin(x, labels([3])))).toEqual([NaN]);
  });
});

import { reference } from '@receptive/backend/reference';
import {
  ShapeError,
  avgPool2d,
  avgPoolGradient,
  col2im,
  conv2d,
  convInputGradient,
  convWeightGradient,
  flip,
  im2col,
  maxPool2d,
  maxPool2dWithIndices,
  maxPoolGradient,
  setBackend,
  sum,
  tensor,
  zeros,
} from '@receptive/tensor';
import type { ConvOptions, Tensor } from '@receptive/tensor';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expectClose, numbersOf, random } from './harness.ts';
import { forAll, indices, reader, table } from './naive.ts';

setBackend(reference());

const small = fc.integer({ min: 1, max: 3 });

test('conv2d adds up the products it says it does', () => {
  const cases = fc.record({
    stride: fc.tuple(small, small),
    dilation: fc.tuple(small, small),
    padding: fc.tuple(fc.nat(2), fc.nat(2)),
    groups: small,
    flat: fc.boolean(),
  });
  forAll(cases, ({ stride, dilation, padding, groups, flat }) => {
    const [x, w, b] = [random([2, groups * 2, 7, 8], 1), random([groups * 2, 2, 2, 3], 2), random([groups * 2], 3)];
    const [input, weight, bias] = [reader(x), reader(w), reader(b)];
    const one = flat
      ? { stride: stride[0], dilation: dilation[0], padding: padding[0] }
      : { stride, dilation, padding };
    const [s, d, p] = flat ? [stride, dilation, padding].map(([first]) => [first, first]) : [stride, dilation, padding];
    const y = conv2d(x, w, b, { ...one, groups });
    const length = (n: number, f: number, axis: number): number =>
      Math.floor((n + 2 * p![axis]! - d![axis]! * (f - 1) - 1) / s![axis]!) + 1;
    expect(y.shape).toEqual([2, groups * 2, length(7, 2, 0), length(8, 3, 1)]);
    const naive = table(y.shape, ([n, o, i, j]) => {
      let total = bias([o!]);
      for (const [c, u, v] of indices([2, 2, 3]) as [number, number, number][]) {
        const [row, column] = [i! * s![0]! + u * d![0]! - p![0]!, j! * s![1]! + v * d![1]! - p![1]!];
        const inside = row >= 0 && row < 7 && column >= 0 && column < 8;
        if (inside) total += input([n!, Math.floor(o! / 2) * 2 + c, row, column]) * weight([o!, c, u, v]);
      }
      return total;
    });
    expectClose(y, tensor(Float64Array.from(naive), { shape: y.shape }));
  });
});

/** Height and width of the output for a square input and kernel. */
function out(n: number, f: number, options: ConvOptions): number[] {
  return conv2d(zeros([1, 1, n, n]), zeros([1, 1, f, f]), null, options).shape.slice(2);
}

test('flipKernel turns the kernel round: the convolution of mathematics, which commutes', () => {
  const [x, w] = [random([1, 1, 3, 4], 1), random([1, 1, 2, 3], 2)];
  expectClose(conv2d(x, w, null, { flipKernel: true }), conv2d(x, flip(w, [2, 3])));
  const full = (a: Tensor, b: Tensor): Tensor =>
    conv2d(a, b, null, { flipKernel: true, padding: [b.shape[2]! - 1, b.shape[3]! - 1] });
  expectClose(full(x, w), full(w, x));
});

describe('output size', () => {
  test('is floor((n + 2p - f) / s) + 1', () => {
    expect(out(6, 3, {})).toEqual([4, 4]);
    expect(out(6, 3, { stride: 2 })).toEqual([2, 2]);
    expect(out(7, 3, { stride: 2 })).toEqual([3, 3]);
    expect(out(227, 11, { stride: 4 })).toEqual([55, 55]);
    const sizes = fc.record({ n: fc.integer({ min: 1, max: 20 }), f: small, s: small, p: fc.nat(3) });
    forAll(sizes, ({ n, f, s, p }) => {
      const expected = Math.floor((n + 2 * p - f) / s) + 1;
      if (n + 2 * p < f) expect(() => out(n, f, { stride: s, padding: p })).toThrow(ShapeError);
      else expect(out(n, f, { stride: s, padding: p })).toEqual([expected, expected]);
    });
  });

  test("with 'same' is ceil(n / stride): n, with p = (f - 1) / 2, at stride 1", () => {
    forAll(
      fc.record({
        n: fc.integer({ min: 1, max: 12 }),
        f: fc.integer({ min: 1, max: 5 }),
        stride: small,
        dilation: small,
      }),
      ({ n, f, stride, dilation }) => {
        const length = Math.ceil(n / stride);
        expect(out(n, f, { padding: 'same', stride, dilation })).toEqual([length, length]);
      },
    );
    for (const f of [1, 3, 5]) {
      const [x, w] = [random([1, 1, 6, 6], 1), random([1, 1, f, f], 2)];
      expectClose(conv2d(x, w, null, { padding: 'same' }), conv2d(x, w, null, { padding: (f - 1) / 2 }));
    }
  });

  test("with 'same' puts the odd element at the end", () => {
    const y = conv2d(tensor([1, 2, 3], { shape: [1, 1, 1, 3] }), tensor([1, 10], { shape: [1, 1, 1, 2] }), null, {
      padding: 'same',
    });
    expect(numbersOf(y)).toEqual([21, 32, 3]);
  });

  test("with 'valid' is without padding, and pairs pad each side by itself", () => {
    expect(out(6, 3, { padding: 'valid' })).toEqual([4, 4]);
    expect(
      out(6, 3, {
        padding: [
          [1, 0],
          [0, 3],
        ],
      }),
    ).toEqual([5, 7]);
    expect(out(6, 3, { padding: [1, 2] })).toEqual([6, 8]);
  });
});

describe('pooling', () => {
  const image = tensor(
    [
      [1, 3, 2, 1],
      [3, 6, 8, 9],
      [8, 3, 3, 9],
      [4, 6, 8, 2],
    ],
    { shape: [1, 1, 4, 4] },
  );

  test('steps by its own size unless told otherwise', () => {
    expect(numbersOf(maxPool2d(image, 2))).toEqual([6, 9, 8, 9]);
    expect(numbersOf(avgPool2d(image, 2))).toEqual([3.25, 5, 5.25, 5.5]);
    expect(maxPool2d(image, 2, { stride: 1 }).shape).toEqual([1, 1, 3, 3]);
    expect(maxPool2d(image, [1, 4], { stride: [2, 1] }).shape).toEqual([1, 1, 2, 1]);
  });

  test('says where in the plane each maximum lies, the first of equals', () => {
    const [y, places] = maxPool2dWithIndices(image, 2);
    expect(numbersOf(y)).toEqual([6, 9, 8, 9]);
    expect(numbersOf(places)).toEqual([5, 7, 8, 11]);
    expect(numbersOf(maxPool2dWithIndices(zeros([1, 1, 2, 2]), 2)[1])).toEqual([0]);
    const gradient = tensor([1, 2, 3, 4], { shape: [1, 1, 2, 2] });
    expect(numbersOf(maxPoolGradient(gradient, places, { ...window, stride: [2, 2] }, [1, 1, 4, 4]))).toEqual([
      0, 0, 0, 0, 0, 1, 0, 2, 3, 0, 0, 4, 0, 0, 0, 0,
    ]);
  });

  test('of an edge counts the padding, or does not', () => {
    const x = tensor([4, 8], { shape: [1, 1, 1, 2] });
    const padding = [
      [0, 0],
      [1, 1],
    ] as const;
    expect(numbersOf(avgPool2d(x, [1, 2], { stride: 1, padding }))).toEqual([2, 6, 4]);
    expect(numbersOf(avgPool2d(x, [1, 2], { stride: 1, padding, countIncludePad: false }))).toEqual([4, 6, 8]);
    expect(numbersOf(maxPool2d(x.neg(), [1, 2], { stride: 1, padding }))).toEqual([-4, -4, -8]);
  });

  test('refuses windows that would see padding alone', () => {
    expect(() => maxPool2d(zeros([1, 1, 4, 4]), 2, { padding: 2 })).toThrow(
      'maxPool2d: with padding [2,2] on an axis of 4, some windows of 2 would see padding alone',
    );
    expect(() => avgPool2d(zeros([1, 1, 4, 4]), 2, { padding: 2 })).toThrow('Pad less than a window');
  });
});

const window = {
  kernel: [2, 2],
  stride: [1, 1],
  dilation: [1, 1],
  padding: [
    [0, 0],
    [0, 0],
  ],
} as const;

test('col2im is the transpose of im2col: <im2col(x), c> = <x, col2im(c)>', () => {
  const x = random([2, 3, 4, 5], 1);
  const columns = im2col(x, window);
  expect(columns.shape).toEqual([2, 12, 12]);
  const c = random([2, 12, 12], 2);
  expectClose(sum(columns.mul(c)), sum(x.mul(col2im(c, x.shape, window))));
});

test.each<[string, () => unknown, string]>([
  [
    'im2col',
    () => im2col(zeros([1, 1, 4]), window),
    'im2col: a window of [2, 2] needs an input [N, C, ...spatial] with as many spatial axes, but they are [4]',
  ],
  [
    'col2im',
    () => col2im(zeros([1, 4, 8]), [1, 1, 4, 4], window),
    'col2im: the columns must have shape [1, 4, 9], but has [1, 4, 8]',
  ],
  [
    'convInputGradient',
    () => convInputGradient(zeros([1, 1, 4, 4]), zeros([1, 1, 2, 2]), { ...window, groups: 1 }, [1, 1, 4, 4]),
    "the output's gradient must have shape [1, 1, 3, 3], but has [1, 1, 4, 4]",
  ],
  [
    'convWeightGradient',
    () => convWeightGradient(zeros([1, 1, 4, 4]), zeros([1, 1, 3, 3]), { ...window, groups: 1 }, [1, 1, 3, 3]),
    'weights [O, C / groups, ...kernel] of as many axes and kernel [2, 2], but was given [1, 1, 4, 4] and [1, 1, 3, 3]',
  ],
  [
    'maxPoolGradient',
    () => maxPoolGradient(zeros([1, 1, 2, 2]), zeros([1, 1, 2, 2], { dtype: 'int32' }), window, [1, 1, 4, 4]),
    "the output's gradient must have shape [1, 1, 3, 3], but has [1, 1, 2, 2]",
  ],
  [
    'avgPoolGradient',
    () => avgPoolGradient(zeros([1, 1, 2, 2]), { window, countPadding: true }, [1, 1, 4, 4]),
    "the output's gradient must have shape [1, 1, 3, 3], but has [1, 1, 2, 2]",
  ],
])('%s refuses what does not fit its window', (_, call, message) => {
  expect(call).toThrow(ShapeError);
  expect(call).toThrow(message);
});

import { reference } from '@receptive/backend/reference';
import {
  broadcastTo,
  conv2d,
  locallyConnected1d,
  locallyConnected2d,
  locallyConnectedOutput,
  ones,
  reshape,
  setBackend,
  tensor,
} from '@receptive/tensor';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expectClose, numbersOf, random } from './harness.ts';
import { forAll, indices, reader, table } from './naive.ts';

setBackend(reference());

const small = fc.integer({ min: 1, max: 2 });
const options = fc.record({
  stride: fc.tuple(small, small),
  dilation: fc.tuple(small, small),
  padding: fc.tuple(fc.nat(2), fc.nat(2)),
});

describe('locallyConnected2d', () => {
  test('adds up the products it says it does', () => {
    forAll(options, (window) => {
      const { stride: s, dilation: d, padding: p } = window;
      const output = locallyConnectedOutput([4, 5], [2, 3], window);
      const [x, w, b] = [random([2, 2, 4, 5], 1), random([...output, 3, 2, 2, 3], 2), random([3, ...output], 3)];
      const [input, weight, bias] = [reader(x), reader(w), reader(b)];
      const y = locallyConnected2d(x, w, b, window);
      expect(y.shape).toEqual([2, 3, ...output]);
      const naive = table(y.shape, ([n, o, i, j]) => {
        let total = bias([o!, i!, j!]);
        for (const [c, u, v] of indices([2, 2, 3]) as [number, number, number][]) {
          const [row, column] = [i! * s[0] + u * d[0] - p[0], j! * s[1] + v * d[1] - p[1]];
          const inside = row >= 0 && row < 4 && column >= 0 && column < 5;
          if (inside) total += input([n!, c, row, column]) * weight([i!, j!, o!, c, u, v]);
        }
        return total;
      });
      expectClose(y, tensor(Float64Array.from(naive), { shape: y.shape }));
    });
  });

  test('is conv2d, and has its size, where all places have one kernel and one bias', () => {
    forAll(options, (window) => {
      const [x, kernel, shift] = [random([2, 2, 4, 5], 1), random([3, 2, 2, 3], 2), random([3], 3)];
      const output = locallyConnectedOutput([4, 5], [2, 3], window);
      const weight = broadcastTo(kernel, [...output, ...kernel.shape]);
      const bias = broadcastTo(reshape(shift, [3, 1, 1]), [3, ...output]);
      expectClose(locallyConnected2d(x, weight, bias, window), conv2d(x, kernel, shift, window));
      expectClose(locallyConnected2d(x, weight, null, window), conv2d(x, kernel, null, window));
    });
  });

  test('a kernel is used at its place alone', () => {
    const weight = tensor([1, 10, 100, 1000], { shape: [2, 2, 1, 1, 1, 1] });
    expect(numbersOf(locallyConnected2d(ones([1, 1, 2, 2]), weight))).toEqual([1, 10, 100, 1000]);
    // What is no number at one place is none of the others' business.
    const poisoned = tensor([1, NaN, Infinity, 4], { shape: [2, 2, 1, 1, 1, 1] });
    expect(numbersOf(locallyConnected2d(ones([1, 1, 2, 2]), poisoned))).toEqual([1, NaN, Infinity, 4]);
    expect(numbersOf(locallyConnected2d(tensor([NaN, 1, 1, 1], { shape: [1, 1, 2, 2] }), weight))).toEqual([
      NaN,
      10,
      100,
      1000,
    ]);
  });
});

test('locallyConnected1d is locallyConnected2d of one row', () => {
  const window = { stride: 2, padding: [[1, 0]], dilation: 2 } as const;
  const output = locallyConnectedOutput([7], [3], window);
  expect(output).toEqual([2]);
  const [x, w, b] = [random([2, 3, 7], 1), random([2, 4, 3, 3], 2), random([4, 2], 3)];
  const rows = locallyConnected2d(reshape(x, [2, 3, 1, 7]), reshape(w, [1, 2, 4, 3, 1, 3]), reshape(b, [4, 1, 2]), {
    stride: [1, 2],
    padding: [0, [1, 0]],
    dilation: [1, 2],
  });
  expectClose(locallyConnected1d(x, w, b, window), reshape(rows, [2, 4, 2]));
});

describe('refuses', () => {
  const x = ones([1, 3, 6, 6]);

  test('an input or weights of other axes', () => {
    expect(() => locallyConnected1d(x, ones([4, 2, 3, 3]))).toThrow(
      'locallyConnected1d: needs an input [N, C, L], but was given [1, 3, 6, 6].',
    );
    expect(() => locallyConnected2d(x, ones([2, 3, 3, 3]))).toThrow(
      'locallyConnected2d: needs weights [...output, O, C, ...kernel] of 6 axes, a kernel for each place of the output, but was given [2, 3, 3, 3].',
    );
  });

  test('weights for other places or channels', () => {
    const expected =
      'a window of [3, 3] has 4x4 places in an input [1, 3, 6, 6], and each needs a kernel of its own: weights [4, 4, O, 3, 3, 3] with O filters, but they are';
    expect(() => locallyConnected2d(x, ones([6, 6, 2, 3, 3, 3]))).toThrow(`${expected} [6, 6, 2, 3, 3, 3].`);
    expect(() => locallyConnected2d(x, ones([4, 4, 2, 1, 3, 3]))).toThrow(`${expected} [4, 4, 2, 1, 3, 3].`);
  });

  test('a bias of another shape, and one for each filter alone', () => {
    expect(() => locallyConnected2d(x, ones([4, 4, 2, 3, 3, 3]), ones([2]))).toThrow(
      'the bias, one for each element of an output, must have shape [2, 4, 4], but has [2].',
    );
  });

  test('a window that does not fit', () => {
    expect(() => locallyConnected2d(x, ones([1, 1, 2, 3, 7, 7]))).toThrow('does not fit');
    expect(() => locallyConnectedOutput([6], [7])).toThrow('a window of [7] does not fit into an input of [6]');
  });

  test('what plain convolutions alone have', () => {
    const [weight, circular] = [ones([4, 4, 2, 3, 3, 3]), { paddingMode: 'circular' } as object];
    expect(() => locallyConnected2d(x, weight, null, circular)).toThrow('locallyConnected2d: paddingMode must be');
    expect(() => locallyConnectedOutput([6], [3], circular)).toThrow('only plain convolutions have others');
  });

  test('numbers that are no floats, and floats that differ', () => {
    expect(() => locallyConnected2d(x.cast('int32'), ones([4, 4, 2, 3, 3, 3]))).toThrow('works on floats');
    expect(() => locallyConnected2d(x.cast('float64'), ones([4, 4, 2, 3, 3, 3]))).toThrow('need one dtype');
  });
});

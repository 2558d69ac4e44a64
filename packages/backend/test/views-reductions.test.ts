import { describe, expect, test } from 'vitest';
import type { DType } from '@receptive/backend';
import { dot, elements, kernels, numbers, operand, output } from './harness.ts';

describe('views', () => {
  const x = operand([2, 3], [1, 2, 3, 4, 5, 6]);
  const view = (shape: readonly number[], strides: readonly number[], offset = 0) =>
    output(shape, (out) => kernels.copyView(x, out, { offset, strides }));

  test('copyView transposes, slices, repeats and flips', () => {
    expect(view([3, 2], [1, 3])).toEqual([1, 4, 2, 5, 3, 6]);
    expect(view([2, 2], [3, 1], 1)).toEqual([2, 3, 5, 6]);
    expect(view([2, 2, 3], [0, 3, 1])).toEqual([1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6]);
    expect(view([2, 3], [-3, -1], 5)).toEqual([6, 5, 4, 3, 2, 1]);
    expect(view([2], [2])).toEqual([1, 3]);
    expect(view([], [], 4)).toEqual([5]);
  });

  test('concat along each axis', () => {
    const y = operand([2, 1], [7, 8]);
    expect(output([2, 4], (out) => kernels.concat([x, y], out, 1))).toEqual([1, 2, 3, 7, 4, 5, 6, 8]);
    const z = operand([1, 3], [7, 8, 9]);
    expect(output([3, 3], (out) => kernels.concat([z, x], out, 0))).toEqual([7, 8, 9, 1, 2, 3, 4, 5, 6]);
  });

  test('pad surrounds with the value', () => {
    expect(
      output([3, 5], (out) =>
        kernels.pad(
          x,
          out,
          [
            [0, 1],
            [2, 0],
          ],
          -1,
        ),
      ),
    ).toEqual([-1, -1, 1, 2, 3, -1, -1, 4, 5, 6, -1, -1, -1, -1, -1]);
  });
});

describe('gather and scatterAdd', () => {
  test('along each axis', () => {
    const x = operand([2, 3], [1, 2, 3, 4, 5, 6]);
    const along1 = operand([2, 2], [2, 0, 1, 1], 'int32');
    expect(output([2, 2], (out) => kernels.gather(x, along1, out, 1))).toEqual([3, 1, 5, 5]);
    const along0 = operand([1, 3], [1, 0, 1], 'int32');
    expect(output([1, 3], (out) => kernels.gather(x, along0, out, 0))).toEqual([4, 2, 6]);
  });

  test('scatterAdd sums what meets in one place and leaves zeros elsewhere', () => {
    const source = operand([2, 2], [1, 2, 3, 4]);
    const index = operand([2, 2], [2, 0, 1, 1], 'int32');
    expect(output([2, 3], (out) => kernels.scatterAdd(source, index, out, 1))).toEqual([2, 0, 1, 0, 7, 0]);
  });

  test('an index outside the axis reads NaN, 0 from integers, and adds nowhere', () => {
    const index = operand([2, 2], [-1, 2, 3, 0], 'int32');
    const pick = (dtype: DType) =>
      output([2, 2], (out) => kernels.gather(operand([2, 3], [1, 2, 3, 4, 5, 6], dtype), index, out, 1), dtype);
    expect(pick('float32')).toEqual([NaN, 3, NaN, 4]);
    expect(pick('int32')).toEqual([0, 3, 0, 4]);
    const source = operand([2, 2], [1, 2, 3, 4]);
    expect(output([2, 3], (out) => kernels.scatterAdd(source, index, out, 1))).toEqual([0, 0, 2, 4, 0, 0]);
  });

  test('scatterAdd is the adjoint of gather', () => {
    const [x, y] = [numbers(24), numbers(12, 2)];
    const index = operand([2, 2, 3], [3, 0, 1, 2, 2, 2, 0, 0, 1, 3, 3, 3], 'int32');
    // Axis 1 of [2, 4, 3].
    const gathered = output([2, 2, 3], (out) => kernels.gather(operand([2, 4, 3], x), index, out, 1));
    const scattered = output([2, 4, 3], (out) => kernels.scatterAdd(operand([2, 2, 3], y), index, out, 1));
    expect(dot(gathered, y)).toBeCloseTo(dot(x, scattered), 13);
  });
});

describe('reductions', () => {
  const x = operand([2, 3, 2], [1, 2, 3, 4, 5, 6, -1, -2, -3, -4, -5, -6]);

  test('over one axis, over several, over all', () => {
    expect(output([2, 2], (out) => kernels.reduce('sum', x, out, [1]))).toEqual([9, 12, -9, -12]);
    expect(output([3], (out) => kernels.reduce('max', x, out, [0, 2]))).toEqual([2, 4, 6]);
    expect(output([1, 1, 1], (out) => kernels.reduce('min', x, out, [0, 1, 2]))).toEqual([-6]);
  });

  test('max and min pass NaN on; sums are kept in doubles until stored', () => {
    const y = operand([2, 2], [1, NaN, 3, 4]);
    expect(output([2], (out) => kernels.reduce('max', y, out, [1]))).toEqual([NaN, 4]);
    expect(output([2], (out) => kernels.reduce('min', y, out, [1]))).toEqual([NaN, 3]);
    const large = operand([3], [16777216, 1, 1], 'float32');
    expect(output([], (out) => kernels.reduce('sum', large, out, [0]), 'float32')).toEqual([16777218]);
  });

  test('argReduce gives the first extreme, and a NaN is one', () => {
    const y = operand([4, 3], [1, 3, 3, 2, NaN, 5, -1, -1, 0, -Infinity, -Infinity, -Infinity]);
    expect(output([4], (out) => kernels.argReduce('max', y, out, 1), 'int32')).toEqual([1, 1, 2, 0]);
    expect(output([4], (out) => kernels.argReduce('min', y, out, 1), 'int32')).toEqual([0, 1, 0, 0]);
    const labels = operand([2, 2], [3, 200, 4, 9], 'uint8');
    expect(output([2], (out) => kernels.argReduce('max', labels, out, 0), 'int32')).toEqual([1, 0]);
  });

  test('softmax and its logarithm do not overflow', () => {
    const y = operand([2, 2], [1000, 1000, 0, Math.log(3)]);
    const softmax = output([2, 2], (out) => kernels.softmax(y, out));
    const logSoftmax = output([2, 2], (out) => kernels.logSoftmax(y, out));
    [0.5, 0.5, 0.25, 0.75].forEach((p, i) => {
      expect(softmax[i]).toBeCloseTo(p, 15);
      expect(logSoftmax[i]).toBeCloseTo(Math.log(p), 15);
    });
  });
});

describe('matmul', () => {
  const a = operand([2, 3], [1, 2, 3, 4, 5, 6]);
  const b = operand([3, 2], [7, 8, 9, 10, 11, 12]);
  const plain = { transposeA: false, transposeB: false };

  test('by hand', () => {
    expect(output([2, 2], (out) => kernels.matmul(a, b, out, plain))).toEqual([58, 64, 139, 154]);
  });

  test('transposed operands', () => {
    const at = operand([3, 2], [1, 4, 2, 5, 3, 6]);
    const bt = operand([2, 3], [7, 9, 11, 8, 10, 12]);
    for (const [transposeA, left] of [
      [false, a],
      [true, at],
    ] as const) {
      for (const [transposeB, right] of [
        [false, b],
        [true, bt],
      ] as const) {
        const product = output([2, 2], (out) => kernels.matmul(left, right, out, { transposeA, transposeB }));
        expect(product).toEqual([58, 64, 139, 154]);
      }
    }
  });

  test('leading axes broadcast', () => {
    const scales = operand([2, 1, 1, 1], [1, 10]);
    const rows = operand([3, 1, 2], numbers(6));
    const product = output([2, 3, 1, 2], (out) => kernels.matmul(scales, rows, out, plain));
    expect(product).toEqual([...elements(rows), ...elements(rows).map((value) => 10 * value)]);
  });
});

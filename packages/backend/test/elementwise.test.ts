import { describe, expect, test } from 'vitest';
import type { BinaryName, CompareName, DType, UnaryName } from '@receptive/backend';
import { kernels, operand, output } from './harness.ts';

function unary(name: UnaryName, xs: readonly number[], dtype: DType = 'float64'): number[] {
  return output([xs.length], (out) => kernels.unary(name, operand([xs.length], xs, dtype), out), dtype);
}

function binary(name: BinaryName, a: readonly number[], b: readonly number[], dtype: DType = 'float64'): number[] {
  const [x, y] = [operand([a.length], a, dtype), operand([b.length], b, dtype)];
  return output([Math.max(a.length, b.length)], (out) => kernels.binary(name, x, y, out), dtype);
}

function cast(xs: readonly number[], from: DType, to: DType): number[] {
  return output([xs.length], (out) => kernels.cast(operand([xs.length], xs, from), out), to);
}

describe('unary', () => {
  test('round takes halves to the even neighbour', () => {
    const xs = [0.5, 1.5, 2.5, 3.5, -0.5, -1.5, -2.5, 0.49999999999999994, 4503599627370497, Infinity];
    const expected = [0, 2, 2, 4, -0, -2, -2, 0, 4503599627370497, Infinity];
    expect(unary('round', xs)).toEqual(expected);
  });

  test('erf, against mpmath', () => {
    const known: readonly (readonly [x: number, erf: number])[] = [
      [0, 0],
      [1e-10, 1.1283791670955126e-10],
      [0.1, 0.1124629160182849],
      [0.5, 0.5204998778130465],
      [1, 0.8427007929497149],
      [1.5, 0.9661051464753108],
      [1.9375, 0.9938568063952132],
      [2, 0.9953222650189527],
      [2.5, 0.999593047982555],
      [3, 0.9999779095030014],
      [4, 0.9999999845827421],
      [7, 1],
      [Infinity, 1],
    ];
    for (const [x, expected] of known) {
      const [positive, negative] = unary('erf', [x, -x]) as [number, number];
      expect(Math.abs(positive - expected)).toBeLessThanOrEqual(4e-16 * Math.max(expected, Number.MIN_VALUE));
      expect(negative).toBeCloseTo(-positive, 20);
    }
    expect(unary('erf', [NaN])).toEqual([NaN]);
  });

  test('sigmoid and softplus neither overflow nor lose small values', () => {
    expect(unary('sigmoid', [-1000, -40, 0, 1000])).toEqual([0, Math.exp(-40), 0.5, 1]);
    expect(unary('softplus', [-1000, 1000, 0, -50])).toEqual([0, 1000, Math.LN2, Math.exp(-50)]);
    expect(unary('log1p', [1e-20])).toEqual([1e-20]);
    expect(unary('expm1', [1e-20])).toEqual([1e-20]);
  });

  test('relu, sign, rsqrt, reciprocal at their special points', () => {
    expect(unary('relu', [-1, 0, -0, 2, -Infinity])).toEqual([0, 0, 0, 2, 0]);
    expect(unary('sign', [-3, 0, 5])).toEqual([-1, 0, 1]);
    expect(unary('rsqrt', [4, 0])).toEqual([0.5, Infinity]);
    expect(unary('reciprocal', [4, -0])).toEqual([0.25, -Infinity]);
  });

  test('every function passes NaN on', () => {
    const names: UnaryName[] = [
      ...(['neg', 'abs', 'sign', 'square', 'sqrt', 'rsqrt', 'reciprocal', 'exp', 'expm1', 'log', 'log1p'] as const),
      ...(['sin', 'cos', 'tanh', 'sigmoid', 'softplus', 'relu', 'erf', 'floor', 'ceil', 'round'] as const),
    ];
    for (const name of names) expect(unary(name, [NaN]), name).toEqual([NaN]);
  });

  test('results are rounded once, to the storage', () => {
    expect(unary('exp', [1], 'float32')).toEqual([Math.fround(Math.E)]);
  });
});

describe('binary and compare', () => {
  test('maximum and minimum pass NaN on from either side', () => {
    expect(binary('maximum', [NaN, 1, 2], [1, NaN, 3])).toEqual([NaN, NaN, 3]);
    expect(binary('minimum', [NaN, 1, 2], [1, NaN, 3])).toEqual([NaN, NaN, 2]);
  });

  test('broadcast over both arguments', () => {
    const [column, row] = [operand([2, 1], [10, 20]), operand([3], [1, 2, 3])];
    expect(output([2, 3], (out) => kernels.binary('sub', column, row, out))).toEqual([9, 8, 7, 19, 18, 17]);
  });

  test('pow and div', () => {
    expect(binary('pow', [2, 9, 0, -8], [10, 0.5, 0, 3])).toEqual([1024, 3, 1, -512]);
    expect(binary('div', [1, -1, 0], [0, 0, 0])).toEqual([Infinity, -Infinity, NaN]);
    expect(binary('div', [7, -7, 7, 0], [2, 2, 0, 0], 'int32')).toEqual([3, -3, 0, 0]);
  });

  test('comparisons with NaN are false, but for notEqual', () => {
    const [a, b] = [operand([4], [1, 2, NaN, NaN]), operand([4], [2, 2, 1, NaN])];
    const compare = (name: CompareName) => output([4], (out) => kernels.compare(name, a, b, out), 'uint8');
    expect(compare('less')).toEqual([1, 0, 0, 0]);
    expect(compare('lessEqual')).toEqual([1, 1, 0, 0]);
    expect(compare('greater')).toEqual([0, 0, 0, 0]);
    expect(compare('greaterEqual')).toEqual([0, 1, 0, 0]);
    expect(compare('equal')).toEqual([0, 1, 0, 0]);
    expect(compare('notEqual')).toEqual([1, 0, 1, 1]);
  });
});

describe('where, fill and cast', () => {
  test('where broadcasts all three', () => {
    const condition = operand([3], [1, 0, 1], 'uint8');
    const [a, b] = [operand([2, 1], [1, 2]), operand([], [-1])];
    expect(output([2, 3], (out) => kernels.where(condition, a, b, out))).toEqual([1, -1, 1, 2, -1, 2]);
  });

  test('where does not let the branch it leaves out through', () => {
    const condition = operand([2], [1, 0], 'uint8');
    const [a, b] = [operand([2], [1, NaN]), operand([2], [NaN, 2])];
    expect(output([2], (out) => kernels.where(condition, a, b, out))).toEqual([1, 2]);
  });

  test('fill', () => {
    expect(output([2, 2], (out) => kernels.fill(out, 0.1), 'float32')).toEqual(Array(4).fill(Math.fround(0.1)));
  });

  test('casting to integers truncates towards zero and saturates', () => {
    expect(cast([1.9, -1.9, 0.5, NaN], 'float32', 'int32')).toEqual([1, -1, 0, 0]);
    expect(cast([1e10, -1e10, Infinity, -Infinity], 'float64', 'int32')).toEqual([
      2147483647, -2147483648, 2147483647, -2147483648,
    ]);
    expect(cast([-3, 254.7, 300, NaN, Infinity], 'float32', 'uint8')).toEqual([0, 254, 255, 0, 255]);
    expect(cast([-1, 256, 7], 'int32', 'uint8')).toEqual([0, 255, 7]);
  });

  test('casting to floats rounds to the nearest', () => {
    expect(cast([16777217], 'int32', 'float32')).toEqual([16777216]);
    expect(cast([255, 0], 'uint8', 'float32')).toEqual([255, 0]);
  });
});

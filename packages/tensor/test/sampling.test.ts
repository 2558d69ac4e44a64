import { reference } from '@receptive/backend/reference';
import type { GridSampleOptions, Tensor } from '@receptive/tensor';
import {
  affineGrid,
  gridSample,
  sample,
  sampleInputGradient,
  samplePointsGradient,
  setBackend,
  sum,
  tensor,
  withBackend,
  zeros,
} from '@receptive/tensor';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expectClose, moved, numbersOf, primitivesOnly, random } from './harness.ts';
import { forAll, indices, reader, table } from './naive.ts';

setBackend(reference());

const float64 = (shape: number[], values: readonly number[]): Tensor => tensor(Float64Array.from(values), { shape });

/** An input, and points in and around it. */
const sampled = fc
  .record({
    spatial: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 3 }),
    n: fc.integer({ min: 1, max: 2 }),
  })
  .chain(({ spatial, n }) => {
    const place = fc.oneof(
      fc.double({ min: -2, max: 4, noNaN: true }),
      fc.integer({ min: -2, max: 4 }),
      fc.constantFrom(-1e30, 1e30, -Infinity, Infinity),
    );
    return fc
      .array(place, { minLength: n * 3 * spatial.length, maxLength: n * 3 * spatial.length })
      .map((places) => ({ x: [n, 2, ...spatial], points: [n, 3, spatial.length], places }));
  });

test('sample is the sum over all elements, each weighted by its distances from the point', () => {
  forAll(sampled, ({ x: shape, points: [n, count, axes], places }) => {
    const [x, points] = [random(shape), float64([n!, count!, axes!], places)];
    const [value, place] = [reader(x), reader(points)];
    const inner = indices(shape.slice(2));
    const naive = table([n!, 2, count!], ([image, channel, point]) =>
      inner.reduce((total, index) => {
        const weights = index.map((i, axis) => Math.max(0, 1 - Math.abs(place([image!, point!, axis]) - i)));
        return total + weights.reduce((a, b) => a * b) * value([image!, channel!, ...index]);
      }, 0),
    );
    const expected = float64([n!, 2, count!], naive);
    expectClose(sample(x, points), expected);

    const plain = primitivesOnly(x.backend);
    const composed = sample(moved(plain, x), moved(plain, points));
    expectClose(composed, moved(plain, expected));

    // Linear in x, and so the adjoint of what it sends back.
    const g = random([n!, 2, count!], 3);
    expectClose(sum(sample(x, points).mul(g)), sum(x.mul(sampleInputGradient(g, points, shape))));
  });
});

test('the gradients composed are those of the kernels', () => {
  forAll(sampled, ({ x: shape, points: [n, count, axes], places }) => {
    const [x, points, g] = [random(shape), float64([n!, count!, axes!], places), random([n!, 2, count!], 3)];
    const plain = primitivesOnly(x.backend);
    const [a, p, b] = [moved(plain, x), moved(plain, points), moved(plain, g)];
    expectClose(sampleInputGradient(b, p, shape), moved(plain, sampleInputGradient(g, points, shape)));
    expectClose(samplePointsGradient(a, p, b), moved(plain, samplePointsGradient(x, points, g)));
  });
});

test('a NaN coordinate gives NaN, and nothing infinite outside is met, composed too', () => {
  const plain = primitivesOnly(reference());
  withBackend(plain, () => {
    const [x, points] = [float64([1, 1, 2], [Infinity, NaN]), float64([1, 4, 1], [-1, 2, NaN, -Infinity])];
    expect(numbersOf(sample(x, points))).toEqual([0, 0, NaN, 0]);
    const g = float64([1, 1, 4], [1, 1, 1, 1]);
    expect(numbersOf(samplePointsGradient(x, points, g))).toEqual([0, 0, NaN, 0]);
    expect(numbersOf(sampleInputGradient(g, points, x.shape))).toEqual([0, 0]);
  });
});

test('what does not fit is refused', () => {
  const x = zeros([2, 3, 4, 5]);
  expect(() => sample(x, zeros([2, 7, 3]))).toThrow(
    'sample: points in an input [2, 3, 4, 5] have shape [2, P, 2], a coordinate for each spatial axis, but were given as [2, 7, 3]',
  );
  expect(() => sample(x, zeros([1, 7, 2]))).toThrow('were given as [1, 7, 2]');
  expect(() => sample(x, zeros([7, 2]))).toThrow('were given as [7, 2]');
  expect(() => sample(zeros([2, 3]), zeros([2, 7, 0]))).toThrow('whole lengths of at least 1');
  expect(() => sample(zeros([2, 3]), zeros([2, 7, 1]))).toThrow('one to three spatial axes, but was given [2, 3]');
  expect(() => sample(zeros([1, 1, 2, 2, 2, 2]), zeros([1, 7, 4]))).toThrow('one to three spatial axes');
  expect(() => sample(x, zeros([2, 7, 2], { dtype: 'float64' }))).toThrow('all inputs need one dtype');
  expect(() => sample(zeros([1, 1, 2], { dtype: 'int32' }), zeros([1, 7, 1]))).toThrow('works on floats');
  expect(() => sampleInputGradient(zeros([2, 3, 6]), zeros([2, 7, 2]), x.shape)).toThrow(
    "sampleInputGradient: the output's gradient must have shape [2, 3, 7], but has [2, 3, 6]",
  );
  expect(() => samplePointsGradient(x, zeros([2, 7, 2]), zeros([2, 2, 7]))).toThrow('must have shape [2, 3, 7]');
});

describe('gridSample', () => {
  /** Of `[1, 1, rows, columns]` and a grid of pairs, rounded to the four digits of the examples. */
  function rounded(x: Tensor, grid: Tensor, options?: GridSampleOptions): number[] {
    return numbersOf(gridSample(x, grid, options)).map((value) => Math.round(value * 1e4) / 1e4);
  }

  // The examples of the operator's specification: github.com/onnx/onnx, onnx/backend/test/case/node/gridsample.py.
  const small = float64([1, 1, 3, 2], [0, 1, 2, 3, 4, 5]);
  const pairs = (...diagonal: number[]): Tensor =>
    float64(
      [1, 2, 4, 2],
      diagonal.flatMap((value) => [value, value]),
    );

  test('resamples 4 x 4 to 6 x 6 as in the specification of ONNX', () => {
    const ramp = float64([1, 1, 4, 4], [...Array(16).keys()]);
    const steps = [-1, -0.6, -0.2, 0.2, 0.6, 1];
    const grid = float64(
      [1, 6, 6, 2],
      steps.flatMap((y) => steps.flatMap((x) => [x, y])),
    );
    expect(rounded(ramp, grid)).toEqual([
      ...[0, 0.15, 0.55, 0.95, 1.35, 0.75],
      ...[0.6, 1.5, 2.3, 3.1, 3.9, 2.1],
      ...[2.2, 4.7, 5.5, 6.3, 7.1, 3.7],
      ...[3.8, 7.9, 8.7, 9.5, 10.3, 5.3],
      ...[5.4, 11.1, 11.9, 12.7, 13.5, 6.9],
      ...[3, 6.15, 6.55, 6.95, 7.35, 3.75],
    ]);
  });

  test('pads as in the specification of ONNX', () => {
    const grid = pairs(-10, -5, -0.2, 10, 10, -0.2, 5, 10);
    expect(rounded(small, grid)).toEqual([0, 0, 1.7, 0, 0, 1.7, 0, 0]);
    expect(rounded(small, grid, { paddingMode: 'border' })).toEqual([0, 0, 1.7, 5, 5, 1.7, 5, 5]);
    expect(rounded(small, grid, { paddingMode: 'reflection' })).toEqual([2.5, 0, 1.7, 2.5, 2.5, 1.7, 5, 2.5]);
  });

  test('aligns corners and takes the nearest as in the specification of ONNX', () => {
    const grid = pairs(-1, -0.5, -0.2, 0, 0, -0.2, 0.5, 1);
    expect(rounded(small, grid)).toEqual([0, 0.5, 1.7, 2.5, 2.5, 1.7, 4.5, 1.25]);
    expect(rounded(small, grid, { alignCorners: true })).toEqual([0, 1.25, 2, 2.5, 2.5, 2, 3.75, 5]);
    // Halves go to the even one: -0.5 to 0, and 1.5 to 2, which is outside.
    expect(rounded(small, grid, { mode: 'nearest' })).toEqual([0, 0, 2, 2, 2, 2, 5, 0]);
  });

  /** Where a grid's number is along an axis, and where padding takes it, step by step. */
  function placed(number: number, length: number, { paddingMode, alignCorners }: GridSampleOptions): number {
    const [low, high] = alignCorners ? [0, length - 1] : [-0.5, length - 0.5];
    let place = low + ((number + 1) / 2) * (high - low);
    if (paddingMode === 'reflection') {
      if (low === high) place = low;
      while (place < low || place > high) place = place < low ? 2 * low - place : 2 * high - place;
    }
    return paddingMode === 'zeros' ? place : Math.min(Math.max(place, 0), length - 1);
  }

  const calls = fc.record({
    spatial: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 }),
    // No place is half way between elements, nor on one.
    values: fc.array(
      fc.integer({ min: -400, max: 400 }).map((i) => (i + 0.37) / 100),
      { minLength: 12, maxLength: 12 },
    ),
    mode: fc.constantFrom('bilinear' as const, 'nearest' as const),
    paddingMode: fc.constantFrom('zeros' as const, 'border' as const, 'reflection' as const),
    alignCorners: fc.boolean(),
  });

  test('is a sum over all elements, weighted by their distances from the place or chosen by them', () => {
    forAll(calls, ({ spatial, values, ...options }) => {
      const axes = spatial.length;
      const x = random([1, 2, ...spatial]);
      const grid = float64([1, ...spatial.map((_, axis) => (axis === 0 ? 4 : 1)), axes], values.slice(0, 4 * axes));
      const [value, number] = [reader(x), reader(grid)];
      const naive = table([1, 2, ...grid.shape.slice(1, -1)], ([, channel, ...output]) => {
        const at = spatial.map((length, axis) => placed(number([0, ...output, axes - 1 - axis]), length, options));
        return indices(spatial).reduce((total, index) => {
          const distances = index.map((i, axis) => Math.abs(at[axis]! - i));
          const weights = distances.map((d) => (options.mode === 'nearest' ? Number(d < 0.5) : Math.max(0, 1 - d)));
          return total + weights.reduce((a, b) => a * b) * value([0, channel!, ...index]);
        }, 0);
      });
      expectClose(gridSample(x, grid, options), float64([1, 2, ...grid.shape.slice(1, -1)], naive));
    });
  });

  test('one element whose corners are aligned is wherever padding takes what is asked for', () => {
    const [x, grid] = [float64([1, 1, 1], [7]), float64([1, 3, 1], [-1, 0.3, 5])];
    expect(numbersOf(gridSample(x, grid, { alignCorners: true }))).toEqual([7, 7, 7]);
    for (const paddingMode of ['border', 'reflection'] as const) {
      expect(numbersOf(gridSample(x, grid, { alignCorners: true, paddingMode }))).toEqual([7, 7, 7]);
      expect(numbersOf(gridSample(x, grid, { paddingMode }))).toEqual([7, 7, 7]);
    }
  });

  test('the nearest element alone is read, whatever lies beside it; NaN gives NaN', () => {
    const x = float64([1, 1, 4], [1, Infinity, NaN, 2]);
    const grid = float64([1, 5, 1], [-0.7, -0.3, 0.8, 2, NaN]);
    expect(numbersOf(gridSample(x, grid, { mode: 'nearest' }))).toEqual([1, Infinity, 2, 0, NaN]);
    for (const paddingMode of ['zeros', 'border', 'reflection'] as const) {
      expect(numbersOf(gridSample(small, pairs(...Array<number>(8).fill(NaN)), { paddingMode }))[0]).toBeNaN();
    }
  });

  test('what does not fit is refused', () => {
    expect(() => gridSample(small, zeros([1, 2, 4, 3], { dtype: 'float64' }))).toThrow(
      'gridSample: the grid for an input [1, 1, 3, 2] has shape [1, *, *, 2], a coordinate for each spatial axis, the last one first, but was given as [1, 2, 4, 3]',
    );
    expect(() => gridSample(small, zeros([2, 2, 4, 2], { dtype: 'float64' }))).toThrow('was given as [2, 2, 4, 2]');
    expect(() => gridSample(small, zeros([1, 8, 2], { dtype: 'float64' }))).toThrow('was given as [1, 8, 2]');
    expect(() => gridSample(small, zeros([1, 2, 4, 2]))).toThrow('gridSample: all inputs need one dtype');
    expect(() => gridSample(zeros([1, 1]), zeros([1, 1]))).toThrow('one to three spatial axes, but was given [1, 1]');
    expect(() => gridSample(small, pairs(...Array<number>(8).fill(0)), { mode: 'cubic' as 'nearest' })).toThrow(
      'gridSample: mode must be one of bilinear, nearest, but is "cubic"',
    );
    expect(() => gridSample(small, pairs(...Array<number>(8).fill(0)), { paddingMode: 'wrap' as 'zeros' })).toThrow(
      'gridSample: paddingMode must be one of zeros, border, reflection, but is "wrap"',
    );
  });
});

describe('affineGrid', () => {
  test('by hand: places are mapped in the order (x, y)', () => {
    const theta = float64([1, 2, 3], [1, 0, 0.5, 0, 2, 0]);
    const grid = affineGrid(theta, [1, 3, 2, 2]);
    expect(grid.shape).toEqual([1, 2, 2, 2]);
    expect(numbersOf(grid)).toEqual([0, -1, 1, -1, 0, 1, 1, 1]);
    expect(numbersOf(affineGrid(theta, [1, 3, 2, 2], { alignCorners: true }))).toEqual([
      -0.5, -2, 1.5, -2, -0.5, 2, 1.5, 2,
    ]);
  });

  test('the identity gives the input itself, on any number of axes', () => {
    const identities = [
      [1, 0],
      [1, 0, 0, 0, 1, 0],
      [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0],
    ];
    for (const spatial of [[5], [1], [3, 4], [2, 1, 3]]) {
      const axes = spatial.length;
      const theta = float64([2, axes, axes + 1], [...identities[axes - 1]!, ...identities[axes - 1]!]);
      const x = random([2, 3, ...spatial]);
      for (const alignCorners of [false, true]) {
        for (const mode of ['bilinear', 'nearest'] as const) {
          expectClose(gridSample(x, affineGrid(theta, x.shape, { alignCorners }), { alignCorners, mode }), x);
        }
      }
    }
  });

  test('what does not fit is refused', () => {
    expect(() => affineGrid(zeros([2, 2, 2]), [2, 1, 3, 3])).toThrow(
      'affineGrid: theta must have shape [2, 2, 3], but has [2, 2, 2]',
    );
    expect(() => affineGrid(zeros([2, 2, 3]), [3, 1, 3, 3])).toThrow('must have shape [3, 2, 3]');
    expect(() => affineGrid(zeros([2, 2, 3]), [2, 1])).toThrow('one to three spatial axes, but is [2, 1]');
    expect(() => affineGrid(zeros([2, 2, 3]), [2, 1, 0, 3])).toThrow('but is [2, 1, 0, 3]');
  });
});

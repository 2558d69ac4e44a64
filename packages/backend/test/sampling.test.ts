import { describe, expect, test } from 'vitest';
import type { Shape } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import { dot, kernels, numbers, operand, output } from './harness.ts';

function sample(shape: Shape, values: readonly number[], points: readonly number[]): number[] {
  const axes = shape.length - 2;
  const count = points.length / axes / shape[0]!;
  return output([...shape.slice(0, 2), count], (out) =>
    kernels.sample(operand(shape, values), operand([shape[0]!, count, axes], points), out),
  );
}

test('a grey value of an image between four others', () => {
  // https://en.wikipedia.org/wiki/Bilinear_interpolation, "Application in image processing": row 20.2, column 14.5 among 91, 210, 162 and 95.
  expect(sample([1, 1, 2, 2], [91, 210, 162, 95], [0.2, 0.5])[0]).toBeCloseTo(146.1, 13);
});

test('at pixels it gives their values, between them means, and beyond the edges it fades to 0', () => {
  const row = [4, 8, 2];
  expect(sample([1, 1, 3], row, [0, 1, 2, 0.5, 1.25])).toEqual([4, 8, 2, 6, 6.5]);
  expect(sample([1, 1, 3], row, [-0.25, -0.75, -1, 2.25, 2.75, 3])).toEqual([3, 1, 0, 1.5, 0.5, 0]);
});

test('what is outside gives 0 and is not read, NaN gives NaN', () => {
  const image = [Infinity, NaN, NaN, Infinity];
  expect(sample([1, 1, 2, 2], image, [-1, 0, 0, 2, 1e300, 0, 0, -Infinity])).toEqual([0, 0, 0, 0]);
  expect(sample([1, 1, 2, 2], [1, 2, 3, 4], [NaN, 0, 0, NaN, NaN, 7, 1, 1])).toEqual([NaN, NaN, NaN, 4]);
});

const cases: readonly (readonly [name: string, x: Shape, count: number])[] = [
  ['one axis', [2, 3, 5], 7],
  ['two axes', [2, 2, 3, 4], 8],
  ['three axes', [1, 2, 2, 3, 4], 9],
];

describe.each(cases)('gradients of sampling, %s', (_, shape, count) => {
  const [n, c, ...spatial] = shape as [number, number, ...number[]];
  const x = numbers(sizeOf(shape), 1);
  // From 1.2 below the axis to 0.2 above it, and nowhere near a whole number.
  const points = numbers(n * count * spatial.length, 2).map((unit, i) => {
    const place = ((unit + 1) / 2) * (spatial[i % spatial.length]! + 1.4) - 1.2;
    return Math.floor(place) + 0.05 + 0.9 * (place - Math.floor(place));
  });
  const gradient = numbers(n * c * count, 3);
  const at = operand([n, count, spatial.length], points);
  const upstream = operand([n, c, count], gradient);

  test('in the input it is the adjoint', () => {
    const back = output(shape, (out) => kernels.sampleInputGradient(upstream, at, out));
    expect(dot(sample(shape, x, points), gradient)).toBeCloseTo(dot(x, back), 13);
  });

  test('in the points it agrees with central differences', () => {
    const slopes = output(at.shape, (out) => kernels.samplePointsGradient(operand(shape, x), at, upstream, out));
    const h = 1e-5;
    slopes.forEach((slope, i) => {
      const moved = (by: number): number =>
        dot(
          sample(
            shape,
            x,
            points.map((value, k) => (k === i ? value + by : value)),
          ),
          gradient,
        );
      expect((moved(h) - moved(-h)) / (2 * h)).toBeCloseTo(slope, 9);
    });
  });
});

test('gradients at whole coordinates are those of the cell that begins there; outside and for NaN there are none', () => {
  const [x, at] = [operand([1, 1, 3], [4, 8, 2]), operand([1, 7, 1], [0, 1, 2, -0.5, -1, 3, NaN])];
  const upstream = operand([1, 1, 7], [1, 1, 1, 1, 1, 1, 1]);
  expect(output([1, 7, 1], (out) => kernels.samplePointsGradient(x, at, upstream, out))).toEqual([
    4,
    -6,
    -2,
    4,
    0,
    0,
    NaN,
  ]);
  expect(output([1, 1, 3], (out) => kernels.sampleInputGradient(upstream, at, out))).toEqual([1.5, 1, 1]);
});

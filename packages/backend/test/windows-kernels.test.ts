import { describe, expect, test } from 'vitest';
import type { ConvGeometry, Operand, Shape, Window } from '@receptive/backend';
import { sizeOf, windowOutput } from '@receptive/backend';
import { dot, elements, kernels, numbers, operand, output } from './harness.ts';

/** A window with the same numbers on every axis. */
function window(
  kernel: readonly number[],
  { stride = 1, dilation = 1, padding = [0, 0] as readonly [number, number] } = {},
): Window {
  return {
    kernel,
    stride: kernel.map(() => stride),
    dilation: kernel.map(() => dilation),
    padding: kernel.map(() => padding),
  };
}

/** Convolves one plane given as rows, with one filter given as rows. */
function convolve(
  image: readonly (readonly number[])[],
  filter: readonly (readonly number[])[],
  stride = 1,
): number[][] {
  const [height, width] = [image.length, image[0]!.length];
  const geometry = { ...window([filter.length, filter[0]!.length], { stride }), groups: 1 };
  const [rows, columns] = windowOutput([height, width], geometry) as [number, number];
  const x = operand([1, 1, height, width], image.flat());
  const weight = operand([1, 1, ...geometry.kernel], filter.flat());
  const result = output([1, 1, rows, columns], (out) => kernels.conv(x, weight, undefined, out, geometry));
  return Array.from({ length: rows }, (_, row) => result.slice(row * columns, (row + 1) * columns));
}

describe('worked examples', () => {
  const verticalEdge = [
    [-1, 0, 1],
    [-1, 0, 1],
    [-1, 0, 1],
  ];
  const image7 = [
    [3, 0, 1, 2, 7, 4, 2],
    [1, 5, 8, 9, 3, 1, 1],
    [2, 7, 2, 5, 1, 3, 5],
    [0, 1, 3, 1, 7, 8, 4],
    [4, 2, 1, 6, 2, 8, 3],
    [2, 4, 5, 2, 3, 9, 8],
    [2, 3, 6, 4, 2, 0, 1],
  ];

  test('vertical edges of a 6x6 image', () => {
    const image6 = image7.slice(0, 6).map((row) => row.slice(0, 6));
    // Where this example is taught, the third entry of the second row is misprinted as 2: 3 + 1 + 7 - (8 + 2 + 3) is -2.
    expect(convolve(image6, verticalEdge)).toEqual([
      [5, 4, 0, -8],
      [10, 2, -2, -3],
      [0, 2, 4, 7],
      [3, 2, 3, 16],
    ]);
  });

  test('stride 2 on a 7x7 image', () => {
    expect(convolve(image7, verticalEdge, 2)).toEqual([
      [5, 0, -3],
      [0, 4, 2],
      [4, -5, 5],
    ]);
  });

  test('an edge from 10 to 0, and its mirror image', () => {
    const filter = [
      [1, 0, -1],
      [1, 0, -1],
      [1, 0, -1],
    ];
    const bright = Array.from({ length: 6 }, () => [10, 10, 10, 0, 0, 0]);
    const dark = bright.map((row) => [...row].reverse());
    expect(convolve(bright, filter)).toEqual(Array.from({ length: 4 }, () => [0, 30, 30, 0]));
    expect(convolve(dark, filter)).toEqual(Array.from({ length: 4 }, () => [0, -30, -30, 0]));
  });

  test('pooling a 4x4 image, 2x2 at stride 2', () => {
    const x = operand([1, 1, 4, 4], [1, 3, 2, 1, 3, 6, 8, 9, 8, 3, 3, 9, 4, 6, 8, 2]);
    const half = window([2, 2], { stride: 2 });
    const indices = operand([1, 1, 2, 2], [0, 0, 0, 0], 'int32');
    expect(output([1, 1, 2, 2], (out) => kernels.maxPool(x, out, indices, half))).toEqual([6, 9, 8, 9]);
    expect(elements(indices)).toEqual([5, 7, 8, 11]);
    expect(output([1, 1, 2, 2], (out) => kernels.avgPool(x, out, half, true))).toEqual([3.25, 5, 5.25, 5.5]);
  });
});

/** Geometries of one, two and three dimensions with every attribute in play. */
const cases: readonly (readonly [name: string, x: Shape, filters: number, geometry: ConvGeometry])[] = [
  ['1-d', [2, 2, 9], 3, { ...window([3], { stride: 2, padding: [1, 1] }), groups: 1 }],
  ['2-d', [2, 3, 5, 6], 4, { ...window([3, 2]), groups: 1 }],
  ['stride that leaves a rest', [1, 2, 6, 6], 2, { ...window([3, 3], { stride: 2 }), groups: 1 }],
  ['dilation and uneven padding', [1, 2, 7, 8], 2, { ...window([3, 3], { dilation: 2, padding: [1, 2] }), groups: 1 }],
  ['groups', [2, 4, 5, 5], 6, { ...window([3, 3], { padding: [1, 1] }), groups: 2 }],
  ['depthwise with a multiplier', [1, 3, 5, 5], 6, { ...window([2, 2]), groups: 3 }],
  [
    'axes that differ',
    [1, 2, 6, 9],
    3,
    {
      kernel: [2, 3],
      stride: [1, 3],
      dilation: [2, 1],
      padding: [
        [0, 1],
        [2, 0],
      ],
      groups: 1,
    },
  ],
  ['3-d', [1, 2, 4, 5, 4], 2, { ...window([2, 3, 2], { stride: 2, padding: [1, 0] }), groups: 1 }],
];

describe.each(cases)('convolution, %s', (_, xShape, filters, geometry) => {
  const [batch, channels, ...spatial] = xShape as [number, number, ...number[]];
  const spatialOut = windowOutput(spatial, geometry);
  const weightShape = [filters, channels / geometry.groups, ...geometry.kernel];
  const outShape = [batch, filters, ...spatialOut];
  const x = operand(xShape, numbers(sizeOf(xShape), 1));
  const weight = operand(weightShape, numbers(sizeOf(weightShape), 2));
  const gradient = operand(outShape, numbers(sizeOf(outShape), 3));
  const conv = (input: Operand, bias?: Operand) =>
    output(outShape, (out) => kernels.conv(input, weight, bias, out, geometry));

  test('is im2col and a matrix product for each group', () => {
    const taps = sizeOf(geometry.kernel);
    const outputs = sizeOf(spatialOut);
    const perGroup = channels / geometry.groups;
    const columnShape = [batch, channels * taps, outputs];
    const columns = output(columnShape, (out) => kernels.im2col(x, out, geometry, 0));
    // [N, groups, rows, outputs] against [groups, filters / groups, rows].
    const grouped = operand([batch, geometry.groups, perGroup * taps, outputs], columns);
    const matrix = operand([geometry.groups, filters / geometry.groups, perGroup * taps], elements(weight));
    const product = output([batch, geometry.groups, filters / geometry.groups, outputs], (out) =>
      kernels.matmul(matrix, grouped, out, { transposeA: false, transposeB: false }),
    );
    conv(x).forEach((value, i) => expect(value).toBeCloseTo(product[i]!, 13));
  });

  test('bias adds a constant to each output channel', () => {
    const bias = numbers(filters, 4);
    const without = conv(x);
    conv(x, operand([filters], bias)).forEach((value, i) => {
      expect(value).toBeCloseTo(without[i]! + bias[Math.floor(i / sizeOf(spatialOut)) % filters]!, 13);
    });
  });

  test('the input gradient is the adjoint in the input', () => {
    const back = output(xShape, (out) => kernels.convInputGradient(gradient, weight, out, geometry));
    expect(dot(conv(x), elements(gradient))).toBeCloseTo(dot(elements(x), back), 12);
  });

  test('the weight gradient is the adjoint in the weights', () => {
    const back = output(weightShape, (out) => kernels.convWeightGradient(x, gradient, out, geometry));
    expect(dot(conv(x), elements(gradient))).toBeCloseTo(dot(elements(weight), back), 12);
  });

  test('col2im is the adjoint of im2col', () => {
    const columnShape = [batch, channels * sizeOf(geometry.kernel), sizeOf(spatialOut)];
    const y = numbers(sizeOf(columnShape), 5);
    const unfolded = output(columnShape, (out) => kernels.im2col(x, out, geometry, 0));
    const folded = output(xShape, (out) => kernels.col2im(operand(columnShape, y), out, geometry));
    expect(dot(unfolded, y)).toBeCloseTo(dot(elements(x), folded), 12);
  });
});

test('im2col puts its value where the window leaves the input', () => {
  const x = operand([1, 1, 2, 2], [1, 2, 3, 4]);
  const columns = output([1, 4, 4], (out) => kernels.im2col(x, out, window([2, 2], { padding: [1, 0] }), -9));
  // Rows are the taps, columns the windows at (-1, -1), (-1, 0), (0, -1), (0, 0).
  expect(columns).toEqual([-9, -9, -9, 1, -9, -9, 1, 2, -9, 1, -9, 3, 1, 2, 3, 4]);
});

/** Values and indices of a maximum pool. */
function maxPool(x: Operand, outShape: Shape, geometry: Window) {
  const indices = operand(outShape, Array<number>(sizeOf(outShape)).fill(0), 'int32');
  const values = output(outShape, (out) => kernels.maxPool(x, out, indices, geometry));
  return { values, indices: elements(indices), operand: indices };
}

describe('pooling', () => {
  const padded = window([3, 3], { stride: 2, padding: [1, 1] });

  test('padding never wins, though all elements are negative or -Infinity', () => {
    const x = operand([1, 1, 2, 2], [-1, -2, -Infinity, -3]);
    expect(maxPool(x, [1, 1, 1, 1], padded).values).toEqual([-1]);
    const least = operand([1, 1, 1, 2], [-Infinity, -Infinity]);
    expect(maxPool(least, [1, 1, 1, 1], padded)).toMatchObject({ values: [-Infinity], indices: [0] });
  });

  test('ties go to the first index, a NaN wins, indices count within a plane', () => {
    const x = operand([1, 2, 1, 4], [7, 7, 1, 2, 5, NaN, NaN, 9]);
    const { values, indices } = maxPool(x, [1, 2, 1, 2], window([1, 2], { stride: 2 }));
    expect(values).toEqual([7, 2, NaN, NaN]);
    expect(indices).toEqual([0, 3, 1, 2]);
  });

  test('the gradient goes to the maximum alone, and adds up where windows overlap', () => {
    const x = operand([1, 1, 1, 3], [1, 5, 2]);
    const pairs = window([1, 2]);
    const { operand: indices } = maxPool(x, [1, 1, 1, 2], pairs);
    const gradient = operand([1, 1, 1, 2], [10, 20]);
    expect(output([1, 1, 1, 3], (out) => kernels.maxPoolGradient(gradient, indices, out, pairs))).toEqual([0, 30, 0]);
  });

  test('averages count padding or do not', () => {
    const x = operand([1, 1, 2, 2], [1, 2, 3, 4]);
    expect(output([1, 1, 1, 1], (out) => kernels.avgPool(x, out, padded, true))).toEqual([10 / 9]);
    expect(output([1, 1, 1, 1], (out) => kernels.avgPool(x, out, padded, false))).toEqual([2.5]);
  });

  const shape = [2, 2, 5, 4];
  const outShape = [2, 2, 3, 2];
  const upstream = numbers(sizeOf(outShape), 7);
  const pools: readonly (readonly [
    string,
    (x: Operand) => number[],
    (x: Operand, g: Operand, out: Operand) => void,
  ])[] = [
    [
      'max',
      (x) => maxPool(x, outShape, padded).values,
      (x, g, out) => kernels.maxPoolGradient(g, maxPool(x, outShape, padded).operand, out, padded),
    ],
    ...[true, false].map(
      (count) =>
        [
          `average, padding ${count ? 'counted' : 'left out'}`,
          (x: Operand) => output(outShape, (out) => kernels.avgPool(x, out, padded, count)),
          (_: Operand, g: Operand, out: Operand) => kernels.avgPoolGradient(g, out, padded, count),
        ] as const,
    ),
  ];
  test.each(pools)('the gradient agrees with finite differences: %s', (_, pool, pullBack) => {
    const x = numbers(sizeOf(shape), 6);
    const loss = (values: readonly number[]) => dot(pool(operand(shape, values)), upstream);
    const gradient = output(shape, (out) => pullBack(operand(shape, x), operand(outShape, upstream), out));
    const h = 1e-5;
    gradient.forEach((slope, i) => {
      const moved = (by: number) => loss(x.map((value, k) => (k === i ? value + by : value)));
      expect((moved(h) - moved(-h)) / (2 * h)).toBeCloseTo(slope, 8);
    });
  });
});

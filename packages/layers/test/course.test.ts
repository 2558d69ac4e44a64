// What courses on convolutional networks work out by hand. A kernel is applied as it is written (cross-correlation), as the field does, except where the
// name says otherwise.
import { beforeAll, describe, expect, test } from 'vitest';
import { grad } from '@receptive/autograd';
import { reference } from '@receptive/backend/reference';
import { Conv2d, Flatten, Linear, MaxPool2d, ReLU, Sequential, mse, summary } from '@receptive/layers';
import type { ConvLayerOptions, Module } from '@receptive/layers';
import {
  Parameter,
  avgPool2d,
  conv2d,
  flip,
  matmul,
  maxPool2d,
  mul,
  pad,
  reshape,
  scope,
  setBackend,
  sgdStep,
  sum,
  tensor,
  zeros,
} from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import { distance, image, nested, numbers, plane } from './harness.ts';

beforeAll(() => setBackend(reference()));

const count = (model: Module): number =>
  model.parameters().reduce((total, { shape }) => total + shape.reduce((a, b) => a * b), 0);

describe('filters', () => {
  const image6 = [
    [3, 0, 1, 2, 7, 4],
    [1, 5, 8, 9, 3, 1],
    [2, 7, 2, 5, 1, 3],
    [0, 1, 3, 1, 7, 8],
    [4, 2, 1, 6, 2, 8],
    [2, 4, 5, 2, 3, 9],
  ];
  const verticalEdge = [
    [-1, 0, 1],
    [-1, 0, 1],
    [-1, 0, 1],
  ];
  // The slide misprints the third entry of the second row as 2; it is (3 + 1 + 7) - (8 + 2 + 3) = -2.
  const edges6 = [
    [5, 4, 0, -8],
    [10, 2, -2, -3],
    [0, 2, 4, 7],
    [3, 2, 3, 16],
  ];

  test('vertical edges of a 6x6 image', () => {
    expect(plane(conv2d(image(image6), image(verticalEdge)))).toEqual(edges6);
  });

  test('vertical edges of a 7x7 image at stride 2', () => {
    const image7 = image([
      [3, 0, 1, 2, 7, 4, 2],
      [1, 5, 8, 9, 3, 1, 1],
      [2, 7, 2, 5, 1, 3, 5],
      [0, 1, 3, 1, 7, 8, 4],
      [4, 2, 1, 6, 2, 8, 3],
      [2, 4, 5, 2, 3, 9, 8],
      [2, 3, 6, 4, 2, 0, 1],
    ]);
    expect(plane(conv2d(image7, image(verticalEdge), null, { stride: 2 }))).toEqual([
      [5, 0, -3],
      [0, 4, 2],
      [4, -5, 5],
    ]);
  });

  test('an edge from light to dark is positive, from dark to light negative', () => {
    const lightToDark = image(Array.from({ length: 6 }, () => [10, 10, 10, 0, 0, 0]));
    const kernel = image(Array.from({ length: 3 }, () => [1, 0, -1]));
    expect(plane(conv2d(lightToDark, kernel))).toEqual(Array.from({ length: 4 }, () => [0, 30, 30, 0]));
    expect(plane(conv2d(flip(lightToDark, 3), kernel))).toEqual(Array.from({ length: 4 }, () => [0, -30, -30, 0]));
  });

  test('gradient descent from the image and its edge map recovers the nine weights', () => {
    const [x, target] = [image(image6), image(edges6)];
    const kernel = new Parameter([1, 1, 3, 3], (shape) => zeros(shape, { dtype: 'float64' }));
    const options = { lr: 0.006, momentum: 0.9, dampening: 0, weightDecay: 0, nesterov: false };
    const velocity = new Parameter([1, 1, 3, 3], (shape) => zeros(shape, { dtype: 'float64' }));
    for (let step = 0; step < 1000; step++) {
      scope(() => {
        const [gradient] = grad(() => mse(conv2d(x, kernel.value), target), [kernel]);
        sgdStep(kernel, gradient, velocity, options);
      });
    }
    expect(distance(kernel.value, image(verticalEdge))).toBeLessThan(1e-6);
  });
});

describe('pooling', () => {
  const x = [
    [1, 3, 2, 1],
    [3, 6, 8, 9],
    [8, 3, 3, 9],
    [4, 6, 8, 2],
  ];

  test('2x2 at stride 2, by maximum and by average', () => {
    expect(plane(maxPool2d(image(x), 2))).toEqual([
      [6, 9],
      [8, 9],
    ]);
    expect(plane(avgPool2d(image(x), 2))).toEqual([
      [3.25, 5],
      [5.25, 5.5],
    ]);
  });

  test('a shift by one pixel inside the windows leaves the maxima unchanged', () => {
    const spots = image([
      [9, 0, 7, 0],
      [0, 0, 0, 0],
      [5, 0, 0, 0],
      [0, 0, 3, 0],
    ]);
    const shifted = image([
      [0, 9, 0, 7],
      [0, 0, 0, 0],
      [0, 5, 0, 0],
      [0, 0, 0, 3],
    ]);
    expect(plane(maxPool2d(shifted, 2))).toEqual(plane(maxPool2d(spots, 2)));
    // Every other pixel has moved, and a smaller window sees it.
    expect(plane(maxPool2d(shifted, [2, 1]))).not.toEqual(plane(maxPool2d(spots, [2, 1])));
  });

  test('the gradient goes to the maximum alone, of equal ones to the first', () => {
    const input = image([
      [1, 3, 5, 5],
      [2, 0, 5, 5],
      [4, 4, 0, 0],
      [4, 4, 0, 7],
    ]);
    const upstream = image([
      [10, 20],
      [30, 40],
    ]);
    const [gradient] = grad(() => sum(mul(maxPool2d(input, 2), upstream)), [input]);
    expect(plane(gradient)).toEqual([
      [0, 10, 20, 0],
      [0, 0, 0, 0],
      [30, 0, 0, 0],
      [0, 0, 0, 40],
    ]);
  });
});

const outputSize = (n: number, f: number, options: ConvLayerOptions = {}): number | undefined =>
  summary(new Conv2d(1, 1, f, options), [1, n, n]).output[1];

describe('output size floor((n + 2p - f) / s) + 1', () => {
  test.each([
    [6, 3, { stride: 2 }, 2],
    [6, 3, {}, 4],
    [7, 3, { stride: 2 }, 3],
    [32, 5, {}, 28],
    [227, 11, { stride: 4 }, 55],
    [224, 7, { stride: 2, padding: 3 }, 112],
  ])('n %i, f %i, %o: %i', (n, f, options, expected) => {
    expect(outputSize(n, f, options)).toBe(expected);
  });

  test.each([1, 3, 5, 7])("'same' keeps n with p = (f - 1) / 2 for f = %i", (f) => {
    expect(outputSize(13, f, { padding: 'same' })).toBe(13);
    expect(outputSize(13, f, { padding: (f - 1) / 2 })).toBe(13);
  });
});

describe('parameters and computations', () => {
  test('10 filters of 3x3x3 have 280 parameters', () => {
    expect(count(new Conv2d(3, 10, 3))).toBe((3 * 3 * 3 + 1) * 10);
    expect(count(new Conv2d(3, 10, 3))).toBe(280);
  });

  test('the example network on 32x32x3 has 62,006', () => {
    const network = new Sequential([
      new Conv2d(3, 6, 5),
      new ReLU(),
      new MaxPool2d(2),
      new Conv2d(6, 16, 5),
      new ReLU(),
      new MaxPool2d(2),
      new Flatten(),
      new Linear(400, 120),
      new ReLU(),
      new Linear(120, 84),
      new ReLU(),
      new Linear(84, 10),
    ]);
    const { layers, totals, output } = summary(network, [3, 32, 32]);
    expect(layers.filter(({ parameters }) => parameters > 0).map(({ parameters }) => parameters)).toEqual([
      456, 2_416, 48_120, 10_164, 850,
    ]);
    // The slide gives 61,795: it counts one bias for each dense layer, where each of the 120, 84 and 10 neurons has its own.
    expect(totals.parameters).toBe(62_006);
    expect(62_006 - (120 - 1) - (84 - 1) - (10 - 1)).toBe(61_795);
    expect(layers.filter(({ window }) => window).map(({ output: volume }) => volume)).toEqual([
      [6, 28, 28],
      [6, 14, 14],
      [16, 10, 10],
      [16, 5, 5],
    ]);
    expect(output).toEqual([10]);
  });

  test('a convolution has far fewer than the dense layer between the same volumes', () => {
    // The dense layers are never made: a parameter that is not used is a shape.
    expect(count(new Linear(32 * 32 * 3, 28 * 28 * 6, { bias: false }))).toBe(14_450_688);
    expect(count(new Conv2d(3, 6, 5))).toBe(456);
    expect(count(new Linear(32 * 32, 28 * 28, { bias: false }))).toBe(802_816);
    expect(count(new Conv2d(1, 6, 5, { bias: false }))).toBe(150);
    expect(count(new Linear(224 * 224 * 3, 1, { bias: false }))).toBe(150_528);
  });

  test("AlexNet's first layer", () => {
    const [layer] = summary(new Conv2d(3, 96, 11, { stride: 4 }), [3, 227, 227]).layers;
    expect(layer).toMatchObject({
      output: [96, 55, 55],
      filters: 96,
      parameters: 34_944,
      computations: 105_705_600, // as courses count: (weights + biases) x output positions
      multiplyAdds: 11 * 11 * 3 * 96 * 55 * 55, // without biases
      receptiveField: [11, 11],
    });
  });
});

describe('a convolution is a sparse dense layer with shared weights', () => {
  const [filters, channels, height, width, kernel] = [2, 3, 5, 6, 3];
  const [rows, columns] = [height - kernel + 1, width - kernel + 1];
  const [outputs, inputs] = [filters * rows * columns, channels * height * width];

  /** For each entry of the dense layer's matrix the number of the kernel's weight that stands there, or -1 where there is a zero. */
  const taps = Array.from({ length: outputs * inputs }, (_, entry) => {
    const [output, input] = [Math.floor(entry / inputs), entry % inputs];
    const [o, i, j] = [Math.floor(output / (rows * columns)), Math.floor(output / columns) % rows, output % columns];
    const [c, y, x] = [Math.floor(input / (height * width)), Math.floor(input / width) % height, input % width];
    const [u, v] = [y - i, x - j];
    return u >= 0 && u < kernel && v >= 0 && v < kernel ? ((o * channels + c) * kernel + u) * kernel + v : -1;
  });

  const operands = () => {
    const weight = numbers([filters, channels, kernel, kernel], 2);
    const shared = weight.dataSync();
    const matrix = tensor(
      Float64Array.from(taps, (tap) => (tap < 0 ? 0 : shared[tap]!)),
      { shape: [outputs, inputs] },
    );
    return {
      x: numbers([1, channels, height, width], 1),
      upstream: numbers([1, filters, rows, columns], 3),
      weight,
      matrix,
    };
  };
  const dense = (matrix: Tensor, x: Tensor): Tensor =>
    reshape(matmul(matrix, reshape(x, [-1, 1])), [1, filters, rows, columns]);

  test('forward', () => {
    const { x, weight, matrix } = operands();
    expect(taps.filter((tap) => tap >= 0)).toHaveLength(outputs * channels * kernel * kernel);
    expect(distance(dense(matrix, x), conv2d(x, weight))).toBeLessThan(1e-14);
  });

  test('backward: the gradient of a shared weight is the sum over its uses', () => {
    const { x, weight, matrix, upstream } = operands();
    const [dx, dw] = grad(() => sum(mul(conv2d(x, weight), upstream)), [x, weight]);
    const [denseDx, denseDm] = grad(() => sum(mul(dense(matrix, x), upstream)), [x, matrix]);
    expect(distance(dx, denseDx)).toBeLessThan(1e-14);
    const uses = denseDm.dataSync();
    const summed = new Float64Array(weight.size);
    taps.forEach((tap, entry) => {
      if (tap >= 0) summed[tap]! += uses[entry]!;
    });
    expect(distance(dw, tensor(summed, { shape: weight.shape }))).toBeLessThan(1e-13);
  });
});

/** A plane of zeros with x in it. */
const placed = (x: Tensor, [above, left]: readonly [number, number], size: number): Tensor =>
  pad(x, [
    [0, 0],
    [0, 0],
    [above, size - x.shape[2]! - above],
    [left, size - x.shape[3]! - left],
  ]);

/** Wherever the two overlap: f by g with g - 1 of padding. */
const crossCorrelation = (f: Tensor, g: Tensor, flipKernel = false): Tensor =>
  conv2d(f, g, null, { padding: [g.shape[2]! - 1, g.shape[3]! - 1], flipKernel });
const convolution = (f: Tensor, g: Tensor): Tensor => crossCorrelation(f, g, true);

describe('what convolution does to its input', () => {
  test('equivariance: translating the input translates the output', () => {
    const [spot, kernel] = [numbers([1, 1, 4, 4]), numbers([1, 1, 3, 3], 2)];
    const still = conv2d(placed(spot, [2, 2], 12), kernel);
    const moved = conv2d(placed(spot, [5, 3], 12), kernel);
    // All that is not zero lies in a block of 6x6, which has moved by (3, 1).
    const block = still.slice([0, 0, 0, 0], [1, 1, 6, 6]);
    expect(distance(still, placed(block, [0, 0], 10))).toBe(0);
    expect(distance(moved, placed(block, [3, 1], 10))).toBe(0);
    expect(distance(moved, still)).toBeGreaterThan(0.1);
  });

  test('backward, the gradient of the input is a convolution of the upstream gradient with the flipped kernel', () => {
    const [x, weight, upstream] = [numbers([1, 2, 6, 7]), numbers([3, 2, 3, 3], 2), numbers([1, 3, 4, 5], 3)];
    const [dx] = grad(() => sum(mul(conv2d(x, weight), upstream)), [x]);
    // Filters and channels change places; padding by k - 1 lets every tap meet every output.
    const flipped = flip(weight, [2, 3]).permute(1, 0, 2, 3);
    expect(distance(dx, conv2d(upstream, flipped, null, { padding: 2 }))).toBeLessThan(1e-14);
  });

  const a = [
    [1, 2, 3],
    [4, 5, 6],
    [7, 8, 9],
  ];
  const b = [
    [7, 1],
    [2, 3],
  ];
  test('convolution flips the kernel, cross-correlation does not', () => {
    expect(plane(conv2d(image(a), image(b)))).toEqual([
      [1 * 7 + 2 * 1 + 4 * 2 + 5 * 3, 2 * 7 + 3 * 1 + 5 * 2 + 6 * 3],
      [4 * 7 + 5 * 1 + 7 * 2 + 8 * 3, 5 * 7 + 6 * 1 + 8 * 2 + 9 * 3],
    ]);
    expect(plane(conv2d(image(a), image(b), null, { flipKernel: true }))).toEqual([
      [1 * 3 + 2 * 2 + 4 * 1 + 5 * 7, 2 * 3 + 3 * 2 + 5 * 1 + 6 * 7],
      [4 * 3 + 5 * 2 + 7 * 1 + 8 * 7, 5 * 3 + 6 * 2 + 8 * 1 + 9 * 7],
    ]);
    // A kernel that is its own mirror image makes no difference between them.
    const symmetric = image([
      [1, 2, 1],
      [2, 4, 2],
      [1, 2, 1],
    ]);
    expect(nested(convolution(image(a), symmetric))).toEqual(nested(crossCorrelation(image(a), symmetric)));
  });

  test('convolution commutes; of cross-correlation the order turns the result', () => {
    const [f, g] = [image(a), image(b)];
    expect(nested(convolution(f, g))).toEqual(nested(convolution(g, f)));
    expect(nested(crossCorrelation(f, g))).not.toEqual(nested(crossCorrelation(g, f)));
    expect(nested(crossCorrelation(f, g))).toEqual(nested(flip(crossCorrelation(g, f), [2, 3])));
  });
});

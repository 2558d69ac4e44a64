import { beforeAll, describe, expect, test } from 'vitest';
import { grad, gradCheck } from '@receptive/autograd';
import { reference } from '@receptive/backend/reference';
import { binaryCrossEntropyWithLogits, crossEntropy, mse } from '@receptive/layers';
import type { CrossEntropyOptions } from '@receptive/layers';
import { setBackend, softmax, tensor } from '@receptive/tensor';
import type { Nested, Tensor } from '@receptive/tensor';
import { nested, numbers } from './harness.ts';

beforeAll(() => setBackend(reference()));

const doubles = (data: Nested): Tensor => tensor(data, { dtype: 'float64' });
const labels = (data: Nested): Tensor => tensor(data, { dtype: 'int32' });
const elements = (x: Tensor): number[] => [...x.dataSync()];

/** Equal but for the rounding of doubles. */
function close(got: readonly number[], expected: readonly number[]): void {
  expect(got.length).toBe(expected.length);
  got.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 12));
}

const logits = () =>
  doubles([
    [1, 2, 3],
    [1, 2, 3],
  ]);
const loss = (options?: CrossEntropyOptions): number[] => elements(crossEntropy(logits(), labels([2, 0]), options));

describe('crossEntropy', () => {
  // log(e^1 + e^2 + e^3) = 3.4076059644443806, so that -log p of the classes 0, 1, 2 is:
  const [a, b, c] = [2.4076059644443806, 1.4076059644443806, 0.4076059644443806];

  test('mean, sum and none', () => {
    close(loss(), [(c + a) / 2]);
    close(loss({ reduction: 'sum' }), [c + a]);
    close(loss({ reduction: 'none' }), [c, a]);
  });

  test('class weights: the mean divides by the sum of the weights of the targets', () => {
    const weight = doubles([0.5, 2, 3]);
    close(loss({ weight }), [(3 * c + 0.5 * a) / 3.5]);
    close(loss({ weight, reduction: 'sum' }), [3 * c + 0.5 * a]);
    close(loss({ weight, reduction: 'none' }), [3 * c, 0.5 * a]);
  });

  test('label smoothing is cross-entropy with the smoothed distribution', () => {
    const smoothed = [0.9 * c + (0.1 / 3) * (a + b + c), 0.9 * a + (0.1 / 3) * (a + b + c)] as const;
    close(loss({ labelSmoothing: 0.1, reduction: 'none' }), smoothed);
    close(loss({ labelSmoothing: 0.1 }), [(smoothed[0] + smoothed[1]) / 2]);
    close(loss({ labelSmoothing: 1 }), [(a + b + c) / 3]);
  });

  test('label smoothing with class weights: each class counts by its own weight', () => {
    const weight = doubles([0.5, 2, 3]);
    const spread = (0.1 / 3) * (0.5 * a + 2 * b + 3 * c);
    const weighted = [0.9 * 3 * c + spread, 0.9 * 0.5 * a + spread] as const;
    close(loss({ labelSmoothing: 0.1, weight, reduction: 'none' }), weighted);
    close(loss({ labelSmoothing: 0.1, weight }), [(weighted[0] + weighted[1]) / 3.5]);
  });

  test('of images, a class for each pixel', () => {
    const pixels = doubles([[[[1, 3]], [[2, 2]], [[3, 1]]]]); // [1, 3, 1, 2]
    const classes = labels([[[2, 2]]]);
    expect(nested(crossEntropy(pixels, classes, { reduction: 'none' }))).toEqual([
      [[expect.closeTo(c, 12), expect.closeTo(a, 12)]],
    ]);
    const weight = doubles([1, 1, 4]);
    close(elements(crossEntropy(pixels, classes, { weight, labelSmoothing: 0.3 })), [
      (0.7 * 4 * (c + a) + (0.3 / 3) * (a + b + 4 * c + (c + b + 4 * a))) / 8,
    ]);
  });

  test('labels may be bytes, and large logits do not overflow', () => {
    close(elements(crossEntropy(doubles([[1000, 0]]), tensor(Uint8Array.of(1)))), [1000]);
  });

  test('a class that does not exist makes a NaN that is seen', () => {
    expect(elements(crossEntropy(logits(), labels([2, 3])))).toEqual([NaN]);
  });

  test('the gradient is (softmax - one-hot) / N', () => {
    const x = logits();
    const [gradient] = grad(() => crossEntropy(x, labels([2, 0])), [x]);
    const p = elements(softmax(x));
    close(
      elements(gradient),
      p.map((probability, i) => (probability - (i === 2 || i === 3 ? 1 : 0)) / 2),
    );
  });

  test.each<CrossEntropyOptions>([
    {},
    { reduction: 'sum' },
    { labelSmoothing: 0.2 },
    { reduction: 'none', labelSmoothing: 0.2 },
  ])('gradients, %o', (options) => {
    const classes = labels([2, 0, 1, 2]);
    gradCheck((x) => crossEntropy(x, classes, options), [[4, 3]]);
    gradCheck((x, weight) => crossEntropy(x, classes, { ...options, weight: weight.add(2) }), [[4, 3], [3]]);
    const pixels = labels([
      [
        [0, 1],
        [2, 1],
      ],
    ]);
    gradCheck((x) => crossEntropy(x, pixels, options), [[1, 3, 2, 2]]);
  });

  test('what does not fit', () => {
    const x = logits();
    expect(() => crossEntropy(x, labels([2]))).toThrow('logits [2, 3] need class indices [2], but were given [1]');
    expect(() => crossEntropy(x, numbers([2, 3]))).toThrow('argmax(targets, 1)');
    expect(() => crossEntropy(x, doubles([2, 0]))).toThrow(
      'classes are indices, int32 or uint8, but were given as float64',
    );
    expect(() => crossEntropy(doubles([1, 2]), labels([2]))).toThrow(
      'needs logits [N, C] or [N, C, ...spatial], but was given [2]',
    );
    expect(() => crossEntropy(x, labels([2, 0]), { weight: doubles([1, 2]) })).toThrow(
      '3 classes need weights [3], but were given [2]',
    );
    expect(() => crossEntropy(x, labels([2, 0]), { labelSmoothing: 1.1 })).toThrow(
      'labelSmoothing must lie between 0 and 1, but is 1.1',
    );
    expect(() => crossEntropy(labels([[1, 2]]), labels([1]))).toThrow('floats');
  });
});

describe('mse', () => {
  test('by hand', () => {
    const [prediction, target] = [
      doubles([
        [1, 2],
        [3, 4],
      ]),
      doubles([
        [1, 0],
        [0, 0],
      ]),
    ];
    expect(elements(mse(prediction, target))).toEqual([(4 + 9 + 16) / 4]);
    expect(elements(mse(prediction, target, { reduction: 'sum' }))).toEqual([29]);
    expect(nested(mse(prediction, target, { reduction: 'none' }))).toEqual([
      [0, 4],
      [9, 16],
    ]);
  });

  test('gradients', () => {
    gradCheck(
      (x, y) => mse(x, y),
      [
        [2, 3],
        [2, 3],
      ],
    );
    const [x, y] = [doubles([3, 5]), doubles([1, 1])];
    expect(grad(() => mse(x, y), [x, y]).map(elements)).toEqual([
      [2, 4],
      [-2, -4],
    ]);
  });

  test('nothing is broadcast or converted in silence', () => {
    expect(() => mse(doubles([[1], [2]]), doubles([1, 2]))).toThrow(
      'mse: both inputs need one shape, but were given [2, 1] and [2]',
    );
    expect(() => mse(doubles([1]), tensor([1]))).toThrow(
      'mse: both inputs need one float dtype, but were given float64 and float32',
    );
    expect(() => mse(labels([1]), labels([1]))).toThrow('one float dtype, but were given int32 and int32');
  });
});

describe('binaryCrossEntropyWithLogits', () => {
  test('by hand', () => {
    const [x, y] = [doubles([0, 2, 2]), doubles([1, 1, 0.25])];
    const expected = [
      Math.log(2),
      Math.log1p(Math.exp(-2)),
      0.25 * Math.log1p(Math.exp(-2)) + 0.75 * Math.log1p(Math.exp(2)),
    ];
    close(elements(binaryCrossEntropyWithLogits(x, y, { reduction: 'none' })), expected);
    close(elements(binaryCrossEntropyWithLogits(x, y)), [expected.reduce((sum, l) => sum + l) / 3]);
  });

  test('posWeight weighs the positive part, as a number or for each output', () => {
    const [x, y] = [doubles([[2, 2]]), doubles([[1, 0.25]])];
    const [positive, negative] = [Math.log1p(Math.exp(-2)), Math.log1p(Math.exp(2))];
    close(elements(binaryCrossEntropyWithLogits(x, y, { posWeight: 3, reduction: 'none' })), [
      3 * positive,
      3 * 0.25 * positive + 0.75 * negative,
    ]);
    close(elements(binaryCrossEntropyWithLogits(x, y, { posWeight: doubles([3, 4]), reduction: 'sum' })), [
      4 * positive + 0.75 * negative,
    ]);
  });

  test('is exact where the sigmoid is 0 or 1', () => {
    const x = doubles([1000, -1000, 1000, -1000, -40]);
    const y = doubles([1, 0, 0, 1, 0]);
    const [l1, l2, l3, l4, tiny] = elements(binaryCrossEntropyWithLogits(x, y, { reduction: 'none' }));
    expect([l1, l2, l3, l4]).toEqual([0, 0, 1000, 1000]);
    expect(tiny! / Math.exp(-40)).toBeCloseTo(1, 12);
  });

  test('gradients', () => {
    gradCheck(
      (x, y) => binaryCrossEntropyWithLogits(x, y, { posWeight: 3 }),
      [
        [2, 3],
        [2, 3],
      ],
    );
    gradCheck(
      (x, y, w) => binaryCrossEntropyWithLogits(x, y, { posWeight: w, reduction: 'sum' }),
      [[2, 3], [2, 3], [3]],
    );
  });

  test('what does not fit', () => {
    expect(() => binaryCrossEntropyWithLogits(doubles([1, 2]), doubles([1]))).toThrow('both inputs need one shape');
    expect(() => binaryCrossEntropyWithLogits(doubles([1]), labels([1]))).toThrow(
      'one float dtype, but were given float64 and int32',
    );
  });
});

import { reference } from '@receptive/backend/reference';
import {
  Rng,
  add,
  batchNorm,
  batchNormWithStatistics,
  broadcastTo,
  cast,
  groupNorm,
  instanceNorm,
  layerNorm,
  mul,
  ones,
  reshape,
  setBackend,
  standardize,
  tensor,
  variance,
  zeros,
} from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expectClose, numbersOf, random } from './harness.ts';
import { broadcastIndex, forAll, indices, reader, shapeAndAxes, shapesUpTo, table } from './naive.ts';
import type { Index } from './naive.ts';

setBackend(reference());

const average = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** What standardisation of the elements that `together` tells to be of one group gives. */
function naive(x: Tensor, eps: number, together: (a: Index, b: Index) => boolean): number[] {
  const read = reader(x);
  return table(x.shape, (index) => {
    const values = indices(x.shape)
      .filter((other) => together(index, other))
      .map(read);
    const centre = average(values);
    return (read(index) - centre) / Math.sqrt(average(values.map((value) => (value - centre) ** 2)) + eps);
  });
}

const like = (x: Tensor, values: number[]): Tensor => tensor(values, { shape: x.shape, dtype: 'float64' });

const images = fc.tuple(
  fc.integer({ min: 1, max: 2 }),
  fc.constantFrom(2, 4, 6),
  fc.integer({ min: 2, max: 3 }),
  fc.integer({ min: 1, max: 3 }),
);
const eps = 0.01;

describe('standardize', () => {
  test('takes off the mean of the axes and divides by their deviation', () => {
    forAll(shapeAndAxes(), ({ shape, axes }) => {
      const x = random(shape);
      const over = axes.map((axis) => (axis < 0 ? axis + shape.length : axis));
      const together = (a: Index, b: Index): boolean => a.every((i, axis) => over.includes(axis) || i === b[axis]);
      expectClose(standardize(x, axes, eps)[0], like(x, naive(x, eps, together)));
    });
  });

  test('gives mean and variance as well, with the axes kept', () => {
    const x = tensor(
      [
        [1, 3],
        [2, 10],
      ],
      { dtype: 'float64' },
    );
    const [y, mean, spread] = standardize(x, 1, 0);
    expect([y, mean, spread].map(numbersOf)).toEqual([
      [-1, 1, -1, 1],
      [2, 6],
      [1, 16],
    ]);
    expect(mean.shape).toEqual([2, 1]);
  });

  test('keeps its digits in float32 where the mean is large', () => {
    const distances = cast(new Rng(1).normal([4096]), 'float64');
    const x = cast(add(distances, 10_000), 'float32');
    const [y, mean, spread] = standardize(x, 0, 0);
    const exact = cast(x, 'float64');
    const wanted = numbersOf(variance(exact, 0, { correction: 0 }))[0]!;
    // The mean itself is rounded to float32, which has steps of 0.001 there. The difference of the means of squares would be wrong by several units.
    expect(Math.abs(numbersOf(mean)[0]! - average(numbersOf(exact)))).toBeLessThan(1e-3);
    expect(Math.abs(numbersOf(spread)[0]! / wanted - 1)).toBeLessThan(1e-5);
    expect(average(numbersOf(y).map((value) => value ** 2))).toBeCloseTo(1, 5);
  });

  test.each<[string, () => unknown, string]>([
    ['integers', () => standardize(tensor(Int32Array.of(1, 2))), 'standardize: works on floats'],
    ['an axis that is not there', () => standardize(zeros([2, 2]), 2), 'standardize: axis 2 does not exist'],
    ['a negative eps', () => standardize(zeros([2]), 0, -1), 'eps must be a finite number of at least 0, but is -1'],
  ])('refuses %s', (_, f, message) => expect(f).toThrow(message));
});

describe('batchNorm', () => {
  test('by the batch: each channel over examples and places', () => {
    forAll(images, (shape) => {
      const x = random(shape);
      const [weight, bias] = [random([shape[1]], 2), random([shape[1]], 3)];
      const [w, b] = [numbersOf(weight), numbersOf(bias)];
      const y = naive(x, eps, (a, other) => a[1] === other[1]);
      const wanted = indices(shape).map(([, c], i) => y[i]! * w[c!]! + b[c!]!);
      expectClose(batchNorm(x, { weight, bias, eps }), like(x, wanted));
      expectClose(batchNorm(x, { eps }), like(x, y));
    });
  });

  test('by hand: 1, 2, 3, 4 have mean 2.5, variance 1.25 about it, and the unbiased 5 / 3', () => {
    const x = tensor(Float64Array.of(1, 2, 3, 4), { shape: [2, 1, 2] });
    const [y, mean, spread] = batchNormWithStatistics(x, { eps: 0 });
    expectClose(
      y,
      like(
        x,
        [-1.5, -0.5, 0.5, 1.5].map((value) => value / Math.sqrt(1.25)),
      ),
    );
    expectClose(mean, tensor(Float64Array.of(2.5)));
    expectClose(spread, tensor(Float64Array.of(5 / 3)));
  });

  test('by statistics: places and examples do not matter', () => {
    forAll(shapesUpTo(4, 2), (shape) => {
      const channels = shape[1]!;
      const x = random(shape);
      const statistics = { mean: random([channels], 2), variance: mul(random([channels], 3), random([channels], 3)) };
      const [weight, bias] = [random([channels], 4), random([channels], 5)];
      const [m, v, w, b] = [statistics.mean, statistics.variance, weight, bias].map(numbersOf);
      const read = reader(x);
      const wanted = (scale: (c: number) => number, shift: (c: number) => number): Tensor =>
        like(
          x,
          table(shape, (index) => {
            const c = index[1]!;
            return ((read(index) - m![c]!) / Math.sqrt(v![c]! + eps)) * scale(c) + shift(c);
          }),
        );
      expectClose(
        batchNorm(x, { statistics, weight, bias, eps }),
        wanted(
          (c) => w![c]!,
          (c) => b![c]!,
        ),
      );
      expectClose(
        batchNorm(x, { statistics, weight, eps }),
        wanted(
          (c) => w![c]!,
          () => 0,
        ),
      );
      expectClose(
        batchNorm(x, { statistics, bias, eps }),
        wanted(
          () => 1,
          (c) => b![c]!,
        ),
      );
      expectClose(
        batchNorm(x, { statistics, eps }),
        wanted(
          () => 1,
          () => 0,
        ),
      );
    });
  });

  test("its own statistics, given to it, make the batch's result", () => {
    const x = random([3, 2, 4]);
    const [y, mean, spread] = batchNormWithStatistics(x, { eps });
    expectClose(batchNorm(x, { statistics: { mean, variance: mul(spread, 11 / 12) }, eps }), y);
  });

  const [mean, spread] = [zeros([2]), ones([2])];
  test.each<[string, () => unknown, string]>([
    [
      'one value a channel',
      () => batchNorm(zeros([1, 3, 1, 1])),
      'batchNorm: [1, 3, 1, 1] has one value for each channel, which has no variance and would become 0.',
    ],
    ['a vector', () => batchNorm(zeros([3])), 'batchNorm: needs an input [N, C, ...spatial], but was given [3].'],
    [
      'a weight of other channels',
      () => batchNorm(zeros([2, 3]), { weight: ones([2]) }),
      'batchNorm: the weight must have shape [3], but has [2].',
    ],
    [
      'statistics of other channels',
      () => batchNorm(zeros([1, 3]), { statistics: { mean, variance: spread } }),
      'batchNorm: the mean must have shape [3], but has [2].',
    ],
    [
      'statistics of another type',
      () => batchNorm(zeros([1, 2], { dtype: 'float64' }), { statistics: { mean, variance: spread } }),
      'batchNorm: all inputs need one dtype, but were given float64 and float32.',
    ],
    [
      'an eps that is none',
      () => batchNorm(zeros([1, 2]), { statistics: { mean, variance: spread }, eps: NaN }),
      'batchNorm: eps must be a finite number of at least 0, but is NaN.',
    ],
  ])('refuses %s', (_, f, message) => expect(f).toThrow(message));
});

describe('normalisation of each example for itself', () => {
  test('layerNorm: over the last axes', () => {
    const x = random([2, 3, 4]);
    const [weight, bias] = [random([3, 4], 2), random([3, 4], 3)];
    const y = like(
      x,
      naive(x, eps, (a, b) => a[0] === b[0]),
    );
    expectClose(layerNorm(x, [3, 4], { weight, bias, eps }), add(mul(y, weight), bias));
    expectClose(
      layerNorm(x, 4, { eps }),
      like(
        x,
        naive(x, eps, (a, b) => a[0] === b[0] && a[1] === b[1]),
      ),
    );
  });

  test('groupNorm: over neighbouring channels and all places', () => {
    forAll(images, (shape) => {
      const x = random(shape);
      const channels = shape[1];
      const bias = random([channels], 2);
      const wanted = naive(x, eps, (a, b) => a[0] === b[0] && Math.floor(a[1]! / 2) === Math.floor(b[1]! / 2));
      const shift = numbersOf(broadcastTo(reshape(bias, [channels, 1, 1]), shape));
      expectClose(
        groupNorm(x, channels / 2, { bias, eps }),
        like(
          x,
          wanted.map((value, i) => value + shift[i]!),
        ),
      );
    });
  });

  test('as many groups as channels are instance normalisation, one group is layer normalisation over [C, H, W]', () => {
    const [x, weight, bias] = [random([2, 6, 3, 2]), random([6], 2), random([6], 3)];
    expectClose(groupNorm(x, 6, { weight, bias }), instanceNorm(x, { weight, bias }));
    expectClose(
      instanceNorm(x, { eps }),
      like(
        x,
        naive(x, eps, (a, b) => a[0] === b[0] && a[1] === b[1]),
      ),
    );
    expectClose(groupNorm(x, 1), layerNorm(x, [6, 3, 2]));
  });

  test('over one, two and three spatial axes alike', () => {
    const x = random([2, 4, 8]);
    for (const shape of [
      [2, 4, 2, 4],
      [2, 4, 2, 2, 2],
    ])
      expectClose(reshape(groupNorm(reshape(x, shape), 2), x.shape), groupNorm(x, 2));
  });

  test.each<[string, (x: Tensor) => Tensor]>([
    ['batchNorm', (x) => batchNorm(x, { eps: 0 })],
    ['layerNorm', (x) => layerNorm(x, [3, 2], { eps: 0 })],
    ['instanceNorm', (x) => instanceNorm(x, { eps: 0 })],
    ['groupNorm', (x) => groupNorm(x, 2, { eps: 0 })],
  ])('%s does not see by how much the input is shifted and scaled, and refuses integers', (name, f) => {
    const x = random([2, 4, 3, 2]);
    expectClose(f(add(mul(x, 3), 7)), f(x));
    expect(() => f(zeros([2, 4, 3, 2], { dtype: 'int32' }))).toThrow(`${name}: works on floats, but was given int32.`);
  });

  test.each<[string, () => unknown, string]>([
    [
      'another normalizedShape',
      () => layerNorm(zeros([2, 3, 4]), [4, 4]),
      'layerNorm: normalizedShape is [4, 4], but the last axes of the input [2, 3, 4] are not.',
    ],
    ['more axes than there are', () => layerNorm(zeros([4]), [1, 4]), 'normalizedShape is [1, 4]'],
    ['no axes', () => layerNorm(zeros([4]), []), 'normalizedShape is []'],
    [
      'a bias of another shape',
      () => layerNorm(zeros([2, 3]), 3, { bias: zeros([1]) }),
      'layerNorm: the bias must have shape [3], but has [1].',
    ],
    ['groups that do not divide', () => groupNorm(zeros([1, 4, 2]), 3), 'groupNorm: groups must divide the 4 channels'],
    ['no groups', () => groupNorm(zeros([1, 4, 2]), 0), 'groupNorm: groups must divide the 4 channels, but are 0.'],
    ['one value a group', () => groupNorm(zeros([9, 4]), 4), 'groupNorm: [9, 4] has one value for each group'],
    [
      'one value a channel',
      () => instanceNorm(zeros([2, 3, 1, 1])),
      'instanceNorm: [2, 3, 1, 1] has one value for each channel of an example',
    ],
  ])('refuses %s', (_, f, message) => expect(f).toThrow(message));
});

test('broadcasting of weights is that of the channels, whatever the lengths', () => {
  // As many places as channels: a vector aligned at the right would fit as well.
  const x = random([2, 3, 3]);
  const weight = tensor(Float64Array.of(0, 1, 2));
  const y = numbersOf(instanceNorm(x, { weight }));
  const plain = numbersOf(instanceNorm(x));
  indices(x.shape).forEach((index, i) => expect(y[i]).toBeCloseTo(plain[i]! * broadcastIndex(index, [3, 1])[0]!, 12));
});

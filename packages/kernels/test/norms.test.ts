import type { Kernels, Operand } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import { describe, expect, test } from 'vitest';
import { TestHost, agrees, flavours, noise, sequence } from './support.ts';
import type { Given } from './support.ts';

/** Shapes and axes that lie inside, outside and between those that stay; few elements and many, of all remainders by four. */
const cases: readonly (readonly [shape: readonly number[], axes: readonly number[]])[] = [
  [
    [2, 3, 5, 7],
    [0, 2, 3],
  ],
  [
    [3, 4, 1, 1],
    [0, 2, 3],
  ],
  [[50, 37], [0]],
  [[37, 50], [1]],
  [[3, 5, 70], [1]],
  [
    [2, 3, 4, 5],
    [0, 2],
  ],
  [
    [2, 3, 4, 5],
    [1, 3],
  ],
  [[3, 1, 2], [1]],
  [[11], [0]],
  [
    [2, 3, 2, 3, 2, 3, 2, 3, 2, 3],
    [0, 2, 4, 6, 8],
  ],
  // More than one slice of a row, and of columns.
  [
    [2, 3, 200, 211],
    [0, 2, 3],
  ],
  [[5000, 19], [0]],
];

const ones = (kernels: Required<Kernels>, outputs: readonly Operand[]): void => {
  for (const out of outputs) kernels.fill(out, 1);
};

describe.each(flavours)('norms, %s', async (flavour) => {
  const host = await TestHost.create(flavour);
  const random = sequence(11);
  const given = (shape: readonly number[], shift = 0): Given => ({
    shape,
    data: noise(sizeOf(shape), random).map((value) => value + shift),
  });

  test.each(cases)('standardize %j over %j', (shape, axes) => {
    const statistics = shape.map((length, axis) => (axes.includes(axis) ? 1 : length));
    agrees(
      host,
      [given(shape, 3)],
      [{ shape }, { shape: statistics }, { shape: statistics }],
      (k, [x], [y, mean, variance]) => k.standardize(x!, { y: y!, mean: mean!, variance: variance! }, axes, 1e-2),
      200,
      (k, _, outputs) => ones(k, outputs),
    );
  });

  test.each(cases)('the gradient of standardize %j over %j', (shape, axes) => {
    const statistics = shape.map((length, axis) => (axes.includes(axis) ? 1 : length));
    agrees(
      host,
      [given(shape), given(shape), given(statistics, 2)],
      [{ shape }],
      (k, [g, y, variance], [dx]) => k.standardizeGradient(g!, { y: y!, variance: variance! }, dx!, axes, 1e-2),
      16,
      (k, _, outputs) => ones(k, outputs),
    );
  });

  test('the variance of numbers far from zero keeps its digits', () => {
    const x = host.operand(
      'float32',
      [1, 8],
      Float32Array.from([0, 2, 0, 2, 0, 2, 0, 2], (n) => n + 1e6),
    );
    const [y, mean, variance] = [
      host.operand('float32', [1, 8]),
      host.operand('float32', [1, 1]),
      host.operand('float32', [1, 1]),
    ];
    host.kernels.standardize(x, { y, mean, variance }, [1], 0);
    expect([...host.read(mean), ...host.read(variance), ...host.read(y)]).toEqual([
      1e6 + 1,
      1,
      -1,
      1,
      -1,
      1,
      -1,
      1,
      -1,
      1,
    ]);
    host.free(x, y, mean, variance);
  });

  test.each([[[2, 3]], [[7, 9]], [[2, 5, 3]], [[3, 2, 4, 5]], [[2, 3, 90, 91]], [[1, 3, 2, 3, 5]]])(
    'batch normalisation of %j by given statistics',
    (shape) => {
      const vectors = [given([shape[1]!]), given([shape[1]!], 2)];
      const affine = [given([shape[1]!]), given([shape[1]!])];
      const normalised = (
        k: Required<Kernels>,
        [x, mean, variance, weight, bias]: readonly Operand[],
        y: Operand,
      ): void => k.batchNorm(x!, { mean: mean!, variance: variance!, weight, bias }, y, 1e-5);
      const x = given(shape);
      for (const more of [[], affine]) {
        agrees(
          host,
          [x, ...vectors, ...more],
          [{ shape }],
          (k, inputs, [y]) => normalised(k, inputs, y!),
          16,
          (k, _, outputs) => ones(k, outputs),
        );
      }
    },
  );
});

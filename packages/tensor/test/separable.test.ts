import { reference } from '@receptive/backend/reference';
import {
  conv2d,
  matmul,
  mul,
  reshape,
  separableConv1d,
  separableConv2d,
  separableConv3d,
  separate,
  setBackend,
  spatiallySeparableConv2d,
  tensor,
  zeros,
} from '@receptive/tensor';
import type { ConvOptions, Tensor } from '@receptive/tensor';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expectClose, numbersOf, random } from './harness.ts';
import { forAll } from './naive.ts';

setBackend(reference());

describe('depthwise separable convolution', () => {
  // A channel's m kernels, each mixed with every output: as one plain kernel it is the sum over m of mixing weight times kernel.
  test('is the plain convolution with the kernels that its two weights make together', () => {
    const options = {
      stride: [2, 1],
      padding: 'same',
      dilation: [1, 2],
      paddingMode: 'reflect',
      flipKernel: true,
    } as const;
    const [channels, multiplier, outputs] = [3, 2, 4];
    const x = random([2, channels, 6, 5], 1);
    const depthwise = random([channels * multiplier, 1, 3, 2], 2);
    const pointwise = random([outputs, channels * multiplier, 1, 1], 3);
    const bias = random([outputs], 4);
    const products = mul(
      reshape(pointwise, [outputs, channels, multiplier, 1]),
      reshape(depthwise, [1, channels, multiplier, 6]),
    );
    const weight = reshape(products.sum(2), [outputs, channels, 3, 2]);
    expectClose(separableConv2d(x, depthwise, pointwise, bias, options), conv2d(x, weight, bias, options));
  });

  test('mixes within its groups of channels alone', () => {
    const x = tensor([1, 2, 3, 4], { shape: [1, 4, 1, 1] });
    const one = tensor([1, 1, 1, 1], { shape: [4, 1, 1, 1] });
    const mix = tensor([1, 10, 1, 10], { shape: [2, 2, 1, 1] });
    expect(numbersOf(separableConv2d(x, one, mix, null, { pointwiseGroups: 2 }))).toEqual([21, 43]);
  });

  test('takes signals and volumes', () => {
    expect(separableConv1d(zeros([1, 2, 9]), zeros([4, 1, 3]), zeros([5, 4, 1]), null, { stride: 2 }).shape).toEqual([
      1, 5, 4,
    ]);
    const volume = separableConv3d(zeros([1, 2, 3, 4, 5]), zeros([2, 1, 2, 2, 2]), zeros([3, 2, 1, 1, 1]));
    expect(volume.shape).toEqual([1, 3, 2, 3, 4]);
  });

  test('refuses weights that do not fit, by its own name', () => {
    const x = zeros([1, 2, 4, 4]);
    expect(() => separableConv2d(x, zeros([2, 1, 3, 3]), zeros([4, 2, 2, 1]))).toThrow(
      'separableConv2d: the pointwise weights have kernels of one element, but their shape is [4, 2, 2, 1]',
    );
    expect(() => separableConv2d(x, zeros([2, 1, 3]), zeros([4, 2, 1, 1]))).toThrow(
      'separableConv2d: needs an input [N, C, H, W]',
    );
    expect(() => separableConv2d(x, zeros([3, 1, 3, 3]), zeros([4, 2, 1, 1]))).toThrow(
      '3 filters do not fall into 2 equal groups',
    );
    expect(() => separableConv2d(x, zeros([2, 1, 3, 3]), zeros([4, 3, 1, 1]))).toThrow('they take 3 channels');
  });
});

const sobel = [
  [-1, 0, 1],
  [-2, 0, 2],
  [-1, 0, 1],
];
const laplacian = [
  [0, 1, 0],
  [1, -4, 1],
  [0, 1, 0],
];

describe('spatially separable convolution', () => {
  test('is the convolution with the product of its column and its row, whatever the options', () => {
    const options = fc.record({
      stride: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 3 })),
      padding: fc.constantFrom<NonNullable<ConvOptions['padding']>[]>('same', 'valid', 1, [1, 2], [[2, 0], 1]),
      dilation: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 })),
      paddingMode: fc.constantFrom('zeros' as const, 'reflect' as const, 'circular' as const),
      flipKernel: fc.boolean(),
    });
    forAll(options, (option) => {
      const [x, column, row, bias] = [
        random([2, 2, 7, 8], 1),
        random([2, 1, 3, 1], 2),
        random([2, 1, 1, 4], 3),
        random([2], 4),
      ];
      const all = { ...option, groups: 2 };
      expectClose(spatiallySeparableConv2d(x, column, row, bias, all), conv2d(x, mul(column, row), bias, all));
    });
  });

  test("of Sobel's factors finds edges as Sobel's kernel does", () => {
    const x = random([1, 1, 5, 6]);
    const [column, row] = [
      tensor(Float64Array.of(1, 2, 1), { shape: [1, 1, 3, 1] }),
      tensor(Float64Array.of(-1, 0, 1), { shape: [1, 1, 1, 3] }),
    ];
    expectClose(
      spatiallySeparableConv2d(x, column, row),
      conv2d(x, tensor(sobel, { shape: [1, 1, 3, 3], dtype: 'float64' })),
    );
  });

  test('refuses weights that are no column and no row, and options that make no sense', () => {
    const x = zeros([1, 1, 4, 4]);
    expect(() => spatiallySeparableConv2d(x, zeros([1, 1, 3, 3]), zeros([1, 1, 1, 3]))).toThrow(
      'spatiallySeparableConv2d: needs weights of columns [M, C / groups, kh, 1] and of rows [O, M / groups, 1, kw], but was given [1, 1, 3, 3] and [1, 1, 1, 3]',
    );
    expect(() =>
      spatiallySeparableConv2d(x, zeros([1, 1, 3, 1]), zeros([1, 1, 1, 3]), null, { stride: [1, 2, 3] }),
    ).toThrow('spatiallySeparableConv2d: stride must be');
    expect(() => spatiallySeparableConv2d(zeros([1, 2, 4, 4]), zeros([1, 1, 3, 1]), zeros([1, 1, 1, 3]))).toThrow(
      'an input of 2 channels',
    );
  });
});

describe('separate', () => {
  const factors = async (kernel: Tensor, options?: { tolerance?: number }): Promise<number[][] | undefined> => {
    const found = await separate(kernel, options);
    return found && [numbersOf(found.column), numbersOf(found.row)];
  };

  test("takes Sobel's kernel apart, and leaves a Laplacian whole", async () => {
    expect(await factors(tensor(sobel))).toEqual([
      [1, 2, 1],
      [-1, 0, 1],
    ]);
    // [0 1 0] and [1 -4 1] do not lie on one line.
    expect(await factors(tensor(laplacian))).toBeUndefined();
  });

  test('finds the factors of any product, and none of a sum of two', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const product = matmul(random([5, 1], seed), random([1, 3], seed + 100));
      const found = await separate(product);
      expectClose(matmul(reshape(found!.column, [5, 1]), reshape(found!.row, [1, 3])), product);
      const second = matmul(random([5, 1], seed + 200), random([1, 3], seed + 300));
      expect(await separate(product.add(second))).toBeUndefined();
    }
  });

  test('keeps type and shape; float32 products are told through their rounding', async () => {
    const gauss = [1 / 3, 2 / 7, 1 / 9].map((a) => [0.1, 0.7, 0.2, 0.3].map((b) => a * b));
    const found = (await separate(tensor(gauss)))!;
    expect([found.column.dtype, found.column.shape, found.row.shape]).toEqual(['float32', [3], [4]]);
  });

  test('takes as much error as it is told to', async () => {
    const almost = tensor([
      [100, 200],
      [300, 601],
    ]);
    expect(await factors(almost)).toBeUndefined();
    expect(await factors(almost, { tolerance: 1e-3 })).toBeDefined();
  });

  test('zeros are the product of zeros; what is not finite is no product', async () => {
    expect(await factors(zeros([2, 3]))).toEqual([
      [0, 0],
      [0, 0, 0],
    ]);
    for (const bad of [NaN, Infinity]) {
      expect(
        await factors(
          tensor([
            [bad, 1],
            [1, 1],
          ]),
        ),
      ).toBeUndefined();
      expect(
        await factors(
          tensor([
            [1, 1],
            [1, bad],
          ]),
        ),
      ).toBeUndefined();
    }
  });

  test('refuses what is no kernel, and a tolerance that no kernel meets', async () => {
    await expect(separate(zeros([3, 3]), { tolerance: -1 })).rejects.toThrow(
      'separate: tolerance must be a number of at least 0, but is -1.',
    );
    await expect(separate(zeros([1, 1, 3, 3]))).rejects.toThrow(
      'separate: needs one kernel [kh, kw], but was given [1, 1, 3, 3]',
    );
    await expect(separate(zeros([3, 3], { dtype: 'int32' }))).rejects.toThrow('separate: works on floats');
  });
});

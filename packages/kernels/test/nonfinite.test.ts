import type { ConvAlgorithm, ConvGeometry, Kernels, Operand, TypedArray } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import { reference } from '@receptive/backend/reference';
import { describe, expect, test } from 'vitest';
import { chosen, computations, shapesOf, square } from './convolution.ts';
import type { Convolution } from './convolution.ts';
import { TestHost, flavours, noise, sequence } from './support.ts';

// What is not finite in a convolution reaches the results that it is part of, as in the reference, and no others: padding is no part of anything.

const padded: ConvGeometry['padding'] = [
  [1, 0],
  [2, 3],
];
const geometry = (algorithm?: ConvAlgorithm): ConvGeometry => square(3, { padding: 1 }, algorithm);
const few = { channels: 2, filters: 2, input: [7, 9] };
const some = { images: 2, channels: 9, filters: 8, input: [8, 9] };
const batch = { images: 8, channels: 3, filters: 7, input: [10, 9] };

const cases: readonly (readonly [name: string, Convolution])[] = [
  ['a matrix product', { ...some, geometry: geometry('gemm') }],
  ["Winograd's small tiles", { ...some, geometry: geometry('winograd2') }],
  ["Winograd's large tiles", { ...some, geometry: geometry('winograd4') }],
  ["Winograd's small tiles of 5 x 5", { ...some, geometry: square(5, { padding: 2 }, 'winograd2') }],
  ["Winograd's large tiles of 5 x 5", { ...some, geometry: square(5, { padding: 2 }, 'winograd4') }],
  ['few rows', { ...few, geometry: geometry('direct') }],
  ['images side by side', { ...batch, geometry: { ...square(5), padding: padded } }],
  ['windows as large as the image', { ...few, geometry: square(9, { padding: 4 }) }],
  ['groups', { channels: 6, filters: 9, input: [9, 8], geometry: square(3, { padding: 2, groups: 3 }) }],
  ['depthwise', { channels: 4, filters: 4, input: [9, 12], geometry: square(3, { padding: 1, groups: 4 }) }],
  ['depthwise at stride 2', { channels: 4, filters: 8, input: [9, 12], geometry: square(3, { stride: 2, padding: 1, groups: 4 }) }], // prettier-ignore
  ['stride 2', { channels: 6, filters: 7, input: [9, 9], geometry: square(3, { stride: 2, padding: 1 }) }],
  ['stride larger than the window', { ...some, geometry: { ...square(2, { stride: 3 }), padding: padded } }],
  ['dilation', { ...some, geometry: { ...square(3), dilation: [2, 3], padding: padded } }],
  ['few channels', { channels: 3, filters: 16, input: [15, 15], geometry: square(5, { stride: 2, padding: 2 }) }],
  ['one axis', { channels: 5, filters: 4, input: [11], geometry: { kernel: [4], stride: [1], dilation: [2], padding: [[3, 1]], groups: 1 } }], // prettier-ignore
  ['three axes', { channels: 3, filters: 4, input: [3, 4, 5], geometry: { kernel: [2, 3, 3], stride: [1, 1, 2], dilation: [1, 1, 1], padding: [[1, 0], [1, 1], [2, 1]], groups: 1 } }], // prettier-ignore
];

/** Each element's kind: a NaN, one of the infinities, or a number. */
const kinds = (values: TypedArray): string[] =>
  Array.from(values, (value) => (Number.isFinite(value) ? 'finite' : `${value}`));

/** How many times a number is planted in each tensor: once at each of its ends, and anywhere else. */
const PLANTED = 4;

describe.each(flavours)('what is not finite, %s', async (flavour) => {
  const host = await TestHost.create(flavour);
  const random = sequence(7);

  test.each(cases)('in %s', { timeout: 30_000 }, (_, one) => {
    const shapes = shapesOf(one);
    for (const { name, makes, run } of computations) {
      for (const where of [0, 1, 2].filter((i) => i !== makes)) {
        for (const value of [NaN, Infinity, -Infinity]) {
          for (let i = 0; i < PLANTED; i++) {
            const data = shapes.map((shape) => noise(sizeOf(shape), random));
            const size = data[where]!.length;
            const at = i === 0 ? 0 : i === 1 ? size - 1 : Math.floor(random() * size);
            data[where]![at] = value;
            const operands = shapes.map((shape, k) =>
              host.operand('float32', shape, k === makes ? undefined : data[k]),
            );
            const compute = (kernels: Required<Kernels>, [x, weight, y]: readonly Operand[]): void =>
              run(kernels, x!, weight!, y!, one.geometry);
            compute(host.kernels, operands);
            const got = host.read(operands[makes]!);
            host.free(...operands);
            const oracle = reference();
            const exact = shapes.map((shape, k): Operand => {
              const storage = oracle.allocate('float32', sizeOf(shape));
              if (k !== makes) oracle.write(storage, data[k]!);
              return { storage, shape, dtype: 'float32' };
            });
            compute(oracle.kernels as Required<Kernels>, exact);
            const want = oracle.readSync!(exact[makes]!.storage, 'float32', got.length);
            expect(kinds(got), `${name}, ${value} at ${at} of ${['input', 'weights', 'output'][where]}`).toEqual(
              kinds(want),
            );
          }
        }
      }
    }
  });

  test('beside a bias', () => {
    // A bias of 1 and two channels of products of 1: nine, at an edge six, at a corner four. The first tap lies in the padding of the first row and column.
    const ones = (shape: readonly number[]): Operand =>
      host.operand('float32', shape, new Float32Array(sizeOf(shape)).fill(1));
    const weight = new Float32Array(2 * 2 * 9).fill(1);
    const many = Infinity;
    weight[0] = many;
    const [x, y] = [ones([1, 2, 4, 4]), host.operand('float32', [1, 2, 4, 4])];
    const operands = [x, host.operand('float32', [2, 2, 3, 3], weight), ones([2]), y] as const;
    for (const algorithm of ['direct', 'gemm', 'winograd2', 'winograd4'] as const) {
      host.kernels.conv(...operands, geometry(algorithm));
      const first = [9, 13, 13, 9, 13, many, many, many, 13, many, many, many, 9, many, many, many];
      const second = [9, 13, 13, 9, 13, 19, 19, 13, 13, 19, 19, 13, 9, 13, 13, 9];
      expect(Array.from(host.read(y))).toEqual([...first, ...second]);
    }
    host.free(...operands);
  });

  test('is met in every way there is to compute a convolution', () => {
    const met = new Set(cases.flatMap(([, one]) => chosen(one)));
    expect(met).toEqual(new Set<ConvAlgorithm>(['direct', 'gemm', 'winograd2', 'winograd4']));
  });
});

import type { ConvGeometry, Operand } from '@receptive/backend';
import { sizeOf, windowOutput } from '@receptive/backend';
import { describe, expect, test } from 'vitest';
import { plannedKernels } from '../src/index.ts';
import { computations } from './convolution.ts';
import { TestHost, agrees, flavours, noise, sequence } from './support.ts';
import type { Given } from './support.ts';

interface Case {
  readonly images?: number;
  readonly groups: number;
  /** Channels and filters of a group, one unless told. */
  readonly channels?: number;
  readonly filters?: number;
  readonly input: readonly number[];
  readonly kernel: readonly number[];
  readonly stride?: readonly number[];
  readonly dilation?: readonly number[];
  readonly padding?: ConvGeometry['padding'];
}

function geometryOf({ kernel, groups, stride, dilation, padding }: Case): ConvGeometry {
  const all = <T>(value: T): T[] => kernel.map(() => value);
  return {
    kernel,
    stride: stride ?? all(1),
    dilation: dilation ?? all(1),
    padding: padding ?? all([0, 0] as const),
    groups,
  };
}

function shapesOf(one: Case): { x: number[]; w: number[]; y: number[] } {
  const { images = 1, groups, channels = 1, filters = 1, input } = one;
  return {
    x: [images, groups * channels, ...input],
    w: [groups * filters, channels, ...one.kernel],
    y: [images, groups * filters, ...windowOutput(input, geometryOf(one))],
  };
}

/** Kernels that bring operands into the order in which others read them. */
const preparing = new Set(['packA', 'copy', 'fill']);

/** The kernels that compute a convolution and its gradients. */
function kernelsOf(one: Case): string[] {
  const { x, w, y } = shapesOf(one);
  return computations.map(({ run }) => {
    let first = '';
    const kernels = plannedKernels({
      addressOf: () => 0,
      reserve: () => 0,
      run: ({ phases }) => void (first = phases.find(({ kernel }) => !preparing.has(kernel))!.kernel),
    });
    const [image, weight, out] = [x, w, y].map((shape): Operand => ({ storage: {}, shape, dtype: 'float32' }));
    run(kernels, image!, weight!, out!, geometryOf(one));
    return first;
  });
}

/** Padding that keeps the size of an image, at stride 1. */
const same = (length: number): ConvGeometry['padding'] => [
  [(length - 1) >> 1, length >> 1],
  [(length - 1) >> 1, length >> 1],
];

describe.each(flavours)('direct convolutions, %s', async (flavour) => {
  const host = await TestHost.create(flavour);
  const random = sequence(17);
  const upTo = (n: number): number => 1 + Math.floor(random() * n);
  const given = (shape: readonly number[]): Given => ({ shape, data: noise(sizeOf(shape), random) });

  /** Forward and both gradients. */
  function check(one: Case): void {
    const [geometry, shapes] = [geometryOf(one), shapesOf(one)];
    const [x, w, y, bias] = [given(shapes.x), given(shapes.w), given(shapes.y), given(shapes.w.slice(0, 1))];
    const c = (terms: number): number => 8 + Math.sqrt(terms);
    const window = sizeOf(shapes.w.slice(1));
    agrees(host, [x, w, bias], [y], (k, [a, b, d], [out]) => k.conv(a!, b!, d, out!, geometry), c(window));
    agrees(host, [x, w], [y], (k, [a, b], [out]) => k.conv(a!, b!, undefined, out!, geometry), c(window));
    const met = (one.filters ?? 1) * sizeOf(one.kernel);
    agrees(host, [y, w], [x], (k, [g, b], [out]) => k.convInputGradient(g!, b!, out!, geometry), c(met));
    const places = sizeOf(shapes.y) / shapes.w[0]!;
    agrees(host, [x, y], [w], (k, [a, g], [out]) => k.convWeightGradient(a!, g!, out!, geometry), c(places));
  }

  test.each<[string, Case]>([
    ['3x3', { images: 2, groups: 5, input: [13, 18], kernel: [3, 3], padding: same(3) }],
    ['3x3 at stride 2', { images: 2, groups: 3, input: [17, 22], kernel: [3, 3], padding: same(3), stride: [2, 2] }],
    ['5x5', { groups: 3, input: [14, 15], kernel: [5, 5], padding: same(5) }],
    ['5x5 at stride 2', { groups: 3, input: [16, 19], kernel: [5, 5], padding: same(5), stride: [2, 2] }],
    ['7x7', { groups: 2, input: [12, 21], kernel: [7, 7], padding: same(7) }],
    ['4x4 and 2x6', { groups: 2, input: [11, 12], kernel: [4, 4], padding: same(4) }],
    ['2x6 at stride 2 down', { groups: 2, input: [19, 12], kernel: [2, 6], stride: [2, 1], padding: same(5) }],
    ['strides 3 and 4', { groups: 2, input: [25, 37], kernel: [5, 6], stride: [3, 4], padding: same(5) }],
    ['a stride beyond the window', { groups: 2, input: [17, 23], kernel: [2, 1], stride: [3, 4] }],
    ['a stride beyond the image', { groups: 2, input: [3, 2], kernel: [2, 2], stride: [5, 4], padding: same(2) }],
    ['dilation', { groups: 3, input: [16, 17], kernel: [3, 3], dilation: [2, 3], padding: same(5) }],
    ['dilation and stride', { groups: 2, input: [19, 20], kernel: [3, 3], dilation: [2, 3], stride: [2, 2] }],
    ['dilation that the stride divides', { groups: 2, input: [19, 20], kernel: [3, 2], dilation: [4, 2], stride: [2, 2], padding: same(7) }], // prettier-ignore
    ['more padding than window', { groups: 2, input: [6, 7], kernel: [2, 3], padding: [[4, 3], [0, 7]] }], // prettier-ignore
    ['rows of seven', { images: 2, groups: 70, input: [7, 7], kernel: [3, 3], padding: same(3) }],
    ['rows of three', { images: 3, groups: 40, input: [3, 3], kernel: [3, 3], padding: same(3) }],
    ['few rows, but long ones', { groups: 2, input: [3, 45], kernel: [3, 3], padding: same(3) }],
    ['few rows of less than a tile', { groups: 2, input: [2, 20], kernel: [2, 3], padding: same(3) }],
    ['one axis', { images: 2, groups: 4, input: [83], kernel: [5], padding: [[2, 2]] }],
    ['one axis, stride 2, short', { groups: 3, input: [19], kernel: [4], padding: [[1, 2]], stride: [2] }],
    ['several filters a channel', { images: 2, groups: 3, filters: 3, input: [9, 10], kernel: [3, 3], padding: same(3) }], // prettier-ignore
    ['groups of four', { images: 2, groups: 3, channels: 4, filters: 4, input: [14, 13], kernel: [3, 3], padding: same(3) }], // prettier-ignore
    ['groups of four at stride 2', { groups: 2, channels: 4, filters: 3, input: [15, 13], kernel: [3, 3], padding: same(3), stride: [2, 2] }], // prettier-ignore
    ['blocks of rows', { groups: 1, channels: 3, filters: 5, input: [67, 120], kernel: [3, 3], padding: same(3) }],
    ['blocks of rows at stride 2', { groups: 1, channels: 3, filters: 4, input: [130, 123], kernel: [5, 3], stride: [2, 2], padding: same(3) }], // prettier-ignore
    ['many images of one group', { images: 35, groups: 1, channels: 2, filters: 2, input: [6, 9], kernel: [3, 3] }],
    ['more filters than chunks', { groups: 4, filters: 13, input: [8, 8], kernel: [3, 3] }],
    ['one column, one row', { images: 2, groups: 3, input: [9, 10], kernel: [2, 1], stride: [2, 2] }],
  ])('%s', (_, one) => {
    expect(kernelsOf(one)).toEqual(['direct', 'direct', 'directWeights']);
    check(one);
  });

  test.each<[string, Case, readonly [forward: boolean, inputGradient: boolean, weightGradient: boolean]]>([
    ['few filters', { groups: 1, channels: 21, filters: 2, input: [12, 13], kernel: [4, 4] }, [true, false, false]],
    ['few channels', { groups: 1, channels: 2, filters: 21, input: [12, 13], kernel: [4, 4] }, [false, true, false]],
    [
      'many of both, 3x3',
      { groups: 2, channels: 13, filters: 17, input: [9, 10], kernel: [3, 3] },
      [false, false, true],
    ],
    [
      'strided',
      { groups: 2, channels: 8, filters: 9, input: [14, 15], kernel: [3, 3], stride: [2, 2] },
      [false, true, true],
    ],
    ['1x1', { groups: 4, input: [9, 10], kernel: [1, 1] }, [false, false, false]],
  ])('%s: which of forward, input gradient and weight gradient', (_, one, expected) => {
    expect(kernelsOf(one).map((name) => name.startsWith('direct'))).toEqual(expected);
    check(one);
  });

  // prettier-ignore
  test.each<[string, Case]>([
    ['more filters than a block', { images: 2, groups: 1, channels: 3, filters: 65, input: [9, 14], kernel: [3, 3], padding: same(3) }],
    ['11x11 at stride 4', { groups: 1, filters: 66, input: [33, 36], kernel: [11, 11], stride: [4, 4], padding: same(4) }],
    ['7x7 at stride 2', { groups: 1, channels: 3, filters: 23, input: [26, 45], kernel: [7, 7], stride: [2, 2], padding: same(7) }],
    ['rows of seven', { images: 3, groups: 2, channels: 3, filters: 6, input: [9, 7], kernel: [3, 3], padding: same(3) }],
    ['dilation', { groups: 1, channels: 3, filters: 7, input: [14, 24], kernel: [3, 3], dilation: [2, 1], padding: same(3) }],
    ['blocks of rows', { groups: 1, channels: 4, filters: 8, input: [70, 120], kernel: [3, 3], padding: same(3) }],
    ['one row', { images: 2, groups: 1, channels: 4, filters: 8, input: [31], kernel: [5], padding: [[2, 3]] }],
  ])('matrix products over strips: %s', (_, one) => {
    expect(kernelsOf(one)[0]).toBe('stripProduct');
    check(one);
  });

  test('random geometries', () => {
    for (let i = 0; i < 40; i++) {
      const axes = <T>(make: () => T): T[] => Array.from({ length: upTo(4) > 1 ? 2 : 1 }, make);
      const kernel = axes(() => upTo(5));
      const each = <T>(make: (length: number) => T): T[] => kernel.map(make);
      const [dilation, stride] = [each(() => upTo(3)), each(() => upTo(4))];
      const padding = each(() => [upTo(5) - 1, upTo(5) - 1] as const);
      const input = kernel.map((length, axis) => Math.max(1, dilation[axis]! * (length - 1) - 2 + upTo(24)));
      const one = { kernel, dilation, stride, padding, input, groups: upTo(4) };
      if (windowOutput(input, geometryOf(one)).some((length) => length < 1)) continue;
      check({ ...one, images: upTo(3), channels: upTo(3), filters: upTo(3) });
    }
  });

  test.each<[string, Case]>([
    ['windows', { images: 2, groups: 3, channels: 2, filters: 2, input: [10, 11], kernel: [3, 3], padding: same(3) }],
    [
      'a matrix product',
      { images: 2, groups: 1, channels: 3, filters: 6, input: [10, 14], kernel: [3, 3], padding: same(3) },
    ],
  ])('rectified, and made right where padding met what is not finite: %s', (_, one) => {
    const [geometry, shapes] = [geometryOf(one), shapesOf(one)];
    for (const value of [0, NaN, Infinity, -Infinity]) {
      const [x, w, bias] = [noise(sizeOf(shapes.x), random), noise(sizeOf(shapes.w), random), noise(6, random)];
      // The first tap of the second plane of the third filter; it lies in the padding of the first row and column.
      if (value !== 0) w[5 * 9] = value;
      const operands = [
        host.operand('float32', shapes.x, x),
        host.operand('float32', shapes.w, w),
        host.operand('float32', [6], bias),
      ] as const;
      const [plain, rectified] = [host.operand('float32', shapes.y), host.operand('float32', shapes.y)];
      host.kernels.conv(...operands, plain, geometry);
      host.kernels.convActivation(...operands, rectified, geometry, 'relu');
      expect(host.read(rectified)).toEqual(host.read(plain).map((y) => (y < 0 ? 0 : y)));
      host.free(...operands, plain, rectified);
    }
  });
});

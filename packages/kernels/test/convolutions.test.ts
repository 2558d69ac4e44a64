import type { ConvGeometry, Operand } from '@receptive/backend';
import { sizeOf, windowOutput } from '@receptive/backend';
import { describe, expect, test } from 'vitest';
import { TestHost, agrees, flavours, noise, sequence } from './support.ts';
import type { Given } from './support.ts';

interface Case extends ConvGeometry {
  readonly images: number;
  readonly channels: number;
  readonly filters: number;
  readonly input: readonly number[];
}

describe.each(flavours)('convolutions, %s', async (flavour) => {
  const host = await TestHost.create(flavour);
  const random = sequence(3);
  const upTo = (n: number): number => 1 + Math.floor(random() * n);
  const given = (shape: readonly number[]): Given => ({ shape, data: noise(sizeOf(shape), random) });

  /** Forward and both gradients of one convolution. */
  function check(one: Case): void {
    const x = given([one.images, one.channels, ...one.input]);
    const w = given([one.filters, one.channels / one.groups, ...one.kernel]);
    const bias = given([one.filters]);
    const gradient = given([one.images, one.filters, ...windowOutput(one.input, one)]);
    const terms = sizeOf(w.shape.slice(1));
    agrees(host, [x, w, bias], [gradient], (k, [a, b, c], [y]) => k.conv(a!, b!, c, y!, one), 8 + Math.sqrt(terms));
    agrees(host, [x, w], [gradient], (k, [a, b], [y]) => k.conv(a!, b!, undefined, y!, one), 8 + Math.sqrt(terms));
    // Strided ones may be one convolution in Winograd's tiles, which round more.
    const c = one.stride.some((stride) => stride > 1) ? 64 : 8 + Math.sqrt(terms);
    agrees(host, [gradient, w], [x], (k, [g, b], [y]) => k.convInputGradient(g!, b!, y!, one), c);
    const places = gradient.data.length / one.filters;
    agrees(host, [x, gradient], [w], (k, [a, g], [y]) => k.convWeightGradient(a!, g!, y!, one), 8 + Math.sqrt(places));
  }

  const plain = {
    stride: [1, 1],
    dilation: [1, 1],
    padding: [
      [0, 0],
      [0, 0],
    ],
    groups: 1,
  } as const;

  test.each<[string, Case]>([
    ['LeNet-5, first', { ...plain, images: 3, channels: 1, filters: 6, input: [32, 32], kernel: [5, 5] }],
    ['LeNet-5, second', { ...plain, images: 9, channels: 6, filters: 16, input: [14, 14], kernel: [5, 5] }],
    [
      'same, 3x3',
      {
        ...plain,
        images: 2,
        channels: 7,
        filters: 13,
        input: [17, 19],
        kernel: [3, 3],
        padding: [
          [1, 1],
          [1, 1],
        ],
      },
    ],
    ...(
      [
        { channels: 16, filters: 16, groups: 1, stride: [1, 1, 1], kernel: [1, 3, 3] },
        { channels: 8, filters: 8, groups: 8, stride: [3, 1, 1], kernel: [1, 3, 3] },
        { channels: 3, filters: 16, groups: 1, stride: [3, 1, 1], kernel: [1, 3, 3] },
        { channels: 8, filters: 16, groups: 1, stride: [1, 2, 2], kernel: [1, 4, 4] },
      ] as const
    ).map((one): [string, Case] => [
      `one plane, padded before it: ${one.channels} to ${one.filters}, stride ${one.stride.join()}`,
      { images: 1, input: [1, 16, 16], dilation: [1, 1, 1], padding: [[1, 0], [1, 1], [1, 1]], ...one }, // prettier-ignore
    ]),
    ['pointwise', { ...plain, images: 3, channels: 20, filters: 7, input: [5, 6], kernel: [1, 1] }],
    [
      'pointwise, stride 2',
      { ...plain, images: 2, channels: 5, filters: 7, input: [9, 8], kernel: [1, 1], stride: [2, 2] },
    ],
    [
      'stride 4, 11x11',
      { ...plain, images: 1, channels: 3, filters: 8, input: [35, 39], kernel: [11, 11], stride: [4, 4] },
    ],
    [
      'depthwise',
      {
        ...plain,
        images: 2,
        channels: 12,
        filters: 12,
        input: [13, 11],
        kernel: [3, 3],
        padding: [
          [1, 1],
          [1, 1],
        ],
        groups: 12,
      },
    ],
    [
      'depthwise, stride 2, two filters a channel',
      {
        ...plain,
        images: 2,
        channels: 3,
        filters: 6,
        input: [12, 15],
        kernel: [3, 3],
        padding: [
          [0, 1],
          [0, 1],
        ],
        stride: [2, 2],
        groups: 3,
      },
    ],
    ['grouped', { ...plain, images: 2, channels: 8, filters: 12, input: [9, 9], kernel: [3, 3], groups: 4 }],
    [
      'dilated',
      {
        ...plain,
        images: 1,
        channels: 4,
        filters: 5,
        input: [20, 18],
        kernel: [3, 3],
        dilation: [3, 2],
        padding: [
          [3, 3],
          [2, 2],
        ],
      },
    ],
    ['one place', { ...plain, images: 40, channels: 3, filters: 9, input: [4, 4], kernel: [4, 4] }],
    [
      'more padding than window',
      {
        ...plain,
        images: 1,
        channels: 2,
        filters: 3,
        input: [3, 4],
        kernel: [2, 2],
        padding: [
          [4, 3],
          [0, 5],
        ],
      },
    ],
    [
      'stride beyond the window',
      { ...plain, images: 2, channels: 2, filters: 3, input: [11, 13], kernel: [2, 1], stride: [3, 4] },
    ],
    [
      'one axis',
      {
        images: 3,
        channels: 4,
        filters: 5,
        input: [23],
        kernel: [4],
        stride: [2],
        dilation: [2],
        padding: [[1, 3]],
        groups: 1,
      },
    ],
    [
      'three axes',
      {
        images: 2,
        channels: 4,
        filters: 6,
        input: [5, 6, 7],
        kernel: [2, 3, 3],
        stride: [1, 2, 1],
        dilation: [2, 1, 1],
        padding: [
          [1, 0],
          [1, 1],
          [0, 2],
        ],
        groups: 2,
      },
    ],
    [
      'many places and few weights',
      {
        ...plain,
        images: 20,
        channels: 2,
        filters: 3,
        input: [32, 30],
        kernel: [3, 3],
        padding: [
          [1, 1],
          [1, 1],
        ],
      },
    ],
  ])('%s', (_, one) => check(one));

  test('random geometries', () => {
    for (let i = 0; i < 60; i++) {
      const rank = upTo(3);
      const axes = <T>(make: () => T): T[] => Array.from({ length: rank }, make);
      const groups = upTo(3);
      const kernel = axes(() => upTo(4));
      const dilation = axes(() => upTo(3));
      const padding = axes(() => [upTo(4) - 1, upTo(4) - 1] as const);
      const input = kernel.map((length, axis) =>
        Math.max(1, dilation[axis]! * (length - 1) + upTo(8) - padding[axis]![0] - padding[axis]![1]),
      );
      const one = { kernel, dilation, padding, stride: axes(() => upTo(4)), groups };
      if (windowOutput(input, one).some((length) => length < 1)) continue;
      check({ ...one, images: upTo(3), channels: groups * upTo(4), filters: groups * upTo(8), input });
    }
  });

  test.each<[string, Case]>([
    ['LeNet-5, second', { ...plain, images: 16, channels: 6, filters: 16, input: [14, 14], kernel: [5, 5] }],
    ['an image too few', { ...plain, images: 7, channels: 3, filters: 7, input: [14, 13], kernel: [5, 4] }],
    [
      'grouped, with padding that whole rows of taps lie in',
      {
        ...plain,
        images: 15,
        channels: 6,
        filters: 16,
        input: [9, 10],
        kernel: [3, 3],
        dilation: [2, 1],
        padding: [
          [5, 0],
          [1, 3],
        ],
        groups: 2,
      },
    ],
    [
      'less padding than the window reaches, and none of one side',
      {
        ...plain,
        images: 8,
        channels: 4,
        filters: 3,
        input: [11, 14],
        kernel: [4, 5],
        padding: [
          [1, 3],
          [0, 2],
        ],
      },
    ],
    [
      'stride 2',
      {
        ...plain,
        images: 14,
        channels: 5,
        filters: 11,
        input: [15, 13],
        kernel: [5, 3],
        stride: [2, 2],
        padding: [
          [2, 2],
          [1, 1],
        ],
      },
    ],
    [
      'three axes',
      {
        images: 8,
        channels: 3,
        filters: 4,
        input: [4, 5, 6],
        kernel: [2, 3, 3],
        stride: [1, 1, 1],
        dilation: [1, 2, 1],
        padding: [
          [1, 0],
          [1, 1],
          [2, 0],
        ],
        groups: 1,
      },
    ],
    ['one axis', { ...plain, images: 8, channels: 3, filters: 61, input: [70], kernel: [4], stride: [1], dilation: [1], padding: [[3, 0]] }], // prettier-ignore
    ['more filters than a block of rows', { ...plain, images: 8, channels: 9, filters: 63, input: [9, 9], kernel: [2, 2] }], // prettier-ignore
  ])('eight images side by side: %s', (_, one) => check(one));

  test('eight images side by side: random geometries', () => {
    for (let i = 0; i < 12; i++) {
      const groups = upTo(2);
      const axes = <T>(make: () => T): T[] => [make(), make()];
      const kernel = axes(() => upTo(4));
      const dilation = axes(() => upTo(2));
      const padding = axes(() => [upTo(4) - 1, upTo(4) - 1] as const);
      const input = kernel.map((length, axis) => dilation[axis]! * (length - 1) + 6 + upTo(6));
      const stride = axes(() => (random() < 0.7 ? 1 : 2));
      const [channels, filters] = [groups * upTo(5), groups * (2 + upTo(9))];
      check({ kernel, dilation, padding, stride, groups, images: 6 + upTo(10), channels, filters, input });
    }
  });

  test('a batch that is computed in parts gives what its images give alone', () => {
    const window = { ...plain, kernel: [1, 2], padding: [[0, 0], [1, 0]] } as const; // prettier-ignore
    const [images, side] = [600, 60];
    const x = noise(images * side * side, random);
    const weights = host.operand('float32', [3, 1, 1, 2], noise(6, random));
    const run = (count: number, data: Float32Array): Float32Array => {
      const from = host.operand('float32', [count, 1, side, side], data);
      const to = host.operand('float32', [count, 3, side, side]);
      host.kernels.conv(from, weights, undefined, to, window);
      const result = host.read(to) as Float32Array;
      host.free(from, to);
      return result;
    };
    const [all, last] = [run(images, x), run(1, x.subarray(-side * side))];
    expect(all.subarray(-last.length)).toEqual(last);
    host.free(weights);
  });

  test('the weight gradient of many parts and slices counts every place once', () => {
    for (const filters of [2, 7]) {
      const [images, side] = [700, 40];
      const ones = (shape: number[]): Operand =>
        host.operand('float32', shape, new Float32Array(sizeOf(shape)).fill(1));
      const [x, gradient] = [ones([images, 1, side, side]), ones([images, filters, side - 1, side - 1])];
      const out = host.operand('float32', [filters, 1, 2, 2]);
      host.kernels.convWeightGradient(x, gradient, out, { ...plain, kernel: [2, 2] });
      expect(host.read(out)).toEqual(new Float32Array(filters * 4).fill(images * (side - 1) ** 2));
      host.free(x, gradient, out);
    }
  });
});

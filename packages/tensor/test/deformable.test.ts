import { resolvePadding, sizeOf } from '@receptive/backend';
import { reference } from '@receptive/backend/reference';
import {
  DTypeError,
  ShapeError,
  conv,
  conv2d,
  deformConv2d,
  dispatch,
  full,
  ones,
  ops,
  setBackend,
  tensor,
  zeros,
} from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expectClose, numbersOf, random } from './harness.ts';
import { forAll, indices, reader, table } from './naive.ts';

setBackend(reference());

/** Equation 4 of arXiv:1703.06211: how much of a pixel a place on the same axis sees. */
const near = (pixel: number, place: number): number => Math.max(0, 1 - Math.abs(pixel - place));

const small = fc.integer({ min: 1, max: 2 });
const calls = fc.record({
  groups: small,
  perGroup: small,
  offsetGroups: fc.constantFrom(1, 2),
  kernel: fc.constantFrom([1, 1], [2, 3], [3, 2]),
  stride: fc.tuple(small, small),
  dilation: fc.tuple(small, small),
  padding: fc.tuple(fc.tuple(fc.nat(2), fc.nat(2)), fc.tuple(fc.nat(2), fc.nat(2))),
  biased: fc.boolean(),
  modulated: fc.boolean(),
  // In pixels: small ones stay in the cells around, large ones leave the image.
  reach: fc.constantFrom(0.3, 2, 6),
});

test('deformConv2d adds up the products it says it does', () => {
  forAll(calls, ({ groups, perGroup, offsetGroups, kernel, stride, dilation, padding, biased, modulated, reach }) => {
    const [height, width] = [6, 5];
    const channels = 2 * groups;
    const [filters, taps] = [groups * perGroup, sizeOf(kernel)];
    const [x, weight, bias] = [
      random([2, channels, height, width], 1),
      random([filters, 2, ...kernel], 2),
      random([filters], 3),
    ];
    const options = { stride, dilation, padding, groups };
    const { shape } = conv2d(x, weight, null, options);
    const output = shape.slice(2);
    const offset = random([2, 2 * offsetGroups * taps, ...output], 4).mul(reach);
    const mask = random([2, offsetGroups * taps, ...output], 5);
    const y = deformConv2d(x, offset, weight, biased ? bias : null, {
      ...options,
      offsetGroups,
      mask: modulated ? mask : null,
    });
    expect(y.shape).toEqual(shape);

    const [read, weights, shift, moved, modulation] = [x, weight, bias, offset, mask].map(reader);
    const pixels = indices([height, width]) as [number, number][];
    const naive = table(shape, ([n, o, i, j]) => {
      let total = biased ? shift!([o!]) : 0;
      for (const [c, u, v] of indices([2, ...kernel]) as [number, number, number][]) {
        const channel = Math.floor(o! / perGroup) * 2 + c;
        const group = Math.floor((channel * offsetGroups) / channels);
        const tap = group * taps + u * kernel[1] + v;
        const row = i! * stride[0] - padding[0][0] + u * dilation[0] + moved!([n!, 2 * tap, i!, j!]);
        const column = j! * stride[1] - padding[1][0] + v * dilation[1] + moved!([n!, 2 * tap + 1, i!, j!]);
        let value = 0;
        for (const [q, r] of pixels) value += near(q, row) * near(r, column) * read!([n!, channel, q, r]);
        total += value * weights!([o!, c, u, v]) * (modulated ? modulation!([n!, tap, i!, j!]) : 1);
      }
      return total;
    });
    expectClose(y, tensor(Float64Array.from(naive), { shape }));
  });
});

const image = tensor(Float64Array.of(1, 2, 3, 4), { shape: [1, 1, 2, 2] });

/** One tap of weight 2 at each of the four places, moved by `(dy, dx)`. */
function single(dy: number, dx: number, mask?: number): number[] {
  const moves = Float64Array.from([dy, dy, dy, dy, dx, dx, dx, dx]);
  const modulation = mask === undefined ? null : full([1, 1, 2, 2], mask, { dtype: 'float64' });
  const y = deformConv2d(
    image,
    tensor(moves, { shape: [1, 2, 2, 2] }),
    full([1, 1, 1, 1], 2, { dtype: 'float64' }),
    null,
    { mask: modulation },
  );
  return numbersOf(y);
}

test('by hand: [[1, 2], [3, 4]] read elsewhere, times 2', () => {
  expect(single(0, 0)).toEqual([2, 4, 6, 8]);
  // Down by one: the second row, and nothing below it.
  expect(single(1, 0)).toEqual([6, 8, 0, 0]);
  // The middle of all four; halfway out on one side; halfway out at the corner.
  expect(single(0.5, 0.5)).toEqual([5, 3, 3.5, 2]);
  // A quarter of a pixel up: three quarters of the first row, then three quarters of the second and one of the first.
  expect(single(-0.25, 0)).toEqual([1.5, 3, 5, 7]);
  expect(single(0.5, 0.5, 0.5)).toEqual([2.5, 1.5, 1.75, 1]);
  // What reads a whole pixel outside reads nothing.
  expect(single(-2, 0)).toEqual([0, 0, 0, 0]);
  expect(single(0, 1e9)).toEqual([0, 0, 0, 0]);
});

test('offsets of zeros and a mask of ones make it conv2d', () => {
  const [x, weight, bias] = [random([2, 4, 7, 6], 1), random([6, 2, 3, 2], 2), random([6], 3)];
  for (const padding of [0, 'same', [[2, 0], 1]] as const) {
    const options = { stride: [2, 1], dilation: [1, 2], groups: 2, padding } as const;
    const y = conv2d(x, weight, bias, options);
    const at = (channels: number, value: number): Tensor =>
      full([2, channels, ...y.shape.slice(2)], value, { dtype: 'float64' });
    expectClose(deformConv2d(x, at(12, 0), weight, bias, options), y);
    expectClose(deformConv2d(x, at(24, 0), weight, bias, { ...options, offsetGroups: 2, mask: at(12, 1) }), y);
  }
});

test('the channels of offset and mask are in the order of torchvision: group, row, column, then dy before dx', () => {
  const x = random([1, 2, 5, 5], 1);
  // Of the second channel, alone the tap in row 1 and column 2 of a kernel of 2 x 3.
  const weight = zeros([1, 2, 2, 3], { dtype: 'float64' }).dataSync();
  weight[(1 * 2 + 1) * 3 + 2] = 1;
  const filter = tensor(weight, { shape: [1, 2, 2, 3] });
  const [rows, columns] = [4, 3];
  const read = reader(x);
  const onlyChannel = (channels: number, channel: number): Tensor =>
    tensor(Float64Array.from(table([1, channels, rows, columns], ([, c]) => (c === channel ? 1 : 0))), {
      shape: [1, channels, rows, columns],
    });
  const moved = (channel: number): Tensor =>
    deformConv2d(x, onlyChannel(24, channel), filter, null, { offsetGroups: 2 });
  const seen = (dy: number, dx: number): number[] =>
    table([rows, columns], ([i, j]) => {
      const [row, column] = [i! + 1 + dy, j! + 2 + dx];
      return row < 5 && column < 5 ? read([0, 1, row, column]) : 0;
    });
  // Group 1 begins at channel 12, its tap (1, 2) is the sixth: 22 is its dy and 23 its dx.
  expect(numbersOf(moved(22))).toEqual(seen(1, 0));
  expect(numbersOf(moved(23))).toEqual(seen(0, 1));
  expect(numbersOf(moved(10))).toEqual(seen(0, 0));
  const masked = (channel: number): number[] =>
    numbersOf(
      deformConv2d(x, zeros([1, 24, rows, columns], { dtype: 'float64' }), filter, null, {
        offsetGroups: 2,
        mask: onlyChannel(12, channel),
      }),
    );
  expect(masked(11)).toEqual(seen(0, 0));
  expect(masked(5).every((value) => value === 0)).toBe(true);
});

test.each([
  { spatial: [7], kernel: [3], axes: 1 },
  { spatial: [3, 4, 5], kernel: [2, 1, 3], axes: 3 },
])('the op has as many axes as its input: $axes', ({ spatial, kernel, axes }) => {
  const open = { kernel, stride: kernel.map(() => 2), dilation: kernel.map(() => 1), groups: 1 };
  const geometry = { ...open, padding: resolvePadding(1, spatial, open) };
  const [x, weight] = [random([2, 2, ...spatial], 1), random([3, 2, ...kernel], 2)];
  const y = conv(x, weight, undefined, geometry);
  const channels = axes * sizeOf(kernel);
  const still = zeros([2, channels, ...y.shape.slice(2)], { dtype: 'float64' });
  expectClose(dispatch(ops.deformConv, [x, still, weight], { geometry, offsetGroups: 1 })[0], y);
  // All taps moved by one along every axis: the same as the window begun one further.
  const shifted = { ...geometry, padding: geometry.padding.map(([before, after]) => [before - 1, after + 1] as const) };
  expectClose(
    dispatch(ops.deformConv, [x, still.add(1), weight], { geometry, offsetGroups: 1 })[0],
    conv(x, weight, undefined, shifted),
  );
});

describe('refuses', () => {
  const [x, offset, weight] = [zeros([2, 4, 5, 5]), zeros([2, 18, 3, 3]), zeros([6, 4, 3, 3])];
  test.each<[string, () => unknown, string]>([
    [
      'inputs of other axes',
      () => deformConv2d(zeros([4, 5, 5]), offset, weight),
      'deformConv2d: needs an input [N, C, H, W] and weights [O, C / groups, kh, kw], but was given [4, 5, 5] and [6, 4, 3, 3].',
    ],
    ['channels that do not fit', () => deformConv2d(zeros([2, 3, 5, 5]), offset, weight), '3 channels in 1 group(s)'],
    [
      'offsets of another size than the output',
      () => deformConv2d(x, zeros([2, 18, 5, 5]), weight),
      'deformConv: the offset (2 for each tap) must have shape [2, 18, 3, 3], but has [2, 18, 5, 5].',
    ],
    [
      'offsets of other groups',
      () => deformConv2d(x, offset, weight, null, { offsetGroups: 2 }),
      'the offset (2 for each tap) must have shape [2, 36, 3, 3], but has [2, 18, 3, 3].',
    ],
    [
      'groups of offsets that do not divide the channels',
      () => deformConv2d(x, zeros([2, 54, 3, 3]), weight, null, { offsetGroups: 3 }),
      'deformConv: 4 input channels do not fall into 3 equal groups of offsets. Take offsetGroups that divide them.',
    ],
    [
      'groups of offsets that are none',
      () => deformConv2d(x, offset, weight, null, { offsetGroups: 0 }),
      'offsetGroups must be a whole number of at least 1',
    ],
    [
      'a mask of another size',
      () => deformConv2d(x, offset, weight, null, { mask: ones([2, 18, 3, 3]) }),
      'deformConv: the mask (one for each tap) must have shape [2, 9, 3, 3], but has [2, 18, 3, 3].',
    ],
    ['a bias of another length', () => deformConv2d(x, offset, weight, zeros([4])), 'the bias must have shape [6]'],
    ['a kernel that is too large', () => deformConv2d(x, offset, zeros([6, 4, 6, 3])), 'Pad more'],
  ])('%s', (_, call, message) => {
    expect(call).toThrow(ShapeError);
    expect(call).toThrow(message);
  });

  test('what plain convolutions alone have', () => {
    expect(() => deformConv2d(x, offset, weight, null, { paddingMode: 'reflect' } as object)).toThrow(
      'deformConv2d: paddingMode must be \'zeros\', but is "reflect": only plain convolutions have others.',
    );
    expect(() => deformConv2d(x, offset, weight, null, { flipKernel: true } as object)).toThrow(
      'flipKernel is for plain',
    );
  });

  test('what is no float, or of another type', () => {
    expect(() => deformConv2d(x.cast('int32'), offset, weight)).toThrow(DTypeError);
    expect(() => deformConv2d(x, offset.cast('float64'), weight)).toThrow('all inputs need one dtype');
  });
});

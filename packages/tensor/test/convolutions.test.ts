import { reference } from '@receptive/backend/reference';
import {
  ShapeError,
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  pad,
  setBackend,
  sum,
  tensor,
  zeros,
} from '@receptive/tensor';
import type { EdgeMode, Pads } from '@receptive/tensor';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expectClose, numbersOf, random } from './harness.ts';
import { forAll, indices, reader, table } from './naive.ts';

setBackend(reference());

const small = fc.integer({ min: 1, max: 3 });
const doors = [conv1d, conv2d, conv3d];
const transposed = [convTranspose1d, convTranspose2d, convTranspose3d];

/** A list of `length` numbers. */
const list = (length: number, each: fc.Arbitrary<number>): fc.Arbitrary<number[]> =>
  fc.array(each, { minLength: length, maxLength: length });

/** Where in an axis of `length` the place `i` lies, beyond its edges too. */
const places: Record<EdgeMode, (i: number, length: number) => number> = {
  reflect: (i, length) => (i < 0 ? -i : i >= length ? 2 * (length - 1) - i : i),
  replicate: (i, length) => Math.min(Math.max(i, 0), length - 1),
  circular: (i, length) => (i + length) % length,
};
const modes = Object.keys(places) as EdgeMode[];

describe('pad', () => {
  const row = (mode: EdgeMode, before: number, after: number): number[] =>
    numbersOf(pad(tensor([1, 2, 3, 4]), [[before, after]], { mode }));

  test('continues a row as the docstring draws it', () => {
    expect(row('reflect', 2, 2)).toEqual([3, 2, 1, 2, 3, 4, 3, 2]);
    expect(row('replicate', 2, 2)).toEqual([1, 1, 1, 2, 3, 4, 4, 4]);
    expect(row('circular', 2, 2)).toEqual([3, 4, 1, 2, 3, 4, 1, 2]);
  });

  test('reads each element from where its mode puts it, along all axes at once', () => {
    const cases = fc.record({
      mode: fc.constantFrom(...modes),
      padding: fc.tuple(list(2, fc.nat(2)), list(2, fc.nat(3)), list(2, fc.nat(1))),
    });
    forAll(cases, ({ mode, padding }) => {
      const x = random([3, 4, 2]);
      const read = reader(x);
      const y = pad(x, padding as unknown as Pads, { mode });
      expect(y.shape).toEqual(x.shape.map((length, axis) => length + padding[axis]![0]! + padding[axis]![1]!));
      const source = (index: readonly number[]): number[] =>
        index.map((i, axis) => places[mode](i - padding[axis]![0]!, x.shape[axis]!));
      expect(numbersOf(y)).toEqual(table(y.shape, (index) => read(source(index))));
    });
  });

  test('by nothing gives x itself, in a handle of its own', () => {
    const x = random([2, 2]);
    const y = pad(
      x,
      [
        [0, 0],
        [0, 0],
      ],
      { mode: 'reflect' },
    );
    expect(y).not.toBe(x);
    expect(numbersOf(y)).toEqual(numbersOf(x));
  });

  test('keeps integers', () => {
    const x = tensor([1, 2, 3], { dtype: 'uint8' });
    expect(pad(x, [[1, 0]], { mode: 'circular' }).dtype).toBe('uint8');
  });

  test('refuses more than a mode has elements for, and what is no mode', () => {
    const x = zeros([2, 3]);
    const by = (count: number, mode: EdgeMode) => () =>
      pad(
        x,
        [
          [0, 0],
          [0, count],
        ],
        { mode },
      );
    expect(by(3, 'reflect')).toThrow(ShapeError);
    expect(by(3, 'reflect')).toThrow(
      "pad: mode 'reflect' gives an axis of 3 at most 2 elements of padding on a side, but axis 1 of [2, 3] is to get [0,3]",
    );
    expect(by(4, 'circular')).toThrow('at most 3 elements');
    expect(by(2, 'reflect')().shape).toEqual([2, 5]);
    expect(by(3, 'circular')().shape).toEqual([2, 6]);
    expect(by(9, 'replicate')().shape).toEqual([2, 12]);
    expect(by(1, 'mirror' as EdgeMode)).toThrow('mode must be one of constant, reflect, replicate, circular');
    expect(() => pad(tensor([1]), [[1, 1]], { mode: 'replicate', value: 2 })).toThrow(
      "leave it out of mode 'replicate'",
    );
  });
});

/** Where the element at `index` of a convolution's output finds the input for a tap, along each axis, padding counted. */
const met = (
  index: readonly number[],
  tap: readonly number[],
  stride: number[],
  dilation: number[],
  before: number[],
) => index.map((i, axis) => i * stride[axis]! + tap[axis]! * dilation[axis]! - before[axis]!);

/** Options along one to three axes, kernels of one to three elements, and what goes with them. */
const calls = fc.integer({ min: 1, max: 3 }).chain((axes) =>
  fc.record({
    axes: fc.constant(axes),
    kernel: list(axes, small),
    stride: list(axes, small),
    dilation: list(axes, fc.integer({ min: 1, max: 2 })),
    before: list(axes, fc.nat(2)),
    after: list(axes, fc.nat(2)),
    more: list(axes, fc.nat(axes === 3 ? 1 : 3)),
    groups: fc.integer({ min: 1, max: 2 }),
    flipKernel: fc.boolean(),
    mode: fc.constantFrom('zeros' as const, ...modes),
  }),
);

test('convolutions over one, two and three axes add up the products they say they do, with all options at once', () => {
  forAll(calls, ({ axes, kernel, stride, dilation, before, after, more, groups, flipKernel, mode }) => {
    // Long enough for every mode, and for one window without padding.
    const spatial = kernel.map((taps, axis) => Math.max(3, dilation[axis]! * (taps - 1) + 1) + more[axis]!);
    const [x, w, b] = [
      random([1, groups * 2, ...spatial], 1),
      random([groups * 2, 2, ...kernel], 2),
      random([groups * 2], 3),
    ];
    const [input, weight, bias] = [reader(x), reader(w), reader(b)];
    const y = doors[axes - 1]!(x, w, b, {
      stride,
      dilation,
      groups,
      flipKernel,
      paddingMode: mode,
      padding: before.map((count, axis) => [count, after[axis]!] as const),
    });
    const output = spatial.map((length, axis) => {
      const span = dilation[axis]! * (kernel[axis]! - 1) + 1;
      return Math.floor((length + before[axis]! + after[axis]! - span) / stride[axis]!) + 1;
    });
    expect(y.shape).toEqual([1, groups * 2, ...output]);
    const naive = table(y.shape, ([, o, ...index]) => {
      let total = bias([o!]);
      for (const [c, ...tap] of indices([2, ...kernel]) as [number, ...number[]][]) {
        const seen = met(index, tap, stride, dilation, before);
        const outside = seen.some((place, axis) => place < 0 || place >= spatial[axis]!);
        if (outside && mode === 'zeros') continue;
        const from = mode === 'zeros' ? seen : seen.map((place, axis) => places[mode](place, spatial[axis]!));
        const turned = flipKernel ? tap.map((t, axis) => kernel[axis]! - 1 - t) : tap;
        total += input([0, Math.floor(o! / 2) * 2 + c, ...from]) * weight([o!, c, ...turned]);
      }
      return total;
    });
    expectClose(y, tensor(Float64Array.from(naive), { shape: y.shape }));
  });
});

test("'same' in another mode than zeros is as long, and continues the input at the end first", () => {
  const x = tensor([[[1, 2, 3, 4]]]);
  const sum2 = tensor([[[1, 10]]]);
  const ends = (paddingMode: EdgeMode): number[] => numbersOf(conv1d(x, sum2, null, { padding: 'same', paddingMode }));
  expect(ends('replicate')).toEqual([21, 32, 43, 44]);
  expect(ends('circular')).toEqual([21, 32, 43, 14]);
  expect(ends('reflect')).toEqual([21, 32, 43, 34]);
});

test.each<[string, () => unknown, string]>([
  [
    'the axes of conv1d',
    () => conv1d(zeros([1, 1, 4, 4]), zeros([1, 1, 3])),
    'conv1d: needs an input [N, C, L] and weights [O, C / groups, k], but was given [1, 1, 4, 4] and [1, 1, 3]',
  ],
  [
    'the axes of conv3d',
    () => conv3d(zeros([1, 1, 4, 4, 4]), zeros([1, 1, 3, 3])),
    'conv3d: needs an input [N, C, D, H, W] and weights [O, C / groups, kd, kh, kw]',
  ],
  [
    'a mode that does not exist',
    () => conv2d(zeros([1, 1, 4, 4]), zeros([1, 1, 3, 3]), null, { paddingMode: 'mirror' as EdgeMode }),
    'conv2d: paddingMode must be one of zeros, reflect, replicate, circular, but is "mirror"',
  ],
  [
    'an input too small for its mode',
    () => conv1d(zeros([1, 1, 2]), zeros([1, 1, 5]), null, { padding: 2, paddingMode: 'reflect' }),
    "mode 'reflect' gives an axis of 2 at most 1 elements of padding",
  ],
])('a convolution names %s', (_, call, message) => expect(call).toThrow(message));

describe('transposed convolution', () => {
  test('scatters each element of x, times the kernel, to its place', () => {
    const cases = fc.tuple(calls, fc.tuple(fc.nat(2), fc.nat(2), fc.nat(2)));
    forAll(cases, ([{ axes, kernel, stride, dilation, before, after, more, groups }, extra]) => {
      const spatial = more.map((length) => length + 1);
      const outputPadding = stride.map((step, axis) => extra[axis]! % Math.max(step, dilation[axis]!));
      const span = kernel.map((taps, axis) => dilation[axis]! * (taps - 1) + 1);
      const output = spatial.map(
        (n, axis) => (n - 1) * stride[axis]! - before[axis]! - after[axis]! + span[axis]! + outputPadding[axis]!,
      );
      const [x, w, b] = [
        random([2, groups * 2, ...spatial], 1),
        random([groups * 2, 3, ...kernel], 2),
        random([groups * 3], 3),
      ];
      const padding = before.map((count, axis) => [count, after[axis]!] as const);
      const call = () => transposed[axes - 1]!(x, w, b, { stride, dilation, groups, padding, outputPadding });
      if (output.some((length) => length < 1)) {
        expect(call).toThrow('leaves nothing of the output');
        return;
      }
      const y = call();
      expect(y.shape).toEqual([2, groups * 3, ...output]);
      const [input, weight, bias] = [reader(x), reader(w), reader(b)];
      const totals = new Map(indices(y.shape).map((index) => [index.join(), bias([index[1]!])]));
      for (const [n, c, ...index] of indices(x.shape) as [number, number, ...number[]][]) {
        for (const [o, ...tap] of indices([3, ...kernel]) as [number, ...number[]][]) {
          const place = [n, Math.floor(c / 2) * 3 + o, ...met(index, tap, stride, dilation, before)].join();
          const total = totals.get(place);
          if (total !== undefined) totals.set(place, total + input([n, c, ...index]) * weight([c, o, ...tap]));
        }
      }
      expectClose(y, tensor(Float64Array.from(totals.values()), { shape: y.shape }));
    });
  });

  // <conv(x), y> = <x, transposed(y)> for all x and y is what it means to be the transpose.
  test('is the transpose of the convolution with the same weights and options', () => {
    forAll(calls, ({ axes, kernel, stride, dilation, before, after, more, groups }) => {
      const spatial = kernel.map((taps, axis) => dilation[axis]! * (taps - 1) + 1 + more[axis]!);
      const options = {
        stride,
        dilation,
        groups,
        padding: before.map((count, axis) => [count, after[axis]!] as const),
      };
      const [x, w] = [random([2, groups * 3, ...spatial], 1), random([groups * 2, 3, ...kernel], 2)];
      const y = doors[axes - 1]!(x, w, null, options);
      const other = random(y.shape, 3);
      const lost = spatial.map((length, axis) => {
        const span = dilation[axis]! * (kernel[axis]! - 1) + 1;
        return (length + before[axis]! + after[axis]! - span) % stride[axis]!;
      });
      const back = transposed[axes - 1]!(other, w, null, { ...options, outputPadding: lost });
      expectClose(sum(y.mul(other)), sum(x.mul(back)));
    });
  });

  /** Length of the output of `transpose`: input, kernel, stride, padding and output padding of a square. */
  const lengthOf = (n: number, k: number, stride: number, padding: number, outputPadding = 0): number[] =>
    convTranspose2d(zeros([1, 1, n, n]), zeros([1, 1, k, k]), null, { stride, padding, outputPadding }).shape.slice(2);

  // Dumoulin and Visin, arXiv:1603.07285, section 4: the figures' transposed convolutions, from the output of the convolution back to its input.
  test.each([
    ['4.1, no padding, unit strides', 2, 3, 1, 0, 0, 4],
    ['4.2, arbitrary padding, unit strides', 6, 4, 1, 2, 0, 5],
    ['4.3, half padding', 5, 3, 1, 1, 0, 5],
    ['4.4, full padding', 7, 3, 1, 2, 0, 5],
    ['4.5, no padding, strides', 2, 3, 2, 0, 0, 5],
    ['4.6, padding and strides', 3, 3, 2, 1, 0, 5],
    ['4.7, padding and strides, odd', 3, 3, 2, 1, 1, 6],
  ])('has the output of figure %s', (_, n, k, stride, padding, outputPadding, length) => {
    expect(lengthOf(n, k, stride, padding, outputPadding)).toEqual([length, length]);
  });

  test('by hand: two elements two steps apart, whose kernels meet in the middle', () => {
    const x = tensor([[[1, 2]]]);
    const kernel = tensor([[[1, 10, 100]]]);
    const at = (options: object): number[] => numbersOf(convTranspose1d(x, kernel, tensor([0.5]), options));
    expect(at({ stride: 2 })).toEqual([1.5, 10.5, 102.5, 20.5, 200.5]);
    expect(at({ stride: 2, outputPadding: 1 })).toEqual([1.5, 10.5, 102.5, 20.5, 200.5, 0.5]);
    // What the padding would cut off comes back by outputPadding.
    expect(at({ stride: 2, padding: [[0, 1]], outputPadding: 1 })).toEqual([1.5, 10.5, 102.5, 20.5, 200.5]);
    expect(at({ dilation: 3, outputPadding: 2 })).toEqual([1.5, 2.5, 0.5, 10.5, 20.5, 0.5, 100.5, 200.5, 0.5, 0.5]);
  });

  test('of bilinear weights doubles a ramp between its ends', () => {
    const x = tensor([[[1, 2, 3]]]);
    const tent = tensor([[[0.25, 0.75, 0.75, 0.25]]]);
    expect(numbersOf(convTranspose1d(x, tent, null, { stride: 2, padding: 1 }))).toEqual([
      0.75, 1.25, 1.75, 2.25, 2.75, 2.25,
    ]);
  });

  const x = zeros([1, 4, 3, 3]);
  test.each<[string, () => unknown, string]>([
    [
      'axes',
      () => convTranspose2d(zeros([1, 3, 3]), zeros([3, 1, 2])),
      'convTranspose2d: needs an input [N, C, H, W] and weights [C, O / groups, kh, kw], but was given [1, 3, 3] and [3, 1, 2]',
    ],
    [
      'channels',
      () => convTranspose2d(x, zeros([3, 2, 2, 2])),
      'an input of 4 channels in 1 group(s) does not fit weights [3, 2, 2, 2]: their first axis is',
    ],
    ['groups', () => convTranspose2d(x, zeros([4, 2, 2, 2]), null, { groups: 3 }), 'in 3 group(s) does not fit'],
    [
      'the bias',
      () => convTranspose2d(x, zeros([4, 3, 2, 2]), zeros([3]), { groups: 2 }),
      'convTranspose2d: the bias must have shape [6], but has [3]',
    ],
    [
      'the output padding',
      () => convTranspose2d(x, zeros([4, 2, 2, 2]), null, { stride: 2, outputPadding: [1, 2] }),
      'outputPadding must be smaller than stride or dilation, but is [1, 2] for stride [2, 2] and dilation [1, 1]',
    ],
    [
      'an output padding below 0',
      () => convTranspose2d(x, zeros([4, 2, 2, 2]), null, { outputPadding: -1 }),
      'outputPadding must be a whole number of at least 0, or 2 of them, but is -1',
    ],
    [
      'padding that leaves nothing',
      () => convTranspose2d(x, zeros([4, 2, 2, 2]), null, { padding: 2 }),
      'leaves nothing of the output: its spatial lengths would be [0, 0]. Pad less.',
    ],
    [
      'padding by name',
      () => convTranspose2d(x, zeros([4, 2, 2, 2]), null, { padding: 'same' as unknown as number }),
      'padding must be whole numbers, but is "same"',
    ],
    [
      'another mode of padding',
      () => convTranspose2d(x, zeros([4, 2, 2, 2]), null, { paddingMode: 'reflect' as 'zeros' }),
      'paddingMode must be \'zeros\', but is "reflect": only plain convolutions have others',
    ],
    [
      'kernels to be turned',
      () => convTranspose2d(x, zeros([4, 2, 2, 2]), null, { flipKernel: true } as object),
      'convTranspose2d: flipKernel is for plain convolutions. Turn the weights by flip().',
    ],
    [
      'integers',
      () => convTranspose2d(zeros([1, 1, 2, 2], { dtype: 'int32' }), zeros([1, 1, 2, 2], { dtype: 'int32' })),
      'convTranspose2d: works on floats, but was given int32',
    ],
  ])('names %s', (_, call, message) => expect(call).toThrow(message));
});

import { reference } from '@receptive/backend/reference';
import {
  conv1d,
  conv2d,
  conv3d,
  convTranspose2d,
  convWeightGradient,
  deformConv2d,
  listen,
  locallyConnectedOutput,
  setBackend,
  spatiallySeparableConv2d,
  zeros,
} from '@receptive/tensor';
import type { ConvOptions, Dispatched } from '@receptive/tensor';
import { describe, expect, test } from 'vitest';

setBackend(reference());

/** The geometries of what `f` dispatches. */
function geometriesOf(f: () => unknown): unknown[] {
  const seen: Dispatched[] = [];
  listen((dispatched) => void seen.push(dispatched), f);
  return seen.map(({ attributes }) => (attributes as { geometry?: unknown }).geometry).filter(Boolean);
}

const x = zeros([1, 2, 6, 6]);
const weight = zeros([2, 2, 3, 3]);

describe('the algorithm of a convolution', () => {
  test.each(['direct', 'gemm', 'winograd2', 'winograd4'] as const)('%s is part of its geometry', (algorithm) => {
    for (const f of [conv2d, convTranspose2d]) {
      const [plain] = geometriesOf(() => f(x, weight, null, { padding: 2 }));
      expect(plain).not.toHaveProperty('algorithm');
      expect(geometriesOf(() => f(x, weight, null, { padding: 2, algorithm: 'auto' }))).toEqual([plain]);
      expect(geometriesOf(() => f(x, weight, null, { padding: 2, algorithm }))).toEqual([
        { ...(plain as object), algorithm },
      ]);
    }
  });

  test('may be a matrix product over one axis and over three', () => {
    const options = { algorithm: 'gemm' } as const;
    expect(conv1d(zeros([1, 1, 5]), zeros([1, 1, 3]), null, options).shape).toEqual([1, 1, 3]);
    expect(conv3d(zeros([1, 1, 3, 3, 3]), zeros([1, 1, 2, 2, 2]), null, options).shape).toEqual([1, 1, 2, 2, 2]);
    expect(spatiallySeparableConv2d(x, zeros([2, 2, 3, 1]), zeros([2, 2, 1, 3]), null, options).shape).toEqual([
      1, 2, 4, 4,
    ]);
  });

  test("may be Winograd's where an input is continued further than it pads", () => {
    const options = { padding: 3, paddingMode: 'circular', algorithm: 'winograd4' } as const;
    expect(conv2d(x, weight, null, options).shape).toEqual([1, 2, 10, 10]);
  });

  const needs = (given: string): string =>
    `algorithm 'winograd4' needs a kernel of [3, 3] or [5, 5], stride 1, dilation 1 and less padding than the kernel is long, but was given ${given}`;
  const winograd = (options: ConvOptions): ConvOptions => ({ ...options, algorithm: 'winograd4' });
  test.each<[string, () => unknown, string]>([
    [
      'a name that there is not',
      () => conv2d(x, weight, null, { algorithm: 'fft' as 'gemm' }),
      'conv2d: algorithm must be one of auto, direct, gemm, winograd2, winograd4, but is "fft".',
    ],
    [
      'Winograd with another kernel',
      () => conv2d(x, zeros([2, 2, 4, 4]), null, winograd({})),
      `conv2d: ${needs('kernel [4, 4], stride [1, 1], dilation [1, 1] and padding [[0,0],[0,0]]. Leave algorithm out')}`,
    ],
    [
      'Winograd at stride 2',
      () => conv2d(x, weight, null, winograd({ stride: [1, 2] })),
      needs('kernel [3, 3], stride [1, 2]'),
    ],
    [
      'Winograd with dilation',
      () => conv2d(x, weight, null, winograd({ dilation: [2, 1] })),
      needs('kernel [3, 3], stride [1, 1], dilation [2, 1]'),
    ],
    [
      'Winograd with more padding than a kernel reaches',
      () => conv2d(x, weight, null, winograd({ padding: [1, [0, 3]] })),
      needs('kernel [3, 3], stride [1, 1], dilation [1, 1] and padding [[1,1],[0,3]]'),
    ],
    [
      'Winograd over three axes',
      () => conv3d(zeros([1, 1, 4, 4, 4]), zeros([1, 1, 3, 3, 3]), null, winograd({})),
      `conv3d: ${needs('kernel [3, 3, 3]')}`,
    ],
    [
      'Winograd backwards',
      () => convTranspose2d(x, weight, null, { stride: 2, algorithm: 'winograd4' }),
      `convTranspose2d: ${needs('kernel [3, 3], stride [2, 2]')}`,
    ],
    [
      'Winograd in a geometry',
      () =>
        convWeightGradient(
          x,
          zeros([1, 2, 4, 6]),
          { kernel: [3, 1], stride: [1, 1], dilation: [1, 1], padding: [[0, 0], [0, 0]], groups: 1, algorithm: 'winograd4' }, // prettier-ignore
          [2, 2, 3, 1],
        ),
      `convWeightGradient: ${needs('kernel [3, 1]')}`,
    ],
    [
      'an algorithm where there is one way',
      () => deformConv2d(x, zeros([1, 18, 4, 4]), weight, null, { algorithm: 'gemm' } as object),
      'deformConv2d: there is one way to compute it. Leave out algorithm.',
    ],
    [
      'an algorithm of unshared kernels',
      () => locallyConnectedOutput([6], [3], { algorithm: 'gemm' } as object),
      'there is one way to compute it',
    ],
  ])('%s is refused', (_, call, message) => expect(call).toThrow(message));
});

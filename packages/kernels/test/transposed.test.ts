import type { ConvGeometry, Kernels, Operand } from '@receptive/backend';
import { sizeOf, windowOutput } from '@receptive/backend';
import { reference } from '@receptive/backend/reference';
import { describe, expect, test } from 'vitest';
import { plannedKernels } from '../src/index.ts';
import { TestHost, agrees, flavours, noise, sequence } from './support.ts';
import type { Given } from './support.ts';

interface Case extends ConvGeometry {
  readonly images: number;
  /** Of one group. */
  readonly channels: number;
  readonly filters: number;
  /** Of the gradient that is computed. */
  readonly input: readonly [number, number];
}

const square = (kernel: number, stride: number, padding: number): ConvGeometry => ({
  kernel: [kernel, kernel],
  stride: [stride, stride],
  dilation: [1, 1],
  padding: [
    [padding, padding],
    [padding, padding],
  ],
  groups: 1,
});

const cases: readonly (readonly [string, Case])[] = [
  ['4x4 at stride 2', { ...square(4, 2, 1), images: 2, channels: 5, filters: 9, input: [26, 22] }],
  ['6x6 at stride 2', { ...square(6, 2, 2), images: 1, channels: 3, filters: 8, input: [24, 30] }],
  ['5x5 at stride 2, classes of three and of two taps', { ...square(5, 2, 2), images: 1, channels: 8, filters: 10, input: [25, 23] }], // prettier-ignore
  ['9x9 at stride 3', { ...square(9, 3, 3), images: 1, channels: 2, filters: 8, input: [33, 36] }],
  ['stride in one direction', { ...square(4, 2, 1), kernel: [4, 3], stride: [2, 1], images: 1, channels: 6, filters: 8, input: [28, 17] }], // prettier-ignore
  ['stride in the other', { ...square(4, 2, 1), kernel: [3, 4], stride: [1, 2], images: 1, channels: 6, filters: 8, input: [17, 28] }], // prettier-ignore
  ['groups', { ...square(4, 2, 1), groups: 3, images: 2, channels: 4, filters: 8, input: [16, 28] }],
  ['many blocks and filters', { ...square(4, 2, 1), images: 3, channels: 33, filters: 8, input: [42, 60] }],
];

/** Whether a plan brings classes together. */
function isTiled(one: Case): boolean {
  let found = false;
  const kernels = plannedKernels({
    addressOf: () => 0,
    reserve: () => 0,
    run: ({ phases }) => (found = phases.some(({ kernel }) => kernel === 'spread')),
  });
  const [x, w, y] = shapesOf(one).map((shape): Operand => ({ storage: {}, shape, dtype: 'float32' }));
  kernels.convInputGradient(y!, w!, x!, one);
  return found;
}

function shapesOf(one: Case): [x: number[], w: number[], y: number[]] {
  const { images, channels, filters, groups, input } = one;
  return [
    [images, channels * groups, ...input],
    [filters * groups, channels, ...one.kernel],
    [images, filters * groups, ...windowOutput(input, one)],
  ];
}

// An output takes part in the sums of a whole tile.
const TILE = 300;

describe.each(flavours)('transposed convolutions in tiles, %s', async (flavour) => {
  const host = await TestHost.create(flavour);
  const random = sequence(23);
  const given = (shape: readonly number[]): Given => ({ shape, data: noise(sizeOf(shape), random) });

  test.each(cases)('%s', (_, one) => {
    expect(isTiled(one)).toBe(true);
    const [x, w, y] = shapesOf(one);
    agrees(host, [given(y), given(w)], [{ shape: x }], (k, [g, b], [out]) => k.convInputGradient(g!, b!, out!, one), TILE); // prettier-ignore
  });

  test.each<[string, Case]>([
    ['few taps in a class', { ...square(3, 2, 1), images: 1, channels: 8, filters: 8, input: [32, 32] }],
    ['windows that do not cover all classes', { ...square(6, 2, 1), images: 1, channels: 8, filters: 8, input: [32, 32] }], // prettier-ignore
    ['places that see no input', { ...square(4, 2, 0), images: 1, channels: 8, filters: 8, input: [33, 33] }],
    ['dilation', { ...square(4, 2, 3), dilation: [2, 2], images: 1, channels: 8, filters: 8, input: [32, 32] }],
  ])('not for %s', (_, one) => {
    expect(isTiled(one)).toBe(false);
  });

  test.each([NaN, Infinity, -Infinity, 3e38])('%s reaches the places that it is part of, and no others', (value) => {
    const one: Case = { ...square(4, 2, 1), images: 1, channels: 3, filters: 8, input: [24, 26] };
    const [shape, ...others] = shapesOf(one);
    const [w, y] = others.map(given) as [Given, Given];
    for (const [input, place] of [
      [y, 300],
      [y, 0],
      [w, 37],
    ] as const) {
      const before = input.data[place]!;
      input.data[place] = value;
      const call = (kernels: Kernels, [g, b, out]: readonly Operand[]): void =>
        kernels.convInputGradient!(g!, b!, out!, one);
      const own = [y, w].map((each) => host.operand('float32', each.shape, each.data));
      own.push(host.operand('float32', shape));
      call(host.kernels, own);
      const backend = reference();
      const theirs = [y, w, { shape, data: new Float32Array(sizeOf(shape)) }].map((each): Operand => {
        const storage = backend.allocate('float32', each.data.length);
        backend.write(storage, each.data);
        return { storage, shape: each.shape, dtype: 'float32' };
      });
      call(backend.kernels, theirs);
      const kinds = (values: Iterable<number>): string[] =>
        Array.from(values, (each) => (Number.isFinite(each) ? 'finite' : `${each}`));
      const expected = kinds(backend.readSync!(theirs[2]!.storage, 'float32', sizeOf(shape)));
      expect(expected).toContain('finite');
      expect(kinds(host.read(own[2]!))).toEqual(expected);
      host.free(...own);
      input.data[place] = before;
    }
  });
});

import type { ConvGeometry, Kernels, Operand } from '@receptive/backend';
import { sizeOf, windowOutput } from '@receptive/backend';
import { reference } from '@receptive/backend/reference';
import { describe, expect, test } from 'vitest';
import { programs, square } from './convolution.ts';
import type { Convolution } from './convolution.ts';
import { TestHost, agrees, flavours, noise, sequence } from './support.ts';
import type { Call, Given } from './support.ts';

interface Case {
  readonly images: number;
  readonly channels: number;
  readonly filters: number;
  readonly input: readonly [number, number];
  readonly padding: ConvGeometry['padding'];
  readonly groups: number;
}

/** Taps of a kernel along an axis, and outputs of a tile. */
const variants = [
  { taps: 3, algorithm: 'winograd2' },
  { taps: 3, algorithm: 'winograd4' },
  { taps: 5, algorithm: 'winograd2' },
  { taps: 5, algorithm: 'winograd4' },
] as const;
type Variant = (typeof variants)[number];

const runs = flavours.flatMap((flavour) => variants.map((variant) => ({ flavour, ...variant })));

/** The geometry of a case for kernels of 3 x 3; larger ones see as much more padding as they reach further. What needs more than windows reach takes another way. */
function geometryOf({ padding, groups }: Case, { taps, algorithm }: Variant): ConvGeometry {
  const pads = padding.map((pair) => pair.map((length) => (length === 0 ? 0 : length + (taps - 3) / 2)));
  const applies = pads.flat().every((length) => length < taps);
  return {
    kernel: [taps, taps],
    stride: [1, 1],
    dilation: [1, 1],
    padding: pads as unknown as ConvGeometry['padding'],
    groups,
    ...(applies && { algorithm }),
  };
}

const same: ConvGeometry['padding'] = [
  [1, 1],
  [1, 1],
];

// An output takes part in the sums of a whole tile: its error is not bounded by its own products alone, which at a corner are few, and of a large tile fewer.
const tolerance = ({ taps }: Variant): number => (taps === 3 ? 200 : 1000);

describe('how the work is cut', () => {
  /** The phases of a convolution and of its gradients, without those that only look for what is to be mended. */
  const phases = (
    convolution: Convolution,
  ): readonly (readonly { readonly kernel: string; readonly chunks: number }[])[] =>
    programs(convolution).map((program) => program.phases);

  test.each<[string, Convolution]>([
    ['one row of tiles', { channels: 256, filters: 256, input: [4, 60], geometry: square(3, { padding: 1 }) }],
    ['few tiles', { channels: 512, filters: 512, input: [14, 14], geometry: square(3, { padding: 1 }) }],
    [
      'few tiles of many weights',
      { channels: 512, filters: 1024, input: [13, 13], geometry: square(3, { padding: 1 }) },
    ],
    ['images', { images: 8, channels: 256, filters: 384, input: [13, 13], geometry: square(3, { padding: 1 }) }],
    ['few channels', { channels: 64, filters: 64, input: [56, 56], geometry: square(3, { padding: 1 }) }],
    ['many tiles', { channels: 64, filters: 64, input: [224, 224], geometry: square(3, { padding: 1 }) }],
    ['taps', { channels: 96, filters: 256, input: [27, 27], geometry: square(5, { padding: 2 }) }],
  ])('gives 16 threads something to do in every step: %s', (_, convolution) => {
    for (const algorithm of ['winograd2', 'winograd4'] as const) {
      const geometry = { ...convolution.geometry, algorithm };
      for (const all of phases({ ...convolution, geometry })) {
        const tiled = all.filter(({ kernel }) => kernel.startsWith('winograd') || kernel === 'gemm');
        expect(tiled.length).toBeGreaterThan(0);
        for (const { kernel, chunks } of tiled) expect(chunks, kernel).toBeGreaterThanOrEqual(16);
      }
    }
  });

  test('needs no more memory for wider images', () => {
    const needed = ([height, width]: readonly [number, number]): number[] =>
      programs({ channels: 64, filters: 64, input: [height, width], geometry: square(3, { padding: 1 }) }).map(
        ({ scratch, reserve }) => scratch + reserve,
      );
    const [square512, wide] = [needed([512, 512]), needed([16, 16384])];
    wide.forEach((bytes, i) => expect(bytes).toBeLessThan(1.25 * square512[i]!));
  });
});

describe.each(runs)("Winograd's convolutions, $flavour, $taps taps, $algorithm", async ({ flavour, ...variant }) => {
  const { taps } = variant;
  const TILE = tolerance(variant);
  const host = await TestHost.create(flavour);
  const random = sequence(11);
  const given = (shape: readonly number[]): Given => ({ shape, data: noise(sizeOf(shape), random) });
  const shapesOf = (one: Case): { x: number[]; w: number[]; y: number[] } => {
    const output = windowOutput(one.input, geometryOf(one, variant));
    return {
      x: [one.images, one.channels * one.groups, ...one.input],
      w: [one.filters * one.groups, one.channels, taps, taps],
      y: [one.images, one.filters * one.groups, ...output],
    };
  };

  function check(one: Case): void {
    const shapes = shapesOf(one);
    const [x, w, y] = [given(shapes.x), given(shapes.w), given(shapes.y)];
    const bias = given([shapes.w[0]!]);
    const geometry = geometryOf(one, variant);
    agrees(host, [x, w, bias], [y], (k, [a, b, c], [out]) => k.conv(a!, b!, c, out!, geometry), TILE);
    agrees(host, [x, w], [y], (k, [a, b], [out]) => k.conv(a!, b!, undefined, out!, geometry), TILE);
    agrees(host, [y, w], [x], (k, [g, b], [out]) => k.convInputGradient(g!, b!, out!, geometry), TILE);
    agrees(host, [x, y], [w], (k, [a, g], [out]) => k.convWeightGradient(a!, g!, out!, geometry), TILE);
  }

  test.each<[string, Case]>([
    ['one tile', { images: 1, channels: 8, filters: 8, input: [4, 4], padding: same, groups: 1 }],
    ['tiles of 2 x 2', { images: 3, channels: 9, filters: 11, input: [5, 5], padding: same, groups: 1 }],
    ['rows that straddle panels', { images: 2, channels: 8, filters: 12, input: [27, 25], padding: same, groups: 1 }],
    [
      'no padding',
      {
        images: 1,
        channels: 10,
        filters: 9,
        input: [13, 18],
        padding: [
          [0, 0],
          [0, 0],
        ],
        groups: 1,
      },
    ],
    [
      'uneven padding',
      {
        images: 2,
        channels: 8,
        filters: 8,
        input: [9, 11],
        padding: [
          [2, 0],
          [0, 2],
        ],
        groups: 1,
      },
    ],
    [
      'much padding at the end',
      {
        images: 1,
        channels: 8,
        filters: 8,
        input: [7, 8],
        padding: [
          [0, 5],
          [1, 6],
        ],
        groups: 1,
      },
    ],
    ['groups', { images: 2, channels: 8, filters: 16, input: [12, 12], padding: same, groups: 3 }],
    ['more channels than a block', { images: 1, channels: 400, filters: 10, input: [8, 8], padding: same, groups: 1 }],
    ['filters in slices', { images: 1, channels: 8, filters: 130, input: [9, 9], padding: same, groups: 1 }],
    ['rows that are cut', { images: 2, channels: 8, filters: 9, input: [5, 530], padding: same, groups: 1 }],
    [
      'one filter more than tiles fill, in rows that are cut',
      { images: 1, channels: 8, filters: 61, input: [5, 530], padding: same, groups: 1 },
    ],
    ['blocks in steps, of groups', { images: 2, channels: 8, filters: 16, input: [29, 29], padding: same, groups: 2 }],
    ['many blocks', { images: 3, channels: 8, filters: 9, input: [40, 20], padding: same, groups: 1 }],
  ])('%s', (_, one) => check(one));

  test('few tiles of more weights than a cache holds', () => {
    const one = { images: 1, channels: 250, filters: 240, input: [2, 2], padding: same, groups: 1 } as const;
    const geometry = geometryOf(one, variant);
    const { x, w, y } = shapesOf(one);
    agrees(
      host,
      [given(x), given(w)],
      [{ shape: y }],
      (k, [a, b], [out]) => k.conv(a!, b!, undefined, out!, geometry),
      TILE,
    );
  });

  test('random geometries', () => {
    const upTo = (n: number): number => Math.floor(random() * (n + 1));
    for (let i = 0; i < 5; i++) {
      const padding = [0, 1].map(() => [upTo(2), upTo(3)] as const);
      check({
        images: 1 + upTo(3),
        channels: 8 + upTo(5),
        filters: 8 + upTo(5),
        input: [taps + 1 + upTo(12), taps + 1 + upTo(12)],
        padding,
        groups: 1 + upTo(1),
      });
    }
  });

  describe('what is not finite', () => {
    const one: Case = { images: 2, channels: 8, filters: 9, input: [14, 15], padding: same, groups: 1 };
    const geometry = geometryOf(one, variant);
    const shapes = shapesOf(one);

    /** The kernel's result and the reference's, in float32. */
    function both(inputs: readonly Given[], shape: readonly number[], call: Call): readonly [number[], number[]] {
      const ins = inputs.map((input) => host.operand('float32', input.shape, input.data));
      const out = host.operand('float32', shape);
      call(host.kernels, ins, [out]);
      const got = Array.from(host.read(out));
      host.free(...ins, out);
      const backend = reference();
      const operand = (of: readonly number[]): Operand => ({
        storage: backend.allocate('float32', sizeOf(of)),
        shape: of,
        dtype: 'float32',
      });
      const operands = inputs.map((input) => {
        const made = operand(input.shape);
        backend.write(made.storage, input.data);
        return made;
      });
      const expected = operand(shape);
      call(backend.kernels as Required<Kernels>, operands, [expected]);
      return [got, Array.from(backend.readSync!(expected.storage, 'float32', sizeOf(shape)))];
    }

    /** Each element's kind: a NaN, one of the infinities, or a number. */
    const kinds = (values: readonly number[]): string[] =>
      values.map((value) => (Number.isFinite(value) ? 'finite' : `${value}`));

    test.each([NaN, Infinity, -Infinity, 3e38])(
      '%s in the input reaches the outputs that see it, and no others',
      (value) => {
        const [x, w, y] = [given(shapes.x), given(shapes.w), given(shapes.y)];
        x.data[3 * 14 * 15 + 47] = value;
        const [got, expected] = both([x, w], shapes.y, (k, [a, b], [out]) => k.conv(a!, b!, undefined, out!, geometry));
        expect(kinds(got)).toEqual(kinds(expected));
        expect(new Set(kinds(expected)).has('finite')).toBe(true);
        const weights = both([x, y], shapes.w, (k, [a, g], [out]) => k.convWeightGradient(a!, g!, out!, geometry));
        expect(kinds(weights[0])).toEqual(kinds(weights[1]));
      },
    );

    test.each([NaN, Infinity])("%s in the output's gradient", (value) => {
      const [x, w, y] = [given(shapes.x), given(shapes.w), given(shapes.y)];
      y.data[5 * 14 * 15 + 14] = value;
      const [got, expected] = both([y, w], shapes.x, (k, [g, b], [out]) => k.convInputGradient(g!, b!, out!, geometry));
      expect(kinds(got)).toEqual(kinds(expected));
      const weights = both([x, y], shapes.w, (k, [a, g], [out]) => k.convWeightGradient(a!, g!, out!, geometry));
      expect(kinds(weights[0])).toEqual(kinds(weights[1]));
    });
  });
});

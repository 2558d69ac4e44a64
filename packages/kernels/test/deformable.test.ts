import { sizeOf, windowOutput } from '@receptive/backend';
import { describe, expect, test } from 'vitest';
import { TestHost, agrees, computed, exactly, flavours, noise, sequence } from './support.ts';
import type { Call, Given } from './support.ts';

interface Case {
  readonly images: number;
  /** Of one group. */
  readonly channels: number;
  readonly filters: number;
  readonly input: readonly number[];
  readonly kernel: readonly number[];
  readonly stride?: number;
  readonly dilation?: number;
  readonly padding?: number;
  readonly groups?: number;
  readonly offsetGroups?: number;
}

describe.each(flavours)('deformable convolutions, %s', async (flavour) => {
  const host = await TestHost.create(flavour);
  const random = sequence(17);
  const upTo = (n: number): number => 1 + Math.floor(random() * n);
  const given = (shape: readonly number[]): Given => ({ shape, data: noise(sizeOf(shape), random) });

  /** Moves by a fraction of a pixel or some pixels, to whole places and to places far outside. They are coarse: sums of them and of places are exact. */
  function offsets(shape: readonly number[]): Given {
    const data = Float32Array.from({ length: sizeOf(shape) }, () => {
      const choice = random();
      const move = Math.round(64 * (6 * random() - 3)) / 64;
      if (choice < 0.1) return Math.round(move);
      return choice < 0.13 ? [-1e9, 1e9, Infinity, -Infinity][upTo(4) - 1]! : move;
    });
    return { shape, data };
  }

  function parts(one: Case) {
    const { groups = 1, offsetGroups = 1, stride = 1, dilation = 1, padding = 0, kernel } = one;
    const geometry = {
      kernel,
      stride: kernel.map(() => stride),
      dilation: kernel.map(() => dilation),
      padding: kernel.map(() => [padding, padding] as const),
      groups,
    };
    const output = windowOutput(one.input, geometry);
    const reads = offsetGroups * sizeOf(kernel);
    const channels = one.channels * groups;
    return {
      geometry,
      offsetGroups,
      x: given([one.images, channels, ...one.input]),
      offset: offsets([one.images, kernel.length * reads, ...output]),
      weight: given([one.filters * groups, one.channels, ...kernel]),
      mask: given([one.images, reads, ...output]),
      y: [one.images, one.filters * groups, ...output],
      columns: given([one.images, channels * sizeOf(kernel), sizeOf(output)]),
    };
  }

  /** All inputs are below 1: errors are measured by how many products are added up. */
  function near(inputs: readonly Given[], shape: readonly number[], call: Call, products: number): void {
    agrees(host, inputs, [{ shape }], call, 8 + Math.sqrt(products), (k, _inputs, [y]) => k.fill(y!, products));
  }

  function check(one: Case): void {
    const { geometry, offsetGroups, x, offset, weight, mask, y, columns } = parts(one);
    const together = x.shape[1]! / offsetGroups;
    const crowd = 1 + sizeOf(columns.shape.slice(2)) * sizeOf(one.kernel);
    for (const masks of [[], [mask]]) {
      near(
        [x, offset, weight, ...masks],
        y,
        (k, [a, o, w, m], [out]) => k.deformConv(a!, o!, w!, m, out!, geometry, offsetGroups),
        one.channels * sizeOf(one.kernel),
      );
      near(
        [x, offset, ...masks],
        columns.shape,
        (k, [a, o, m], [out]) => k.deformColumns(a!, o!, m, out!, geometry, offsetGroups),
        1,
      );
      near(
        [columns, offset, ...masks],
        x.shape,
        (k, [g, o, m], [out]) => k.deformColumnsInputGradient(g!, o!, m, out!, geometry, offsetGroups),
        Math.sqrt(crowd),
      );
      near(
        [x, columns, offset, ...masks],
        offset.shape,
        (k, [a, g, o, m], [out]) => k.deformColumnsOffsetGradient(a!, g!, o!, m, out!, geometry, offsetGroups),
        together,
      );
    }
    near(
      [x, columns, offset],
      mask.shape,
      (k, [a, g, o], [out]) => k.deformColumnsMaskGradient(a!, g!, o!, out!, geometry, offsetGroups),
      together,
    );
  }

  test.each<[string, Case]>([
    ['3x3', { images: 2, channels: 8, filters: 7, input: [9, 10], kernel: [3, 3], padding: 1 }],
    ['several blocks of places', { images: 1, channels: 5, filters: 6, input: [17, 19], kernel: [3, 2], padding: 1 }],
    ['one place', { images: 3, channels: 4, filters: 2, input: [3, 3], kernel: [3, 3] }],
    ['more channels than a block', { images: 1, channels: 90, filters: 3, input: [6, 7], kernel: [3, 3], padding: 1 }],
    ['more filters than a block', { images: 1, channels: 3, filters: 67, input: [7, 5], kernel: [2, 2] }],
    [
      'groups of channels within those of offsets',
      { images: 2, channels: 3, filters: 5, input: [5, 8], kernel: [2, 3], groups: 4, offsetGroups: 2 },
    ],
    [
      'groups of offsets within those of channels',
      { images: 1, channels: 15, filters: 4, input: [8, 5], kernel: [2, 2], groups: 2, offsetGroups: 6 },
    ],
    [
      'groups that straddle each other',
      { images: 1, channels: 6, filters: 4, input: [6, 6], kernel: [3, 1], groups: 2, offsetGroups: 3 },
    ],
    ['stride', { images: 1, channels: 4, filters: 4, input: [11, 12], kernel: [3, 3], stride: 2, padding: 1 }],
    ['dilation', { images: 1, channels: 9, filters: 3, input: [9, 9], kernel: [3, 3], dilation: 2, padding: 2 }],
    ['one axis', { images: 2, channels: 6, filters: 5, input: [141], kernel: [5], padding: 2 }],
    ['three axes', { images: 1, channels: 7, filters: 4, input: [4, 5, 6], kernel: [2, 1, 3], padding: 1 }],
    ['channels in slices', { images: 1, channels: 50, filters: 3, input: [6, 6], kernel: [2, 2] }],
  ])('%s', (_, one) => check(one));

  test('random geometries', () => {
    for (let i = 0; i < 30; i++) {
      const kernel = Array.from({ length: 1 + (i % 3) }, () => upTo(3));
      const dilation = upTo(2);
      const input = kernel.map((length) => dilation * (length - 1) + upTo(5));
      const [groups, offsetGroups, channels] = [upTo(3), upTo(3), upTo(5)];
      if ((channels * groups) % offsetGroups !== 0) continue;
      const sizes = { images: upTo(2), channels, filters: upTo(9) };
      check({ ...sizes, input, kernel, dilation, groups, offsetGroups, stride: upTo(2), padding: upTo(2) - 1 });
    }
  });

  /** All that is computed: its inputs, in the order in which the kernel takes them, and the shape of its output. */
  function computations(
    one: Case,
  ): readonly [name: string, inputs: readonly Given[], output: readonly number[], Call][] {
    const { geometry, offsetGroups, x, offset, weight, mask, y, columns } = parts(one);
    const rest = [geometry, offsetGroups] as const;
    return [
      ['deformConv', [x, offset, weight, mask], y, (k, [a, o, w, m], [out]) => k.deformConv(a!, o!, w!, m, out!, ...rest)],
      ['deformColumns', [x, offset, mask], columns.shape, (k, [a, o, m], [out]) => k.deformColumns(a!, o!, m, out!, ...rest)],
      ['deformColumnsInputGradient', [columns, offset, mask], x.shape, (k, [g, o, m], [out]) => k.deformColumnsInputGradient(g!, o!, m, out!, ...rest)],
      ['deformColumnsOffsetGradient', [x, columns, offset, mask], offset.shape, (k, [a, g, o, m], [out]) => k.deformColumnsOffsetGradient(a!, g!, o!, m, out!, ...rest)],
      ['deformColumnsMaskGradient', [x, columns, offset], mask.shape, (k, [a, g, o], [out]) => k.deformColumnsMaskGradient(a!, g!, o!, out!, ...rest)],
    ]; // prettier-ignore
  }

  test.each<[string, Case]>([
    ['one axis', { images: 1, channels: 3, filters: 2, input: [23], kernel: [3], padding: 1 }],
    ['two axes', { images: 1, channels: 6, filters: 5, input: [7, 9], kernel: [3, 3], padding: 1 }],
    ['three axes', { images: 1, channels: 5, filters: 3, input: [4, 3, 5], kernel: [2, 1, 2], padding: 1 }],
  ])('what is not finite reaches the results that it is part of, over %s', (_, one) => {
    const kinds = (values: Iterable<number>): string[] =>
      Array.from(values, (each) => (Number.isFinite(each) ? 'finite' : `${each}`));
    for (const [name, inputs, shape, call] of computations(one)) {
      for (const [number, { data }] of inputs.entries()) {
        for (const value of [NaN, Infinity, -Infinity]) {
          // Many at a time: some are read far outside, some at an edge.
          const planted = data.map((each) => (random() < 0.1 ? value : each));
          const all = inputs.map((input, i) => (i === number ? { ...input, data: planted } : input));
          const [got, want] = [computed(host, all, [{ shape }], call), exactly(all, [{ shape }], call)];
          expect(kinds(got[0]!), `${name}, ${value} in input ${number}`).toEqual(kinds(want[0]!));
        }
      }
    }
  });
});

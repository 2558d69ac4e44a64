import type { Band } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import { describe, expect, test } from 'vitest';
import { TestHost, agrees, flavours, noise, sequence } from './support.ts';

describe.each(flavours)('blending, %s', async (flavour) => {
  const host = await TestHost.create(flavour);
  const random = sequence(13);
  const upTo = (n: number): number => 1 + Math.floor(random() * n);

  test('bands of any lengths along every axis', () => {
    for (let i = 0; i < 60; i++) {
      const shape = Array.from({ length: upTo(3) }, () => upTo(11));
      const axis = upTo(shape.length) - 1;
      const length = shape[axis]!;
      const bands = Array.from({ length: upTo(13) }, (): Band => {
        const start = upTo(length) - 1;
        const count = Math.floor(random() * Math.min(5, length - start + 1));
        return [start, ...Array.from({ length: count }, () => random() * 2 - 1)];
      });
      const positive = bands.map(([start, ...weights]): Band => [start, ...weights.map(Math.abs)]);
      agrees(
        host,
        [{ shape, data: noise(sizeOf(shape), random) }],
        [{ shape: shape.map((n, a) => (a === axis ? bands.length : n)) }],
        (k, [x], [y]) => k.blend(x!, y!, axis, bands),
        8,
        (k, [x], [y]) => k.blend(x!, y!, axis, positive),
      );
    }
  });

  test('many slices, in several chunks', () => {
    const shape = [60, 30, 31];
    const bands = Array.from({ length: 62 }, (_, i): Band =>
      i % 2 ? ([(i - 1) / 2, 0.75, 0.25].slice(0, i < 61 ? 3 : 2) as unknown as Band) : [i / 2, 1],
    );
    agrees(
      host,
      [{ shape, data: noise(sizeOf(shape), random) }],
      [{ shape: [60, 30, 62] }],
      (k, [x], [y]) => k.blend(x!, y!, 2, bands),
      8,
    );
  });

  test('long axes, and one band among many that is short', () => {
    const length = 300_000;
    const bands = Array.from({ length }, (_, i): Band => [Math.min(i, length - 2), 0.25, 0.75]);
    agrees(
      host,
      [{ shape: [length], data: noise(length, random) }],
      [{ shape: [length] }],
      (k, [x], [y]) => k.blend(x!, y!, 0, bands),
      8,
    );
    // What counts once counts in halves beside a band of four hundred, none of them 0.
    const uneven: Band[] = [
      [0, 1],
      [0, ...new Array<number>(400).fill(1)],
    ];
    const x = host.operand(
      'float32',
      [400],
      Float32Array.from({ length: 400 }, (_, i) => (i === 0 ? Infinity : i)),
    );
    const y = host.operand('float32', [2]);
    host.kernels.blend(x, y, 0, uneven);
    expect([...host.read(y)]).toEqual([Infinity, Infinity]);
    host.free(x, y);
  });
});

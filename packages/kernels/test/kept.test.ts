import type { Operand } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import { describe, expect, test } from 'vitest';
import { Kept, plannedKernels } from '../src/index.ts';
import type { Program } from '../src/index.ts';
import { TestHost, flavours, noise, sequence } from './support.ts';

const padded = { stride: [1, 1], dilation: [1, 1], groups: 1 } as const;
const around = [
  [1, 1],
  [1, 1],
] as const;

/** Convolutions whose weights are worth keeping: by Winograd's way, by packed panels, and of small images side by side. */
const convolutions = [
  { name: 'winograd', x: [1, 16, 24, 24], weight: [16, 16, 3, 3], y: [1, 16, 24, 24] },
  { name: 'panels', x: [1, 16, 24, 24], weight: [16, 16, 5, 5], y: [1, 16, 22, 22] },
  { name: 'lanes', x: [8, 6, 10, 10], weight: [16, 6, 5, 5], y: [8, 16, 8, 8] },
] as const;

describe('what is made of weights', () => {
  const random = sequence(7);
  const named = (operand: Operand, id: number): Operand => ({ ...operand, id });

  describe.each(flavours)('%s', (flavour) => {
    test.each(convolutions)('$name: is kept from the second use on, with the same results', async (shapes) => {
      const host = await TestHost.create(flavour);
      const ran: Program[] = [];
      const kept = new Kept({
        allocate: (bytes) => host.heap.allocate(bytes),
        free: (address) => host.heap.free(address),
      });
      const kernels = plannedKernels(
        { ...host.host, run: (program, values) => (ran.push(program), host.host.run(program, values)) },
        kept,
      );
      const [x, weight, bias, y] = [
        host.operand('float32', shapes.x, noise(1e5, random).subarray(0, sizeOf(shapes.x))),
        host.operand('float32', shapes.weight, noise(1e5, random).subarray(0, sizeOf(shapes.weight))),
        host.operand('float32', [16], noise(16, random)),
        host.operand('float32', shapes.y),
      ];
      const geometry = { ...padded, kernel: shapes.weight.slice(2), padding: around };
      const before = host.heap.bytes;
      const convolve = (weightId: number, biasId: number): unknown => {
        ran.length = 0;
        kernels.conv(x, named(weight, weightId), named(bias, biasId), y, geometry);
        return host.read(y);
      };
      const first = convolve(1, 2);
      expect(host.heap.bytes).toBe(before);
      const whole = ran[0]!;
      expect(ran).toHaveLength(1);
      // The second use makes it, the third one finds it.
      expect(convolve(1, 2)).toEqual(first);
      expect(ran).toHaveLength(2);
      const held = host.heap.bytes;
      expect(held).toBeGreaterThan(before);
      expect(convolve(1, 2)).toEqual(first);
      expect(ran).toHaveLength(1);
      expect(ran[0]!.phases.length).toBeLessThan(whole.phases.length);
      expect(host.heap.bytes).toBe(held);
      // Other contents in the same place: what was kept would give the old results.
      host.write(weight, noise(1e5, random).subarray(0, sizeOf(shapes.weight)));
      const other = convolve(3, 2);
      expect(other).not.toEqual(first);
      expect(host.heap.bytes).toBe(before);
      expect(convolve(3, 2)).toEqual(other);
      host.write(bias, noise(16, random));
      const shifted = convolve(3, 4);
      expect(shifted).not.toEqual(other);
      expect(convolve(3, 4)).toEqual(shifted);
      expect(convolve(3, 4)).toEqual(shifted);
      kept.forget(weight.storage);
      expect(host.heap.bytes).toBe(before);
      // Without names nothing is kept.
      for (let i = 0; i < 3; i++) kernels.conv(x, weight, bias, y, geometry);
      expect(host.heap.bytes).toBe(before);
    });
  });

  test('is made of the input gradient as well, and shared by batches of all sizes', async () => {
    const host = await TestHost.create('plain');
    const kept = new Kept({
      allocate: (bytes) => host.heap.allocate(bytes),
      free: (address) => host.heap.free(address),
    });
    const kernels = plannedKernels(host.host, kept);
    const geometry = { ...padded, kernel: [3, 3], padding: around };
    const weight = named(host.operand('float32', [16, 16, 3, 3], noise(16 * 16 * 9, random)), 1);
    const before = host.heap.bytes;
    const bytes: number[] = [];
    for (const images of [1, 1, 2, 2]) {
      const [g, dx, expected] = [0, 1, 2].map(() =>
        host.operand('float32', [images, 16, 12, 12], noise(images * 2304, random)),
      );
      kernels.convInputGradient(g!, weight, dx!, geometry);
      host.kernels.convInputGradient(g!, weight, expected!, geometry);
      expect(host.read(dx!)).toEqual(host.read(expected!));
      host.free(g!, dx!, expected!);
      bytes.push(host.heap.bytes - before);
    }
    expect(bytes[0]).toBe(0);
    expect(bytes[1]).toBeGreaterThan(0);
    expect(bytes.slice(2)).toEqual([bytes[1], bytes[1]]);
    expect(kept.clear()).toBe(true);
    expect(kept.clear()).toBe(false);
    expect(host.heap.bytes).toBe(before);
  });

  test('is given up where memory ends', async () => {
    const host = await TestHost.create('plain');
    let room = Infinity;
    const kept = new Kept({
      allocate(bytes) {
        if (bytes > room) throw new RangeError('Out of memory');
        return host.heap.allocate(bytes);
      },
      free: (address) => host.heap.free(address),
    });
    let refusals = 0;
    const kernels = plannedKernels(
      {
        ...host.host,
        reserve(bytes) {
          if (refusals-- > 0) throw new RangeError('Out of memory');
          return host.host.reserve(bytes);
        },
      },
      kept,
    );
    const geometry = { ...padded, kernel: [3, 3], padding: around };
    const [x, y] = [0, 1].map(() => host.operand('float32', [2, 16, 12, 12], noise(2 * 2304, random)));
    const weight = named(host.operand('float32', [16, 16, 3, 3], noise(16 * 16 * 9, random)), 1);
    const before = host.heap.bytes;
    const convolve = (): unknown => {
      kernels.conv(x!, weight, undefined, y!, geometry);
      return host.read(y!);
    };
    const expected = convolve();
    room = 0;
    expect(convolve()).toEqual(expected);
    expect(host.heap.bytes).toBe(before);
    room = Infinity;
    expect(convolve()).toEqual(expected);
    expect(host.heap.bytes).toBeGreaterThan(before);
    // What is kept makes room for what is needed.
    const gradient = host.operand('float32', [16, 16, 3, 3]);
    const held = host.heap.bytes;
    refusals = 1;
    kernels.convWeightGradient(x!, y!, gradient, geometry);
    expect(host.heap.bytes).toBeLessThan(held);
    refusals = 1;
    expect(() => kernels.convWeightGradient(x!, y!, gradient, geometry)).toThrow('Out of memory');
    expect(convolve()).toEqual(expected);
  });
});

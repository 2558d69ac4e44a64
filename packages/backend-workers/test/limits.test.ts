import { freemem } from 'node:os';
import type { Backend, Operand } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import { afterEach, describe, expect, test } from 'vitest';
import { workers } from '../src/index.ts';
import { MANY, Rig, geometry, valueOf, vector } from './support.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;

const plain = { transposeA: false, transposeB: false };

let backend: Backend;

afterEach(() => backend.dispose());

describe('the memory of threads', () => {
  test('ends at 4 GiB: the error says what was asked for and what is left', async () => {
    backend = await workers({ threads: 2 });
    expect(() => backend.allocate('float32', 1.25 * GIB)).toThrow(
      /^Out of memory: 5120\.0 MiB were asked for, but \d\.\d MiB of at most 4096\.0 MiB are in use and the largest free block has 409\d\.\d MiB\./,
    );
    // It has only been set aside: nobody writes to it.
    const most = Array.from({ length: 3 }, () => backend.allocate('uint8', GIB));
    expect(() => backend.allocate('uint8', GIB)).toThrow(
      /^Out of memory: 1024\.0 MiB were asked for, but 307\d\.\d MiB of at most 4096\.0 MiB are in use and the largest free block has 10[12]\d\.\d MiB\./,
    );
    for (const storage of most) backend.free(storage);
    expect(backend.memory()).toEqual({ bytes: 0, storages: 0 });
    backend.free(backend.allocate('uint8', 3.5 * GIB));
  });

  test('ends where it is told to', async () => {
    backend = await workers({ threads: 2, maximumMemory: 8 * MIB });
    const half = backend.allocate('uint8', 4 * MIB);
    expect(() => backend.allocate('uint8', 4 * MIB)).toThrow(
      /^Out of memory: 4\.0 MiB were asked for, but 4\.\d MiB of at most 8\.0 MiB are in use and the largest free block has 3\.\d MiB\./,
    );
    backend.free(half);
    backend.free(backend.allocate('uint8', 7 * MIB));
  });

  test('is enough for an op that finds no room for its scratch once there is some', async () => {
    backend = await workers({ threads: 3, maximumMemory: 4 * MIB });
    const [a, b, c] = [vector(backend, 512 * 64, 1), vector(backend, 512 * 64, 1), vector(backend, 64 * 64, 0)];
    const product = (): void =>
      backend.kernels.matmul({ ...a, shape: [64, 512] }, { ...b, shape: [512, 64] }, { ...c, shape: [64, 64] }, plain);
    const rest: object[] = [];
    expect(() => {
      for (;;) rest.push(backend.allocate('uint8', 4096));
    }).toThrow(RangeError);
    expect(product).toThrow(/^Out of memory/);
    for (const storage of rest) backend.free(storage);
    product();
    expect(valueOf(backend, c)).toBe(512);
  });

  test('grows while threads are at work, and all of them see it', async () => {
    let rig: Rig;
    ({ rig, backend } = await Rig.start({ threads: 3 }));
    rig.delay(50);
    const kept: Operand[] = [];
    for (let i = 1; i <= 24; i++) {
      // Each lies beyond the end of what the threads have seen.
      const [x, y] = [vector(backend, i * MANY, i), vector(backend, i * MANY, 0)];
      backend.kernels.unary('square', x, y);
      backend.free(x.storage);
      kept.push(y);
    }
    kept.forEach((y, i) => expect(valueOf(backend, y)).toBe((i + 1) ** 2));
    expect(rig.chunks).toBeGreaterThan(24);
  });

  const hasRoom = freemem() > GIB;

  test.skipIf(!hasRoom)('is used beyond 2 GiB as below, where the machine has 1 GiB to spare', async () => {
    let rig: Rig;
    ({ rig, backend } = await Rig.start({ threads: 3 }));
    const other = await workers({ threads: 1 });
    // Nobody writes to it, so that it takes addresses alone. Operands, words, scratch and intermediate results lie behind it.
    backend.allocate('uint8', 2.2 * GIB);
    const results = [backend, other].map((each) => {
      const operand = (shape: readonly number[], scale: number): Operand => {
        const storage = each.allocate('float32', sizeOf(shape));
        each.write(
          storage,
          Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i * scale)),
        );
        return { storage, shape, dtype: 'float32' };
      };
      const [image, weight, bias] = [operand([1, 64, 60, 60], 1), operand([64, 64, 3, 3], 2), operand([64], 3)];
      const [y, gradient, product, shares] = [image.shape, weight.shape, [900, 900], [900, 900]].map((shape) =>
        operand(shape, 0),
      ) as [Operand, Operand, Operand, Operand];
      each.kernels.conv!(image, weight, bias, y, geometry);
      each.kernels.convWeightGradient!(image, y, gradient, geometry);
      each.kernels.matmul({ ...y, shape: [900, 256] }, { ...y, shape: [256, 900] }, product, plain);
      each.kernels.softmax!(product, shares);
      return [y, gradient, product, shares].map((result) => ({
        address: (result.storage as { readonly address?: number }).address!,
        bits: Buffer.from(each.readSync!(result.storage, 'float32', sizeOf(result.shape)).buffer),
      }));
    });
    other.dispose();
    const [high, low] = results as [(typeof results)[0], (typeof results)[0]];
    high.forEach(({ address, bits }, i) => {
      expect(address).toBeGreaterThan(2 ** 31);
      expect(low[i]!.address).toBeLessThan(2 ** 31);
      expect(bits.equals(low[i]!.bits)).toBe(true);
    });
    expect(rig.chunks).toBeGreaterThan(0);
  });
});

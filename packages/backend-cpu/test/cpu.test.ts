import type { Operand } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import { describe, expect, test } from 'vitest';
import { cpu } from '../src/index.ts';

describe('cpu', () => {
  test('says what it is and what it holds', async () => {
    const backend = await cpu({ simd: 'plain' });
    expect(backend.describe()).toBe('cpu: WebAssembly with plain SIMD on one thread');
    const a = backend.allocate('float32', 3);
    const b = backend.allocate('uint8', 5);
    expect(backend.memory()).toEqual({ bytes: 17, storages: 2 });
    backend.free(a);
    expect(backend.memory()).toEqual({ bytes: 5, storages: 1 });
    backend.free(b);
    backend.dispose();
  });

  test('values survive the growth of memory', async () => {
    const backend = await cpu();
    const small = backend.allocate('float32', 4);
    backend.write(small, Float32Array.of(1, 2, 3, 4));
    const large = backend.allocate('float32', 4 << 20);
    backend.write(large, new Float32Array(4 << 20).fill(2));
    const sum = { storage: backend.allocate('float32', 1), shape: [], dtype: 'float32' } as const;
    backend.kernels.reduce('sum', { storage: large, shape: [4 << 20], dtype: 'float32' }, sum, [0]);
    expect(await backend.read(sum.storage, 'float32', 1)).toEqual(Float32Array.of(8 << 20));
    expect(await backend.read(small, 'float32', 4)).toEqual(Float32Array.of(1, 2, 3, 4));
    backend.dispose();
  });

  test('says what was asked for and what is left when memory runs out, and goes on', async () => {
    const backend = await cpu({ maximumMemory: 2 << 20 });
    expect(() => backend.allocate('float32', 1 << 20)).toThrow(/4\.0 MiB were asked for.*at most 2\.0 MiB/);
    expect(backend.memory()).toEqual({ bytes: 0, storages: 0 });
    backend.free(backend.allocate('float32', 1000));
    await expect(cpu({ maximumMemory: 5 })).rejects.toThrow('at least 1 MiB');
    backend.dispose();
  });

  test('an op without a kernel for its dtype is a clear error', async () => {
    const backend = await cpu();
    const x = { storage: backend.allocate('int32', 1), shape: [1], dtype: 'int32' } as const;
    expect(() => backend.kernels.unary('exp', x, x)).toThrow('exp: there is no kernel for int32, only for float32');
    backend.dispose();
  });

  test('memory that is kept for packed weights makes room for tensors', async () => {
    const backend = await cpu({ maximumMemory: 16 * 2 ** 20 });
    const shape = [64, 64, 3, 3];
    const operand = (dims: readonly number[], id?: number): Operand => {
      const data = new Float32Array(sizeOf(dims)).fill(0.5);
      const storage = backend.allocate('float32', data.length);
      backend.write(storage, data);
      return { storage, shape: dims, dtype: 'float32', ...(id !== undefined && { id }) };
    };
    const [x, y] = [operand([1, 64, 16, 16]), operand([1, 64, 16, 16])];
    const geometry = {
      kernel: [3, 3],
      stride: [1, 1],
      dilation: [1, 1],
      groups: 1,
      padding: [
        [1, 1],
        [1, 1],
      ] as const,
    };
    // Transformed weights of 0.6 MiB each, five megabytes of them.
    const weights = Array.from({ length: 8 }, (_, i) => operand(shape, i));
    for (const weight of [...weights, ...weights]) backend.kernels.conv!(x, weight, undefined, y, geometry);
    const expected = backend.readSync!(y.storage, 'float32', 64 * 256);
    const large = backend.allocate('float32', 10 * 2 ** 18);
    backend.kernels.conv!(x, weights[0]!, undefined, y, geometry);
    expect(backend.readSync!(y.storage, 'float32', 64 * 256)).toEqual(expected);
    backend.free(large);
    backend.dispose();
  });
});

import { describe, expect, test } from 'vitest';
import { Heap } from '../src/index.ts';
import { sequence } from './support.ts';

const PAGE = 65536;

function heap(initial = 1, maximum = 64): Heap {
  return new Heap(new WebAssembly.Memory({ initial, maximum }), 1000, maximum * PAGE);
}

describe('Heap', () => {
  test('blocks never overlap, are aligned, lie inside memory, and merge again when all are free', () => {
    const [one, random] = [heap(), sequence(5)];
    const live = new Map<number, number>();
    for (let i = 0; i < 5000; i++) {
      if (random() < 0.55 && live.size < 60) {
        const bytes = Math.floor(random() ** 3 * 60_000);
        const address = one.allocate(bytes);
        expect(address % 64).toBe(0);
        expect(address).toBeGreaterThanOrEqual(1000);
        expect(address + bytes).toBeLessThanOrEqual(one.memory.buffer.byteLength);
        for (const [other, size] of live) expect(address + bytes <= other || other + size <= address).toBe(true);
        live.set(address, bytes);
      } else if (live.size > 0) {
        const address = [...live.keys()][Math.floor(random() * live.size)]!;
        one.free(address);
        live.delete(address);
      }
    }
    for (const address of live.keys()) one.free(address);
    expect(one.bytes).toBe(0);
    // All of memory is one block again.
    const before = one.memory.buffer.byteLength;
    one.allocate(before - 1024);
    expect(one.memory.buffer.byteLength).toBe(before);
  });

  test('a loop that frees what it allocates keeps its addresses and does not grow', () => {
    const [one, random] = [heap(), sequence(6)];
    const sizes = Array.from({ length: 40 }, () => Math.floor(random() * 20_000));
    const step = (): number[] => {
      const addresses = sizes.map((bytes) => one.allocate(bytes));
      for (const address of [...addresses].sort((a, b) => ((a * 7919) % 1009) - ((b * 7919) % 1009))) one.free(address);
      return addresses;
    };
    const first = step();
    const size = one.memory.buffer.byteLength;
    for (let i = 0; i < 2000; i++) expect(step()).toEqual(first);
    expect(one.memory.buffer.byteLength).toBe(size);
  });

  test('says how much was asked for and what is left, and is none the worse', () => {
    const one = heap(1, 16);
    const half = one.allocate(8 * PAGE);
    expect(() => one.allocate(9 * PAGE)).toThrow(
      /^Out of memory: 0\.6 MiB were asked for, but 0\.5 MiB of at most 1\.0 MiB are in use and the largest free block has 0\.5 MiB\./,
    );
    one.free(half);
    one.allocate(15 * PAGE);
  });

  test('where the engine grows the memory less far than it might, what is needed is tried, and the error says how far it came', () => {
    const memory = new WebAssembly.Memory({ initial: 16, maximum: 20 });
    const one = new Heap(memory, 1000, 64 * PAGE);
    one.allocate(15 * PAGE);
    one.allocate(4 * PAGE);
    expect(one.end).toBe(20 * PAGE);
    expect(() => one.allocate(PAGE)).toThrow(/1\.2 MiB of at most 1\.3 MiB are in use/);
  });

  test('refuses to free what it did not give', () => {
    const one = heap();
    const address = one.allocate(10);
    expect(() => one.free(address + 64)).toThrow(RangeError);
    one.free(address);
    expect(() => one.free(address)).toThrow(RangeError);
  });
});

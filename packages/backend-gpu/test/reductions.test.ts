import type { Shape } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import { cpu } from '@receptive/backend-cpu';
import { gpu } from '@receptive/backend-gpu';
import { Rng, max, min, sum, tensor, withBackend } from '@receptive/tensor';
import { describe, expect, test } from 'vitest';
import { onGpu, options } from './node.ts';

const reductions = { sum, max, min };

// Small whole numbers, whose sums are exact in any order; one NaN, which reaches the results that it belongs to and no other.
function numbers(shape: Shape, nan: boolean): Float32Array {
  const data = Float32Array.from(new Rng(1).bits(sizeOf(shape)), (bits) => (bits % 13) - 6);
  if (nan) data[Math.floor(data.length / 2)] = NaN;
  return data;
}

/** Longer than one workgroup, or several, can take at once. */
const cases: readonly (readonly [what: string, shape: Shape, axes: readonly number[]])[] = [
  ['one result of many parts', [70_003], [0]],
  ['a few results of several parts', [3, 9001], [1]],
  ['channels, over images and places', [5, 3, 65, 67], [0, 2, 3]],
  ['rows as long as a workgroup', [300, 64], [1]],
  ['rows one longer', [300, 65], [1]],
  ['planes, with axes kept on both sides', [4, 33, 20, 16], [1, 3]],
];

onGpu(() =>
  describe.each(cases)('%s: %j over %j', (_, shape, axes) => {
    test.each(['sum', 'max', 'min'] as const)('%s is that of the CPU', async (name) => {
      for (const nan of [false, true]) {
        const data = numbers(shape, nan);
        const [got, want] = await Promise.all(
          [await gpu(options), await cpu()].map(async (backend) => {
            const values = await withBackend(backend, () => reductions[name](tensor(data, { shape }), axes)).data();
            backend.dispose();
            return values;
          }),
        );
        expect(got).toEqual(want);
      }
    });
  }),
);

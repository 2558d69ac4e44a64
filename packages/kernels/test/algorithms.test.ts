import type { Kernels, Operand } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import { describe, expect, test } from 'vitest';
import { chosen, computations, shapesOf, square } from './convolution.ts';
import { TestHost, agrees, flavours, sequence } from './support.ts';
import type { Given } from './support.ts';

const large = { channels: 64, filters: 64, input: [56, 56] };
const narrow = { channels: 1, filters: 1, input: [9, 9] };
const batch = { images: 8, channels: 6, filters: 16, input: [14, 14] };

describe('the algorithm of a convolution and of both its gradients', () => {
  const all = (algorithm: string): string[] => [algorithm, algorithm, algorithm];

  test.each([
    ['fills tiles of 4 x 4', large, 'winograd4'],
    ['fills tiles of 2 x 2 alone', { images: 4, channels: 64, filters: 64, input: [6, 6] }, 'winograd2'],
    ['has few filters', { channels: 40, filters: 7, input: [30, 30] }, 'gemm'],
    ['has few places', { channels: 512, filters: 512, input: [7, 7] }, 'gemm'],
  ] as const)('is what the geometry asks for: %s', (_, shapes, expected) => {
    expect(chosen({ ...shapes, geometry: square(3, { padding: 1 }) })).toEqual(all(expected));
  });

  test.each(['gemm', 'winograd2', 'winograd4'] as const)('is the one it is told: %s', (algorithm) => {
    const geometry = square(3, { padding: 1 }, algorithm);
    for (const shapes of [large, narrow, batch]) expect(chosen({ ...shapes, geometry })).toEqual(all(algorithm));
  });

  test('told to be direct, reads images where they lie if there is a kernel for that, and is a matrix product else', () => {
    const geometry = square(3, { padding: 1 }, 'direct');
    for (const shapes of [narrow, batch]) expect(chosen({ ...shapes, geometry })).toEqual(all('direct'));
    expect(chosen({ ...large, geometry })).toEqual(all('gemm'));
  });
});

describe.each(flavours)('algorithms that are told to compute what they would not choose, %s', async (flavour) => {
  const host = await TestHost.create(flavour);
  const random = sequence(5);
  // Of either sign, and none near 0: in Winograd's tiles an output takes part in the rounding of its neighbours, which may be much larger.
  const filled = (shape: readonly number[]): Given => ({
    shape,
    data: Float32Array.from({ length: sizeOf(shape) }, () => (random() < 0.5 ? -1 : 1) * (0.5 + random() / 2)),
  });

  test.each(['direct', 'gemm', 'winograd2', 'winograd4'] as const)('%s', (algorithm) => {
    for (const padding of [0, 1, 2]) {
      for (const shapes of [
        { channels: 1, filters: 1, input: [3, 3] },
        { images: 2, channels: 1, filters: 2, input: [4, 13] },
        { images: 8, channels: 3, filters: 4, input: [5, 6] },
        { channels: 5, filters: 1, input: [10, 4] },
      ]) {
        const geometry = square(3, { padding }, algorithm);
        const tensors = shapesOf({ ...shapes, geometry }).map(filled);
        for (const { makes, run } of computations) {
          const call = (kernels: Required<Kernels>, inputs: Operand[], [made]: Operand[]): void => {
            const [x, weight, y] = [...inputs.slice(0, makes), made!, ...inputs.slice(makes)];
            run(kernels, x!, weight!, y!, geometry);
          };
          const given = tensors.filter((_, i) => i !== makes);
          agrees(host, given, [tensors[makes]!], call, algorithm.startsWith('winograd') ? 200 : 16);
        }
      }
    }
  });
});

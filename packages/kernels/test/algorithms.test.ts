import type { ConvAlgorithm, ConvGeometry, Kernels, Operand } from '@receptive/backend';
import { sizeOf, windowOutput } from '@receptive/backend';
import { describe, expect, test } from 'vitest';
import { plannedKernels } from '../src/index.ts';
import { TestHost, agrees, flavours, sequence } from './support.ts';
import type { Given } from './support.ts';

interface Shapes {
  readonly images?: number;
  readonly channels: number;
  readonly filters: number;
  readonly input: readonly number[];
}

const geometry = (algorithm: ConvAlgorithm | undefined, padding = 1, size = 3): ConvGeometry => ({
  kernel: [size, size],
  stride: [1, 1],
  dilation: [1, 1],
  padding: [
    [padding, padding],
    [padding, padding],
  ],
  groups: 1,
  ...(algorithm && { algorithm }),
});

/** Shapes of a convolution's input, weights and output. */
function shapesOf({ images = 1, channels, filters, input }: Shapes, of: ConvGeometry): [number[], number[], number[]] {
  return [
    [images, channels, ...input],
    [filters, channels, ...of.kernel],
    [images, filters, ...windowOutput(input, of)],
  ];
}

/** Forward and both gradients, each of which takes two tensors and makes the third. */
const computations: readonly ((k: Required<Kernels>, x: Operand, w: Operand, y: Operand, of: ConvGeometry) => void)[] =
  [
    (k, x, w, y, of) => k.conv(x, w, undefined, y, of),
    (k, x, w, y, of) => k.convInputGradient(y, w, x, of),
    (k, x, w, y, of) => k.convWeightGradient(x, y, w, of),
  ];

/** What a convolution and its gradients run: Winograd's kernels with the size of their tiles, those that read images where they lie, or the matrix product. */
function chosen(shapes: Shapes, of: ConvGeometry): string[] {
  let found = '';
  const kernels = plannedKernels({
    addressOf: () => 0,
    reserve: () => 0,
    run({ phases, words }) {
      const phase = phases.find(({ kernel }) => kernel.startsWith('winograd'));
      const names = phases.map(({ kernel }) => kernel);
      if (phase) found = `winograd${words[phase.args / 4]}`;
      else found = names.includes('gemm') ? 'gemm' : 'direct';
    },
  });
  const [x, w, y] = shapesOf(shapes, of).map((shape): Operand => ({ storage: {}, shape, dtype: 'float32' }));
  return computations.map((compute) => {
    compute(kernels, x!, w!, y!, of);
    return found;
  });
}

describe('the algorithm of a convolution and of both its gradients', () => {
  const all = (algorithm: string): string[] => [algorithm, algorithm, algorithm];

  test.each([
    ['fills tiles of 4 x 4', { channels: 64, filters: 64, input: [56, 56] }, 'winograd4'],
    ['fills tiles of 2 x 2 alone', { images: 4, channels: 64, filters: 64, input: [6, 6] }, 'winograd2'],
    ['has few channels', { channels: 7, filters: 7, input: [30, 30] }, 'gemm'],
    ['has few places', { channels: 512, filters: 512, input: [16, 16] }, 'gemm'],
  ] as const)('is what geometry asks for: %s', (_, shapes, expected) => {
    expect(chosen(shapes, geometry(undefined))).toEqual(all(expected));
  });

  test.each(['gemm', 'winograd2', 'winograd4'] as const)('is the one it is told: %s', (algorithm) => {
    const of = geometry(algorithm);
    expect(chosen({ channels: 64, filters: 64, input: [56, 56] }, of)).toEqual(all(algorithm));
    expect(chosen({ channels: 1, filters: 1, input: [9, 9] }, of)).toEqual(all(algorithm));
    expect(chosen({ images: 8, channels: 6, filters: 16, input: [14, 14] }, of)).toEqual(all(algorithm));
  });

  test('told to be direct, reads images where they lie if there is a kernel for that, and is a matrix product else', () => {
    const of = geometry('direct');
    expect(chosen({ channels: 1, filters: 1, input: [9, 9] }, of)).toEqual(all('direct'));
    expect(chosen({ images: 8, channels: 6, filters: 16, input: [14, 14] }, of)).toEqual(all('direct'));
    expect(chosen({ channels: 64, filters: 64, input: [56, 56] }, of)).toEqual(all('gemm'));
  });
});

describe.each(flavours)('algorithms that are told to compute what they would not choose, %s', async (flavour) => {
  const host = await TestHost.create(flavour);
  const random = sequence(5);
  // Of either sign, and none near 0: in Winograd's tiles an output takes part in the rounding of its neighbours, which may be much larger.
  const given = (shape: readonly number[]): Given => ({
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
        const of = geometry(algorithm, padding);
        const tensors = shapesOf(shapes, of).map(given);
        computations.forEach((compute, which) => {
          const made = [2, 0, 1][which]!;
          const inputs = tensors.filter((_, i) => i !== made);
          const call = (k: Required<Kernels>, ins: Operand[], [out]: Operand[]): void => {
            const three = [...ins.slice(0, made), out!, ...ins.slice(made)];
            compute(k, three[0]!, three[1]!, three[2]!, of);
          };
          agrees(host, inputs, [tensors[made]!], call, algorithm.startsWith('winograd') ? 200 : 16);
        });
      }
    }
  });
});

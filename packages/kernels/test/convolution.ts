import type { ConvAlgorithm, ConvGeometry, Kernels, Operand } from '@receptive/backend';
import { windowOutput } from '@receptive/backend';
import { plannedKernels } from '../src/index.ts';
import type { Program } from '../src/index.ts';

/** A convolution of images of `channels` with `filters`. */
export interface Convolution {
  readonly images?: number;
  readonly channels: number;
  readonly filters: number;
  readonly input: readonly number[];
  readonly geometry: ConvGeometry;
}

/** The geometry of a square kernel over images. */
export function square(
  size: number,
  { stride = 1, padding = 0, groups = 1 }: { stride?: number; padding?: number; groups?: number } = {},
  algorithm?: ConvAlgorithm,
): ConvGeometry {
  const both = <T>(value: T): [T, T] => [value, value];
  const window = { kernel: both(size), stride: both(stride), dilation: both(1), padding: both(both(padding)) };
  return { ...window, groups, ...(algorithm && { algorithm }) };
}

/** Shapes of a convolution's input, weights and output. */
export function shapesOf({
  images = 1,
  channels,
  filters,
  input,
  geometry,
}: Convolution): [number[], number[], number[]] {
  return [
    [images, channels, ...input],
    [filters, channels / geometry.groups, ...geometry.kernel],
    [images, filters, ...windowOutput(input, geometry)],
  ];
}

/** A convolution and its two gradients. Of input, weights and output each makes one, number `makes`, from the other two. */
export const computations: readonly {
  readonly name: string;
  readonly makes: 0 | 1 | 2;
  readonly run: (kernels: Required<Kernels>, x: Operand, weight: Operand, y: Operand, geometry: ConvGeometry) => void;
}[] = [
  { name: 'forward', makes: 2, run: (k, x, weight, y, geometry) => k.conv(x, weight, undefined, y, geometry) },
  { name: 'input gradient', makes: 0, run: (k, x, weight, y, geometry) => k.convInputGradient(y, weight, x, geometry) },
  {
    name: 'weight gradient',
    makes: 1,
    run: (k, x, weight, y, geometry) => k.convWeightGradient(x, y, weight, geometry),
  },
];

/** `list` with another one in place of number `i`. */
export function place<T>(list: readonly T[], i: number, item: T): T[] {
  return list.map((other, k) => (k === i ? item : other));
}

/** The programs of a convolution and its gradients. */
export function programs(convolution: Convolution): Program[] {
  let found: Program | undefined;
  const kernels = plannedKernels({ addressOf: () => 0, reserve: () => 0, run: (program) => (found = program) });
  const [x, weight, y] = shapesOf(convolution).map((shape): Operand => ({ storage: {}, shape, dtype: 'float32' }));
  return computations.map(({ run }) => {
    run(kernels, x!, weight!, y!, convolution.geometry);
    return found!;
  });
}

/** What a convolution and its gradients run: Winograd's kernels, with the size of their tiles, the matrix product, or neither. */
export function chosen(convolution: Convolution): ConvAlgorithm[] {
  return programs(convolution).map(({ phases, words }) => {
    const tiled = phases.find(({ kernel }) => kernel.startsWith('winograd'));
    if (tiled) return words[tiled.args / 4] === 4 ? 'winograd4' : 'winograd2';
    return phases.some(({ kernel }) => kernel === 'gemm') ? 'gemm' : 'direct';
  });
}

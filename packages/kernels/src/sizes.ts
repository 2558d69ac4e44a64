import type { ConvAlgorithm, ConvGeometry } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import { pieces } from './plan.ts';
import { three } from './windows.ts';

// What all ways of computing a convolution or its gradients start from.

/** Bytes of padded images and packed gradients at a time: a larger batch is computed in parts. */
const PART = 8 << 20;

export type Three = readonly [number, number, number];

/** Sizes of a convolution, spatial lists filled up to three axes. */
export interface Sizes {
  readonly images: number;
  readonly groups: number;
  /** Channels and filters of one group. */
  readonly channels: number;
  readonly filters: number;
  readonly input: Three;
  readonly output: Three;
  readonly kernel: Three;
  readonly taps: number;
  readonly stride: Three;
  readonly dilation: Three;
  readonly before: Three;
  /** How it is to be computed, if that has been said. */
  readonly algorithm: ConvAlgorithm | undefined;
}

export function sizesOf(
  input: readonly number[],
  weight: readonly number[],
  output: readonly number[],
  geometry: ConvGeometry,
): Sizes {
  const spatial = (values: readonly number[], neutral: number): Three => three(values, neutral) as unknown as Three;
  return {
    images: input[0]!,
    groups: geometry.groups,
    channels: weight[1]!,
    filters: weight[0]! / geometry.groups,
    input: spatial(input.slice(2), 1),
    output: spatial(output.slice(2), 1),
    kernel: spatial(geometry.kernel, 1),
    taps: sizeOf(geometry.kernel),
    stride: spatial(geometry.stride, 1),
    dilation: spatial(geometry.dilation, 1),
    before: spatial(
      geometry.padding.map(([before]) => before),
      0,
    ),
    algorithm: geometry.algorithm,
  };
}

/** Whether a convolution is one of planes, and nothing comes of an axis before theirs. */
export function isFlat({ input, output, kernel, before }: Sizes): boolean {
  return input[0] === 1 && output[0] === 1 && kernel[0] === 1 && before[0] === 0;
}

export const times = (a: readonly number[], b: readonly number[]): number[] => a.map((value, axis) => value * b[axis]!);

/** The parts into which a batch falls if each image needs `bytes` of memory, and a part may take `most`. */
export function partsOf(
  images: number,
  bytes: number,
  most = PART,
): { readonly size: number; readonly ranges: [from: number, to: number][] } {
  const size = Math.min(images, Math.max(1, Math.floor(most / Math.max(1, bytes))));
  const ranges = Array.from({ length: pieces(images, size) }, (_, part): [number, number] => [
    part * size,
    Math.min(images, (part + 1) * size),
  ]);
  return { size, ranges };
}

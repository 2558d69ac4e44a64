import { sizeOf, stridesOf } from '@receptive/backend';
import type { Located } from './elementwise.ts';
import { GRAIN } from './elementwise.ts';
import type { Phase, Plan } from './plan.ts';
import { pieces } from './plan.ts';

/** Points whose corners are kept at a time, a multiple of four: with them and the pixels around them a small cache is not full. */
const BLOCK = 256;

/** Channels a chunk at least, if there are so many: they share the work of finding the corners. */
const CHANNELS = 8;

/** How the work is cut. */
interface Cut {
  /** Points at a time. */
  readonly block: number;
  /** Channels a chunk. */
  readonly channels: number;
  readonly chunks: number;
}

function phase(kernel: string, input: Located, points: Located, operands: readonly Located[], cut: Cut): Phase {
  const [, channels, ...spatial] = input.shape as [number, number, ...number[]];
  const [, count, axes] = points.shape as [number, number, number];
  const three = (words: readonly number[]): number[] => [0, 1, 2].map((axis) => words[axis] ?? 0);
  const words = [channels, count, axes, ...three(spatial), ...three(stridesOf(spatial).map((stride) => 4 * stride))];
  return {
    kernel,
    words: [...words, 4 * sizeOf(spatial), cut.block, cut.channels, ...operands.map(({ address }) => address)],
    chunks: cut.chunks,
    // For four points, three vectors a corner and two an axis.
    scratch: pieces(cut.block, 4) * (48 * 2 ** axes + 32 * axes),
  };
}

export function sample(x: Located, points: Located, out: Located): Plan {
  const [images, channels, count] = out.shape as [number, number, number];
  const block = Math.min(count, BLOCK);
  const together = Math.min(channels, Math.max(CHANNELS, Math.floor(GRAIN / block)));
  const chunks = images * pieces(channels, together) * pieces(count, block);
  return [phase('sample', x, points, [x, points, out], { block, channels: together, chunks })];
}

export function sampleInputGradient(gradient: Located, points: Located, out: Located): Plan {
  const [images, channels, count] = gradient.shape as [number, number, number];
  const work = count + sizeOf(out.shape.slice(2));
  const together = Math.min(channels, Math.max(CHANNELS, Math.floor(GRAIN / work)));
  const cut = { block: Math.min(count, BLOCK), channels: together, chunks: images * pieces(channels, together) };
  return [phase('sampleInputGradient', out, points, [gradient, points, out], cut)];
}

export function samplePointsGradient(x: Located, points: Located, gradient: Located, out: Located): Plan {
  const [images, channels, count] = gradient.shape as [number, number, number];
  const block = Math.min(count, BLOCK, Math.max(16, 4 * Math.floor(GRAIN / channels / 4)));
  const cut = { block, channels, chunks: images * pieces(count, block) };
  return [phase('samplePointsGradient', x, points, [x, points, gradient, out], cut)];
}

import { sizeOf, stridesOf } from '@receptive/backend';
import { fourCounts, fourStrides } from './axes.ts';
import type { Located } from './elementwise.ts';
import type { Product } from './gemm.ts';
import { ENOUGH, packWeights } from './gemm.ts';
import { FEW_ROWS_TO_DOT, FEW_ROWS_TO_WEIGH, dotRows } from './narrow.ts';
import type { Phase, Plan, Reserve } from './plan.ts';
import { pieces, roundUp, words } from './plan.ts';
import { combineSlices } from './reduce.ts';
import type { Sizes, Three } from './sizes.ts';
import { partsOf, times } from './sizes.ts';

// Convolutions of a batch of small images: eight of them are brought side by side, so that a place is two vectors
// whatever the width of a row. Nothing is packed but the weights, and windows meet only the taps that lie inside.

/** Images side by side. */
const LANES = 8;
/** Bytes of eight images, before and after, up to which they stay in the second-level cache. */
const MOST = 2 << 20;
/** Least share of the lanes that images must fill. */
const FILLED = 0.8;
/** Multiply-adds an element that repay bringing it side by side, where it could also be read in its row. */
const REPAID = 32;
/** Least places of an output whose products are summed lane by lane: the lanes must be added up in the end. */
const PLACES = 64;

const fillsVectors = ({ output }: Sizes): boolean => output[2] % 4 === 0;

/** Further conditions of each computation. */
const suits = {
  conv: (sizes: Sizes) => {
    const work = sizes.filters * sizes.channels * sizes.taps * sizeOf(sizes.output);
    return sizes.filters > FEW_ROWS_TO_WEIGH && (work >= REPAID * elements(sizes) || !fillsVectors(sizes));
  },
  inputGradient: (sizes: Sizes) => sizes.channels > FEW_ROWS_TO_WEIGH && sizeOf(sizes.stride) === 1,
  weightGradient: (sizes: Sizes) =>
    sizeOf(sizes.stride) === 1 &&
    sizeOf(sizes.output) >= PLACES &&
    (sizes.filters > FEW_ROWS_TO_DOT || !fillsVectors(sizes)),
};

/** Elements of an image of one group, before and after. */
function elements({ channels, filters, input, output }: Sizes): number {
  return channels * sizeOf(input) + filters * sizeOf(output);
}

/** Whether a computation is faster with images side by side. */
export function suitsLanes(sizes: Sizes, computation: keyof typeof suits): boolean {
  const { images, algorithm } = sizes;
  if (algorithm === 'gemm') return false;
  const isFull = images >= FILLED * roundUp(images, LANES);
  return isFull && elements(sizes) * 4 * LANES <= MOST && suits[computation](sizes);
}

export function convByLanes(
  x: Located,
  weight: Located,
  bias: Located | undefined,
  out: Located,
  sizes: Sizes,
  reserve: Reserve,
): Plan {
  const { channels, kernel, taps } = sizes;
  const a = { address: weight.address, row: channels * taps, inner: [...stridesOf(kernel), taps] };
  return correlate(x, a, bias, out, sizes, reserve);
}

/** Gradient of a convolution of stride 1: the output's gradient is correlated with the flipped weights. */
export function inputGradientByLanes(
  gradient: Located,
  weight: Located,
  out: Located,
  sizes: Sizes,
  reserve: Reserve,
): Plan {
  const { channels, filters, kernel, taps, input, output, dilation } = sizes;
  const flipped = stridesOf(kernel).map((stride) => -stride);
  const a = { address: weight.address + (taps - 1) * 4, row: taps, inner: [...flipped, channels * taps] };
  const reach = times(
    dilation,
    kernel.map((length) => length - 1),
  );
  const before = reach.map((length, axis) => length - sizes.before[axis]!) as unknown as Three;
  const backward = { ...sizes, channels: filters, filters: channels, input: output, output: input, before };
  return correlate(gradient, a, undefined, out, backward, reserve);
}

/** Correlates images with the weights at `a`, whose inner dimension is [...kernel, channels]. */
function correlate(
  x: Located,
  a: Omit<Product['a'], 'batch'>,
  bias: Located | undefined,
  out: Located,
  { images, groups, channels, filters, input, output, kernel, taps, stride, dilation, before }: Sizes,
  reserve: Reserve,
): Plan {
  const rows = {
    batch: [groups],
    rows: filters,
    inner: [...kernel, channels],
    a: { ...a, batch: [filters * channels * taps] },
    initial: bias && { address: bias.address, batch: [filters] },
  };
  const weights = taps * channels;
  const packed = packWeights(rows, reserve, weights);
  const [ins, outs] = [channels * sizeOf(input) * 4, filters * sizeOf(output) * 4];
  const blocks = pieces(images, LANES);
  const phase: Phase = {
    kernel: 'correlate',
    words: words(
      [images, blocks, filters, channels, x.address, groups * ins, ins, out.address, groups * outs, outs],
      [packed.address, packed.stride],
      ...[input, output, kernel, stride, dilation, before],
    ),
    chunks: groups * blocks,
    // One or two filters that are left over are computed as three.
    scratch: 32 + roundUp(weights, 4) * 4 + LANES * (ins + outs + 2 * sizeOf(output) * 4),
  };
  return [packed.phase, phase];
}

/** Brings the images `[N, planes, ...input]` side by side, `[N / 8, planes, ...padded, 8]`, surrounded by zeros. */
function interleave(
  x: Located,
  planes: number,
  input: readonly number[],
  padded: readonly number[],
  before: readonly number[],
  to: number,
): Phase {
  const isPadded = sizeOf(padded) > sizeOf(input);
  const [from, into] = [stridesOf([planes, ...input]), stridesOf([planes, ...padded]).map((stride) => stride * LANES)];
  const first = before.reduce((sum, length, axis) => sum + length * into[axis + 1]!, 0);
  const [lines, places] = isPadded ? [[planes, ...input.slice(0, -1)], input.at(-1)!] : [[1], planes * sizeOf(input)];
  return {
    kernel: 'interleave',
    words: words(
      [x.address, planes * sizeOf(input) * 4, x.shape[0]!, to, planes * sizeOf(padded) * 4 * LANES],
      [places, sizeOf(lines), isPadded ? 1 : 0, first * 4],
      fourCounts(lines),
      fourStrides(from.slice(0, -1)),
      fourStrides(into.slice(0, -1)),
    ),
    chunks: pieces(x.shape[0]!, LANES),
    scratch: 0,
  };
}

/** Gradient of a convolution of stride 1 with respect to its weights: dot products of rows whose elements are places of eight images. */
export function weightGradientByLanes(
  x: Located,
  gradient: Located,
  out: Located,
  { images, groups, channels, filters, kernel, taps, input, output, dilation, before }: Sizes,
  reserve: Reserve,
): Plan {
  const padded = input.map((length, axis) =>
    Math.max(before[axis]! + length, output[axis]! + dilation[axis]! * (kernel[axis]! - 1)),
  );
  const [inPlanes, outPlanes] = [groups * channels, groups * filters];
  const strides = (planes: number, spatial: readonly number[]): [number, number, ...number[]] =>
    stridesOf([1, planes, ...spatial]).map((stride) => stride * LANES) as [number, number, ...number[]];
  const [[inBlock, inPlane, ...inSpatial], [outBlock, outPlane, ...outSpatial]] = [
    strides(inPlanes, padded),
    strides(outPlanes, output),
  ];
  const parts = partsOf(pieces(images, LANES), (inBlock + outBlock) * 4);
  const [ins, outs] = [reserve(parts.size * inBlock * 4), reserve(parts.size * outBlock * 4)];
  const size = sizeOf(out.shape);
  const blocksPerSlice = pieces(parts.size, ENOUGH);
  const count = pieces(parts.size, blocksPerSlice);
  const sums = count === 1 ? out.address : reserve(count * size * 4);
  const products = parts.ranges.flatMap(([from, to]) => {
    const part = (all: Located): Located => {
      const each = all.shape.slice(1);
      const [first, last] = [from * LANES, Math.min(images, to * LANES)];
      return { ...all, address: all.address + first * sizeOf(each) * 4, shape: [last - first, ...each] };
    };
    const product: Product = {
      batch: [groups],
      rows: filters,
      inner: [to - from, ...output.slice(0, -1), output[2] * LANES],
      columns: [channels, ...kernel],
      a: {
        address: outs,
        batch: [filters * outPlane],
        row: outPlane,
        inner: [outBlock, ...outSpatial.slice(0, -1), 1],
      },
      b: {
        address: ins,
        batch: [channels * inPlane],
        inner: [inBlock, ...inSpatial.slice(0, -1), 1],
        columns: [inPlane, ...times(inSpatial, dilation)],
      },
      c: {
        address: sums,
        batch: [filters * channels * taps],
        row: channels * taps,
        columns: stridesOf([channels, ...kernel]),
      },
      accumulate: from > 0,
    };
    return [
      interleave(part(x), inPlanes, input, padded, before, ins),
      interleave(part(gradient), outPlanes, output, output, [0, 0, 0], outs),
      dotRows(product, blocksPerSlice, size),
    ];
  });
  return [...products, ...combineSlices('sumOuter_float32', sums, out.address, count, size, reserve)];
}

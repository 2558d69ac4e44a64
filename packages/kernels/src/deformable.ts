import type { ConvGeometry, Window } from '@receptive/backend';
import { sizeOf, stridesOf, windowOutput } from '@receptive/backend';
import type { Located } from './elementwise.ts';
import { COLUMNS, TILE, ENOUGH, innerBlock, packWeights } from './gemm.ts';
import type { Phase, Plan, Reserve } from './plan.ts';
import { pieces, roundUp, words } from './plan.ts';
import { copyView } from './views.ts';
import { three } from './windows.ts';

// Deformable convolutions read between pixels: a point takes from four of them the same share of every channel. So the image is turned round first, channels
// last, and a point's channels are vectors.

/** Places of a chunk, and the fewest of a chunk that meets all weights. */
const BLOCK = 128;
const FEWEST = 32;
/** Fewest channels whose sums repay finding the corners again. */
const CHANNELS = 16;

/** Images with their channels last, and as much as a vector may reach beyond. */
function turned(shape: readonly number[], reserve: Reserve): Located {
  const [images, channels, ...spatial] = shape as [number, number, ...number[]];
  const turnedShape = [images, sizeOf(spatial), channels];
  return { address: reserve((sizeOf(turnedShape) + 3) * 4), shape: turnedShape, dtype: 'float32' };
}

function turn(x: Located, image: Located): Plan {
  const [, pixels, channels] = image.shape as [number, number, number];
  return copyView(x, image, { offset: 0, strides: [channels * pixels, 1, pixels] });
}

function turnBack(image: Located, x: Located): Plan {
  const [, pixels, channels] = image.shape as [number, number, number];
  const flat = { ...x, shape: [x.shape[0]!, channels, pixels] };
  return copyView(image, flat, { offset: 0, strides: [channels * pixels, 1, channels] });
}

/** Sizes that all computations start from. */
interface Deformed {
  readonly images: number;
  readonly channels: number;
  readonly taps: number;
  readonly places: number;
  readonly together: number;
  /** The words that all kernels begin with, and the scratch that they need. */
  readonly words: readonly number[];
  readonly scratch: number;
}

function deformed(
  shape: readonly number[],
  image: Located,
  offset: Located,
  mask: Located | undefined,
  window: Window,
  offsetGroups: number,
): Deformed {
  const [images, channels, ...spatial] = shape as [number, number, ...number[]];
  const output = windowOutput(spatial, window);
  const [axes, taps, places, together] = [
    spatial.length,
    sizeOf(window.kernel),
    sizeOf(output),
    channels / offsetGroups,
  ];
  const lengths = three(spatial, 1);
  const reads = offsetGroups * taps * places * 4;
  const before = window.padding.map(([length]) => length);
  return {
    images,
    channels,
    taps,
    places,
    together,
    words: words(
      [axes, ...lengths, ...stridesOf(lengths).map((stride) => stride * channels * 4)],
      [...three(output, 1), ...three(window.stride, 1), ...three(before, 0)],
      [...three(window.kernel, 1), ...three(window.dilation, 1), channels, together, places, taps],
      [image.address, sizeOf(spatial) * channels * 4, offset.address, axes * reads, mask?.address ?? 0, reads],
    ),
    scratch: 480 + 12 * BLOCK + 5 * roundUp(together, 4) * 4,
  };
}

/** Deformable convolution: columns are sampled into panels in the cache, and multiplied there. */
export function deformConv(
  x: Located,
  offset: Located,
  weight: Located,
  mask: Located | undefined,
  out: Located,
  geometry: ConvGeometry,
  offsetGroups: number,
  reserve: Reserve,
): Plan {
  const image = turned(x.shape, reserve);
  const { images, taps, places, words: head, scratch } = deformed(x.shape, image, offset, mask, geometry, offsetGroups);
  const { groups } = geometry;
  const [filters, channels] = [weight.shape[0]! / groups, weight.shape[1]!];
  // A tap's channels are neighbours in the image: they are in the columns too.
  const kernel = three(geometry.kernel, 1);
  const product = {
    batch: [groups],
    rows: filters,
    inner: [...kernel, channels],
    a: {
      address: weight.address,
      batch: [filters * channels * taps],
      row: channels * taps,
      inner: [...stridesOf(kernel), taps],
    },
  };
  const packed = packWeights(product, reserve);
  const block = innerBlock(channels * taps);
  const wanted = Math.max(FEWEST, Math.min(BLOCK, pieces(places, pieces(ENOUGH, images * groups))));
  const grain = roundUp(wanted, COLUMNS);
  const blocks = pieces(places, grain);
  return [
    ...turn(x, image),
    packed.phase,
    {
      kernel: 'deformConv',
      words: words(head, [filters, channels, groups, block, blocks, grain, packed.address, packed.stride, out.address]),
      chunks: images * groups * blocks,
      scratch: scratch + TILE + grain * block * 4,
    },
  ];
}

/** Bytes of the columns of an image. */
function columnBytes({ channels, taps, places }: Deformed): number {
  return channels * taps * places * 4;
}

/** A plan of a kernel that reads a turned image for blocks of places, of each of `groups`, and reads or writes `columns`; its own words begin with these. */
function overBlocks(
  kernel: string,
  x: Located,
  columns: Located,
  offset: Located,
  mask: Located | undefined,
  window: Window,
  offsetGroups: number,
  reserve: Reserve,
  { groups = 1, own = [] }: { readonly groups?: number; readonly own?: readonly number[] } = {},
): Plan {
  const image = turned(x.shape, reserve);
  const sizes = deformed(x.shape, image, offset, mask, window, offsetGroups);
  const blocks = pieces(sizes.places, BLOCK);
  const phase: Phase = {
    kernel,
    words: words(sizes.words, [columns.address, columnBytes(sizes), blocks, ...own]),
    chunks: sizes.images * groups * blocks,
    scratch: sizes.scratch,
  };
  return [...turn(x, image), phase];
}

export function deformColumns(
  x: Located,
  offset: Located,
  mask: Located | undefined,
  out: Located,
  window: Window,
  offsetGroups: number,
  reserve: Reserve,
): Plan {
  return overBlocks('deformColumns', x, out, offset, mask, window, offsetGroups, reserve);
}

export function deformColumnsInputGradient(
  gradient: Located,
  offset: Located,
  mask: Located | undefined,
  out: Located,
  window: Window,
  offsetGroups: number,
  reserve: Reserve,
): Plan {
  const image = turned(out.shape, reserve);
  const sizes = deformed(out.shape, image, offset, mask, window, offsetGroups);
  const { images, together } = sizes;
  const parts = Math.min(pieces(ENOUGH, images * offsetGroups), pieces(together, CHANNELS));
  const grain = roundUp(pieces(together, parts), 4);
  const chunksPerGroup = pieces(together, grain);
  return [
    {
      kernel: 'deformColumnsInputGradient',
      words: words(sizes.words, [gradient.address, columnBytes(sizes), grain, chunksPerGroup]),
      chunks: images * offsetGroups * chunksPerGroup,
      scratch: sizes.scratch,
    },
    ...turnBack(image, out),
  ];
}

/** The gradient with respect to the offsets, or the mask. */
function pointsGradient(
  of: 'offset' | 'mask',
  x: Located,
  gradient: Located,
  offset: Located,
  mask: Located | undefined,
  out: Located,
  window: Window,
  offsetGroups: number,
  reserve: Reserve,
): Plan {
  return overBlocks('deformColumnsPointsGradient', x, gradient, offset, mask, window, offsetGroups, reserve, {
    groups: offsetGroups,
    own: [of === 'mask' ? 1 : 0, out.address],
  });
}

export function deformColumnsOffsetGradient(
  x: Located,
  gradient: Located,
  offset: Located,
  mask: Located | undefined,
  out: Located,
  window: Window,
  offsetGroups: number,
  reserve: Reserve,
): Plan {
  return pointsGradient('offset', x, gradient, offset, mask, out, window, offsetGroups, reserve);
}

export function deformColumnsMaskGradient(
  x: Located,
  gradient: Located,
  offset: Located,
  out: Located,
  window: Window,
  offsetGroups: number,
  reserve: Reserve,
): Plan {
  return pointsGradient('mask', x, gradient, offset, undefined, out, window, offsetGroups, reserve);
}

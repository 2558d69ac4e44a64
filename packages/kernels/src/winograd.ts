import type { ConvAlgorithm } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import type { Located } from './elementwise.ts';
import type { Product } from './gemm.ts';
import { COLUMNS, ENOUGH, innerBlock, multiply, pack, packedBytes, paddedRows } from './gemm.ts';
import type { Phase, Plan, Reserve } from './plan.ts';
import { deriving, pieces, roundUp, words } from './plan.ts';
import type { Sizes } from './sizes.ts';
import { isFlat } from './sizes.ts';
import { copyView } from './views.ts';

// Convolutions of 3 x 3 and 5 x 5 kernels at stride 1 by Winograd's minimal filtering: each element of the transformed tiles is a
// matrix product of its own, and there are fewer multiplications than in the convolution itself.

/** Outputs of a tile along an axis. */
type TileSize = 2 | 4;

/**
 * Tiles of a block that is a chunk: enough to repay reading the weights, and few enough for their products to stay in the cache. It may have half of that for there to be
 * more chunks, or a quarter where weights stay in the second-level cache.
 */
const TILES = 64;
const NEAR = 1 << 20;
/** Tiles of a block that all threads compute together. */
const SHARED = 96;
/** Most tiles of a row: longer ones are cut. */
const LONGEST = 128;
/** Multiplications that are not worth sharing, and those that repay a chunk of products. */
const SMALL = 1 << 20;
const GRAIN = 1 << 18;
/** Filters that a product takes at a time, a multiple of those that the highest tiles fill. */
const SLICE = 30;
/** Most chunks that transform tiles. */
const CHUNKS = 32;
/** Bytes of transformed weights from which on they are fetched before they are used. */
const MANY = 8 << 20;
/** Rows of weights, a multiple of those that the highest tiles fill. */
const ROWS = 60;
/** Channels up to which a product runs over all of them at once: to add to its sums costs more than to pass by the cache. */
const WHOLE = 512;
/** Bytes between the elements of a tile, so that they do not all fall into the same lines of the cache. */
const APART = 192;
/** Bytes that each step needs for itself. */
const SCRATCH = 2048;

/** Bytes of transformed tiles at a time, and tiles up to which they may be more: few tiles do not repay reading and writing their sums. */
const PART = 8 << 20;
const FEW = 256;

/** What is convolved. */
export interface Winograd {
  readonly x: Located;
  readonly out: Located;
  readonly bias: Located | undefined;
  /**
   * Where the weights lie, and the kernels in them: bytes to the first one's first tap, and from one to the next of each axis. Where kernels are not in them as they are, all
   * of a tile in which something is not finite becomes NaN, for the caller to mend.
   */
  readonly weight: number;
  readonly kernels?: {
    readonly offset: number;
    readonly strides: readonly [group: number, filter: number, channel: number, tap: number];
  };
  /** Taps of a kernel along an axis. */
  readonly taps: number;
  /** The kernels as dense `[groups, filters, channels, taps, taps]`, and the plan that makes them so. */
  readonly dense: { readonly address: number; readonly plan: Plan };
  /** Whether what is negative becomes 0. */
  readonly relu: boolean;
  readonly images: number;
  readonly groups: number;
  readonly channels: number;
  readonly filters: number;
  readonly input: readonly [height: number, width: number];
  readonly output: readonly [height: number, width: number];
  readonly before: readonly [top: number, left: number];
}

/** Fewest channels and filters whose products repay transforming tiles, for 3 and 5 taps. Those of the gradient of weights go through memory. */
export const REPAID = {
  forward: { 3: 8, 5: 16 },
  inputGradient: { 3: 8, 5: 16 },
  weightGradient: { 3: 8, 5: 32 },
} as const;
/**
 * Fewest places of outputs, all images together, that repay transforming the weights: more of them in training, which changes weights at every step, where
 * those do not stay in a cache.
 */
export const PLACES = { least: 96, inMemory: 320 };
export const CACHE = 4 << 20;

/** The size of tiles that a convolution is best cut into, or is told to be; undefined where Winograd's way does not apply, or does not pay. */
export function tileSize(sizes: Sizes, computation: keyof typeof REPAID): TileSize | undefined {
  const { kernel, stride, dilation, input, output, before, channels, filters, images, algorithm } = sizes;
  if (!isFlat(sizes)) return undefined;
  if (algorithm) return told[algorithm];
  const taps = kernel[2];
  const isDense = sizeOf(stride) === 1 && sizeOf(dilation) === 1;
  if (!isDense || kernel[1] !== taps || (taps !== 3 && taps !== 5)) return undefined;
  // Outputs that see padding alone are 0, and not what is left of the sums of a tile.
  const reaches = before.every((length, axis) => length < taps && output[axis]! - input[axis]! - length <= 0);
  const transformed = (4 + taps - 1) ** 2 * 4 * channels * filters;
  const places = computation === 'forward' || transformed <= CACHE ? PLACES.least : PLACES.inMemory;
  const pays = Math.min(channels, filters) >= REPAID[computation][taps] && images * sizeOf(output) >= places;
  if (!reaches || !pays) return undefined;
  // Large tiles take fewer multiplications, unless more of them hangs over the edge. Small ones round less.
  const products = (m: TileSize): number => pieces(output[1], m) * pieces(output[2], m) * (m + taps - 1) ** 2;
  return products(4) < products(2) ? 4 : 2;
}

const told: { readonly [A in ConvAlgorithm]: TileSize | undefined } = {
  direct: undefined,
  gemm: undefined,
  winograd2: 2,
  winograd4: 4,
};

export function convByWinograd(
  x: Located,
  weight: Located,
  bias: Located | undefined,
  out: Located,
  sizes: Sizes,
  m: TileSize,
  relu: boolean,
  reserve: Reserve,
): Plan {
  const { input, output, before } = sizes;
  const across = {
    input: [input[1], input[2]],
    output: [output[1], output[2]],
    before: [before[1], before[2]],
  } as const;
  const { filters, channels } = sizes;
  const bytes = sizes.taps * 4;
  const kernels = { offset: 0, strides: [filters * channels * bytes, channels * bytes, bytes, 4] } as const;
  const dense = { address: weight.address, plan: [] };
  const taps = sizes.kernel[2];
  return convolveTiles(
    { ...sizes, ...across, taps, x, out, bias, weight: weight.address, kernels, dense, relu },
    m,
    reserve,
  );
}

/** Gradient of a convolution with respect to its input: the output's gradient convolved with the kernels turned round. */
export function inputGradientByWinograd(
  gradient: Located,
  weight: Located,
  out: Located,
  sizes: Sizes,
  m: TileSize,
  reserve: Reserve,
): Plan {
  const { images, groups, channels, filters, input, output, before, taps: elements } = sizes;
  const taps = sizes.kernel[2];
  // Turned round once: read as they lie, the kernels of a channel are far apart.
  const shape = [groups, channels, filters, elements];
  const turned = { address: reserve(sizeOf(shape) * 4), shape, dtype: weight.dtype };
  const strides = [filters * channels * elements, elements, channels * elements, -1] as const;
  const [group, filter, channel, tap] = strides.map((stride) => stride * 4) as [number, number, number, number];
  const offset = elements - 1;
  return convolveTiles(
    {
      x: gradient,
      out,
      bias: undefined,
      weight: weight.address,
      kernels: { offset: offset * 4, strides: [group, filter, channel, tap] },
      taps,
      dense: { address: turned.address, plan: copyView(weight, turned, { offset, strides }) },
      relu: false,
      images,
      groups,
      channels: filters,
      filters: channels,
      input: [output[1], output[2]],
      output: [input[1], input[2]],
      before: [taps - 1 - before[1], taps - 1 - before[2]],
    },
    m,
    reserve,
  );
}

/** How outputs are cut into tiles. A row of tiles is one of the image, or one of several side by side where it would be too long. */
interface Tiling {
  readonly tiles: number;
  readonly abreast: number;
  readonly rowsPerImage: number;
  readonly allRows: number;
}

function tilingOf(output: readonly number[], images: number, m: TileSize, most: number): Tiling {
  const [down, across] = output.map((length) => pieces(length, m)) as [number, number];
  const abreast = pieces(across, most);
  const rowsPerImage = down * abreast;
  return { tiles: pieces(across, abreast), abreast, rowsPerImage, allRows: images * rowsPerImage };
}

/** Bytes of a strip of the image that holds a row of tiles. */
const stripBytes = (tiles: number, m: TileSize, taps: number): number =>
  (m + taps - 1) * (roundUp(tiles, 4) * m + 4) * 4;

/** A convolution in tiles of `m` x `m` outputs. */
export function convolveTiles(conv: Winograd, m: TileSize, reserve: Reserve): Plan {
  const { x, out, bias, weight, kernels, taps, relu, images, groups, channels, filters } = conv;
  const { input, output, before } = conv;
  const elements = (m + taps - 1) ** 2;
  const inner = channels <= WHOLE ? channels : innerBlock(channels);
  const perElement = paddedRows(filters) * channels * 4 + APART;
  const bytes = groups * elements * perElement;
  const transformed = reserve(bytes);
  const { tiles, abreast, rowsPerImage, allRows } = tilingOf(output, images, m, LONGEST);
  // A chunk for each block, if these are enough; else blocks are computed one after the other, by all threads together.
  const isSmall = groups * elements * channels * filters * allRows * tiles <= SMALL;
  const most = Math.min(pieces(TILES, tiles), Math.floor((groups * allRows) / ENOUGH));
  const least = elements * perElement <= NEAR ? TILES / 4 : TILES / 2;
  const isApart = isSmall || most >= Math.min(allRows, pieces(least, tiles));
  const blocks = pieces(allRows, isSmall ? pieces(TILES, tiles) : isApart ? most : pieces(SHARED, tiles));
  const rows = pieces(allRows, blocks);
  const columns = roundUp(rows * tiles + 3, COLUMNS);
  const slices = Math.max(1, Math.floor((filters - (filters % ROWS)) / SLICE));
  const tilesBytes = elements * (columns * channels * 4 + APART);
  const productsBytes = elements * (columns * paddedRows(filters) * 4 + APART);
  const strip = stripBytes(tiles, m, taps);
  const [inputSize, outputSize] = [sizeOf(input) * 4, sizeOf(output) * 4];

  const common = words(
    [m, taps, channels, filters, inner, rows, allRows, rowsPerImage, abreast, tiles, columns],
    [...input, ...before, ...output],
    [x.address, groups * channels * inputSize, channels * inputSize, transformed, elements * perElement, perElement],
    [out.address, groups * filters * outputSize, filters * outputSize, bias?.address ?? 0, Number(relu)],
    kernels ? [weight + kernels.offset, ...kernels.strides] : [0, 0, 0, 0, 0],
    [blocks, SLICE, slices, Number(bytes > MANY)],
  );
  const weights = deriving(
    { sources: [weight], address: transformed, bytes },
    transformedWeights(conv, m, inner, transformed, perElement),
  );
  if (isApart) {
    const scratch = SCRATCH + strip + tilesBytes + productsBytes;
    return [...weights, { kernel: 'winograd', words: common, chunks: groups * blocks, scratch }];
  }
  const [tilesAt, productsAt] = [reserve(groups * tilesBytes), reserve(groups * productsBytes)];
  // Two channels of a panel share a line of the cache.
  const some = (all: number): number => roundUp(pieces(all, CHUNKS), 2);
  const [someChannels, someFilters] = [some(channels), some(filters)];
  const [channelChunks, filterChunks] = [pieces(channels, someChannels), pieces(filters, someFilters)];
  const products = elements * slices;
  const work = (filters / slices) * channels * rows * tiles;
  const someProducts = Math.max(1, Math.min(Math.floor(GRAIN / work), Math.floor((groups * products) / ENOUGH)));
  const productChunks = pieces(products, someProducts);
  const steps = (block: number): Plan => {
    const all = words(
      common,
      [block, tilesAt, productsAt],
      [someChannels, channelChunks, someProducts, productChunks, someFilters, filterChunks],
    );
    return [
      { kernel: 'winogradInput', words: all, chunks: groups * channelChunks, scratch: SCRATCH + strip },
      { kernel: 'winogradProducts', words: all, chunks: groups * productChunks, scratch: SCRATCH },
      { kernel: 'winogradOutput', words: all, chunks: groups * filterChunks, scratch: SCRATCH },
    ];
  };
  return [...weights, ...Array.from({ length: blocks }, (_, block) => steps(block)).flat()];
}

/** Transforms weights into panels. */
function transformedWeights(conv: Winograd, m: TileSize, inner: number, address: number, perElement: number): Plan {
  const { groups, channels, filters, taps, dense } = conv;
  const elements = (m + taps - 1) ** 2;
  const filtersAtATime = roundUp(pieces(16384, channels * taps ** 2), ROWS);
  const filterChunks = pieces(filters, filtersAtATime);
  const channelsAtATime = roundUp(pieces(channels, pieces(ENOUGH, groups * filterChunks)), 4);
  const channelChunks = pieces(channels, channelsAtATime);
  return [
    ...dense.plan,
    {
      kernel: 'winogradWeights',
      words: words(
        [m, channels, filters, inner, filtersAtATime, filterChunks],
        [dense.address, address, elements * perElement, perElement, taps, channelsAtATime, channelChunks],
      ),
      chunks: groups * filterChunks * channelChunks,
      scratch: SCRATCH,
    },
  ];
}

/** Gradient of a convolution with respect to its weights: for each element of the tiles, the product of the output's gradients with the inputs over all tiles. */
export function weightGradientByWinograd(
  x: Located,
  gradient: Located,
  out: Located,
  sizes: Sizes,
  m: TileSize,
  reserve: Reserve,
): Plan {
  const { images, groups, channels, filters, before } = sizes;
  const [input, output] = [sizes.input.slice(1), sizes.output.slice(1)] as const;
  const taps = sizes.kernel[2];
  const elements = (m + taps - 1) ** 2;
  const bytesPerTile = elements * groups * (channels + 2 * filters) * 4;
  const most = Math.max(FEW, Math.floor(PART / bytesPerTile));
  const { tiles: across, abreast, rowsPerImage, allRows } = tilingOf(output, images, m, most);
  const rows = Math.min(allRows, Math.floor(most / across));
  // Beyond the last tile lie those that only make up a vector.
  const length = roundUp(rows * across + 3, 4);
  const perElement = { x: groups * channels * length, gradient: groups * filters * length };
  const tiles = { x: reserve(elements * perElement.x * 4), gradient: reserve(elements * perElement.gradient * 4) };
  const sums = reserve(elements * groups * filters * channels * 4 + 16);

  const [inputSize, outputSize] = [sizeOf(input) * 4, sizeOf(output) * 4];
  const [perImage, perOutput] = [groups * channels * inputSize, groups * filters * outputSize];
  const transform = (isGradient: boolean, from: number, count: number): Phase => {
    const all = groups * (isGradient ? filters : channels);
    return {
      kernel: 'winogradTiles',
      words: words(
        [m, isGradient ? 1 : 0, from, count, rowsPerImage, abreast, across],
        isGradient
          ? [...output, 0, 0, gradient.address, perOutput]
          : [...input, before[1], before[2], x.address, perImage],
        isGradient ? [tiles.gradient, perElement.gradient * 4] : [tiles.x, perElement.x * 4],
        [length * 4, taps],
      ),
      chunks: all,
      scratch: SCRATCH + stripBytes(across, m, taps),
    };
  };
  const productOf = (count: number, accumulate: boolean): Product => ({
    batch: [elements, groups],
    rows: filters,
    inner: [count * across],
    columns: [channels],
    a: { address: tiles.gradient, batch: [perElement.gradient, filters * length], row: length, inner: [1] },
    b: { address: tiles.x, batch: [perElement.x, channels * length], inner: [1], columns: [length] },
    c: { address: sums, batch: [groups * filters * channels, filters * channels], row: channels, columns: [1] },
    accumulate,
  });
  const panels = reserve(packedBytes(productOf(rows, false)));
  const parts = Array.from({ length: pieces(allRows, rows) }, (_, part) => {
    const count = Math.min(rows, allRows - part * rows);
    const product = productOf(count, part > 0);
    const packed = pack(product, panels);
    return [
      transform(false, part * rows, count),
      transform(true, part * rows, count),
      packed.phase,
      multiply(product, packed),
    ];
  });
  return [
    ...parts.flat(),
    {
      kernel: 'winogradKernels',
      words: words(
        [m, channels, filters, sums, groups * filters * channels * 4, out.address],
        [images, ...input, before[1], before[2], ...output, x.address, perImage, gradient.address, perOutput, taps],
      ),
      chunks: groups * filters,
      scratch: SCRATCH,
    },
  ];
}

import { sizeOf } from '@receptive/backend';
import type { Located } from './elementwise.ts';
import { ENOUGH } from './gemm.ts';
import { mend } from './mend.ts';
import type { Phase, Plan, Reserve } from './plan.ts';
import { float, pieces, roundUp, words } from './plan.ts';
import { combineSlices } from './reduce.ts';
import type { Sizes } from './sizes.ts';
import { isFlat } from './sizes.ts';
import type { Axis } from './strips.ts';
import { STRIP, backward, farthest, forward, lengthOf, partsOf, placeOf, range } from './strips.ts';

// Convolutions by their definition, for few channels a group. Windows slide over strips of the image: some rows of a
// plane, surrounded by zeros, whose columns are sorted by the remainder that the stride leaves. Nothing else is copied.

/** Taps whose dot products are formed together; or stacks, and taps of a stack. */
const TAPS = 9;
const STACKS = 3;
const STACK = 3;
/** Fewest rows of a gradient that repay filling a strip for them. */
const LOWEST = 8;
/** Words before the lists of the kernel's arguments. */
const HEAD = 30;

/** Cuts the column of a window into stacks of one to three taps, lowest first. */
function stacksOf(height: number): number[] {
  const rest = height % 3;
  const low = height === 1 ? [1] : rest === 1 ? [2, 2] : rest === 2 ? [2] : [];
  return [...low, ...range(Math.floor(height / 3) - (rest === 1 && height > 1 ? 1 : 0)).map(() => 3)];
}

/** Planes of a group, and where its weights lie. */
interface Planes {
  readonly inputs: number;
  readonly outputs: number;
  /** Bytes between the weights of inputs, and of outputs. */
  readonly perInput: number;
  readonly perOutput: number;
}

export function convDirectly(
  x: Located,
  weight: Located,
  bias: Located | undefined,
  out: Located,
  sizes: Sizes,
  least: number,
  reserve: Reserve,
): Plan {
  const { channels, filters, taps } = sizes;
  const planes = { inputs: channels, outputs: filters, perInput: taps * 4, perOutput: channels * taps * 4 };
  return [
    slide(x, weight, bias, out, sizes, planes, forward(sizes, 1), forward(sizes, 2), least),
    ...mend('y', { x, weight, y: out, bias }, sizes, reserve, least),
  ];
}

export function inputGradientDirectly(
  gradient: Located,
  weight: Located,
  out: Located,
  sizes: Sizes,
  reserve: Reserve,
): Plan {
  const { channels, filters, taps } = sizes;
  const planes = { inputs: filters, outputs: channels, perInput: channels * taps * 4, perOutput: taps * 4 };
  return [
    slide(gradient, weight, undefined, out, sizes, planes, backward(sizes, 1), backward(sizes, 2), -Infinity),
    ...mend('x', { x: out, weight, y: gradient }, sizes, reserve),
  ];
}

/** Windows that slide over the planes of each group of `from`, and add up into the planes of each group of `to`. */
function slide(
  from: Located,
  weight: Located,
  bias: Located | undefined,
  to: Located,
  { images, groups, channels, filters, taps, kernel }: Sizes,
  { inputs, outputs, perInput, perOutput }: Planes,
  down: Axis,
  across: Axis,
  least: number,
): Phase {
  const [rows, columns] = [down, across].map(({ classes }) => classes[0]!.count) as [number, number];
  // A tile of four rows, or of one that is as long as four.
  const isTall = rows >= 4 || columns < 16;
  const tile = isTall ? { rows: 4, columns: 8 } : { rows: 1, columns: 32 };
  const isStaged =
    down.classes.length * across.classes.length > 1 || rows < tile.rows || columns < (isTall ? 4 : tile.columns);
  const filled = isStaged ? roundUp(columns, tile.columns) : columns;
  const length = lengthOf(across, filled);
  const parts = partsOf(across, length);
  const pitch = parts.length * length * 4;

  // Blocks of rows, none of which is lower than a tile.
  const units = images * groups;
  const fitting = Math.max(tile.rows, (STRIP / (inputs * pitch) - farthest(down)) / down.stride);
  const blocks = Math.max(
    1,
    Math.min(Math.floor(rows / tile.rows), Math.max(pieces(rows, fitting), pieces(ENOUGH, units))),
  );
  const perChunk = blocks > 1 ? 1 : Math.max(1, Math.floor(units / (2 * ENOUGH)));
  const most = pieces(pieces(rows, tile.rows), blocks) * tile.rows;
  const stripRows = (most - 1) * down.stride + farthest(down) + 1;
  const strip = stripRows * pitch;

  const head = HEAD * 4 + parts.length * 12 + down.classes.length * across.classes.length * 28;
  const place = placeOf(across, length);
  const lists: number[] = [];
  const classes = down.classes.flatMap((y) =>
    across.classes.flatMap((x) => {
      // Rows of the strip that follow each other are loaded once for several rows of a tile.
      const areShared = isTall && down.stride <= 2 && y.taps.every(({ at }, i) => at === y.taps[0]!.at + i);
      const heights = areShared ? stacksOf(y.taps.length) : y.taps.map(() => 1);
      const stacks = heights.flatMap((height, i) => {
        const first = heights.slice(0, i).reduce((sum, above) => sum + above, 0);
        const rowsMet = y.taps.slice(first, first + height);
        return range(inputs).flatMap((input) => x.taps.map((column) => ({ input, column, rowsMet })));
      });
      const list = head + lists.length * 4;
      for (const { input, column, rowsMet } of stacks)
        lists.push(input * strip + rowsMet[0]!.at * pitch + place(column.at));
      for (const { input, column, rowsMet } of stacks)
        for (const { tap } of rowsMet) lists.push(input * perInput + (tap * kernel[2] + column.tap) * 4);
      const counts = [1, 2, 3].map((height) => stacks.filter(({ rowsMet }) => rowsMet.length === height).length);
      const between = isTall ? (areShared ? pitch : down.stride * pitch) : 32;
      return [x.count, ...counts, areShared ? down.stride : 1, between, list];
    }),
  );
  const window = roundUp(inputs * taps * 4, 64);
  const line = isStaged ? filled * 4 : 0;
  return {
    kernel: 'direct',
    words: words(
      [units, perChunk, groups, blocks, inputs, outputs],
      [from.address, across.input, down.input, to.address, across.output, down.output],
      [weight.address, filters * channels * taps * 4, perOutput, bias?.address ?? 0],
      [float(least)],
      [stripRows, pitch, parts.length, length, down.stride, down.before, across.stride * 4],
      [rows, down.classes.length, across.classes.length, line, isTall ? 1 : 0, window],
      ...parts,
      classes,
      lists,
    ),
    chunks: pieces(units, perChunk) * blocks,
    scratch: window + inputs * strip + across.classes.length * roundUp(most, 4) * line,
  };
}

/** Gradient of a convolution with respect to its weights: for each tap, the gradient's dot product with what the tap meets. */
export function weightGradientDirectly(
  x: Located,
  gradient: Located,
  out: Located,
  sizes: Sizes,
  reserve: Reserve,
): Plan {
  const { images, groups, channels, filters, taps, kernel, dilation } = sizes;
  const [down, across] = [forward(sizes, 1), forward(sizes, 2)];
  const length = lengthOf(across, roundUp(across.output, 4));
  const parts = partsOf(across, length);
  const pitch = parts.length * length * 4;
  const groupsPerChunk = Math.max(1, Math.floor(groups / (2 * ENOUGH)));
  const chunks = pieces(groups, groupsPerChunk);
  // Strips of all rows, unless they are too large, or one thread would have to do it all.
  const fitting = Math.floor((STRIP / (channels * pitch) - farthest(down)) / down.stride);
  const few = pieces(down.output, pieces(ENOUGH, chunks * images));
  const rows = Math.max(LOWEST, Math.min(down.output, fitting, few));
  const blocks = pieces(down.output, rows);
  const stripRows = (rows - 1) * down.stride + farthest(down) + 1;
  const perSlice = pieces(images * blocks, Math.min(images * blocks, pieces(ENOUGH, chunks)));
  const slices = pieces(images * blocks, perSlice);
  const size = sizeOf(out.shape);
  const sums = slices === 1 ? out.address : reserve(slices * size * 4);

  const place = placeOf(across, length);
  const at = (tap: number): number => {
    const row = Math.floor(tap / kernel[2]);
    return row * dilation[1] * pitch + place((tap % kernel[2]) * dilation[2]);
  };
  const { stacks, others } = stacked(sizes);
  const first = stacks.length * STACK;
  const numbers = range(taps).map((tap) => {
    const stack = stacks.findIndex(
      (top) => (tap - top) % kernel[2] === 0 && tap >= top && tap < top + STACK * kernel[2],
    );
    return stack < 0 ? first + others.indexOf(tap) : stack * STACK + (tap - stacks[stack]!) / kernel[2];
  });
  return [
    {
      kernel: 'directWeights',
      words: words(
        [images, groups, channels, filters, x.address, across.input, down.input],
        [gradient.address, across.output, down.output, sums, size * 4],
        [groupsPerChunk, blocks, perSlice, slices],
        [stripRows, pitch, parts.length, length, down.stride, down.before, across.stride * 4, rows, taps],
        [stacks.length / STACKS, others.length / TAPS],
        ...parts,
        stacks.map(at),
        others.map(at),
        numbers,
      ),
      chunks: chunks * slices,
      scratch: filters * channels * (first + others.length) * 16 + channels * stripRows * pitch,
    },
    ...combineSlices('sumOuter_float32', sums, out.address, slices, size, reserve),
    ...mend('weight', { x, weight: out, y: gradient }, sizes, reserve),
  ];
}

/**
 * The taps of a window as those on top of stacks of three, which share the rows that they load, and all others. Each list repeats its last until it
 * fills what is computed together.
 */
function stacked({ kernel, taps, stride, dilation }: Sizes): { stacks: readonly number[]; others: readonly number[] } {
  const fill = (list: readonly number[], step: number): number[] =>
    range(roundUp(list.length, step)).map((i) => list[Math.min(i, list.length - 1)]!);
  const [, height, width] = kernel;
  const stacks = fill(
    range(Math.floor(height / STACK)).flatMap((y) => range(width).map((x) => y * STACK * width + x)),
    STACKS,
  );
  const rest = height % STACK;
  const others = fill(
    range(rest * width).map((i) => (height - rest) * width + i),
    TAPS,
  );
  const all = fill(range(taps), TAPS);
  // Nine taps in stacks take two thirds of the time of nine others.
  const pays = (2 / 3) * stacks.length * STACK + others.length < all.length;
  return stride[1] === 1 && dilation[1] === 1 && pays ? { stacks, others } : { stacks: [], others: all };
}

/** Planes of a group that windows slide over, or into which they slide, so few that a product of matrices would leave most of its tiles empty. */
const FEW = 3;
/** Pairs of a channel with a filter, in a group, up to which windows slide faster than a product of matrices runs: of most, and where the stride leaves that gaps to jump. */
const PAIRS = { dense: 16, strided: 64 };
/** The same of gradients: of the input, and of the weights. */
const GRADIENTS = { strided: 256, stacked: 256, stridedWeights: 96 };

const suits = {
  conv: ({ channels, filters }: Sizes, isStrided: boolean) =>
    filters <= FEW || channels * filters <= (isStrided ? PAIRS.strided : PAIRS.dense),
  inputGradient: ({ channels, filters }: Sizes, isStrided: boolean) =>
    channels <= FEW || channels * filters <= (isStrided ? GRADIENTS.strided : PAIRS.dense),
  weightGradient(sizes: Sizes, isStrided: boolean) {
    const { channels, filters } = sizes;
    if (stacked(sizes).others.length === 0) return channels * filters <= GRADIENTS.stacked;
    return filters === 1 || (isStrided && channels * filters <= GRADIENTS.stridedWeights);
  },
};

/** Most that a filter's weights may be listed: large kernels of many channels are a product of matrices. */
const LISTED = 1 << 14;

/** Whether windows slide faster than a product of matrices runs. */
export function suitsDirect(sizes: Sizes, computation: keyof typeof suits): boolean {
  const { taps, stride, algorithm } = sizes;
  const isShort = (sizes.channels + sizes.filters) * taps <= LISTED;
  const isTold = algorithm !== undefined && algorithm !== 'direct';
  return isFlat(sizes) && isShort && taps > 1 && !isTold && suits[computation](sizes, sizeOf(stride) > 1);
}

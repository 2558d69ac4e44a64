import { Canvas } from './canvas.ts';
import type { Colour } from './canvas.ts';
import { atLeastOne, VisualError } from './errors.ts';

/** Options of {@link filters}. */
export interface FiltersOptions {
  /** Pixels a side for each weight; by default as many as make a filter some 80 pixels large. */
  readonly scale?: number;
  /** Filters in a row; by default as many as make the picture about square, or one row for each filter of a deeper layer. */
  readonly columns?: number;
}

const GAP = 4;
const BETWEEN: Colour = [56, 56, 60];
/** Of the diverging scheme RdBu of ColorBrewer (Harrower and Brewer, The Cartographic Journal 40(1), 2003): both ends and the middle. */
const NEGATIVE: Colour = [33, 102, 172];
const ZERO: Colour = [247, 247, 247];
const POSITIVE: Colour = [178, 24, 43];

/**
 * The filters of a convolution, weights `[out, in, height, width]`, as a PNG. Each filter has its own scale, symmetric around zero.
 *
 * Filters of three channels, those of a layer that sees colours, are drawn in them, with grey for zero. All others are drawn channel by channel, red for
 * positive weights, blue for negative ones, white for zero; a row for each filter where it has several channels.
 * @throws VisualError if the shape is not that of the weights, if a weight is not finite, or if the picture would be too large.
 */
export function filters(
  { shape, data }: { readonly shape: readonly number[]; readonly data: ArrayLike<number> },
  options: FiltersOptions = {},
): Uint8Array {
  const [count, channels, height, width] = checkWeights(shape, data);
  const scale = atLeastOne('scale', options.scale ?? Math.max(1, Math.round(80 / Math.max(height, width))));
  const coloured = channels === 3;
  const tiles = coloured ? count : count * channels;
  const square = Math.ceil(Math.sqrt(tiles));
  const columns = Math.min(
    tiles,
    atLeastOne('columns', options.columns ?? (coloured || channels === 1 ? square : channels)),
  );
  const rows = Math.ceil(tiles / columns);
  const [stepX, stepY] = [width * scale + GAP, height * scale + GAP];
  const canvas = new Canvas(columns * stepX + GAP, rows * stepY + GAP, BETWEEN);

  const area = height * width;
  for (let tile = 0; tile < tiles; tile++) {
    const filter = coloured ? tile : Math.floor(tile / channels);
    const largest = largestOf(data, filter * channels * area, channels * area);
    const weightAt = (i: number): number => (largest === 0 ? 0 : data[i]! / largest);
    const begin = tile * area * (coloured ? 3 : 1);
    const [left, top] = [GAP + (tile % columns) * stepX, GAP + Math.floor(tile / columns) * stepY];
    canvas.tile(left, top, width, height, scale, (x, y) => {
      const i = begin + y * width + x;
      return coloured ? rgb(weightAt(i), weightAt(i + area), weightAt(i + 2 * area)) : diverging(weightAt(i));
    });
  }
  return canvas.toPng();
}

function checkWeights(
  shape: readonly number[],
  data: ArrayLike<number>,
): [count: number, channels: number, height: number, width: number] {
  if (shape.length !== 4 || !shape.every((length) => Number.isInteger(length) && length >= 1)) {
    throw new VisualError(
      `filters draws weights of shape [out, in, height, width], but was given [${shape.join(', ')}].`,
    );
  }
  const size = shape.reduce((product, length) => product * length, 1);
  if (data.length !== size) {
    throw new VisualError(`Weights of shape [${shape.join(', ')}] are ${size} numbers, but ${data.length} were given.`);
  }
  return shape as unknown as [number, number, number, number];
}

function largestOf(data: ArrayLike<number>, begin: number, length: number): number {
  let largest = 0;
  for (let i = begin; i < begin + length; i++) {
    if (!Number.isFinite(data[i])) {
      throw new VisualError(`Weight ${i} is ${data[i]}. Filters whose training went astray cannot be drawn.`);
    }
    largest = Math.max(largest, Math.abs(data[i]!));
  }
  return largest;
}

function rgb(...weights: [red: number, green: number, blue: number]): Colour {
  return weights.map((weight) => Math.round(127.5 + 127.5 * weight)) as unknown as Colour;
}

function diverging(weight: number): Colour {
  const end = weight < 0 ? NEGATIVE : POSITIVE;
  return ZERO.map((zero, i) => Math.round(zero + (end[i]! - zero) * Math.abs(weight))) as unknown as Colour;
}

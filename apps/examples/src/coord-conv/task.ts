import { Rng, tensor } from 'receptive';
import type { Tensor } from 'receptive';

// The toy task of Liu et al., An intriguing failing of convolutional neural networks and the CoordConv solution, arXiv:1807.03247, section 2: a square of
// 9x9 pixels lies wholly on a canvas of 64x64, and its centre is all there is to know of it.

/** Pixels a side of the canvas. */
export const SIZE = 64;
/** Pixels from the centre of a square to its edge. */
const REACH = 4;
/**
 * How bright a square is; the canvas is 0. A maximum over the canvas is to find the square, so that it has to outweigh coordinates from -1 to 1, whatever
 * the first weights are.
 */
const BRIGHTNESS = 16;

/** A place on the canvas, in pixels. */
export type Place = readonly [row: number, column: number];

/** Centres to learn from, and others to be tested on. */
export interface Split {
  readonly train: readonly Place[];
  readonly test: readonly Place[];
}

const inside = Array.from({ length: SIZE - 2 * REACH }, (_, i) => i + REACH);

/** All centres that a square can have: 56 x 56 of them. */
export const centres: readonly Place[] = inside.flatMap((row) => inside.map((column) => [row, column] as const));

/** How the centres are divided. */
export const splits = {
  /** 80 % of all centres, drawn at random, are learnt from. */
  uniform(seed: number): Split {
    const order = [...new Rng(seed).fork('split').permutation(centres.length)].map((i) => centres[i]!);
    const count = Math.round(0.8 * centres.length);
    return { train: order.slice(0, count), test: order.slice(count) };
  },
  /** Of three quadrants all centres are learnt from, of the lower right one none. */
  quadrant(): Split {
    const unseen = ([row, column]: Place): boolean => Math.min(row, column) >= SIZE / 2;
    return { train: centres.filter((centre) => !unseen(centre)), test: centres.filter(unseen) };
  },
} satisfies Record<string, (seed: number) => Split>;

/** A coordinate in pixels as one from -1 to 1, and back. */
const scaled = (pixels: number): number => (2 * pixels) / (SIZE - 1) - 1;
export const pixels = (coordinate: number): number => ((coordinate + 1) * (SIZE - 1)) / 2;

/** The places as coordinates from -1 to 1, `[N, 2]`. */
export function coordinatesOf(places: readonly Place[]): Tensor {
  return tensor(
    places.map((place) => place.map(scaled)),
    { shape: [places.length, 2] },
  );
}

/** The numbers of the places' pixels, `[N]`: the classes of a classification by pixels. */
export function pixelsOf(places: readonly Place[]): Tensor {
  return tensor(Int32Array.from(places, ([row, column]) => row * SIZE + column));
}

/** Canvases with a square at each of the places, `[N, 1, 64, 64]`. */
export function squaresAt(places: readonly Place[]): Tensor {
  const data = new Float32Array(places.length * SIZE * SIZE);
  places.forEach(([row, column], image) => {
    for (let y = row - REACH; y <= row + REACH; y++) {
      const start = (image * SIZE + y) * SIZE + column;
      data.fill(BRIGHTNESS, start - REACH, start + REACH + 1);
    }
  });
  return tensor(data, { shape: [places.length, 1, SIZE, SIZE] });
}

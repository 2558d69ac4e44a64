import type { Rng } from '@receptive/tensor';
import type { ImageShape } from './dataset.ts';
import { DataError } from './errors.ts';

/** Turns, stretches and shifts an image by chance. Made by {@link randomAffine}. */
interface RandomAffine {
  readonly name: 'randomAffine';
  readonly degrees: number;
  readonly stretch: number;
  readonly shift: number;
}

/** Made by {@link randomHorizontalFlip}. */
interface RandomHorizontalFlip {
  readonly name: 'randomHorizontalFlip';
  readonly probability: number;
}

/** Made by {@link randomCrop}. */
interface RandomCrop {
  readonly name: 'randomCrop';
  readonly size: readonly [height: number, width: number];
  readonly padding: number;
}

/** A change of an image by chance, as plain data: other threads can be told of it. */
export type Augmentation = RandomAffine | RandomHorizontalFlip | RandomCrop;

/**
 * Turns an image by up to `degrees`, stretches height and width, each by itself, by up to a share of `stretch`, and shifts it by up to `shift` pixels up or
 * down and to a side: each evenly either way, about its middle. Black lies around the image; what lies between pixels is interpolated linearly.
 *
 * Source: Simard et al., Best practices for convolutional neural networks applied to visual document analysis, ICDAR 2003, section 2.
 * @throws DataError unless these are finite and at least 0, and `stretch` is below 1.
 */
export function randomAffine({
  degrees = 0,
  stretch = 0,
  shift = 0,
}: {
  readonly degrees?: number;
  readonly stretch?: number;
  readonly shift?: number;
}): Augmentation {
  if (![degrees, stretch, shift].every((limit) => limit >= 0 && limit < Infinity) || stretch >= 1) {
    throw new DataError(
      `randomAffine takes limits of at least 0, that of stretch below 1, but degrees is ${degrees}, stretch ${stretch} and shift ${shift}.`,
    );
  }
  return { name: 'randomAffine', degrees, stretch, shift };
}

/**
 * Mirrors an image, left for right, with a probability of 0.5 or as given.
 * @throws DataError unless that is a probability.
 */
export function randomHorizontalFlip(probability = 0.5): Augmentation {
  if (!(probability >= 0 && probability <= 1))
    throw new DataError(`randomHorizontalFlip takes a probability from 0 to 1, but was given ${probability}.`);
  return { name: 'randomHorizontalFlip', probability };
}

/**
 * Cuts out `size`, a side or height and width, at any place of an image that has got a black border of `padding` pixels on all four sides.
 * @throws DataError unless these are whole numbers, from 1 and from 0; from {@link augment}, if the images with their border are smaller.
 */
export function randomCrop(
  size: number | readonly [height: number, width: number],
  { padding = 0 }: { readonly padding?: number } = {},
): Augmentation {
  const [height, width] = typeof size === 'number' ? [size, size] : size;
  if (!isCount(height, 1) || !isCount(width, 1) || !isCount(padding, 0)) {
    throw new DataError(
      `randomCrop takes whole numbers of pixels, but height is ${height}, width ${width} and padding ${padding}.`,
    );
  }
  return { name: 'randomCrop', size: [height, width], padding };
}

const isCount = (value: number, least: number): boolean => Number.isSafeInteger(value) && value >= least;

/** What an augmentation does: the shape that images have after it, and the image after it. */
interface Kind<A> {
  readonly shape: (shape: ImageShape, augmentation: A) => ImageShape;
  readonly alter: (image: Uint8Array, shape: ImageShape, augmentation: A, rng: Rng) => Uint8Array;
}

const kinds: { readonly [Name in Augmentation['name']]: Kind<Extract<Augmentation, { readonly name: Name }>> } = {
  randomAffine: {
    shape: (shape) => shape,
    alter: (image, shape, limits, rng) => resampled(image, shape, distortion(shape, limits, rng)),
  },

  randomHorizontalFlip: {
    shape: (shape) => shape,
    alter(image, [, , width], { probability }, rng) {
      if (!(unit(rng.bits(1)[0]!) < probability)) return image;
      const mirrored = image.slice();
      for (let begin = 0; begin < mirrored.length; begin += width) mirrored.subarray(begin, begin + width).reverse();
      return mirrored;
    },
  },

  randomCrop: {
    shape([channels, height, width], { size, padding }) {
      if (size[0] > height + 2 * padding || size[1] > width + 2 * padding) {
        throw new DataError(
          `randomCrop cannot cut ${size.join(' x ')} out of images of ${height} x ${width} with a border of ${padding}. Give a smaller size, or more padding.`,
        );
      }
      return [channels, ...size];
    },
    alter(image, [channels, height, width], { size: [rows, columns], padding }, rng) {
      const draws = rng.bits(2);
      const place = (draw: number, room: number): number => Math.floor(unit(draws[draw]!) * (room + 1)) - padding;
      const top = place(0, height + 2 * padding - rows);
      const left = place(1, width + 2 * padding - columns);
      const [begin, end] = [Math.max(0, left), Math.min(width, left + columns)];
      const result = new Uint8Array(channels * rows * columns);
      for (let row = 0; row < channels * rows; row++) {
        const y = top + (row % rows);
        if (y < 0 || y >= height || begin >= end) continue;
        const from = (Math.floor(row / rows) * height + y) * width;
        result.set(image.subarray(from + begin, from + end), row * columns + begin - left);
      }
      return result;
    },
  },
};

/** What to do for an augmentation, whichever it is: its name finds the kind that takes it. */
const kindOf = (augmentation: Augmentation): Kind<Augmentation> => kinds[augmentation.name] as Kind<Augmentation>;

/** The shape that images of `shape` have after the augmentations. */
export function shapeAfter(shape: ImageShape, augmentations: readonly Augmentation[]): ImageShape {
  return augmentations.reduce((before, augmentation) => kindOf(augmentation).shape(before, augmentation), shape);
}

/** The image after the augmentations, which draw from `rng` in turn. The one given is not changed. */
export function altered(
  image: Uint8Array,
  shape: ImageShape,
  augmentations: readonly Augmentation[],
  rng: Rng,
): Uint8Array {
  let [result, current] = [image, shape];
  for (const augmentation of augmentations) {
    const kind = kindOf(augmentation);
    result = kind.alter(result, current, augmentation, rng);
    current = kind.shape(current, augmentation);
  }
  return result;
}

/** A word as a number in [0, 1). */
const unit = (word: number): number => word / 2 ** 32;

/** Where in the image a pixel comes from: (ax * x + bx * y + cx, ay * x + by * y + cy). */
type Affine = readonly [ax: number, bx: number, cx: number, ay: number, by: number, cy: number];

function distortion([, height, width]: ImageShape, { degrees, stretch, shift }: RandomAffine, rng: Rng): Affine {
  const draws = rng.bits(5);
  const within = (limit: number, draw: number): number => limit * (draws[draw]! / 2 ** 31 - 1);
  const angle = (within(degrees, 0) * Math.PI) / 180;
  const [stretchX, stretchY] = [1 + within(stretch, 1), 1 + within(stretch, 2)];
  const [ax, bx] = [stretchX * Math.cos(angle), stretchX * Math.sin(angle)];
  const [ay, by] = [-stretchY * Math.sin(angle), stretchY * Math.cos(angle)];
  // The middle is where it was, but for the shift.
  const [middleX, middleY] = [(width - 1) / 2, (height - 1) / 2];
  const [x, y] = [middleX + within(shift, 3), middleY + within(shift, 4)];
  return [ax, bx, middleX - ax * x - bx * y, ay, by, middleY - ay * x - by * y];
}

/** Bilinear interpolation; black lies around the image. */
function resampled(image: Uint8Array, shape: ImageShape, [ax, bx, cx, ay, by, cy]: Affine): Uint8Array {
  const [, height, width] = shape;
  const result = new Uint8Array(image.length);
  const size = height * width;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const fromX = ax * x + bx * y + cx;
      const fromY = ay * x + by * y + cy;
      const left = Math.floor(fromX);
      const top = Math.floor(fromY);
      if (left < -1 || top < -1 || left >= width || top >= height) continue;
      const [right, below] = [fromX - left, fromY - top];
      const [atLeft, atRight, atTop, atBottom] = [left >= 0, left < width - 1, top >= 0, top < height - 1];
      for (let plane = 0; plane < image.length; plane += size) {
        const j = plane + top * width + left;
        const a = atTop && atLeft ? image[j]! : 0;
        const b = atTop && atRight ? image[j + 1]! : 0;
        const c = atBottom && atLeft ? image[j + width]! : 0;
        const d = atBottom && atRight ? image[j + width + 1]! : 0;
        const upper = a + right * (b - a);
        const lower = c + right * (d - c);
        result[plane + y * width + x] = upper + below * (lower - upper) + 0.5;
      }
    }
  }
  return result;
}

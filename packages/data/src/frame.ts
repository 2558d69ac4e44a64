import type { ImageShape } from './dataset.ts';
import type { Image } from './image.ts';

/** What pictures of all sizes are brought to. */
export interface Frame {
  readonly shape: ImageShape;
  /** Pixels of the picture's shorter side when the frame is cut out of its middle; at least so many that the picture fills the frame. */
  readonly resize: number;
}

/**
 * Scales a picture, cuts its middle out, and gives its pixels channel by channel: torchvision's Resize and CenterCrop. One channel is luma (ITU-R BT.601),
 * three are RGB; an alpha channel is left out, as by torchvision's loader. Scaling interpolates linearly or, downwards, weighs all pixels beneath by a
 * triangle twice as wide as one of the result, as Pillow does.
 */
export function framed(image: Image, { shape, resize }: Frame): Uint8Array {
  const [channels, height, width] = shape;
  const colours = channels === 1 ? luma(image) : image;
  const [by, of] = [
    [resize, Math.min(image.width, image.height)] as const,
    [height, image.height] as const,
    [width, image.width] as const,
  ].reduce((a, b) => (b[0] / b[1] > a[0] / a[1] ? b : a));
  const scaled = (length: number): number => Math.floor((length * by) / of);
  const columns = windows(image.width, scaled(image.width), width);
  const rows = windows(image.height, scaled(image.height), height);
  const result = new Uint8Array(channels * height * width);
  const size = height * width;
  // Grey and alpha have one colour to show, RGB with or without alpha three.
  const planes = colours.channels < 3 ? 1 : 3;
  for (let plane = 0; plane < planes; plane++) resample(colours, plane, rows, columns, result.subarray(plane * size));
  for (let plane = planes; plane < channels; plane++) result.copyWithin(plane * size, 0, size);
  return result;
}

function luma(image: Image): Image {
  if (image.channels < 3) return image;
  const { width, height, channels, data } = image;
  const grey = new Uint8Array(width * height);
  for (let pixel = 0, i = 0; pixel < grey.length; pixel++, i += channels)
    grey[pixel] = 0.299 * data[i]! + 0.587 * data[i + 1]! + 0.114 * data[i + 2]! + 0.5;
  return { width, height, channels: 1, data: grey };
}

/** The pixels, in one direction, of which a pixel of the result is the weighted mean: from number `begin` on. */
interface Window {
  readonly begin: number;
  readonly weights: Float64Array;
}

/** The windows of the middle `count` of the `scaled` pixels to which `length` are scaled. */
function windows(length: number, scaled: number, count: number): Window[] {
  const scale = length / scaled;
  const reach = Math.max(1, scale);
  const first = Math.round((scaled - count) / 2);
  return Array.from({ length: count }, (_, i) => {
    const centre = (first + i + 0.5) * scale - 0.5;
    const begin = Math.max(0, Math.floor(centre - reach) + 1);
    const end = Math.min(length, Math.ceil(centre + reach));
    const weights = Float64Array.from({ length: end - begin }, (__, j) => 1 - Math.abs(begin + j - centre) / reach);
    const sum = weights.reduce((a, b) => a + b, 0);
    return { begin, weights: weights.map((weight) => weight / sum) };
  });
}

/** One channel of the image through the windows: along the rows first, of which only those are looked at that matter. */
function resample(
  { width, channels, data }: Image,
  channel: number,
  rows: readonly Window[],
  columns: readonly Window[],
  result: Uint8Array,
): void {
  const top = rows[0]!.begin;
  const { begin, weights: last } = rows.at(-1)!;
  const narrow = new Float32Array((begin + last.length - top) * columns.length);
  for (let i = 0, y = top; i < narrow.length; y++) {
    for (const { begin: left, weights } of columns) {
      let sum = 0;
      for (let j = 0, from = (y * width + left) * channels + channel; j < weights.length; j++, from += channels)
        sum += weights[j]! * data[from]!;
      narrow[i++] = sum;
    }
  }
  rows.forEach(({ begin: above, weights }, y) => {
    for (let x = 0; x < columns.length; x++) {
      let sum = 0.5;
      for (let j = 0, from = (above - top) * columns.length + x; j < weights.length; j++, from += columns.length)
        sum += weights[j]! * narrow[from]!;
      result[y * columns.length + x] = sum;
    }
  });
}

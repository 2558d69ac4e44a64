import { DataError } from './errors.ts';
import type { ImageShape } from './dataset.ts';

/** A batch of images on its way from the dataset to the model. */
export interface Images {
  readonly shape: readonly [count: number, channels: number, height: number, width: number];
  readonly data: Float32Array;
}

/** A step on that way. It may change the data in place. */
export type Transform = (images: Images) => Images;

/** A transform of this module as plain data, by which another thread makes it: its name and what it was called with. */
export type TransformCall = {
  [Name in keyof typeof makers]: { readonly name: Name; readonly args: Parameters<(typeof makers)[Name]> };
}[keyof typeof makers];

/** What transforms do one after the other: those that are not here were written by somebody else. */
const parts = new WeakMap<Transform, readonly (TransformCall | Transform)[]>();

function known(transform: Transform, ...of: readonly (TransformCall | Transform)[]): Transform {
  parts.set(transform, of);
  return transform;
}

/** The transform that a call makes. */
export const made = ({ name, args }: TransformCall): Transform =>
  (makers[name] as (...given: TransformCall['args']) => Transform)(...args);

/** A transform in two: what is done first and can be told to another thread, and what is done after it, which begins with a function of somebody's own. */
export function divide(transform: Transform): { readonly told: readonly TransformCall[]; readonly rest: Transform } {
  const all = parts.get(transform) ?? [transform];
  const own = all.findIndex((part) => typeof part === 'function');
  const told = (own < 0 ? all : all.slice(0, own)) as readonly TransformCall[];
  const rest = all.slice(told.length).map((part) => (typeof part === 'function' ? part : made(part)));
  return { told, rest: compose(...rest) };
}

/** Pixels of images of one shape, 0 to 255, as a batch of numbers from 0 to 1. */
export function stack(images: readonly Uint8Array[], shape: ImageShape): Images {
  const [channels, height, width] = shape;
  const size = channels * height * width;
  const data = new Float32Array(images.length * size);
  images.forEach((pixels, i) => {
    if (pixels.length !== size) {
      throw new DataError(`Image ${i} has ${pixels.length} pixels, but shape [${shape.join(', ')}] takes ${size}.`);
    }
    for (let j = 0; j < size; j++) data[i * size + j] = pixels[j]! / 255;
  });
  return { shape: [images.length, ...shape], data };
}

/** Does one transform after the other. */
export function compose(...transforms: readonly Transform[]): Transform {
  return known(
    (images) => transforms.reduce((result, transform) => transform(result), images),
    ...transforms.flatMap((transform) => parts.get(transform) ?? [transform]),
  );
}

/**
 * (x - mean) / std, with one mean and deviation for all channels or a list of one for each.
 * @throws DataError if a deviation is not positive or, once images come, if there are not as many as channels.
 */
export function normalize(options: {
  readonly mean: number | readonly number[];
  readonly std: number | readonly number[];
}): Transform {
  const { mean, std } = options;
  const means = [mean].flat();
  const deviations = [std].flat();
  if (!means.every(Number.isFinite) || !deviations.every((deviation) => Number.isFinite(deviation) && deviation > 0)) {
    throw new DataError(
      `normalize takes finite means and positive deviations, but mean is ${means.join(', ')} and std ${deviations.join(', ')}.`,
    );
  }
  const transform = perChannel((channel, channels) => {
    for (const list of [means, deviations]) {
      if (list.length !== 1 && list.length !== channels) {
        throw new DataError(
          `normalize was given ${list.length} channels' mean or std, but the images have ${channels} channels.`,
        );
      }
    }
    const scale = 1 / (deviations[channel] ?? deviations[0]!);
    return [scale, -(means[channel] ?? means[0]!) * scale];
  });
  return known(transform, { name: 'normalize', args: [options] });
}

/** Maps 0 to `low` and 1 to `high`. LeNet-5 was trained on -0.1 to 1.175, which makes the mean about 0 and the variance about 1. */
export function toRange(low: number, high: number): Transform {
  return known(
    perChannel(() => [high - low, low]),
    { name: 'toRange', args: [low, high] },
  );
}

/** x * scale + shift, in place, with numbers that may differ from channel to channel. */
function perChannel(
  coefficients: (channel: number, channels: number) => readonly [scale: number, shift: number],
): Transform {
  return (images) => {
    const [count, channels, height, width] = images.shape;
    const { data } = images;
    const size = height * width;
    for (let channel = 0; channel < channels; channel++) {
      const [scale, shift] = coefficients(channel, channels);
      for (let image = 0; image < count; image++) {
        const begin = (image * channels + channel) * size;
        for (let i = begin; i < begin + size; i++) data[i] = data[i]! * scale + shift;
      }
    }
    return images;
  };
}

/**
 * Adds a border of `by` pixels of `value` on all four sides: `pad(2)` makes 28x28 digits 32x32.
 * @throws DataError if `by` is not a whole number from 0.
 */
export function pad(by: number, value = 0): Transform {
  if (!Number.isInteger(by) || by < 0)
    throw new DataError(`pad takes a whole number of pixels from 0, but was given ${by}.`);
  const transform: Transform = ({ shape: [count, channels, height, width], data }) => {
    const [paddedHeight, paddedWidth] = [height + 2 * by, width + 2 * by];
    const padded = new Float32Array(count * channels * paddedHeight * paddedWidth).fill(value);
    for (let row = 0; row < count * channels * height; row++) {
      const plane = Math.floor(row / height);
      const to = (plane * paddedHeight + (row % height) + by) * paddedWidth + by;
      padded.set(data.subarray(row * width, (row + 1) * width), to);
    }
    return { shape: [count, channels, paddedHeight, paddedWidth], data: padded };
  };
  return known(transform, { name: 'pad', args: [by, value] });
}

const makers = { normalize, toRange, pad };

/** What LeNet-5 is fed: 28x28 digits padded to 32x32 and normalised by the mean and deviation of MNIST's training images. */
export const digitTransform: Transform = compose(pad(2), normalize({ mean: 0.1307, std: 0.3081 }));

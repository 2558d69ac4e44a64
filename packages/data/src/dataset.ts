import type { Rng } from '@receptive/tensor';
import { DataError } from './errors.ts';
import { recipeOf, withRecipes } from './recipe.ts';

/** Channels, height and width of every image of a dataset. */
export type ImageShape = readonly [channels: number, height: number, width: number];

/** One image and what it shows. */
export interface Sample {
  /** Pixels from 0 to 255, channel by channel, row by row; a view, not to be written to. */
  readonly image: Uint8Array;
  /** Number of the class, from 0. */
  readonly label: number;
}

/** Labelled images of one shape. {@link imageDataset} makes one from memory; anything with these four members is one. */
export interface Dataset {
  /** How many images there are. */
  readonly length: number;
  readonly shape: ImageShape;
  /** How many classes there are; labels are below it. */
  readonly classes: number;
  /** The sample at `index`, from 0 to `length - 1`; as it is in epoch number `epoch`, 0 by default, where that matters (see {@link augment}). */
  get(index: number, epoch?: number): Sample;
}

/**
 * A dataset over pixels `[n, channels, height, width]` and `n` labels, neither of which is copied.
 * @throws DataError if there are no images, if images and labels do not match in number, or if a label is not a class.
 */
export function imageDataset(
  images: Uint8Array,
  labels: ArrayLike<number>,
  { shape, classes }: { readonly shape: ImageShape; readonly classes: number },
): Dataset {
  const [channels, height, width] = shape;
  const pixels = channels * height * width;
  if (!Number.isSafeInteger(pixels) || !shape.every((length) => Number.isInteger(length) && length >= 1)) {
    throw new DataError(
      `An image's shape is [channels, height, width], each at least 1, but is [${shape.join(', ')}].`,
    );
  }
  const { length } = labels;
  if (images.length !== length * pixels) {
    throw new DataError(
      `There are ${length} labels but ${images.length / pixels} images of shape [${shape.join(', ')}]. Every image needs one label.`,
    );
  }
  for (let i = 0; i < length; i++) {
    const label = labels[i]!;
    if (!Number.isInteger(label) || label < 0 || label >= classes) {
      throw new DataError(
        `The label of image ${i} is ${label}, but with ${classes} classes labels are 0 to ${classes - 1}.`,
      );
    }
  }
  return notEmpty({
    length,
    shape,
    classes,
    get: (index) => ({ image: images.subarray(index * pixels, (index + 1) * pixels), label: labels[index]! }),
  });
}

/**
 * The samples of `dataset` at `indices`, in that order.
 * @throws DataError if there are none.
 */
export function subset(dataset: Dataset, indices: ArrayLike<number>): Dataset {
  const { shape, classes } = dataset;
  const chosen = notEmpty({
    length: indices.length,
    shape,
    classes,
    get: (index, epoch) => dataset.get(indices[index]!, epoch),
  });
  return withRecipes(chosen, (index, epoch) => recipeOf(dataset, indices[index]!, epoch));
}

/**
 * Splits a dataset at random in two, the first of which gets `fraction` of the samples. The same key of `rng` gives the same parts.
 * @throws DataError if one of them would be empty.
 */
export function split(dataset: Dataset, fraction: number, rng: Rng): [first: Dataset, second: Dataset] {
  const count = Math.round(dataset.length * fraction);
  if (!(count > 0 && count < dataset.length)) {
    throw new DataError(
      `Of ${dataset.length} samples, a fraction of ${fraction} leaves one part without any. Take one between 0 and 1, or more samples.`,
    );
  }
  const order = rng.fork('split').permutation(dataset.length);
  return [subset(dataset, order.subarray(0, count)), subset(dataset, order.subarray(count))];
}

function notEmpty(dataset: Dataset): Dataset {
  if (dataset.length === 0) throw new DataError('The dataset is empty. It needs at least one image.');
  return dataset;
}

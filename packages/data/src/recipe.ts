import { Rng } from '@receptive/tensor';
import type { RngState } from '@receptive/tensor';
import { altered } from './augmentation.ts';
import type { Augmentation } from './augmentation.ts';
import type { Dataset, ImageShape } from './dataset.ts';
import { DataError } from './errors.ts';
import { framed } from './frame.ts';
import type { Frame } from './frame.ts';
import { decodeImage } from './image.ts';

/** How a sample comes about, as plain data: told to another thread, it gives the same bits there. */
export interface Recipe {
  readonly label: number;
  readonly source: Pixels | Picture;
  /** What is done to the image, in turn. */
  readonly alterations: readonly Alteration[];
}

/** An image that is there already. */
interface Pixels {
  readonly pixels: Uint8Array;
}

/** An image in a file, and the frame into which it is brought. */
export interface Picture {
  readonly file: string;
  readonly frame: Frame;
}

/** Augmentations of an image of a shape, with the place of the generator from which they draw. */
interface Alteration {
  readonly shape: ImageShape;
  readonly augmentations: readonly Augmentation[];
  readonly rng: RngState;
}

type Recipes = (index: number, epoch: number) => Recipe;

// Not members of the datasets: whoever spreads one into another, with a `get` of its own, must not take over what that `get` no longer does.
const known = new WeakMap<Dataset, Recipes>();

/** `dataset`, whose samples are also told as recipes. These make what its `get` gives. */
export function withRecipes<D extends Dataset>(dataset: D, recipes: Recipes): D {
  known.set(dataset, recipes);
  return dataset;
}

/** How the sample comes about; of a dataset that does not tell, its image is taken as it is. */
export function recipeOf(dataset: Dataset, index: number, epoch: number): Recipe {
  const recipes = known.get(dataset);
  if (recipes) return recipes(index, epoch);
  const { image, label } = dataset.get(index, epoch);
  return { label, source: { pixels: image }, alterations: [] };
}

/** Gives the bytes of a file. */
export type Read = (file: string) => Uint8Array;

/** The image that a recipe makes. */
export function follow({ source, alterations }: Pick<Recipe, 'source' | 'alterations'>, read: Read): Uint8Array {
  return alterations.reduce(
    (image, { shape, augmentations, rng }) => altered(image, shape, augmentations, new Rng(rng)),
    'pixels' in source ? source.pixels : pictured(source, read),
  );
}

/**
 * Reads a picture and brings it into its frame.
 * @throws DataError, naming the file.
 */
function pictured({ file, frame }: Picture, read: Read): Uint8Array {
  const bytes = read(file);
  try {
    return framed(decodeImage(bytes), frame);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    throw new DataError(`${file}: ${error.message}`, { cause: error });
  }
}

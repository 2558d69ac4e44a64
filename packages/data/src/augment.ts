import type { Rng } from '@receptive/tensor';
import { altered, shapeAfter } from './augmentation.ts';
import type { Augmentation } from './augmentation.ts';
import type { Dataset } from './dataset.ts';
import { recipeOf, withRecipes } from './recipe.ts';

/**
 * `dataset` with every image changed a little by chance, anew in each epoch.
 *
 * ```ts
 * const images = augment(train, new Rng(1), randomCrop(224), randomHorizontalFlip());
 * ```
 *
 * By how much depends on the key of `rng`, the number of the epoch and that of the image alone: a run gives the same bits on however many threads images are
 * prepared, and wherever it was interrupted.
 * @throws DataError if an augmentation does not fit the images.
 */
export function augment(dataset: Dataset, rng: Rng, ...augmentations: readonly Augmentation[]): Dataset {
  const { length, shape, classes } = dataset;
  const draws = (index: number, epoch: number): Rng => rng.fork(`epoch ${epoch}, image ${index}`);
  const result: Dataset = {
    length,
    shape: shapeAfter(shape, augmentations),
    classes,
    get(index, epoch = 0) {
      const { image, label } = dataset.get(index, epoch);
      return { image: altered(image, shape, augmentations, draws(index, epoch)), label };
    },
  };
  return withRecipes(result, (index, epoch) => {
    const recipe = recipeOf(dataset, index, epoch);
    const alteration = { shape, augmentations, rng: draws(index, epoch).state };
    return { ...recipe, alterations: [...recipe.alterations, alteration] };
  });
}

import type { ImageShape } from './dataset.ts';
import { follow } from './recipe.ts';
import type { Read, Recipe } from './recipe.ts';
import { compose, made, stack } from './transform.ts';
import type { Images, TransformCall } from './transform.ts';

/** A batch that is to be prepared, as plain data. */
export interface BatchRecipe {
  readonly images: readonly Pick<Recipe, 'source' | 'alterations'>[];
  readonly shape: ImageShape;
  readonly transforms: readonly TransformCall[];
}

/** Makes the images of a batch and does to them what is to be done. */
export function prepare({ images, shape, transforms }: BatchRecipe, read: Read): Images {
  const pixels = images.map((recipe) => follow(recipe, read));
  return compose(...transforms.map(made))(stack(pixels, shape));
}

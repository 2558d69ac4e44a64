import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dataset, ImageShape } from '../dataset.ts';
import { DataError } from '../errors.ts';
import { follow, withRecipes } from '../recipe.ts';
import type { Picture } from '../recipe.ts';
import { readImageFile } from './read.ts';

/** Options of {@link imageFolder}. */
export interface ImageFolderOptions {
  /** Pixels of a side, or height and width, that all images are brought to: scaled, and cut out of the middle. */
  readonly size: number | readonly [height: number, width: number];
  /** Pixels to which the shorter side of an image is scaled before; as few as fill `size` unless told. Networks are often tested with 256 for a size of 224. */
  readonly resize?: number;
  /** RGB, by default, or grey. */
  readonly channels?: 1 | 3;
  /** The classes in the order of their labels, where that is not to be the order of the alphabet: those of the images trained on, for images to test on. */
  readonly classNames?: readonly string[];
}

/** A dataset of image files. */
export interface ImageFolder extends Dataset {
  /** The names of the classes, by their labels. */
  readonly classNames: readonly string[];
  /** The path of each image. */
  readonly files: readonly string[];
}

/**
 * A dataset of the PNG and JPEG files in the folders of `directory`: each is a class of that name, with all that lies in it and in folders inside it, as
 * torchvision's ImageFolder has it. A file is read and decoded each time that its image is asked for.
 *
 * ```ts
 * const train = await imageFolder('path/to/train', { size: 224 });
 * const test = await imageFolder('path/to/test', { size: 224, resize: 256, classNames: train.classNames });
 * ```
 * @throws DataError if a folder is missing, cannot be read or holds no images, or for options that make no sense. From `get`, naming the file, if it cannot be
 * read or is no image that can be decoded; see {@link decodeImage}.
 */
export async function imageFolder(directory: string, options: ImageFolderOptions): Promise<ImageFolder> {
  const { size, channels = 3 } = options;
  const [height, width] = typeof size === 'number' ? [size, size] : size;
  const { resize = 1 } = options;
  if (![height, width, resize].every((pixels) => Number.isSafeInteger(pixels) && pixels >= 1)) {
    throw new DataError(
      `imageFolder: size and resize are whole numbers of pixels, but are ${height} x ${width} and ${resize}.`,
    );
  }
  if (![1, 3].includes(channels)) throw new DataError(`imageFolder: channels must be 1 or 3, but is ${channels}.`);
  const shape: ImageShape = [channels, height, width];
  const classNames = options.classNames ?? (await classesIn(directory));
  const listed = await Promise.all(classNames.map((name) => imagesIn(join(directory, name))));
  const files = listed.flat();
  const labels = Int32Array.from(listed.flatMap((inClass, label) => inClass.map(() => label)));
  const frame = { shape, resize };
  const picture = (index: number): Picture => ({ file: files[index]!, frame });

  const dataset: ImageFolder = {
    length: files.length,
    shape,
    classes: classNames.length,
    classNames,
    files,
    get: (index) => ({
      image: follow({ source: picture(index), alterations: [] }, readImageFile),
      label: labels[index]!,
    }),
  };
  return withRecipes(dataset, (index) => ({ label: labels[index]!, source: picture(index), alterations: [] }));
}

async function classesIn(directory: string): Promise<string[]> {
  const entries = await list(directory, () => readdir(directory, { withFileTypes: true }));
  const isFolder = async (entry: Dirent): Promise<boolean> =>
    entry.isDirectory() || (entry.isSymbolicLink() && (await stat(join(directory, entry.name))).isDirectory());
  const folders = await list(directory, () => Promise.all(entries.map(isFolder)));
  const names = entries.filter((_, i) => folders[i]).map(({ name }) => name);
  if (names.length === 0)
    throw new DataError(`${directory} has no folders. Give the directory that has a folder of images for each class.`);
  return names.sort();
}

async function imagesIn(folder: string): Promise<string[]> {
  const paths = await list(folder, () => readdir(folder, { recursive: true }));
  // Sorted by their code, so that the order is the same on every system.
  const images = paths.filter((path) => /\.(?:png|jpe?g)$/i.test(path)).sort();
  if (images.length === 0)
    throw new DataError(`${folder} has no images (.png, .jpg, .jpeg), but every class needs at least one.`);
  return images.map((path) => join(folder, path));
}

async function list<T>(folder: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw new DataError(`${folder} cannot be read: ${(error as Error).message}.`, { cause: error });
  }
}

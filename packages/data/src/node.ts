import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { constants, gunzip, gunzipSync } from 'node:zlib';
import type { Dataset } from './dataset.ts';
import { DataError } from './errors.ts';
import { idxDataset, parseIdxHeader } from './idx.ts';

export { imageFolder } from './node/image-folder.ts';
export type { ImageFolder, ImageFolderOptions } from './node/image-folder.ts';

/**
 * Reads MNIST, or a set of the same form, from a directory with its four IDX files, gzipped or not, under their usual names
 * (`train-images-idx3-ubyte`, `train-images.idx3-ubyte`, each also with `.gz`).
 * @throws DataError if a file is missing or is not what it has to be.
 */
export async function mnist(directory: string): Promise<{ train: Dataset; test: Dataset }> {
  const [train, test] = await Promise.all([readPart(directory, 'train'), readPart(directory, 't10k')]);
  return { train, test };
}

async function readPart(directory: string, part: string): Promise<Dataset> {
  const [images, labels] = await Promise.all([
    readIdx(directory, `${part}-images`, 3),
    readIdx(directory, `${part}-labels`, 1),
  ]);
  return idxDataset(images.bytes, labels.bytes, { names: [images.name, labels.name] });
}

async function readIdx(directory: string, stem: string, rank: number): Promise<{ name: string; bytes: Uint8Array }> {
  const names = ['-', '.'].flatMap((dot) => ['', '.gz'].map((end) => `${stem}${dot}idx${rank}-ubyte${end}`));
  for (const name of names) {
    const path = join(directory, name);
    const bytes = await readIfThere(path);
    if (bytes) return { name: path, bytes: name.endsWith('.gz') ? await decompress(bytes, path) : bytes };
  }
  throw new DataError(
    `${directory} has no file ${names.join(' or ')}. Give the directory that holds MNIST's four files.`,
  );
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new DataError(`${path} cannot be read: ${message}.`, { cause: error });
  }
}

/** Enough of a compressed file for the IDX header, and too little to swell beyond some megabytes. */
const BEGINNING = 4096;

/** Inflates an IDX file, and no more of it than its own header announces. */
async function decompress(bytes: Uint8Array, path: string): Promise<Uint8Array> {
  try {
    const beginning = gunzipSync(bytes.subarray(0, BEGINNING), { finishFlush: constants.Z_SYNC_FLUSH });
    const { offset, length } = parseIdxHeader(beginning, path);
    return await promisify(gunzip)(bytes, { maxOutputLength: offset + length });
  } catch (error) {
    if (error instanceof DataError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'ERR_BUFFER_TOO_LARGE' ? 'it holds more than its header announces' : message;
    throw new DataError(`${path} cannot be decompressed: ${reason}. Fetch the file again.`, { cause: error });
  }
}

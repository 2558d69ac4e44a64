import { readFileSync, statSync } from 'node:fs';
import { DataError } from '../errors.ts';

/** Bytes of a file that is read; more than the largest picture that is decoded takes without any compression. */
const MAX_BYTES = 2 ** 28;

/**
 * The bytes of an image file.
 * @throws DataError, naming the file, if it cannot be read, is no file, or is too large.
 */
export function readImageFile(file: string): Uint8Array {
  try {
    const stat = statSync(file);
    // Of what is no file, such as a pipe, the end might never come.
    if (!stat.isFile()) throw new DataError(`${file} is no file.`);
    if (stat.size > MAX_BYTES)
      throw new DataError(`${file} has ${stat.size} bytes, more than the ${MAX_BYTES} that are read of an image.`);
    return readFileSync(file);
  } catch (error) {
    if (error instanceof DataError) throw error;
    throw new DataError(`${file} cannot be read: ${(error as Error).message}.`, { cause: error });
  }
}

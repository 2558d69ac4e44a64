/** A file, an image or a dataset is not what it has to be. */
export class DataError extends Error {
  override readonly name = 'DataError';
}

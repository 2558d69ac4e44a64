import { DataError } from './errors.ts';

/** Megapixels that are decoded; more than a phone's camera makes, and few enough for a few hundred megabytes. */
export const MAX_MEGAPIXELS = 25;

/** Refuses a picture by the size that its header announces, before anything of that size is allocated. */
export function checkSize(width: number, height: number): void {
  if (width < 1 || height < 1 || width * height > MAX_MEGAPIXELS * 1e6) {
    throw new DataError(
      `The image is ${width} x ${height} pixels, but must have at least one and at most ${MAX_MEGAPIXELS} million. Scale it down.`,
    );
  }
}

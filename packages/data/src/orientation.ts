import type { Image } from './image.ts';

const ORIENTATION = 0x112;

/**
 * The orientation tag of EXIF data (a TIFF file), 1 to 8; 1, upright, if there is none or the data is damaged.
 * Source: Exif 2.32, section 4.6; TIFF 6.0, section 2.
 */
export function exifOrientation(tiff: Uint8Array): number {
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.length);
  if (view.byteLength < 8) return 1;
  const little = view.getUint16(0) === 0x4949;
  const directory = view.getUint32(4, little);
  const entries = directory + 2 <= view.byteLength ? view.getUint16(directory, little) : 0;
  for (let i = 0; i < entries; i++) {
    const entry = directory + 2 + 12 * i;
    if (entry + 12 > view.byteLength) break;
    if (view.getUint16(entry, little) === ORIENTATION) {
      const value = view.getUint16(entry + 8, little);
      return value >= 1 && value <= 8 ? value : 1;
    }
  }
  return 1;
}

/** Where the pixel at (x, y) of the upright picture lies in the stored one, whose last column and row are `right` and `bottom`. */
type Place = (x: number, y: number, right: number, bottom: number) => readonly [x: number, y: number];

const places: readonly Place[] = [
  (x, y) => [x, y],
  (x, y, right) => [right - x, y],
  (x, y, right, bottom) => [right - x, bottom - y],
  (x, y, _, bottom) => [x, bottom - y],
  // From here on rows are stored as columns.
  (x, y) => [y, x],
  (x, y, _, bottom) => [y, bottom - x],
  (x, y, right, bottom) => [right - y, bottom - x],
  (x, y, right) => [right - y, x],
];

/** The picture as it is to be seen. */
export function upright(image: Image, orientation: number): Image {
  if (orientation === 1) return image;
  const place = places[orientation - 1]!;
  const { channels } = image;
  const [width, height] = orientation > 4 ? [image.height, image.width] : [image.width, image.height];
  const data = new Uint8Array(image.data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [fromX, fromY] = place(x, y, image.width - 1, image.height - 1);
      const from = (fromY * image.width + fromX) * channels;
      data.set(image.data.subarray(from, from + channels), (y * width + x) * channels);
    }
  }
  return { width, height, channels, data };
}

import { DataError } from './errors.ts';
import { decodeJpeg } from './jpeg.ts';
import { decodePng } from './png.ts';

/** A picture: 8 bits a channel, pixel by pixel, row by row. */
export interface Image {
  readonly width: number;
  readonly height: number;
  /** Grey, grey and alpha, RGB, or RGB and alpha (not premultiplied). */
  readonly channels: 1 | 2 | 3 | 4;
  readonly data: Uint8Array;
}

const formats: readonly { signature: readonly number[]; name: string; decode: (bytes: Uint8Array) => Image }[] = [
  { signature: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a], name: 'PNG', decode: decodePng },
  { signature: [0xff, 0xd8, 0xff], name: 'JPEG', decode: decodeJpeg },
];

/**
 * Decodes a PNG or a JPEG, upright as its EXIF data says. 16 bits become 8, palettes become RGB.
 * @throws DataError if the bytes are neither, are damaged, or would make a picture of more than 25 megapixels.
 */
export function decodeImage(bytes: Uint8Array): Image {
  const format = formats.find(({ signature }) => signature.every((byte, i) => bytes[i] === byte));
  if (!format) {
    const start = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    throw new DataError(
      `This is not an image that can be read: it begins with ${start || 'nothing'}. Give a PNG or a JPEG.`,
    );
  }
  try {
    return format.decode(bytes);
  } catch (error) {
    if (error instanceof DataError) throw error;
    throw new DataError(`This ${format.name} is damaged: ${(error as Error).message}`, { cause: error });
  }
}

import { imageDataset } from './dataset.ts';
import type { Dataset } from './dataset.ts';
import { DataError } from './errors.ts';

/** The contents of an IDX file of bytes. */
export interface Idx {
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** What an IDX file says of itself. */
export interface IdxHeader {
  readonly shape: readonly number[];
  /** Bytes of the header; the data begins there. */
  readonly offset: number;
  /** Bytes the data must have. */
  readonly length: number;
}

const TYPES: Readonly<Record<number, string>> = {
  8: 'uint8',
  9: 'int8',
  11: 'int16',
  12: 'int32',
  13: 'float32',
  14: 'float64',
};
const UINT8 = 8;
const MAX_BYTES = 2 ** 30;

/**
 * Reads the header of an IDX file, of which no more than the beginning is needed: two zero bytes, the type of the elements, the number of axes, and the
 * length of each as a big-endian 32-bit number (http://yann.lecun.com/exdb/mnist/).
 * @throws DataError as {@link parseIdx}, naming the file by `name`.
 */
export function parseIdxHeader(bytes: Uint8Array, name: string): IdxHeader {
  if (bytes.length < 4)
    throw new DataError(`${name} has ${bytes.length} bytes, too few for an IDX file. It may be truncated.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const magic = view.getUint32(0);
  const [type, rank] = [bytes[2]!, bytes[3]!];
  if (magic >>> 16 !== 0 || !(type in TYPES) || rank === 0) {
    const gzip = magic >>> 16 === 0x1f8b ? ' It is compressed by gzip: decompress it first.' : '';
    throw new DataError(
      `${name} is no IDX file: its magic number is ${hex(magic)}, not ${hex(0x803)} (images) or ${hex(0x801)} (labels).${gzip}`,
    );
  }
  if (type !== UINT8)
    throw new DataError(
      `${name} holds ${TYPES[type]} (type ${hex(type)}), but only uint8 (type ${hex(UINT8)}) can be read.`,
    );
  const offset = 4 + 4 * rank;
  if (bytes.length < offset) {
    throw new DataError(
      `${name} has ${bytes.length} bytes, but its header of ${rank} axes alone takes ${offset}. It is truncated.`,
    );
  }
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const length = shape.reduce((product, axis) => product * axis, 1);
  if (!(length <= MAX_BYTES)) {
    throw new DataError(
      `${name} announces ${shape.join(' x ')} bytes, more than the ${MAX_BYTES} that are read. Its header is damaged, or it must be cut into parts.`,
    );
  }
  return { shape, offset, length };
}

/**
 * Reads an IDX file of bytes, the format of MNIST. The data is a view of `bytes`.
 * @throws DataError naming the file by `name`, for a wrong magic number, an element type other than uint8, and a length that is not the header's.
 */
export function parseIdx(bytes: Uint8Array, name = 'The file'): Idx {
  const { shape, offset, length } = parseIdxHeader(bytes, name);
  const found = bytes.length - offset;
  if (found !== length) {
    throw new DataError(
      `${name} announces ${shape.join(' x ')} = ${length} bytes of data, but has ${found}. It is ${found < length ? 'truncated' : 'not this file, or has something appended'}.`,
    );
  }
  // A plain Uint8Array even of a Node Buffer.
  return { shape, data: new Uint8Array(bytes.buffer, bytes.byteOffset + offset, length) };
}

/**
 * A dataset from an IDX file of images `[n, height, width]` and one of labels `[n]`, such as MNIST's.
 * @throws DataError if a file is not what it has to be, if images and labels differ in number, or if a label is not one of `classes`.
 */
export function idxDataset(
  images: Uint8Array,
  labels: Uint8Array,
  {
    classes = 10,
    names = ['The images', 'The labels'],
  }: { readonly classes?: number; readonly names?: readonly [images: string, labels: string] } = {},
): Dataset {
  const pixels = parseIdx(images, names[0]);
  const marks = parseIdx(labels, names[1]);
  expectRank(pixels, 3, names[0], 'images');
  expectRank(marks, 1, names[1], 'labels');
  const [count, height, width] = pixels.shape as [number, number, number];
  if (count !== marks.data.length) {
    throw new DataError(
      `${names[0]} has ${count} images, but ${names[1]} has ${marks.data.length} labels. They must be of the same set.`,
    );
  }
  return imageDataset(pixels.data, marks.data, { shape: [1, height, width], classes });
}

function expectRank({ shape }: Idx, rank: number, name: string, what: string): void {
  if (shape.length !== rank) {
    throw new DataError(
      `${name} has ${shape.length} axes (${shape.join(' x ')}), but ${what} have ${rank}. Were images and labels swapped?`,
    );
  }
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(2, '0')}`;
}

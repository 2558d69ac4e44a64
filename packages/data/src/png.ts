import { convertIndexedToRgb, decode } from 'fast-png';
import type { DecodedPng } from 'fast-png';
import { Unzlib } from 'fflate';
import { DataError } from './errors.ts';
import type { Image } from './image.ts';
import { checkSize } from './pixels.ts';

/**
 * Decodes a PNG by fast-png, which believes what a file says. So the file is read twice: here for its structure and for how far its data swells, then
 * there, without the chunks that do not bear on pixels.
 */
export function decodePng(file: Uint8Array): Image {
  const chunks = readChunks(file);
  if (chunks.filter(({ type }) => type === 'IHDR').length > 1) throw new Error('it has two headers.');
  const header = readHeader(chunks[0]);
  checkSize(header.width, header.height);
  const pixels = chunks.filter(({ type }) => type === 'IDAT');
  checkInflated(
    pixels.map(({ data }) => data),
    rawSize(header),
  );
  // In a picture without numbered colours the palette is a hint for old screens, which fast-png takes for more.
  const used = chunks.filter(({ type }) => type !== 'PLTE' || header.colourType === PALETTE);
  return toImage(decode(concatenate([file.subarray(0, SIGNATURE), ...used.map(({ whole }) => whole)])), header);
}

const SIGNATURE = 8;
/** The chunks on which the pixels depend, and how long each may be (Portable Network Graphics, third edition, section 11). */
const RELEVANT: ReadonlyMap<string, number> = new Map([
  ['IHDR', 13],
  ['PLTE', 3 * 256],
  ['tRNS', 256],
  ['IDAT', Infinity],
  ['IEND', 0],
]);

interface Chunk {
  readonly type: string;
  readonly data: Uint8Array;
  /** The chunk with its length, type and checksum. */
  readonly whole: Uint8Array;
}

function readChunks(file: Uint8Array): Chunk[] {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const chunks: Chunk[] = [];
  let offset = SIGNATURE;
  while (chunks.at(-1)?.type !== 'IEND') {
    const end = offset + 12 <= file.length ? offset + 12 + view.getUint32(offset) : Infinity;
    if (end > file.length) throw new Error('it is truncated.');
    const type = String.fromCharCode(...file.subarray(offset + 4, offset + 8));
    const limit = RELEVANT.get(type);
    if (limit !== undefined) {
      const chunk = { type, data: file.subarray(offset + 8, end - 4), whole: file.subarray(offset, end) };
      if (chunk.data.length > limit) throw new Error(`its ${type} chunk is too long.`);
      chunks.push(chunk);
    }
    offset = end;
  }
  return chunks;
}

interface Header {
  readonly width: number;
  readonly height: number;
  /** Bits of a channel. */
  readonly depth: number;
  readonly colourType: number;
  readonly channels: number;
  readonly interlaced: boolean;
}

const PALETTE = 3;
/** Channels by colour type: grey, RGB, palette, grey with alpha, RGB with alpha. */
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

function readHeader(chunk: Chunk | undefined): Header {
  if (chunk?.type !== 'IHDR' || chunk.data.length !== 13) throw new Error('it does not begin with its header.');
  const view = new DataView(chunk.data.buffer, chunk.data.byteOffset);
  const depth = view.getUint8(8);
  const colourType = view.getUint8(9);
  const channels = CHANNELS[colourType];
  if (!channels) throw new Error(`its colour type is ${colourType}.`);
  const interlaced = view.getUint8(12) === 1;
  if (interlaced && depth < 8)
    throw new DataError('Interlaced PNGs of less than 8 bits cannot be read. Save it without interlacing.');
  return { width: view.getUint32(0), height: view.getUint32(4), depth, colourType, channels, interlaced };
}

/** Offsets and steps of the passes of an interlaced image (section 8.2). */
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/** Bytes of the data once inflated: for each row of each pass one for the filter, and the pixels (section 7.2). */
function rawSize({ width, height, depth, channels, interlaced }: Header): number {
  return (interlaced ? ADAM7 : [[0, 0, 1, 1] as const]).reduce((sum, [x, y, dx, dy]) => {
    const columns = Math.max(0, Math.ceil((width - x) / dx));
    const rows = Math.max(0, Math.ceil((height - y) / dy));
    return sum + (columns && rows * (1 + Math.ceil((columns * depth * channels) / 8)));
  }, 0);
}

/** Bytes inflated at a time: at most a thousand times as many come out, and are let go of at once. */
const SLICE = 4096;

function checkInflated(parts: readonly Uint8Array[], expected: number): void {
  let size = 0;
  const inflate = new Unzlib((chunk) => {
    size += chunk.length;
    if (size > expected)
      throw new Error(`it holds more than the ${expected} bytes of pixels that its header announces.`);
  });
  for (const part of parts) {
    for (let i = 0; i < part.length; i += SLICE) inflate.push(part.subarray(i, i + SLICE));
  }
  if (size < expected)
    throw new Error(`it holds ${size} of the ${expected} bytes of pixels that its header announces.`);
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

function toImage(png: DecodedPng, { width, height, depth, colourType }: Header): Image {
  const channels = png.channels as Image['channels'];
  if (colourType === PALETTE || depth < 8) {
    const palette = colourType === PALETTE ? png.palette : greys(png);
    if (!palette) throw new Error('it has no palette.');
    const data = convertIndexedToRgb({ ...png, palette });
    return { width, height, channels: (data.length / (width * height)) as Image['channels'], data };
  }
  const data = depth === 16 ? Uint8Array.from(png.data, (value) => value >>> 8) : new Uint8Array(png.data);
  const key = png.transparency;
  return key ? keyed({ width, height, channels, data }, png.data, key) : { width, height, channels, data };
}

/** Grey of less than 8 bits is packed as the numbers of a palette's colours are: this is the palette. */
function greys({ depth, transparency }: DecodedPng): number[][] {
  return Array.from({ length: 2 ** depth }, (_, i) => {
    const grey = Math.round((255 * i) / (2 ** depth - 1));
    return transparency ? [grey, grey, grey, i === transparency[0] ? 0 : 255] : [grey, grey, grey];
  });
}

/** Adds an alpha channel in which the one colour that stands for transparency is 0. */
function keyed({ width, height, channels, data }: Image, values: ArrayLike<number>, key: ArrayLike<number>): Image {
  const result = new Uint8Array(width * height * (channels + 1));
  for (let pixel = 0; pixel < width * height; pixel++) {
    let transparent = true;
    for (let c = 0; c < channels; c++) {
      const i = pixel * channels + c;
      result[pixel + i] = data[i]!;
      transparent &&= values[i] === key[c];
    }
    result[pixel * (channels + 1) + channels] = transparent ? 0 : 255;
  }
  return { width, height, channels: (channels + 1) as Image['channels'], data: result };
}

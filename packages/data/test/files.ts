import { deflateSync } from 'node:zlib';

/** An IDX file with any header, honest or not. */
export function idxFile(shape: readonly number[], data: Iterable<number>, type = 8): Uint8Array {
  const header = new DataView(new ArrayBuffer(4 + 4 * shape.length));
  header.setUint8(2, type);
  header.setUint8(3, shape.length);
  shape.forEach((length, axis) => header.setUint32(4 + 4 * axis, length));
  return Uint8Array.from([...new Uint8Array(header.buffer), ...data]);
}

/** A chunk of a PNG. Decoders pass over the checksum, so it is left zero. */
export function pngChunk(type: string, data: Uint8Array): Uint8Array {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, data.length);
  return Uint8Array.from([...length, ...Buffer.from(type), ...data, 0, 0, 0, 0]);
}

export interface PngOptions {
  readonly width: number;
  readonly height: number;
  readonly depth?: number;
  readonly colourType?: number;
  readonly interlace?: number;
  /** Chunks between header and pixels. */
  readonly extra?: readonly Uint8Array[];
  /** What is compressed: for each row a filter byte, 0 for none, and the row's bytes. */
  readonly raw: Iterable<number>;
}

/** A PNG from its parts, honest or not. */
export function pngFile({
  width,
  height,
  depth = 8,
  colourType = 0,
  interlace = 0,
  extra = [],
  raw,
}: PngOptions): Uint8Array {
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, width);
  header.setUint32(4, height);
  [depth, colourType, 0, 0, interlace].forEach((byte, i) => header.setUint8(8 + i, byte));
  const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
  const chunks = [
    pngChunk('IHDR', new Uint8Array(header.buffer)),
    ...extra,
    pngChunk('IDAT', deflateSync(Uint8Array.from(raw))),
    pngChunk('IEND', new Uint8Array(0)),
  ];
  return Buffer.concat([Uint8Array.from(signature), ...chunks]);
}

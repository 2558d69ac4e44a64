import { decode } from 'jpeg-js';
import type { Image } from './image.ts';
import { exifOrientation, upright } from './orientation.ts';
import { checkSize, MAX_MEGAPIXELS } from './pixels.ts';

const MAX_MEGABYTES = 768;
/** Progressive files have about ten; each costs a pass over the whole picture, however few bytes it takes. */
const MAX_SCANS = 100;

/** Decodes a JPEG by jpeg-js, which does not end on some broken files: their structure is checked first. */
export function decodeJpeg(file: Uint8Array): Image {
  const orientation = checkStructure(file);
  const { width, height, data } = decode(file, {
    useTArray: true,
    formatAsRGBA: false,
    maxResolutionInMP: MAX_MEGAPIXELS,
    maxMemoryUsageInMB: MAX_MEGABYTES,
  });
  return upright({ width, height, channels: 3, data }, orientation);
}

/**
 * Walks from marker to marker (ITU-T T.81, annex B) and returns the orientation that the EXIF data has.
 * @throws Error naming what is wrong, DataError if the picture is too large.
 */
function checkStructure(file: Uint8Array): number {
  let orientation = 1;
  let frames = 0;
  let scans = 0;
  let offset = 2;
  for (;;) {
    const { marker, body, end } = readSegment(file, offset);
    if (marker === EOI) break;
    if (marker === APP1 && EXIF.every((byte, i) => body[i] === byte))
      orientation = exifOrientation(body.subarray(EXIF.length));
    if (marker >= SOF0 && marker <= SOF2) {
      checkFrame(body, file.length);
      frames++;
    }
    if (marker === SOS && (frames === 0 || ++scans > MAX_SCANS)) throw new Error('its parts are out of order.');
    offset = marker === SOS ? endOfScan(file, end) : end;
  }
  if (frames !== 1 || scans === 0)
    throw new Error('it has no picture of a kind that can be read (baseline or progressive).');
  return orientation;
}

const [SOF0, SOF2, EOI, SOS, APP1] = [0xc0, 0xc2, 0xd9, 0xda, 0xe1];
const EXIF = [0x45, 0x78, 0x69, 0x66, 0, 0];

function readSegment(file: Uint8Array, start: number): { marker: number; body: Uint8Array; end: number } {
  let offset = start;
  while (file[offset] === 0xff && file[offset + 1] === 0xff) offset++; // fill bytes
  if (offset + 2 > file.length) throw new Error('it is truncated.');
  if (file[offset] !== 0xff) throw new Error(`there is no marker at byte ${offset}.`);
  const marker = file[offset + 1]!;
  offset += 2;
  if (marker === EOI) return { marker, body: file.subarray(offset, offset), end: offset };
  const length = ((file[offset] ?? 0) << 8) | (file[offset + 1] ?? 0);
  const end = offset + length;
  if (length < 2 || end > file.length) throw new Error('it is truncated.');
  return { marker, body: file.subarray(offset + 2, end), end };
}

/** A frame header: bits of a sample, height, width, components with their sampling factors. */
function checkFrame(body: Uint8Array, fileLength: number): void {
  const components = body[5] ?? 0;
  if (body.length !== 6 + 3 * components || ![1, 3, 4].includes(components) || body[0] !== 8) {
    throw new Error('its frame header is not that of a picture with 8 bits and 1, 3 or 4 components.');
  }
  const [width, height] = [(body[3]! << 8) | body[4]!, (body[1]! << 8) | body[2]!];
  checkSize(width, height);
  // Every block of 8x8 pixels takes at least one bit.
  if (width * height > 64 * 8 * fileLength) throw new Error('it is truncated.');
  for (let i = 7; i < body.length; i += 3) {
    const [h, v] = [body[i]! >> 4, body[i]! & 15];
    if (h < 1 || h > 4 || v < 1 || v > 4) throw new Error('its sampling factors are not from 1 to 4.');
  }
}

/** Compressed data goes on until a marker that is neither a stuffed zero nor a restart. */
function endOfScan(file: Uint8Array, start: number): number {
  let offset = file.indexOf(0xff, start);
  while (offset >= 0 && offset + 1 < file.length) {
    const next = file[offset + 1]!;
    if (next !== 0 && !(next >= 0xd0 && next <= 0xd7)) return offset;
    offset = file.indexOf(0xff, offset + 2);
  }
  throw new Error('it is truncated.');
}

import * as fc from 'fast-check';
import { encode } from 'jpeg-js';
import { describe, expect, test } from 'vitest';
import { DataError, decodeImage } from '@receptive/data';
import { pngChunk, pngFile } from './files.ts';
import type { PngOptions } from './files.ts';

describe('PNG', () => {
  test.each<[string, PngOptions, channels: number, pixels: number[]]>([
    ['grey', { width: 2, height: 2, raw: [0, 1, 2, 0, 3, 255] }, 1, [1, 2, 3, 255]],
    // The second row is stored as the difference from the one above (filter 2).
    ['a filter', { width: 2, height: 2, raw: [0, 1, 2, 2, 3, 254] }, 1, [1, 2, 4, 0]],
    ['16 bits', { width: 2, height: 1, depth: 16, raw: [0, 0x12, 0x34, 0xff, 0xff] }, 1, [0x12, 0xff]],
    ['grey and alpha', { width: 1, height: 1, colourType: 4, raw: [0, 9, 128] }, 2, [9, 128]],
    ['RGB', { width: 1, height: 2, colourType: 2, raw: [0, 1, 2, 3, 0, 4, 5, 6] }, 3, [1, 2, 3, 4, 5, 6]],
    ['RGB and alpha', { width: 1, height: 1, colourType: 6, raw: [0, 1, 2, 3, 4] }, 4, [1, 2, 3, 4]],
    // 0b10110000: 1, 0, 1 and padding; a bit of grey is black or white.
    [
      'grey of one bit',
      { width: 3, height: 1, depth: 1, raw: [0, 0b10110000] },
      3,
      [255, 255, 255, 0, 0, 0, 255, 255, 255],
    ],
    ['grey of two bits', { width: 2, height: 1, depth: 2, raw: [0, 0b01110000] }, 3, [85, 85, 85, 255, 255, 255]],
    [
      'a palette',
      {
        width: 2,
        height: 1,
        depth: 4,
        colourType: 3,
        extra: [pngChunk('PLTE', Uint8Array.of(1, 2, 3, 4, 5, 6))],
        raw: [0, 0x10],
      },
      3,
      [4, 5, 6, 1, 2, 3],
    ],
    [
      'a palette with alpha',
      {
        width: 2,
        height: 1,
        colourType: 3,
        extra: [pngChunk('PLTE', Uint8Array.of(1, 2, 3, 4, 5, 6)), pngChunk('tRNS', Uint8Array.of(7))],
        raw: [0, 0, 1],
      },
      4,
      [1, 2, 3, 7, 4, 5, 6, 255],
    ],
    [
      'a palette that is only a hint',
      { width: 1, height: 1, colourType: 2, extra: [pngChunk('PLTE', Uint8Array.of(9, 9, 9))], raw: [0, 1, 2, 3] },
      3,
      [1, 2, 3],
    ],
    [
      'one transparent grey',
      { width: 2, height: 1, extra: [pngChunk('tRNS', Uint8Array.of(0, 5))], raw: [0, 5, 6] },
      2,
      [5, 0, 6, 255],
    ],
    [
      'one transparent grey of two bits',
      { width: 2, height: 1, depth: 2, extra: [pngChunk('tRNS', Uint8Array.of(0, 3))], raw: [0, 0b01110000] },
      4,
      [85, 85, 85, 255, 255, 255, 255, 0],
    ],
    [
      'one transparent colour',
      {
        width: 3,
        height: 1,
        colourType: 2,
        extra: [pngChunk('tRNS', Uint8Array.of(0, 1, 0, 2, 0, 3))],
        raw: [0, 1, 2, 3, 1, 2, 4, 0, 2, 3],
      },
      4,
      [1, 2, 3, 0, 1, 2, 4, 255, 0, 2, 3, 255],
    ],
    // Of the seven passes a 2x2 picture has pixels in the first, (0, 0), the sixth, (1, 0), and the seventh, row 1.
    ['interlacing', { width: 2, height: 2, interlace: 1, raw: [0, 1, 0, 2, 0, 3, 4] }, 1, [1, 2, 3, 4]],
    [
      'chunks that do not matter',
      { width: 1, height: 1, extra: [pngChunk('iCCP', Uint8Array.of(0, 0, 0, 9))], raw: [0, 1] },
      1,
      [1],
    ],
  ])('%s', (_, options, channels, pixels) => {
    const { width, height } = options;
    expect(decodeImage(pngFile(options))).toEqual({ width, height, channels, data: Uint8Array.from(pixels) });
  });

  const one = { width: 1, height: 1, raw: [0, 1] };
  const whole = pngFile(one);
  test.each<[string, Uint8Array, RegExp]>([
    ['truncated', whole.subarray(0, -1), /This PNG is damaged: it is truncated/],
    ['nothing but its signature', whole.subarray(0, 8), /it is truncated/],
    [
      'too large',
      pngFile({ ...one, width: 2 ** 31 - 1, height: 2 ** 31 - 1 }),
      /2147483647 x 2147483647 pixels, but must have .* at most 25 million/,
    ],
    ['of no width', pngFile({ ...one, width: 0 }), /0 x 1 pixels/],
    ['more data than pixels', pngFile({ ...one, raw: [0, 1, 0, 1] }), /more than the 2 bytes of pixels/],
    ['a bomb', pngFile({ ...one, raw: new Uint8Array(1e7) }), /more than the 2 bytes of pixels/],
    ['less data than pixels', pngFile({ ...one, height: 2 }), /2 of the 4 bytes of pixels/],
    ['a depth of 3', pngFile({ ...one, depth: 3 }), /This PNG is damaged/],
    ['colour type 5', pngFile({ ...one, colourType: 5 }), /its colour type is 5/],
    ['no palette', pngFile({ ...one, colourType: 3 }), /it has no palette/],
    [
      'a colour beyond the palette',
      pngFile({ ...one, colourType: 3, extra: [pngChunk('PLTE', Uint8Array.of(1, 2, 3))] }),
      /This PNG is damaged/,
    ],
    [
      'a palette of thousands',
      pngFile({ ...one, colourType: 3, extra: [pngChunk('PLTE', new Uint8Array(3000))] }),
      /its PLTE chunk is too long/,
    ],
    ['two headers', pngFile({ ...one, extra: [pngChunk('IHDR', new Uint8Array(13))] }), /two headers/],
    [
      'a header that comes second',
      Buffer.concat([whole.subarray(0, 8), pngChunk('tRNS', Uint8Array.of(0, 0)), whole.subarray(8)]),
      /does not begin with its header/,
    ],
    [
      'interlacing of packed pixels',
      pngFile({ ...one, depth: 1, interlace: 1 }),
      /Interlaced PNGs of less than 8 bits/,
    ],
  ])('refused: %s', (_, file, message) => {
    expect(() => decodeImage(file)).toThrow(DataError);
    expect(() => decodeImage(file)).toThrow(message);
  });
});

/** From ImageMagick: convert -size 8x8 gradient:white-black -colorspace Gray -quality 90 -strip jpg:- | base64 */
const GREY =
  '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUVDA8XGBYUGBIUFRT/wAALCAAIAAgBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAAf/EABcQAAMBAAAAAAAAAAAAAAAAAAAZZaP/2gAIAQEAAD8AGn19D//Z';
/** The same with -interlace JPEG, which makes it progressive. */
const PROGRESSIVE =
  '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUVDA8XGBYUGBIUFRT/wgALCAAIAAgBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAAf/aAAgBAQAAAAE//8QAFRABAQAAAAAAAAAAAAAAAAAAABf/2gAIAQEAAQUCqb//xAAWEAADAAAAAAAAAAAAAAAAAAAAM6H/2gAIAQEABj8CbT//xAAUEAEAAAAAAAAAAAAAAAAAAAAA/9oACAEBAAE/IW//2gAIAQEAAAAQ/wD/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/9oACAEBAAE/EG//2Q==';
const jpeg = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'));

/** Left to right black to red, top to bottom black to green: no two orientations look alike. */
const wedge = (() => {
  const data = Uint8Array.from(
    { length: 24 * 16 * 4 },
    (_, i) => [((i >> 2) % 24) * 10, Math.floor(i / 96) * 15, 0, 255][i % 4]!,
  );
  return new Uint8Array(encode({ width: 24, height: 16, data }, 100).data);
})();

/** EXIF data with nothing but an orientation, in either byte order, put behind the file's first marker. */
function oriented(file: Uint8Array, orientation: number, little: boolean): Uint8Array {
  const exif = new DataView(new ArrayBuffer(10 + 26));
  [0xff, 0xe1, 0, 34, 0x45, 0x78, 0x69, 0x66, 0, 0].forEach((byte, i) => exif.setUint8(i, byte));
  exif.setUint16(10, little ? 0x4949 : 0x4d4d);
  exif.setUint16(12, 42, little);
  exif.setUint32(14, 8, little); // the directory begins after these eight bytes
  exif.setUint16(18, 1, little); // and has one entry:
  exif.setUint16(20, 0x112, little); // orientation,
  exif.setUint16(22, 3, little); // a 16-bit number,
  exif.setUint32(24, 1, little); // one of them
  exif.setUint16(28, orientation, little);
  return Buffer.concat([file.subarray(0, 2), new Uint8Array(exif.buffer), file.subarray(2)]);
}

describe('JPEG', () => {
  test.each([
    ['baseline', GREY],
    ['progressive', PROGRESSIVE],
  ])('%s', (_, base64) => {
    const { width, height, channels, data } = decodeImage(jpeg(base64));
    expect([width, height, channels]).toEqual([8, 8, 3]);
    for (let y = 0; y < 8; y++) {
      for (let x = 0; x < 8; x++) expect(data[(y * 8 + x) * 3]).toBeCloseTo(255 - (255 / 7) * y, -1);
    }
  });

  // Where the darkest corner, which is stored at the top left, is to be seen (Exif 2.32, section 4.6.4, orientation).
  test.each([
    [1, 'top left'],
    [2, 'top right'],
    [3, 'bottom right'],
    [4, 'bottom left'],
    [5, 'top left'],
    [6, 'top right'],
    [7, 'bottom right'],
    [8, 'bottom left'],
  ])('orientation %i brings the first pixel to the %s', (orientation, corner) => {
    for (const little of [true, false]) {
      const image = decodeImage(oriented(wedge, orientation, little));
      expect([image.width, image.height]).toEqual(orientation > 4 ? [16, 24] : [24, 16]);
      const at = (x: number, y: number) =>
        image.data.subarray((y * image.width + x) * 3, (y * image.width + x) * 3 + 2);
      const [right, bottom] = [image.width - 1, image.height - 1];
      const corners = {
        'top left': [0, 0],
        'top right': [right, 0],
        'bottom right': [right, bottom],
        'bottom left': [0, bottom],
      };
      const [x, y] = corners[corner as keyof typeof corners] as [number, number];
      expect(Math.max(...at(x, y))).toBeLessThan(30);
      // From there red grows along what was stored as a row: sideways up to orientation 4, up or down from 5 on.
      const [alongX, alongY] = orientation > 4 ? [x, bottom - y] : [right - x, y];
      expect(at(alongX, alongY)[0]).toBeGreaterThan(200);
      expect(at(alongX, alongY)[1]).toBeLessThan(30);
    }
  });

  test('EXIF data that makes no sense leaves the picture as it is stored', () => {
    expect(decodeImage(oriented(wedge, 9, true))).toEqual(decodeImage(wedge));
    const cut = oriented(wedge, 6, true);
    cut[2 + 14] = 200; // the directory lies beyond the data
    expect(decodeImage(cut)).toEqual(decodeImage(wedge));
  });

  /** The grey picture with the bytes of its frame header changed: bits, height, width, components, and for each number, sampling, table. */
  const frame = (changes: Record<number, number>) => {
    const file = jpeg(GREY);
    const begin = file.findIndex((byte, i) => byte === 0xff && file[i + 1] === 0xc0) + 4;
    for (const [at, byte] of Object.entries(changes)) file[begin + Number(at)] = byte;
    return file;
  };

  test.each<[string, Uint8Array, RegExp]>([
    ['truncated', jpeg(GREY).subarray(0, -10), /This JPEG is damaged: it is truncated/],
    ['nothing but its signature', jpeg(GREY).subarray(0, 3), /it is truncated/],
    ['no picture', Uint8Array.of(0xff, 0xd8, 0xff, 0xd9), /it has no picture/],
    ['a scan without a frame', Uint8Array.of(0xff, 0xd8, 0xff, 0xda, 0, 2, 0xff, 0xd9), /out of order/],
    ['no marker where one should be', Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 2, 1, 2, 3), /no marker at byte 6/],
    ['too large', frame({ 1: 255, 3: 255 }), /65288 x 65288 pixels/],
    ['too large for its bytes', frame({ 1: 2, 3: 2 }), /is truncated/],
    ['of no height', frame({ 2: 0 }), /8 x 0 pixels/],
    ['no components', frame({ 5: 0 }), /frame header/], // jpeg-js would not end
    ['12 bits', frame({ 0: 12 }), /frame header/],
    ['sampling by 0', frame({ 7: 0 }), /sampling factors/],
    ['a table that is missing', frame({ 8: 3 }), /This JPEG is damaged/],
  ])('refused: %s', (_, file, message) => {
    expect(() => decodeImage(file)).toThrow(DataError);
    expect(() => decodeImage(file)).toThrow(message);
  });

  test('refused: more scans than a picture needs', () => {
    const file = jpeg(GREY);
    const begin = file.findIndex((byte, i) => byte === 0xff && file[i + 1] === 0xda);
    const scan = file.subarray(begin, -2);
    const many = Buffer.concat([file.subarray(0, begin), ...Array<Uint8Array>(101).fill(scan), file.subarray(-2)]);
    expect(() => decodeImage(many)).toThrow(/out of order/);
  });
});

describe('any bytes', () => {
  test.each<[string, Uint8Array, RegExp]>([
    ['nothing', new Uint8Array(0), /it begins with nothing/],
    [
      'a GIF',
      new Uint8Array(Buffer.from('GIF89a')),
      /not an image that can be read: it begins with 47 49 46 38. Give a PNG or a JPEG/,
    ],
  ])('refused: %s', (_, file, message) => {
    expect(() => decodeImage(file)).toThrow(DataError);
    expect(() => decodeImage(file)).toThrow(message);
  });

  test.each<[string, Uint8Array]>([
    ['PNG', pngFile({ width: 4, height: 4, colourType: 6, raw: new Uint8Array(4 * 17) })],
    ['baseline JPEG', wedge],
    ['progressive JPEG', jpeg(PROGRESSIVE)],
  ])('a changed %s is decoded or refused', (_, file) => {
    const change = fc.tuple(fc.nat(file.length - 1), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const changed = file.slice();
        for (const [at, byte] of changes) changed[at] = byte;
        try {
          const { width, height, channels, data } = decodeImage(changed);
          expect(data.length).toBe(width * height * channels);
        } catch (error) {
          expect(error).toBeInstanceOf(DataError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

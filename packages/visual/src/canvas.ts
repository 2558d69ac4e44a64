import { encode } from 'fast-png';
import { VisualError } from './errors.ts';
import { GLYPH_HEIGHT, GLYPH_WIDTH, glyphs } from './font.ts';

/** Red, green and blue from 0 to 255. */
export type Colour = readonly [red: number, green: number, blue: number];

/** Pixels in a PNG; a larger picture could hardly be looked at. */
const MAX_PIXELS = 2 ** 26;

/** A picture to draw on and encode. What lies outside of it is not drawn. */
export class Canvas {
  readonly width: number;
  readonly height: number;
  readonly #data: Uint8Array;

  /** @throws VisualError if the picture would be too large. */
  constructor(width: number, height: number, background: Colour) {
    if (!(width * height <= MAX_PIXELS)) {
      throw new VisualError(`The picture would be ${width} x ${height} pixels. Take a smaller scale, or draw a part.`);
    }
    this.width = width;
    this.height = height;
    this.#data = new Uint8Array(width * height * 3);
    this.rectangle(0, 0, width, height, background);
  }

  rectangle(left: number, top: number, width: number, height: number, colour: Colour): void {
    for (let y = top; y < Math.min(top + height, this.height); y++) {
      for (let x = left; x < Math.min(left + width, this.width); x++) this.#data.set(colour, (y * this.width + x) * 3);
    }
  }

  /** A disc around the point `(x, y)`, in pixels from the corner, which need not be whole. Its edge is smooth. */
  disc(x: number, y: number, radius: number, colour: Colour): void {
    const reach = radius + 1;
    for (let row = Math.max(0, Math.floor(y - reach)); row < Math.min(y + reach, this.height); row++) {
      for (let column = Math.max(0, Math.floor(x - reach)); column < Math.min(x + reach, this.width); column++) {
        const inside = radius + 0.5 - Math.hypot(column + 0.5 - x, row + 0.5 - y);
        this.#blend(column, row, colour, Math.max(0, Math.min(1, inside)));
      }
    }
  }

  #blend(x: number, y: number, colour: Colour, share: number): void {
    const begin = (y * this.width + x) * 3;
    colour.forEach((value, i) => {
      const below = this.#data[begin + i]!;
      this.#data[begin + i] = Math.round(below + share * (value - below));
    });
  }

  /** A picture of `width` by `height` squares, each of `scale` pixels a side. */
  tile(
    left: number,
    top: number,
    width: number,
    height: number,
    scale: number,
    colourAt: (x: number, y: number) => Colour,
  ): void {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) this.rectangle(left + x * scale, top + y * scale, scale, scale, colourAt(x, y));
    }
  }

  /** Draws `text`, of which each dot takes `scale` pixels a side, and returns where it ended. */
  text(text: string, left: number, top: number, scale: number, colour: Colour): number {
    let x = left;
    for (const character of text) {
      const rows = glyphs[character] ?? [];
      rows.forEach((row, y) => {
        for (let dot = 0; dot < row.length; dot++) {
          if (row[dot] === '#') this.rectangle(x + dot * scale, top + y * scale, scale, scale, colour);
        }
      });
      x += textWidth(character, scale);
    }
    return x;
  }

  /** The picture as the bytes of a PNG. */
  toPng(): Uint8Array {
    return encode({ width: this.width, height: this.height, data: this.#data, channels: 3, depth: 8 });
  }
}

/** Pixels from the start of a text to where the next would start. */
export function textWidth(text: string, scale: number): number {
  return Array.from(text).length * (GLYPH_WIDTH + 1) * scale;
}

/** Pixels from the top of a line of text to its bottom. */
export function textHeight(scale: number): number {
  return GLYPH_HEIGHT * scale;
}

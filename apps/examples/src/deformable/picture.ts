import { Canvas, textHeight } from 'receptive';
import type { Colour } from 'receptive';
import { SIDE } from './digits.ts';
import type { Place } from './places.ts';

/** A picture of a digit, and the places at which a network looks in it. */
export interface Look {
  /** {@link SIDE} x SIDE pixels from 0 to 255. */
  readonly digit: Uint8Array;
  readonly places: readonly Place[];
}

/** Of one network: what it is called, how its places are coloured, and a look a column for each row. */
export interface Series {
  readonly name: string;
  readonly colour: Colour;
  readonly rows: readonly (readonly Look[])[];
}

const PAPER: Colour = [255, 255, 255];
const INK: Colour = [75, 85, 99];
const FRAME: Colour = [229, 231, 235];
/** Share of black in a digit's strokes: the places stand out from them. */
const STROKE = 0.62;
const SCALE = 6;
const GAP = 10;
const RADIUS = 3;
const TEXT = 2;
/** Radius of a disc that says whose colour it is. */
const KEY = 5;
/** From one line of text to the next. */
const LINE = textHeight(TEXT) + 14;
const CELL = SIDE * SCALE;

/**
 * Where networks look, as a PNG: the digits enlarged, with the places over them. A row of each series after that of the other, so that the looks of all at one
 * picture are one below the other; above each column its title, and above all the names of the series.
 */
export function picture(series: readonly Series[], titles: readonly string[]): Uint8Array {
  const step = CELL + GAP;
  const above = GAP + 2 * LINE;
  const rows = series[0]!.rows.length;
  const canvas = new Canvas(titles.length * step + GAP, above + rows * series.length * step, PAPER);
  let x = GAP;
  for (const { name, colour } of series) {
    canvas.disc(x + KEY, GAP + textHeight(TEXT) / 2, KEY, colour);
    x = canvas.text(name, x + 2 * KEY + GAP, GAP, TEXT, INK) + 3 * GAP;
  }
  titles.forEach((title, column) => canvas.text(title, GAP + column * step, GAP + LINE, TEXT, INK));
  series.forEach(({ colour, rows: looks }, which) =>
    looks.forEach((row, number) =>
      row.forEach((look, column) => {
        drawLook(canvas, look, colour, GAP + column * step, above + (number * series.length + which) * step);
      }),
    ),
  );
  return canvas.toPng();
}

function drawLook(canvas: Canvas, { digit, places }: Look, colour: Colour, left: number, top: number): void {
  canvas.rectangle(left - 1, top - 1, CELL + 2, CELL + 2, FRAME);
  canvas.tile(left, top, SIDE, SIDE, SCALE, (x, y) => {
    const grey = Math.round(255 - STROKE * digit[y * SIDE + x]!);
    return [grey, grey, grey];
  });
  for (const { row, column } of places) {
    const [x, y] = [column, row].map((at) => (at + 0.5) * SCALE) as [number, number];
    const inside = Math.min(x, y, CELL - x, CELL - y) >= RADIUS;
    if (inside) canvas.disc(left + x, top + y, RADIUS, colour);
  }
}

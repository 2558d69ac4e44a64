import { Canvas, textHeight } from 'receptive';
import type { Colour } from 'receptive';
import type { Answered } from './experiment.ts';
import { SIZE } from './task.ts';
import type { Place } from './task.ts';

const PAPER: Colour = [255, 255, 255];
const GROUND: Colour = [243, 244, 246];
const TRUTH: Colour = [134, 212, 162];
const ANSWER: Colour = [220, 38, 38];
const ERROR: Colour = [148, 163, 184];
/** Pixels of the picture a side for each of the canvas. */
const SCALE = 7;
const GAP = 14;
const SIDE = SIZE * SCALE;
const INK: Colour = [75, 85, 99];
const TEXT = 2;
const TOP = 2 * GAP + textHeight(TEXT);

/**
 * Where centres are, and where a network takes them to be, as a PNG: those that were learnt from on the left, new ones on the right. Truth is a green
 * square, the answer a red dot in it or, by a grey line, beside it; what lies outside of the canvas is drawn on its edge.
 */
export function drawAnswers(train: Answered, test: Answered): Uint8Array {
  const canvas = new Canvas(2 * SIDE + 3 * GAP, TOP + SIDE + GAP, PAPER);
  drawPanel(canvas, GAP, 'learnt', train);
  drawPanel(canvas, SIDE + 2 * GAP, 'new', test);
  return canvas.toPng();
}

function drawPanel(canvas: Canvas, left: number, title: string, { places, answers }: Answered): void {
  canvas.text(title, left, GAP, TEXT, INK);
  canvas.rectangle(left, TOP, SIDE, SIDE, GROUND);
  const dot = ([row, column]: Place, size: number, colour: Colour): void => {
    const at = (pixels: number): number => {
      const middle = Math.min(Math.max(pixels, 0), SIZE - 1) * SCALE + (SCALE - 1) / 2;
      return Math.round(middle - (size - 1) / 2);
    };
    canvas.rectangle(left + at(column), TOP + at(row), size, size, colour);
  };
  places.forEach((truth, i) => {
    const answer = answers[i]!;
    const [rows, columns] = [answer[0] - truth[0], answer[1] - truth[1]];
    // As many points as the line has pixels; none where the answer lies on the truth.
    const points = Math.min(2 * SIDE, Math.ceil(SCALE * Math.max(Math.abs(rows), Math.abs(columns))));
    for (let k = 1; k < points; k++) dot([truth[0] + (k / points) * rows, truth[1] + (k / points) * columns], 1, ERROR);
  });
  for (const truth of places) dot(truth, 5, TRUTH);
  for (const answer of answers) dot(answer, 3, ANSWER);
}

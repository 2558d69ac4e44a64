import { Canvas, textHeight, textWidth } from './canvas.ts';
import type { Colour } from './canvas.ts';
import { atLeastOne, VisualError } from './errors.ts';

/** What a model said of images. */
export interface Judged {
  /** `[n, channels, height, width]`, grey or RGB: bytes from 0 to 255, or other numbers from 0 to 1. */
  readonly images: { readonly shape: readonly number[]; readonly data: ArrayLike<number> };
  /** The class that the model gave each image. */
  readonly predictions: ArrayLike<number>;
  /** The class that each image has. */
  readonly truths: ArrayLike<number>;
  /** How sure the model was of its prediction, from 0 to 1. */
  readonly confidences: ArrayLike<number>;
}

/** Options of {@link mistakes}. */
export interface MistakesOptions {
  /** Images to show at most. */
  readonly limit?: number;
  /** Images in a row. */
  readonly columns?: number;
  /** Pixels a side for each pixel of an image; by default as many as make it some 84 pixels large. */
  readonly scale?: number;
}

const PAPER: Colour = [255, 255, 255];
const INK: Colour = [75, 85, 99];
const TRUTH: Colour = [21, 128, 61];
const PREDICTION: Colour = [185, 28, 28];
const GAP = 12;
const TEXT = 2;

/**
 * The worst mistakes as a PNG: the images that were misclassified, those the model was surest of first, each with `truth→prediction` and the confidence
 * below it. The line above says how many of all images were misclassified.
 * @throws VisualError if the lists differ in length, the images are neither grey nor RGB, or a confidence does not lie between 0 and 1.
 */
export function mistakes(judged: Judged, options: MistakesOptions = {}): Uint8Array {
  const { predictions, truths, confidences } = judged;
  const [count, channels, height, width] = check(judged);
  const wrong = Array.from({ length: count }, (_, i) => i).filter((i) => predictions[i] !== truths[i]);
  const worst = wrong
    .sort((a, b) => confidences[b]! - confidences[a]!)
    .slice(0, atLeastOne('limit', options.limit ?? 48));
  const captions = worst.map((i) => caption(truths[i], predictions[i], ` ${Math.round(confidences[i]! * 100)}%`));
  const title: Text = [[`${wrong.length} of ${count} wrong`, INK]];
  if (worst.length > 0) title.push(['  ', INK], ...caption('truth', 'prediction'));

  const scale = atLeastOne('scale', options.scale ?? Math.max(1, Math.round(84 / Math.max(height, width))));
  const columns = Math.max(1, Math.min(atLeastOne('columns', options.columns ?? 8), worst.length));
  const cellWidth = Math.max(width * scale, ...captions.map(widthOf)) + GAP;
  const cellHeight = height * scale + GAP / 2 + textHeight(TEXT) + GAP;
  const above = GAP + textHeight(TEXT) + GAP;
  const canvas = new Canvas(
    Math.max(columns * cellWidth, widthOf(title) + GAP) + GAP,
    above + Math.ceil(worst.length / columns) * cellHeight,
    PAPER,
  );

  write(canvas, title, GAP, GAP);
  const colourAt = colours(judged.images.data, channels, height * width);
  worst.forEach((image, place) => {
    const left = GAP + (place % columns) * cellWidth;
    const top = above + Math.floor(place / columns) * cellHeight;
    canvas.tile(left, top, width, height, scale, (x, y) => colourAt(image, y * width + x));
    write(canvas, captions[place]!, left, top + height * scale + GAP / 2);
  });
  return canvas.toPng();
}

/** Words and their colours. */
type Text = [words: string, colour: Colour][];

function caption(truth: string | number | undefined, prediction: string | number | undefined, more = ''): Text {
  return [
    [`${truth}`, TRUTH],
    ['→', INK],
    [`${prediction}`, PREDICTION],
    [more, INK],
  ];
}

function widthOf(text: Text): number {
  return text.reduce((width, [words]) => width + textWidth(words, TEXT), 0);
}

function write(canvas: Canvas, text: Text, left: number, top: number): void {
  text.reduce((x, [words, colour]) => canvas.text(words, x, top, TEXT, colour), left);
}

function check({
  images,
  predictions,
  truths,
  confidences,
}: Judged): [count: number, channels: number, height: number, width: number] {
  const { shape, data } = images;
  const [count, channels, height, width] = shape as readonly [number, number, number, number];
  if (shape.length !== 4 || ![1, 3].includes(channels)) {
    throw new VisualError(
      `mistakes draws images of shape [n, 1 or 3, height, width], but was given [${shape.join(', ')}].`,
    );
  }
  if (data.length !== count * channels * height * width) {
    throw new VisualError(
      `Images of shape [${shape.join(', ')}] are ${count * channels * height * width} numbers, but ${data.length} were given.`,
    );
  }
  for (const [name, list] of Object.entries({ predictions, truths, confidences })) {
    if (list.length !== count)
      throw new VisualError(`There are ${count} images but ${list.length} ${name}. Each image needs one.`);
  }
  for (let i = 0; i < count; i++) {
    const confidence = confidences[i]!;
    if (!(confidence >= 0 && confidence <= 1)) {
      throw new VisualError(`The confidence of image ${i} is ${confidence}, but must lie between 0 and 1.`);
    }
  }
  return [count, channels, height, width];
}

function colours(data: ArrayLike<number>, channels: number, area: number): (image: number, pixel: number) => Colour {
  const brightness = data instanceof Uint8Array ? 1 : 255;
  return (image, pixel) => {
    const at = (channel: number): number => {
      const value = data[(image * channels + channel) * area + pixel]! * brightness;
      return Math.round(Math.min(255, Math.max(0, value)));
    };
    return channels === 1 ? [at(0), at(0), at(0)] : [at(0), at(1), at(2)];
  };
}

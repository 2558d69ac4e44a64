import { DataError } from './errors.ts';
import type { Image } from './image.ts';
import { resize } from './plane.ts';
import type { Plane } from './plane.ts';

const FIELD = 28;
const BOX = 20;

/**
 * A digit in a picture of any size, made to look like one of MNIST's: light ink on black in a 28x28 field, scaled into a 20x20 box keeping its aspect,
 * with its centre of mass in the middle of the field (LeCun, Cortes and Burges, The MNIST database of handwritten digits; LeCun et al., Gradient-based
 * learning applied to document recognition, Proceedings of the IEEE 86(11), 1998, section III.A).
 *
 * The picture's frame is taken for background: whether that is light or dark, and how uneven, decides what is ink.
 * @returns a grey picture of 28x28 pixels.
 * @throws DataError if nothing stands out against the background.
 */
export function digitFromImage(image: Image): Image {
  const ink = inkOf(image);
  const outline = outlineOf(ink);
  const scale = BOX / Math.max(outline.width, outline.height);
  // One more pixel of the result on each side, for the fading edge of a stroke that ends at the outline.
  const digit = crop(ink, outline, Math.round(1 / scale));
  const scaled = (length: number) => Math.max(1, Math.round(length * scale));
  return centred(resize(digit, scaled(digit.width), scaled(digit.height)));
}

/** Differences from the background of less than this many grey levels are no ink. */
const FAINT = 40;

/** How much ink each pixel has, from 0 to 255. */
function inkOf(image: Image): Plane {
  const { width, height } = image;
  const data = greyOf(image);
  const frame = frameOf(data, width);
  const background = median(frame);
  // Paper is not evenly lit. 4.4 times the median deviation is three standard deviations of a normal distribution.
  const noise = 4.4 * median(frame.map((grey) => Math.abs(grey - background)));
  const sign = background > 127 ? -1 : 1;
  let strongest = 0;
  for (let i = 0; i < data.length; i++) {
    data[i] = Math.max(0, sign * (data[i]! - background) - noise);
    strongest = Math.max(strongest, data[i]!);
  }
  if (strongest < FAINT) {
    throw new DataError(
      'No digit stands out in the image: it is blank, or its contrast is too low. Give one dark digit on a light background, or light on dark.',
    );
  }
  for (let i = 0; i < data.length; i++) data[i]! *= 255 / strongest;
  return { width, height, data };
}

/** Luma (ITU-R BT.601) of each pixel, transparent ones lying on white. */
function greyOf({ width, height, channels, data }: Image): Float32Array {
  const colours = channels < 3 ? 1 : 3;
  const grey = new Float32Array(width * height);
  for (let pixel = 0, i = 0; pixel < grey.length; pixel++, i += channels) {
    const luma = colours === 1 ? data[i]! : 0.299 * data[i]! + 0.587 * data[i + 1]! + 0.114 * data[i + 2]!;
    const alpha = channels > colours ? data[i + colours]! / 255 : 1;
    grey[pixel] = alpha * luma + (1 - alpha) * 255;
  }
  return grey;
}

/** The outermost rows and columns. */
function frameOf(data: Float32Array, width: number): Float32Array {
  const frame = [...data.subarray(0, width), ...data.subarray(-width)];
  for (let i = 0; i < data.length; i += width) frame.push(data[i]!, data[i + width - 1]!);
  return Float32Array.from(frame);
}

function median(values: Float32Array): number {
  return values.slice().sort()[values.length >> 1]!;
}

interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Less ink than this, a fifth of the strongest, is no part of the outline. */
const OUTLINE = 0.2 * 255;

/** The smallest box around the digit. */
function outlineOf({ width, height, data }: Plane): Box {
  let [left, right, top, bottom] = [width, 0, height, 0];
  data.forEach((ink, i) => {
    if (ink < OUTLINE) return;
    const x = i % width;
    const y = Math.floor(i / width);
    left = Math.min(left, x);
    right = Math.max(right, x + 1);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y + 1);
  });
  return { left, top, width: right - left, height: bottom - top };
}

/** What lies in the box and `margin` pixels around it; beyond the plane there is no ink. */
function crop(plane: Plane, box: Box, margin: number): Plane {
  const [width, height] = [box.width + 2 * margin, box.height + 2 * margin];
  const data = new Float32Array(width * height);
  const left = Math.max(0, box.left - margin);
  const right = Math.min(plane.width, box.left + box.width + margin);
  for (let y = 0; y < height; y++) {
    const row = box.top - margin + y;
    if (row < 0 || row >= plane.height) continue;
    const pixels = plane.data.subarray(row * plane.width + left, row * plane.width + right);
    data.set(pixels, y * width + left - (box.left - margin));
  }
  return { width, height, data };
}

/** The digit in the field, its centre of mass on pixel (14, 14), as in MNIST's files. */
function centred({ width, height, data }: Plane): Image {
  let [mass, momentX, momentY, strongest] = [0, 0, 0, 0];
  data.forEach((ink, i) => {
    mass += ink;
    momentX += ink * (i % width);
    momentY += ink * Math.floor(i / width);
    strongest = Math.max(strongest, ink);
  });
  // All of the digit stays in the field; its fading edge, a pixel wide, may leave it.
  const place = (moment: number, length: number) =>
    Math.min(Math.max(FIELD / 2 - Math.round(moment / mass), -1), FIELD + 1 - length);
  const left = place(momentX, width);
  const top = place(momentY, height);
  const field = new Uint8Array(FIELD * FIELD);
  data.forEach((ink, i) => {
    const x = left + (i % width);
    const y = top + Math.floor(i / width);
    // Thin lines have paled by averaging: the strongest ink is white again.
    if (x >= 0 && x < FIELD && y >= 0 && y < FIELD) field[y * FIELD + x] = Math.round((ink / strongest) * 255);
  });
  return { width: FIELD, height: FIELD, channels: 1, data: field };
}

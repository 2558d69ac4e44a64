import type { Dataset, Rng } from 'receptive';

// Within these a digit still looks like one that somebody wrote: degrees, share of the size, pixels.
const TURN = 8;
const ZOOM = 0.1;
const SHIFT = 1.5;

/**
 * `dataset` with every image turned, stretched and shifted a little, anew in each epoch. By how much depends on the key of `rng`, the number of the epoch and
 * that of the image alone: a run goes on bit for bit wherever it was interrupted.
 *
 * Source: Simard et al., Best practices for convolutional neural networks applied to visual document analysis, ICDAR 2003, section 2.
 */
export function augmented(dataset: Dataset, rng: Rng, epoch: () => number): Dataset {
  const [, height, width] = dataset.shape;
  return {
    ...dataset,
    get(index) {
      const { image, label } = dataset.get(index);
      const from = distortion(height, width, rng.fork(`epoch ${epoch()}, image ${index}`));
      return { image: resampled(image, height, width, from), label };
    },
  };
}

/** Where in the image a pixel's grey comes from: (ax * x + bx * y + cx, ay * x + by * y + cy). */
type Affine = readonly [ax: number, bx: number, cx: number, ay: number, by: number, cy: number];

function distortion(height: number, width: number, rng: Rng): Affine {
  const draws = rng.bits(5);
  const within = (limit: number, draw: number): number => limit * (draws[draw]! / 2 ** 31 - 1);
  const angle = (within(TURN, 0) * Math.PI) / 180;
  const [stretchX, stretchY] = [1 + within(ZOOM, 1), 1 + within(ZOOM, 2)];
  const [ax, bx] = [stretchX * Math.cos(angle), stretchX * Math.sin(angle)];
  const [ay, by] = [-stretchY * Math.sin(angle), stretchY * Math.cos(angle)];
  // The middle is where it was, but for the shift.
  const [middleX, middleY] = [(width - 1) / 2, (height - 1) / 2];
  const [x, y] = [middleX + within(SHIFT, 3), middleY + within(SHIFT, 4)];
  return [ax, bx, middleX - ax * x - bx * y, ay, by, middleY - ay * x - by * y];
}

/** Bilinear interpolation; black lies around the image. */
function resampled(image: Uint8Array, height: number, width: number, [ax, bx, cx, ay, by, cy]: Affine): Uint8Array {
  const result = new Uint8Array(image.length);
  const size = height * width;
  for (let i = 0; i < result.length; i++) {
    const plane = i - (i % size);
    const x = i % width;
    const y = (i - plane - x) / width;
    const fromX = ax * x + bx * y + cx;
    const fromY = ay * x + by * y + cy;
    const left = Math.floor(fromX);
    const top = Math.floor(fromY);
    if (left < 0 || top < 0 || left >= width - 1 || top >= height - 1) continue; // digits do not touch the border
    const right = fromX - left;
    const below = fromY - top;
    const j = plane + top * width + left;
    const upper = image[j]! + right * (image[j + 1]! - image[j]!);
    const lower = image[j + width]! + right * (image[j + width + 1]! - image[j + width]!);
    result[i] = upper + below * (lower - upper) + 0.5;
  }
  return result;
}

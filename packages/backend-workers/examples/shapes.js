// Pictures of four shapes, of any size, turned a little, in noise.
import { imageDataset } from '@receptive/data';

/** Whether a point lies in a shape of size 1. */
const shapes = {
  circle: (x, y) => Math.hypot(x, y) < 1,
  square: (x, y) => Math.max(Math.abs(x), Math.abs(y)) < 0.85,
  triangle: (x, y) => y > -0.6 && y < 1 - 1.8 * Math.abs(x),
  cross: (x, y) => Math.min(Math.abs(x), Math.abs(y)) < 0.25 && Math.max(Math.abs(x), Math.abs(y)) < 1,
};

export const names = Object.keys(shapes);
export const SIDE = 32;

/** Pictures of SIDE x SIDE pixels, and which shape each shows. */
export function pictures(count) {
  const between = (low, high) => low + (high - low) * Math.random();
  const pixels = new Uint8Array(count * SIDE * SIDE);
  const labels = Array.from({ length: count }, (_, i) => i % names.length);
  labels.forEach((label, i) => {
    const isInside = shapes[names[label]];
    const [size, angle] = [between(7, 12), between(-0.5, 0.5)];
    const [left, top] = [between(size, SIDE - size), between(size, SIDE - size)];
    const [paper, ink] = [between(0, 80), between(150, 255)];
    const [sine, cosine] = [Math.sin(angle) / size, Math.cos(angle) / size];
    for (let row = 0; row < SIDE; row++) {
      for (let column = 0; column < SIDE; column++) {
        const [x, y] = [column - left, row - top];
        const shade = isInside(x * cosine - y * sine, x * sine + y * cosine) ? ink : paper;
        pixels[(i * SIDE + row) * SIDE + column] = Math.min(255, Math.max(0, shade + between(-30, 30)));
      }
    }
  });
  return imageDataset(pixels, labels, { shape: [1, SIDE, SIDE], classes: names.length });
}

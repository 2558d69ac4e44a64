import { decode } from 'fast-png';

/** A PNG's size, and its colours by place. */
export function pixelsOf(png: Uint8Array) {
  const { width, height, channels, data } = decode(png, { checkCrc: true });
  return {
    width,
    height,
    at: (x: number, y: number) => Array.from(data.subarray((y * width + x) * channels, (y * width + x + 1) * channels)),
  };
}

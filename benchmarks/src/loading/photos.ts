import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encode } from 'jpeg-js';

const [WIDTH, HEIGHT, QUALITY] = [320, 240, 85];

/** Writes `count` JPEGs into folders of two classes: shades and some noise, which take about as many bytes as a photo of that size. */
export function writePhotos(folder: string, count: number): void {
  for (let i = 0; i < count; i++) {
    const inClass = join(folder, `class ${i % 2}`);
    mkdirSync(inClass, { recursive: true });
    const data = new Uint8Array(WIDTH * HEIGHT * 4);
    let noise = i + 1;
    for (let j = 0; j < data.length; j++) {
      const pixel = j >> 2;
      const [x, y, channel] = [pixel % WIDTH, Math.floor(pixel / WIDTH), j & 3];
      noise = (Math.imul(noise, 1664525) + 1013904223) >>> 0;
      data[j] = 128 + 70 * Math.sin((x * (i % 7) + y * (channel + 1)) / 40) + (noise >>> 27);
    }
    writeFileSync(join(inClass, `${i}.jpg`), encode({ width: WIDTH, height: HEIGHT, data }, QUALITY).data);
  }
}

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Dataset } from 'receptive';
import { expect, test } from 'vitest';
import { loadDigits } from '../src/data.ts';

const require = createRequire(import.meta.url);

/** How often each image of a dataset occurs, by its pixels. */
function tally(dataset: Dataset, label: number): Map<string, number> {
  const images = new Map<string, number>();
  for (let i = 0; i < dataset.length; i++) {
    const sample = dataset.get(i);
    if (sample.label !== label) continue;
    const pixels = Buffer.from(sample.image).toString('latin1');
    images.set(pixels, (images.get(pixels) ?? 0) + 1);
  }
  return images;
}

test('the bundled digits are those of the package, each in one of the parts', async () => {
  const { train, test: held } = await loadDigits(null);
  expect([train.length, held.length, train.shape, train.classes]).toEqual([9_000, 1_000, [1, 28, 28], 10]);
  for (const digit of [0, 7]) {
    const path = require.resolve(`mnist/src/digits/${digit}.json`);
    const { data } = JSON.parse(readFileSync(path, 'utf8')) as { data: number[] };
    const packed = [tally(train, digit), tally(held, digit)];
    for (let i = 0; i < data.length; i += 784) {
      const pixels = Buffer.from(data.slice(i, i + 784).map((grey) => Math.round(255 * grey))).toString('latin1');
      const part = packed.find((images) => images.get(pixels));
      expect(part, `digit ${digit}, image ${i / 784}`).toBeDefined();
      part!.set(pixels, part!.get(pixels)! - 1);
    }
    expect(packed.flatMap((images) => [...images.values()]).filter((left) => left !== 0)).toEqual([]);
  }
});

test('the same digits are held out every time', async () => {
  const [first, second] = [await loadDigits(null), await loadDigits(null)];
  for (const i of [0, 499, 999]) expect(second.test.get(i)).toEqual(first.test.get(i));
});

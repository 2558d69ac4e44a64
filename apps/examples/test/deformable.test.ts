import { beforeAll, describe, expect, test } from 'vitest';
import { decodeImage, init, subset, tensor, zeros } from 'receptive';
import type { Dataset, DeformConv2d, Image, Sequential } from 'receptive';
import { SIDE, bundledDigits, drawn, varied } from '../src/deformable/digits.ts';
import type { Digits } from '../src/deformable/digits.ts';
import { contenders, experiment } from '../src/deformable/experiment.ts';
import { network } from '../src/deformable/network.ts';
import { placesSeen } from '../src/deformable/places.ts';

beforeAll(async () => {
  await init('cpu');
});

const first = (dataset: Dataset, length: number): Dataset =>
  subset(
    dataset,
    Array.from({ length }, (_, i) => i),
  );

describe('the experiment', () => {
  let few: Digits;
  beforeAll(async () => {
    const { train, test: rest } = await bundledDigits();
    few = { train: first(train, 40), test: first(rest, 60) };
  });
  const quiet = { epochs: 1, seed: 1, onProgress() {}, onTrained() {}, signal: new AbortController().signal };

  test('trains both networks, tests them, and draws where they look', async () => {
    const ends = new Map<string, string>();
    const results: (readonly [string, number])[] = [];
    const png = await experiment(few, {
      ...quiet,
      onProgress: (name, { step, steps: all }) => ends.set(name, `${step}/${all}`),
      onTrained(name, parameters, accuracy) {
        results.push([name, parameters]);
        // Of 60 images.
        expect(accuracy * 60).toBeCloseTo(Math.round(accuracy * 60), 9);
      },
    });
    expect([...ends]).toEqual([
      ['convolution', '2/2'],
      ['deformable', '2/2'],
    ]);
    // 12 * 26, 24 * 109, 32 * 217 and 10 * 33; and offsets of 18 * 109 and 18 * 217.
    expect(results).toEqual([
      ['convolution', 10_202],
      ['deformable', 10_202 + 1_962 + 3_906],
    ]);
    const image = decodeImage(png);
    // Five columns, and two rows for each of three digits, of 33 pixels six times enlarged, below two lines.
    expect([image.width, image.height]).toEqual([5 * 208 + 10, 66 + 6 * 208]);
    // The middle place of a convolution is in the middle of the picture, in the rows of its own.
    const [own, other] = contenders.map(({ colour }) => colour);
    const middle = (row: number): readonly number[] => pixel(image, 10 + 99, 66 + row * 208 + 99);
    expect([middle(0), middle(2), middle(4)]).toEqual([own, own, own]);
    expect(count(image, own!, 1)).toBe(0);
    expect(count(image, other!, 1)).toBeGreaterThan(100);
    expect(count(image, other!, 0)).toBe(0);
  }, 60_000);

  test('is ended by its signal', async () => {
    const controller = new AbortController();
    const run = experiment(few, {
      ...quiet,
      onProgress: () => controller.abort(new Error('enough')),
      signal: controller.signal,
    });
    await expect(run).rejects.toThrow('enough');
  }, 60_000);
});

function pixel({ width, channels, data }: Image, x: number, y: number): number[] {
  return [...data.subarray((y * width + x) * channels, (y * width + x) * channels + 3)];
}

/** Pixels of a colour in a row of looks. */
function count(image: Image, colour: readonly number[], row: number): number {
  let found = 0;
  for (let y = 66 + row * 208; y < 66 + (row + 1) * 208; y++) {
    for (let x = 0; x < image.width; x++) if (pixel(image, x, y).join() === colour.join()) found++;
  }
  return found;
}

describe('the places seen', () => {
  const places = async (model: Sequential): Promise<string[]> => {
    using images = zeros([2, 1, SIDE, SIDE]);
    const [one, other] = await placesSeen(model.initialize(1), images);
    expect(other).toEqual(one);
    return one!.map(({ row, column }) => `${row} ${column}`);
  };
  /** 3 x 3 around each of 3 x 3, each four pixels apart: two places of a map in which two pixels are a place. */
  const regular = (down: number): string[] =>
    [-4, 0, 4].flatMap((a) =>
      [-4, 0, 4].flatMap((b) => [-4, 0, 4].flatMap((c) => [-4, 0, 4].map((d) => `${16 + a + c + down} ${16 + b + d}`))),
    );

  test('are those of a convolution, and of deformable layers that have learned nothing', async () => {
    expect(await places(network(false))).toEqual(regular(0));
    expect(await places(network(true))).toEqual(regular(0));
  });

  test('move as the offsets of both layers say', async () => {
    for (const name of ['look1', 'look2']) {
      const model = network(true);
      const layer = model.layers.get(name) as DeformConv2d;
      model.initialize(1);
      // Down by one place of the map, every tap.
      layer.offsetConv.bias!.assign(tensor(Array.from({ length: 18 }, (_, i) => (i + 1) % 2)));
      using images = zeros([1, 1, SIDE, SIDE]);
      const [seen] = await placesSeen(model, images);
      expect(seen!.map(({ row, column }) => `${row} ${column}`)).toEqual(regular(2));
    }
  });
});

describe('the digits', () => {
  test('are drawn in the middle, scaled, and turned clockwise', () => {
    // A spot above the middle, and another one further up.
    const digit = new Uint8Array(28 * 28);
    for (const row of [8, 9]) digit.set([200, 200], row * 28 + 13);
    const brightest = (scale: number, turn: number): number[] => {
      const picture = drawn(digit, { scale, turn });
      expect(picture).toHaveLength(SIDE * SIDE);
      const at = picture.indexOf(Math.max(...picture));
      return [Math.floor(at / SIDE) - 16, (at % SIDE) - 16];
    };
    // Its middle lies five pixels above that of the digit.
    expect(brightest(1, 0)).toEqual([-5, 0]);
    expect(brightest(1, 90)).toEqual([0, 5]);
    expect(brightest(0.6, 180)).toEqual([3, 0]);
  });

  test('vary from epoch to epoch, and by nothing else', () => {
    const digit = new Uint8Array(28 * 28).map((_, i) => (i % 28 === 10 ? 255 : 0));
    const dataset: Dataset = { length: 2, shape: [1, 28, 28], classes: 10, get: () => ({ image: digit, label: 4 }) };
    let epoch = 0;
    const images = varied(dataset, undefined, () => epoch);
    const [one, again, other] = [0, 0, 1].map((index) => images.get(index));
    expect(images.shape).toEqual([1, SIDE, SIDE]);
    expect(one).toEqual(again);
    expect(one!.label).toBe(4);
    expect(one!.image).not.toEqual(other!.image);
    epoch = 1;
    expect(images.get(0).image).not.toEqual(one!.image);
  });
});

import { describe, expect, test } from 'vitest';
import { gradCheck } from '@receptive/autograd';
import { reference } from '@receptive/backend/reference';
import { Conv2d, Flatten, Linear, Sequential, SpatialTransformer, initializers, summary } from '@receptive/layers';
import { setBackend, tensor } from '@receptive/tensor';
import { distance, image, numbers, plane } from './harness.ts';

setBackend(reference());

/** A transformer of `[N, 1, 4, 4]` that begins with the map of six numbers, whatever the input. */
function through(map: readonly number[], options = {}): SpatialTransformer {
  const last = new Linear(16, 6, {
    weightInit: initializers.zeros,
    biasInit: () => tensor(map),
  });
  return new SpatialTransformer(new Sequential([new Flatten(), last]), options);
}

const rows = [0, 4, 8, 12].map((first) => [first, first + 1, first + 2, first + 3]);

describe('SpatialTransformer', () => {
  /** In float32, which holds these numbers exactly. */
  const x = image(rows).cast('float32');

  test('by hand: itself, mirrored, turned by a quarter, its middle enlarged', () => {
    expect(plane(through([1, 0, 0, 0, 1, 0]).forward(x))).toEqual(rows);
    expect(plane(through([-1, 0, 0, 0, 1, 0]).forward(x))).toEqual(rows.map((row) => [...row].reverse()));
    // The right column comes up: the output's (x, y) is taken from (-y, x).
    const turned = [3, 2, 1, 0].map((column) => rows.map((row) => row[column]));
    expect(plane(through([0, -1, 0, 1, 0, 0]).forward(x))).toEqual(turned);
    const middle = through([0.5, 0, 0, 0, 0.5, 0], { size: 2 }).forward(x);
    expect(plane(middle)).toEqual([
      [5, 6],
      [9, 10],
    ]);
  });

  test('what is outside is what the options say', () => {
    const moved = [1, 0, 1, 0, 1, 0];
    expect(plane(through(moved).forward(x))).toEqual(rows.map(([, , a, b]) => [a, b, 0, 0]));
    expect(plane(through(moved, { paddingMode: 'border' }).forward(x))).toEqual(rows.map(([, , a, b]) => [a, b, b, b]));
    expect(plane(through(moved, { paddingMode: 'reflection' }).forward(x))).toEqual(
      rows.map(([, , a, b]) => [a, b, b, a]),
    );
  });

  test('learns through the map: gradients reach the input and the localization', () => {
    const model = new SpatialTransformer(new Sequential([new Conv2d(1, 2, 3), new Flatten(), new Linear(8, 6)]));
    const parameters = [...model.parameters()];
    parameters.forEach((parameter, i) => parameter.assign(numbers(parameter.shape, i + 2).mul(0.4)));
    const input = numbers([1, 1, 4, 4]);
    const y = model.forward(input);
    expect(distance(y, y.mul(0))).toBeGreaterThan(0.1);
    expect(gradCheck((value) => model.forward(value), [input])).toBeLessThan(1e-6);
    expect(parameters.map(({ shape }) => shape)).toEqual([[2, 1, 3, 3], [2], [6, 8], [6]]);
  });

  test('each element may see all of the input: the data decide', () => {
    for (const mode of ['bilinear', 'nearest'] as const) {
      const [layer] = summary(through([1, 0, 0, 0, 1, 0], { size: [2, 3], mode }), [1, 4, 4]).layers;
      expect(layer).toMatchObject({ type: 'SpatialTransformer', output: [1, 2, 3], receptiveField: [4, 4] });
      // Six places, of two coordinates each of which is a sum of three products.
      expect(layer!.multiplyAdds).toBe(6 * 2 * 3);
    }
  });

  test('refuses sizes that are none, and a localization that gives something else', () => {
    expect(() => through([], { size: 0 })).toThrow('SpatialTransformer: size must be made of whole numbers');
    expect(() => new SpatialTransformer(new Flatten()).forward(x)).toThrow(
      'SpatialTransformer: the localization must give 6 numbers for each of 1 inputs [1, 1, 4, 4], but gave [1, 16]',
    );
  });
});

import { reference } from '@receptive/backend/reference';
import type { Shape } from '@receptive/backend';
import { ShapeError, interpolate, pixelShuffle, pixelUnshuffle, setBackend, tensor, zeros } from '@receptive/tensor';
import type { InterpolateOptions, Tensor } from '@receptive/tensor';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expectClose, moved, numbersOf, primitivesOnly, random } from './harness.ts';
import { forAll, reader, table } from './naive.ts';

const backend = reference();
setBackend(backend);

const tensorOf = (values: readonly number[], shape: Shape): Tensor => tensor(Float64Array.from(values), { shape });

describe('interpolate', () => {
  // The examples of PyTorch's Upsample.
  const square = tensorOf([1, 2, 3, 4], [1, 1, 2, 2]);
  const thirds = (...values: number[]): Tensor =>
    tensorOf(
      values.map((value) => value / 3),
      [1, 1, 4, 4],
    );

  test('nearest repeats', () => {
    const y = interpolate(square, { scaleFactor: 2 });
    expect(numbersOf(y)).toEqual([1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4]);
  });

  test('linear over two axes is bilinear', () => {
    const y = interpolate(square, { scaleFactor: 2, mode: 'linear' });
    const expected = [
      [1, 1.25, 1.75, 2],
      [1.5, 1.75, 2.25, 2.5],
      [2.5, 2.75, 3.25, 3.5],
      [3, 3.25, 3.75, 4],
    ];
    expect(numbersOf(y)).toEqual(expected.flat());
  });

  test('with aligned corners those of input and output are the same', () => {
    const y = interpolate(square, { scaleFactor: 2, mode: 'linear', alignCorners: true });
    expectClose(y, thirds(3, 4, 5, 6, 5, 6, 7, 8, 7, 8, 9, 10, 9, 10, 11, 12));
  });

  test('of one axis and of three', () => {
    const line = tensorOf([0, 4], [1, 1, 2]);
    expect(numbersOf(interpolate(line, { size: 4, mode: 'linear' }))).toEqual([0, 1, 3, 4]);
    const cube = tensorOf([0, 1, 2, 3, 4, 5, 6, 7], [1, 1, 2, 2, 2]);
    expect(numbersOf(interpolate(cube, { size: 1, mode: 'linear' }))).toEqual([3.5]);
    expect(numbersOf(interpolate(cube, { size: 1 }))).toEqual([0]);
  });

  test('is the sum over all elements, each weighted by its distance on every axis', () => {
    const axes = fc.array(
      fc.record({
        n: fc.integer({ min: 1, max: 6 }),
        size: fc.integer({ min: 1, max: 9 }),
        quarters: fc.integer({ min: 4, max: 11 }),
      }),
      { minLength: 1, maxLength: 3 },
    );
    const kinds = fc.constantFrom('nearest', 'linear', 'aligned');
    forAll(fc.tuple(axes, fc.boolean(), kinds), ([drawn, bySize, kind]) => {
      const x = random([1, 2, ...drawn.map(({ n }) => n)]);
      const factors = drawn.map(({ n, size, quarters }) => (bySize ? size / n : quarters / 4));
      const sizes = drawn.map(({ n, size }, axis) => (bySize ? size : Math.floor(n * factors[axis]!)));
      const read = reader(x);
      // How much of the element at `place` is in the output at `i`, along one axis.
      const share = (axis: number, i: number, place: number): number => {
        const last = drawn[axis]!.n - 1;
        const inside = (at: number): number => Math.min(last, Math.max(0, at));
        if (kind === 'nearest') return inside(Math.floor(i / factors[axis]! + 1e-9)) === place ? 1 : 0;
        const aligned = sizes[axis] === 1 ? 0 : (i * last) / (sizes[axis]! - 1);
        const at = inside(kind === 'aligned' ? aligned : (i + 0.5) / factors[axis]! - 0.5);
        return Math.max(0, 1 - Math.abs(at - place));
      };
      const values = table([1, 2, ...sizes], ([n, c, ...output]) =>
        table(x.shape.slice(2), (place) =>
          output.reduce((product, i, axis) => product * share(axis, i, place[axis]!), read([n!, c!, ...place])),
        ).reduce((a, b) => a + b),
      );
      const options: InterpolateOptions = {
        ...(bySize ? { size: sizes } : { scaleFactor: factors }),
        mode: kind === 'nearest' ? 'nearest' : 'linear',
        alignCorners: kind === 'aligned',
      };
      expectClose(interpolate(x, options), tensorOf(values, [1, 2, ...sizes]));
      expectClose(interpolate(moved(primitivesOnly(backend), x), options), tensorOf(values, [1, 2, ...sizes]));
    });
  });

  test('meets whole places exactly: 49 to 98, and back', () => {
    const x = tensorOf(
      Array.from({ length: 49 }, (_, i) => i),
      [1, 1, 49],
    );
    const twice = interpolate(x, { size: 98 });
    expect(numbersOf(twice)).toEqual(Array.from({ length: 98 }, (_, i) => Math.floor(i / 2)));
    expect(numbersOf(interpolate(twice, { size: 49 }))).toEqual(numbersOf(x));
    expect(numbersOf(interpolate(x, { size: 2401 }))[49]).toBe(1);
  });

  test('an element is itself, whatever lies beside it', () => {
    const x = tensorOf([1, Infinity, 2, NaN, 3], [1, 1, 5]);
    const y = interpolate(x, { size: 9, mode: 'linear', alignCorners: true });
    expect(numbersOf(y)).toEqual([1, Infinity, Infinity, Infinity, 2, NaN, NaN, NaN, 3]);
  });

  test('labels are repeated as they are, and not blended', () => {
    const labels = tensor([3, 7], { shape: [1, 1, 2], dtype: 'uint8' });
    const y = interpolate(labels, { size: 3 });
    expect([y.dtype, numbersOf(y)]).toEqual(['uint8', [3, 3, 7]]);
    expect(() => interpolate(labels, { size: 3, mode: 'linear' })).toThrow('interpolate: works on floats');
  });

  test.each<[InterpolateOptions, string]>([
    [{}, 'needs either a size or a scaleFactor'],
    [{ size: 2, scaleFactor: 2 }, 'needs either a size or a scaleFactor'],
    [{ size: 2, alignCorners: true }, "alignCorners has no meaning for 'nearest'"],
    [{ size: [1, 2, 3] }, 'size must be a whole number of at least 1, or 2 of them'],
    [{ size: 0 }, 'size must be a whole number of at least 1'],
    [{ scaleFactor: [2] }, 'scaleFactor must be a number, or 2 of them'],
    [{ scaleFactor: 0.1 }, 'leaves at least one element of each of [2, 2], but is 0.1'],
    [{ scaleFactor: -1 }, 'scaleFactor must be a number'],
    [{ scaleFactor: NaN }, 'scaleFactor must be a number'],
  ])('refuses %o', (options, message) => {
    expect(() => interpolate(square, options)).toThrow(ShapeError);
    expect(() => interpolate(square, options)).toThrow(message);
  });

  test('refuses a mode that does not exist, and an input without spatial axes', () => {
    const bilinear = { size: 2, mode: 'bilinear' } as unknown as InterpolateOptions;
    expect(() => interpolate(square, bilinear)).toThrow("mode must be 'nearest' or 'linear' (bilinear over two axes)");
    expect(() => interpolate(zeros([2, 3]), { size: 2 })).toThrow('needs an input [N, C, ...spatial]');
  });
});

describe('pixelShuffle', () => {
  test('puts channel i r + j of a group at row i and column j of each block', () => {
    forAll(fc.tuple(...Array.from({ length: 4 }, () => fc.integer({ min: 1, max: 3 }))), ([c, r, h, w]) => {
      const x = random([2, c! * r! * r!, h!, w!]);
      const read = reader(x);
      const y = pixelShuffle(x, r!);
      expect(y.shape).toEqual([2, c, h! * r!, w! * r!]);
      const expected = table(y.shape, ([n, channel, row, column]) => {
        const [i, j] = [row! % r!, column! % r!];
        return read([n!, channel! * r! * r! + i * r! + j, Math.floor(row! / r!), Math.floor(column! / r!)]);
      });
      expectClose(y, tensorOf(expected, y.shape));
    });
  });

  test.each([[[1, 6, 4]], [[2, 9, 1, 2]], [[1, 27, 2, 1, 3]]])('is undone by pixelUnshuffle: %o', (shape) => {
    const x = random(shape);
    expectClose(pixelUnshuffle(pixelShuffle(x, 3), 3), x);
  });

  test('of one axis and of three', () => {
    expect(numbersOf(pixelShuffle(tensorOf([0, 1, 2, 3, 4, 5], [1, 2, 3]), 2))).toEqual([0, 3, 1, 4, 2, 5]);
    expect(numbersOf(pixelShuffle(tensorOf([0, 1, 2, 3, 4, 5, 6, 7], [1, 8, 1, 1, 1]), 2))).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7,
    ]);
  });

  test.each<[string, () => unknown, string]>([
    ['channels', () => pixelShuffle(zeros([1, 6, 2, 2]), 2), 'needs a multiple of 4 channels, but [1, 6, 2, 2] has 6'],
    ['factors', () => pixelShuffle(zeros([1, 4, 2, 2]), 1.5), 'pixelShuffle: the factor must be a whole number'],
    ['factors', () => pixelUnshuffle(zeros([1, 4, 2, 2]), 0), 'pixelUnshuffle: the factor must be a whole number'],
    ['shapes', () => pixelShuffle(zeros([4, 4]), 2), 'needs an input [N, C, ...spatial], but was given [4, 4]'],
    ['lengths', () => pixelUnshuffle(zeros([1, 1, 4, 5]), 2), 'a factor of 2 must divide the spatial lengths'],
  ])('refuses other %s', (_, call, message) => {
    expect(call).toThrow(ShapeError);
    expect(call).toThrow(message);
  });
});

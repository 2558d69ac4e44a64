import { reference } from '@receptive/backend/reference';
import { gather, indexSelect, oneHot, scatterAdd, setBackend, sum, tensor, transpose, zeros } from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expectClose, numbersOf, random } from './harness.ts';
import { forAll, indices, reader, shapesUpTo, table } from './naive.ts';

setBackend(reference());

const int = (shape: number[], values: number[]): Tensor => tensor(Int32Array.from(values), { shape });

/** A shape, an axis, and for another length of that axis an index of places along it. */
const withIndex = shapesUpTo(3, 1).chain((shape) =>
  fc.record({ axis: fc.nat(shape.length - 1), length: fc.integer({ min: 1, max: 5 }) }).chain(({ axis, length }) => {
    const picked = shape.map((own, a) => (a === axis ? length : own));
    const count = indices(picked).length;
    return fc
      .array(fc.nat(shape[axis]! - 1), { minLength: count, maxLength: count })
      .map((places) => ({ shape, axis, picked, places }));
  }),
);

test('gather picks along the axis, and scatterAdd sends back', () => {
  forAll(withIndex, ({ shape, axis, picked, places }) => {
    const [x, index] = [random(shape, 1), int(picked, places)];
    const [value, place] = [reader(x), reader(index)];
    const y = gather(x, index, axis - shape.length);
    expect(y.shape).toEqual(picked);
    expect(numbersOf(y)).toEqual(table(picked, (at) => value(at.map((i, a) => (a === axis ? place(at) : i)))));

    const source = random(picked, 2);
    const sent = reader(source);
    const back = scatterAdd(source, index, axis, shape[axis]!);
    expect(back.shape).toEqual(shape);
    const naive = table(shape, (at) =>
      indices(picked)
        .filter((from) => from.every((i, a) => (a === axis ? place(from) : i) === at[a]))
        .reduce((total, from) => total + sent(from), 0),
    );
    expectClose(back, tensor(Float64Array.from(naive), { shape }));

    // One is the transpose of the other: <gather(x), s> = <x, scatterAdd(s)>.
    expectClose(sum(y.mul(source)), sum(x.mul(back)));
  });
});

test('indexSelect takes whole slices in the order of the index', () => {
  forAll(withIndex, ({ shape, axis, picked, places }) => {
    const [x, chosen] = [random(shape), places.slice(0, picked[axis])];
    const value = reader(x);
    const y = indexSelect(x, int([chosen.length], chosen), axis);
    expect(numbersOf(y)).toEqual(table(picked, (at) => value(at.map((i, a) => (a === axis ? chosen[i]! : i)))));
  });
  expect(() => indexSelect(zeros([2, 2]), int([1, 1], [0]))).toThrow(
    'indexSelect: the index is a vector, but has shape [1, 1]',
  );
});

describe('an index outside the axis', () => {
  const outside = int([2, 3], [0, 3, -1, 2, 100, -100]);

  test('reads NaN from floats, never the element of another row', () => {
    const x = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(numbersOf(gather(x, outside, 1))).toEqual([1, Number.NaN, Number.NaN, 6, Number.NaN, Number.NaN]);
    expect(numbersOf(gather(transpose(x), transpose(outside), 0))).toEqual([
      1,
      6,
      Number.NaN,
      Number.NaN,
      Number.NaN,
      Number.NaN,
    ]);
  });

  test('reads 0 from integers', () => {
    const x = int([2, 3], [1, 2, 3, 4, 5, 6]);
    expect(numbersOf(gather(x, outside, 1))).toEqual([1, 0, 0, 6, 0, 0]);
    expect(numbersOf(gather(x.cast('uint8'), outside, 1))).toEqual([1, 0, 0, 6, 0, 0]);
  });

  test('is left out by scatterAdd', () => {
    const source = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(numbersOf(scatterAdd(source, outside, 1, 3))).toEqual([1, 0, 0, 0, 0, 4]);
  });

  test('gives no class in oneHot', () => {
    expect(numbersOf(oneHot(int([3], [-1, 1, 2]), 2))).toEqual([0, 0, 0, 1, 0, 0]);
  });
});

test('oneHot adds an axis of classes, and sums to 1 along it', () => {
  forAll(shapesUpTo(3), (shape) => {
    const labels = random(shape).abs().mul(2).cast('int32');
    const [hot, label] = [oneHot(labels, 20, 'float64'), reader(labels)];
    expect(hot.shape).toEqual([...shape, 20]);
    expect(numbersOf(hot)).toEqual(table(hot.shape, (at) => Number(label(at.slice(0, -1)) === at.at(-1))));
  });
});

test('oneHot takes int32 or uint8, and gives float32 unless told otherwise', () => {
  expect(oneHot(tensor(Uint8Array.of(1, 0)), 2)).toMatchObject({ dtype: 'float32', shape: [2, 2] });
  expect(oneHot(int([1], [0]), 2, 'uint8').dtype).toBe('uint8');
  expect(() => oneHot(zeros([1]), 2)).toThrow('oneHot: the index must be int32, but is float32');
  expect(() => oneHot(int([1], [0]), 0)).toThrow('arange: needs whole numbers');
});

test('an index of another shape or type is refused', () => {
  const x = zeros([2, 3]);
  expect(() => gather(x, int([1, 3], [0, 0, 0]), 1)).toThrow(
    'its other axes must be those of [2, 3]; its shape is [1, 3]',
  );
  expect(() => scatterAdd(x, int([2, 2], [0, 0, 0, 0]), 1, 3)).toThrow(
    'source [2, 3] and index [2, 2] must have one shape',
  );
  expect(() => scatterAdd(x, int([2, 3], [0, 0, 0, 0, 0, 0]), 1, 0)).toThrow('whole lengths of at least 1');
  expect(() => indexSelect(x, zeros([1]))).toThrow('gather: the index must be int32, but is float32');
});

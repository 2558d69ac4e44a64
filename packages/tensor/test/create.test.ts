import type { Shape } from '@receptive/backend';
import { reference } from '@receptive/backend/reference';
import {
  DTypeError,
  ShapeError,
  Tensor,
  add,
  arange,
  eye,
  full,
  fullLike,
  ones,
  scalarLike,
  setBackend,
  tensor,
  withBackend,
  zeros,
} from '@receptive/tensor';
import type { Nested } from '@receptive/tensor';
import { beforeEach, describe, expect, expectTypeOf, test } from 'vitest';

let backend = reference();
beforeEach(() => {
  backend = reference();
  setBackend(backend);
});

describe('tensor', () => {
  test('takes its shape from how lists are nested', () => {
    const x = tensor([
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
    ]);
    expect(x.shape).toEqual([1, 3, 2]);
    expect(x.dtype).toBe('float32');
    expect(x.rank).toBe(3);
    expect(x.size).toBe(6);
    expect(x.dataSync()).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
  });

  test('makes a scalar of a number', () => {
    const x = tensor(7);
    expect(x.shape).toEqual([]);
    expect(x.dataSync()).toEqual(Float32Array.of(7));
  });

  test('takes a flat list and a shape', () => {
    expect(tensor([1, 2, 3, 4], { shape: [2, 2] }).shape).toEqual([2, 2]);
    expect(tensor([[1, 2, 3, 4]], { shape: [2, 2] }).shape).toEqual([2, 2]);
  });

  test.each([
    ['float32', Float32Array.of(1.5, -2)],
    ['float64', Float64Array.of(0.1, 1e300)],
    ['int32', Int32Array.of(-(2 ** 31), 2 ** 31 - 1)],
    ['uint8', Uint8Array.of(0, 255)],
  ] as const)('has the dtype %s of a typed array, and gives the same array back', async (dtype, array) => {
    const x = tensor(array);
    expect(x.dtype).toBe(dtype);
    expect(x.shape).toEqual([2]);
    expect(x.dataSync()).toEqual(array);
    expect(await x.data()).toEqual(array);
  });

  test('types say which typed array comes back', () => {
    expectTypeOf(tensor([1])).toEqualTypeOf<Tensor<'float32'>>();
    expectTypeOf(tensor(Float64Array.of(1))).toEqualTypeOf<Tensor<'float64'>>();
    expectTypeOf(tensor(Int32Array.of(1), { dtype: 'float32' })).toEqualTypeOf<Tensor<'float32'>>();
    expectTypeOf(tensor([1], { dtype: 'uint8' }).dataSync()).toEqualTypeOf<Uint8Array>();
  });

  test('copies: changing the array or the shape afterwards changes nothing', () => {
    const [array, shape] = [Float32Array.of(1, 2), [2]];
    const x = tensor(array, { shape });
    array[0] = 9;
    shape[0] = 9;
    expect(x.dataSync()).toEqual(Float32Array.of(1, 2));
    expect(x.shape).toEqual([2]);
    x.dataSync()[0] = 9;
    expect(x.dataSync()[0]).toBe(1);
  });

  test('converts to the dtype that is asked for', () => {
    expect(tensor(Int32Array.of(1, 2), { dtype: 'float64' }).dataSync()).toEqual(Float64Array.of(1, 2));
    expect(tensor(Float64Array.of(0.1), { dtype: 'float32' }).dataSync()).toEqual(Float32Array.of(0.1));
    expect(tensor([3, 4], { dtype: 'int32' }).dataSync()).toEqual(Int32Array.of(3, 4));
  });

  test.each([
    ['a fraction', [1, 2.5], 'int32', '2.5'],
    ['a number out of range', [256], 'uint8', '256'],
    ['a negative number', [-1], 'uint8', '-1'],
    ['NaN', [Number.NaN], 'int32', 'NaN'],
    ['infinity', Float32Array.of(Number.POSITIVE_INFINITY), 'int32', 'Infinity'],
  ] as const)('does not put %s into an integer type in silence', (_, data, dtype, number) => {
    const refused = (): unknown => tensor(data as Nested, { dtype });
    expect(refused).toThrow(DTypeError);
    expect(refused).toThrow(`tensor: ${number} is no number of type ${dtype}. Work in float32, or`);
  });

  test('keeps NaN, infinities and the sign of zero', () => {
    const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0];
    expect([...tensor(special).dataSync()]).toEqual(special);
    expect([...tensor(Float64Array.from(special)).dataSync()]).toEqual(special);
  });

  test.each<[string, Nested, string]>([
    ['a list that is too long', [[1, 2], [3]], 'a list of 1 at [1], where the first entry has shape [2]'],
    ['a number among lists', [[1], 2], 'a number at [1], where the first entry has shape [1]'],
    ['a list among numbers', [1, [2]], 'a list of 1 at [1], where the first entry is a number'],
    ['a list that is too deep', [[1], [[2]]], 'a list of 1 at [1, 0], where the first entry is a number'],
    ['an empty list among others', [[1], []], 'a list of 0 at [1]'],
  ])('refuses %s', (_, data, message) => {
    expect(() => tensor(data)).toThrow(ShapeError);
    expect(() => tensor(data)).toThrow(message);
  });

  test.each<[string, Nested]>([
    ['an empty list', []],
    ['a list of empty lists', [[], []]],
  ])('refuses %s', (_, data) => {
    expect(() => tensor(data)).toThrow(ShapeError);
    expect(() => tensor(data)).toThrow('Give at least one element');
  });

  test('refuses what is no number', () => {
    expect(() => tensor(['1'] as unknown as Nested)).toThrow('numbers and lists of them, but was given string at [0]');
    expect(() => tensor([1, null] as unknown as Nested)).toThrow('but was given null at [1]');
    expect(() => tensor(undefined as unknown as Nested)).toThrow('but was given undefined.');
    expect(() => tensor(Int8Array.of(1) as unknown as Int32Array)).toThrow(
      'cannot be made of a Int8Array. Use a Float32Array',
    );
    expect(() => tensor(new Uint8ClampedArray(4) as unknown as Uint8Array)).toThrow(DTypeError);
  });

  test('refuses a shape that does not hold the data', () => {
    expect(() => tensor([1, 2, 3], { shape: [2, 2] })).toThrow('shape [2, 2] holds 4 elements, but the data has 3');
    expect(() => tensor(Float32Array.of(1, 2), { shape: [-1, -2] })).toThrow(ShapeError);
    expect(() => tensor(new Float32Array(0))).toThrow('whole lengths of at least 1, but the shape would be [0]');
  });

  test('leaves no storage behind when it refuses', () => {
    expect(() => tensor([1, 2, 3], { shape: [2] })).toThrow(ShapeError);
    expect(() => tensor([256], { dtype: 'uint8' })).toThrow(DTypeError);
    expect(() => zeros([2, 0])).toThrow(ShapeError);
    expect(backend.memory().storages).toBe(0);
  });
});

test('full, zeros and ones fill a shape', () => {
  expect(full([2, 2], 0.5).dataSync()).toEqual(Float32Array.of(0.5, 0.5, 0.5, 0.5));
  expect(zeros([3], { dtype: 'int32' }).dataSync()).toEqual(new Int32Array(3));
  expect(ones([], { dtype: 'uint8' }).dataSync()).toEqual(Uint8Array.of(1));
  expect(full([1], Number.NaN).dataSync()[0]).toBeNaN();
  expect(full([1], Number.NEGATIVE_INFINITY).dataSync()[0]).toBe(Number.NEGATIVE_INFINITY);
});

test.each<[Shape]>([[[0]], [[2, 0]], [[-1]], [[1.5]], [[Number.NaN]], [[2 ** 30, 2 ** 30]]])(
  'no tensor has the shape %j',
  (shape) => {
    expect(() => zeros(shape)).toThrow(ShapeError);
    expect(() => zeros(shape)).toThrow('whole lengths of at least 1');
  },
);

test('a constant an integer type cannot hold is refused, also as an operand', () => {
  expect(() => full([2], 300, { dtype: 'uint8' })).toThrow('fill: 300 is no number of type uint8');
  expect(() => add(tensor(Int32Array.of(1)), 0.5)).toThrow('0.5 is no number of type int32. Work in float32');
  expect(add(tensor(Int32Array.of(1)), 2).dataSync()).toEqual(Int32Array.of(3));
});

test('fullLike and scalarLike follow the type and the backend of a tensor', () => {
  const other = reference();
  const x = withBackend(other, () => tensor(Float64Array.of(1, 2)));
  expect(fullLike(x, 3)).toMatchObject({ shape: [2], dtype: 'float64', backend: other });
  expect(scalarLike(x, 3)).toMatchObject({ shape: [], dtype: 'float64', backend: other });
  expect(fullLike(x, 3).dataSync()).toEqual(Float64Array.of(3, 3));
});

test('arange counts from start up to, not including, end', () => {
  expect(arange(-1, 3).dataSync()).toEqual(Int32Array.of(-1, 0, 1, 2));
  expect(arange(0, 2, { dtype: 'float64' }).dataSync()).toEqual(Float64Array.of(0, 1));
  expect(() => arange(2, 2)).toThrow('needs whole numbers start < end, but was given 2 and 2');
  expect(() => arange(0, 2.5)).toThrow(RangeError);
  expect(() => arange(0, Number.POSITIVE_INFINITY)).toThrow(RangeError);
  expect(() => arange(0, 257, { dtype: 'uint8' })).toThrow('256 is no number of type uint8');
});

test('eye is the identity matrix', () => {
  expect(eye(3).shape).toEqual([3, 3]);
  expect(eye(3, { dtype: 'uint8' }).dataSync()).toEqual(Uint8Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1));
  expect(() => eye(0)).toThrow(ShapeError);
  expect(() => eye(-2)).toThrow(ShapeError);
});

import { reference } from '@receptive/backend/reference';
import {
  add,
  broadcastShape,
  cast,
  clamp,
  cos,
  div,
  equal,
  expm1,
  greater,
  greaterEqual,
  less,
  lessEqual,
  log1p,
  maximum,
  minimum,
  mul,
  neg,
  notEqual,
  pow,
  round,
  setBackend,
  sigmoid,
  sign,
  sin,
  softplus,
  sub,
  tanh,
  tensor,
  where,
  zeros,
} from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expectClose, numbersOf, random } from './harness.ts';
import { broadcastIndex, broadcastable, forAll, reader, table } from './naive.ts';

setBackend(reference());

const f64 = (...values: number[]): Tensor => tensor(Float64Array.from(values));

describe('broadcasting', () => {
  const functions: [string, (a: Tensor, b: Tensor) => Tensor, (a: number, b: number) => number][] = [
    ['add', add, (a, b) => a + b],
    ['sub', sub, (a, b) => a - b],
    ['mul', mul, (a, b) => a * b],
    ['div', div, (a, b) => a / b],
    ['maximum', maximum, Math.max],
    ['minimum', minimum, Math.min],
    ['less', less, (a, b) => Number(a < b)],
    ['lessEqual', lessEqual, (a, b) => Number(a <= b)],
    ['greater', greater, (a, b) => Number(a > b)],
    ['greaterEqual', greaterEqual, (a, b) => Number(a >= b)],
    ['equal', equal, (a, b) => Number(a === b)],
    ['notEqual', notEqual, (a, b) => Number(a !== b)],
  ];

  test.each(functions)('%s of each pair of elements that meet', (_, op, naive) => {
    forAll(broadcastable, ({ parts }) => {
      const [a, b] = [random(parts[0]!, 1), random(parts[1]!, 2)];
      const [left, right] = [reader(a), reader(b)];
      const y = op(a, b);
      const rank = Math.max(a.rank, b.rank);
      const aligned = ({ shape }: Tensor): number[] => [
        ...Array.from({ length: rank - shape.length }, () => 1),
        ...shape,
      ];
      expect(y.shape).toEqual(aligned(a).map((length, axis) => Math.max(length, aligned(b)[axis]!)));
      expect(numbersOf(y)).toEqual(
        table(y.shape, (index) => naive(left(broadcastIndex(index, a.shape)), right(broadcastIndex(index, b.shape)))),
      );
    });
  });

  test('where chooses among three', () => {
    forAll(broadcastable, ({ shape, parts }) => {
      const [a, b] = [random(parts[0]!, 1), random(parts[1]!, 2)];
      const condition = greater(random(shape, 3), 0);
      const [yes, no, chosen] = [reader(a), reader(b), reader(condition)];
      const y = where(condition, a, b);
      expect(y.shape).toEqual(shape);
      expect(numbersOf(y)).toEqual(
        table(shape, (index) =>
          chosen(index) ? yes(broadcastIndex(index, a.shape)) : no(broadcastIndex(index, b.shape)),
        ),
      );
    });
  });

  test('shapes broadcast in any order to the same, and a shape of ones changes nothing', () => {
    forAll(broadcastable, ({ shape, parts }) => {
      const together = broadcastShape('test', ...parts);
      expect(broadcastShape('test', ...[...parts].reverse())).toEqual(together);
      expect(broadcastShape('test', shape, ...parts)).toEqual(shape);
      expect(
        broadcastShape(
          'test',
          shape,
          shape.map(() => 1),
          [],
        ),
      ).toEqual(shape);
    });
  });

  test('lengths that differ and are not 1 never broadcast', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 9 }), fc.integer({ min: 2, max: 9 }), (a, b) => {
        fc.pre(a !== b);
        expect(() => broadcastShape('test', [a, 1], [1, b, 1])).toThrow('do not broadcast');
      }),
    );
  });
});

describe('numbers as operands', () => {
  test("stand for a scalar of the tensor's type, on either side", () => {
    expect(numbersOf(sub(10, tensor([1, 2])))).toEqual([9, 8]);
    expect(sub(10, f64(1)).dtype).toBe('float64');
    expect(numbersOf(tensor([1, 2]).pow(3))).toEqual([1, 8]);
    expect(numbersOf(maximum(f64(-1, Number.NaN), 0))).toEqual([0, Number.NaN]);
    expect(numbersOf(equal(tensor([1, 2]), 2))).toEqual([0, 1]);
  });

  test('need a tensor beside them', () => {
    expect(() => add(1, 2)).toThrow(TypeError);
    expect(() => add(1, 2)).toThrow('add: at least one operand must be a tensor; both are numbers');
  });
});

test('identities of the elementary functions', () => {
  const x = random([50]);
  expectClose(add(sin(x).square(), cos(x).square()), f64(...Array.from({ length: 50 }, () => 1)));
  expectClose(sigmoid(x), div(add(tanh(div(x, 2)), 1), 2));
  expectClose(softplus(x), log1p(x.exp()));
  expectClose(expm1(x), sub(x.exp(), 1));
  expectClose(mul(sign(x), x), x.abs());
  expectClose(sub(x.relu(), neg(x).relu()), x);
  expectClose(pow(x.abs(), 0.5), x.abs().sqrt());
});

test('round takes halves to even, and keeps what is not finite', () => {
  const x = f64(0.5, 1.5, 2.5, -0.5, -1.5, 2.4, Number.NaN, Number.POSITIVE_INFINITY);
  expect(numbersOf(round(x))).toEqual([0, 2, 2, -0, -2, 2, Number.NaN, Number.POSITIVE_INFINITY]);
});

test('clamp limits, passes NaN on, and refuses limits in the wrong order', () => {
  expect(numbersOf(clamp(f64(-2, 0.5, 3, Number.NaN), -1, 1))).toEqual([-1, 0.5, 1, Number.NaN]);
  expect(() => clamp(zeros([1]), 1, -1)).toThrow('clamp: min must not be above max, but they are 1 and -1');
});

describe('cast', () => {
  test('truncates towards zero, limits to what fits, and makes NaN 0', () => {
    const x = f64(1.9, -1.9, 300, -300, 1e10, -1e10, Number.NaN);
    expect(numbersOf(cast(x, 'int32'))).toEqual([1, -1, 300, -300, 2 ** 31 - 1, -(2 ** 31), 0]);
    expect(numbersOf(cast(x, 'uint8'))).toEqual([1, 0, 255, 0, 255, 0, 0]);
    expect(cast(x, 'float32').dataSync()).toEqual(Float32Array.of(1.9, -1.9, 300, -300, 1e10, -1e10, Number.NaN));
  });

  test('to the same type is another handle on the same memory', () => {
    const x = f64(1, 2);
    const y = cast(x, 'float64');
    expect(y.storage).toBe(x.storage);
    x.dispose();
    expect(numbersOf(y)).toEqual([1, 2]);
  });
});

test('integers add, multiply and divide as whole numbers', () => {
  const [a, b] = [tensor(Int32Array.of(7, -7)), tensor(Int32Array.of(2, 2))];
  expect(numbersOf(add(a, b))).toEqual([9, -5]);
  expect(numbersOf(div(a, b))).toEqual([3, -3]);
  expect(div(a, b).dtype).toBe('int32');
});

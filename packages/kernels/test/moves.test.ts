import { broadcastStrides, sizeOf, stridesOf, typedArray } from '@receptive/backend';
import type { BinaryName, DType, Kernels, Operand, ReduceName } from '@receptive/backend';
import { describe, expect, test } from 'vitest';
import { TestHost, agrees, flavours, noise, sequence } from './support.ts';
import type { Given } from './support.ts';

describe.each(flavours)('moving, reducing, combining, %s', async (flavour) => {
  const host = await TestHost.create(flavour);
  const random = sequence(2);
  const upTo = (n: number): number => 1 + Math.floor(random() * n);
  const shapeOf = (rank: number, longest: number): number[] => Array.from({ length: rank }, () => upTo(longest));
  const given = (shape: readonly number[]): Given => ({ shape, data: noise(sizeOf(shape), random) });
  const whole = (shape: readonly number[], dtype: DType): Given => ({
    shape,
    data: typedArray(dtype, sizeOf(shape)).map(() => Math.floor(random() * 200)),
  });

  test('views: permuted, flipped, cut, repeated', () => {
    for (let i = 0; i < 100; i++) {
      const rank = upTo(5);
      const x = given(shapeOf(rank, rank < 4 ? 19 : 5));
      const order = x.shape
        .map((_, axis) => [random(), axis] as const)
        .sort(([a], [b]) => a - b)
        .map(([, axis]) => axis);
      const strides = stridesOf(x.shape);
      const flipped = order.map(() => random() < 0.2);
      const repeated = order.map(() => random() < 0.1);
      const view = {
        offset: order.reduce(
          (sum, axis, to) => sum + (flipped[to] && !repeated[to] ? (x.shape[axis]! - 1) * strides[axis]! : 0),
          0,
        ),
        strides: order.map((axis, to) => (repeated[to] ? 0 : flipped[to] ? -strides[axis]! : strides[axis]!)),
      };
      const out = { shape: order.map((axis) => x.shape[axis]!) };
      agrees(host, [x], [out], (kernels, [from], [to]) => kernels.copyView(from!, to!, view), 0);
    }
  });

  test('large transpositions', () => {
    for (const [rows, columns] of [
      [300, 200],
      [67, 1025],
      [1025, 5],
    ] as const) {
      const x = given([2, rows, columns]);
      agrees(
        host,
        [x],
        [{ shape: [2, columns, rows] }],
        (kernels, [from], [to]) => kernels.copyView(from!, to!, { offset: 0, strides: [rows * columns, 1, columns] }),
        0,
      );
    }
  });

  test('concatenation and padding', () => {
    for (let i = 0; i < 60; i++) {
      const rank = upTo(4);
      const x = given(shapeOf(rank, 7));
      const axis = upTo(rank) - 1;
      const y = given(x.shape.map((length, a) => (a === axis ? upTo(5) : length)));
      const joined = x.shape.map((length, a) => (a === axis ? length + y.shape[a]! : length));
      agrees(host, [x, y], [{ shape: joined }], (kernels, inputs, [to]) => kernels.concat(inputs, to!, axis), 0);
      const padding = x.shape.map(() => [upTo(3) - 1, upTo(3) - 1] as const);
      const padded = x.shape.map((length, a) => length + padding[a]![0] + padding[a]![1]);
      agrees(host, [x], [{ shape: padded }], (kernels, [from], [to]) => kernels.pad(from!, to!, padding, 1.5), 0);
    }
  });

  test('binary arithmetic with every kind of broadcasting', () => {
    const names: BinaryName[] = ['add', 'sub', 'mul', 'maximum', 'minimum'];
    for (let i = 0; i < 150; i++) {
      const shape = shapeOf(upTo(4), i % 5 ? 6 : 12);
      const part = (): number[] =>
        shape.map((length) => (random() < 0.3 ? 1 : length)).slice(random() < 0.3 ? upTo(shape.length) : 0);
      const [a, b] = random() < 0.5 ? [given(shape), given(part())] : [given(part()), given(shape)];
      const apply =
        (name: BinaryName) =>
        (kernels: Required<Kernels>, [x, y]: Operand[], [z]: Operand[]): void =>
          kernels.binary(name, x!, y!, z!);
      const name = names[i % names.length]!;
      agrees(host, [a, b], [{ shape }], apply(name), 1, apply(name === 'mul' ? 'mul' : 'add'));
      const condition = whole(part(), 'uint8');
      agrees(
        host,
        [{ ...condition, data: condition.data.map((v) => v & 1) }, a, b],
        [{ shape }],
        (kernels, [c, x, y], [z]) => kernels.where(c!, x!, y!, z!),
        0,
      );
    }
  });

  test('reductions over every set of axes', () => {
    const names: ReduceName[] = ['sum', 'max', 'min'];
    for (let i = 0; i < 200; i++) {
      const shape = shapeOf(upTo(5), i % 4 ? 5 : 9);
      const axes = shape.map((_, axis) => axis).filter(() => random() < 0.5);
      if (axes.length === 0) axes.push(shape.length - 1);
      const out = { shape: shape.filter((_, axis) => !axes.includes(axis)) };
      const name = names[i % 3]!;
      agrees(
        host,
        [given(shape)],
        [out],
        (kernels, [from], [to]) => kernels.reduce(name, from!, to!, axes),
        name === 'sum' ? 2 + Math.sqrt(sizeOf(shape)) : 1,
      );
    }
  });

  test('reductions that alternate more often than a kernel nests', () => {
    const shape = [2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2];
    for (const axes of [
      [0, 2, 4, 6, 8, 10],
      [1, 3, 5, 7, 9],
    ]) {
      const out = { shape: shape.filter((_, axis) => !axes.includes(axis)) };
      agrees(host, [given(shape)], [out], (kernels, [from], [to]) => kernels.reduce('sum', from!, to!, axes), 8);
    }
  });

  test('large reductions are cut into slices and keep their digits', () => {
    for (const [shape, axes] of [
      [[200_000], [0]],
      [[300, 500], [0]],
      [[20_000, 6], [0]],
      [
        [16, 6, 28, 28],
        [0, 2, 3],
      ],
      [[2, 70_000], [1]],
    ] as const) {
      const out = { shape: shape.filter((_, axis) => !(axes as readonly number[]).includes(axis)) };
      for (const name of ['sum', 'max'] as const) {
        agrees(host, [given(shape)], [out], (kernels, [from], [to]) => kernels.reduce(name, from!, to!, axes), 2);
      }
    }
  });

  test('NaN wins a reduction and is found by argReduce; the first of equals is', () => {
    const x = host.operand(
      'float32',
      [2, 40],
      Float32Array.from({ length: 80 }, (_, i) => (i === 33 ? NaN : i % 7)),
    );
    const [extreme, place] = [host.operand('float32', [2]), host.operand('int32', [2])];
    for (const name of ['max', 'min'] as const) {
      host.kernels.reduce(name, x, extreme, [1]);
      host.kernels.argReduce(name, x, place, 1);
      expect([...host.read(extreme), ...host.read(place)]).toEqual(name === 'max' ? [NaN, 6, 33, 1] : [NaN, 0, 33, 2]);
    }
    host.free(x, extreme, place);
  });

  test('argReduce along every axis: of equals the first, of NaNs too', () => {
    const choices = [0, 1, 2, 3, NaN];
    for (let i = 0; i < 120; i++) {
      const shape = shapeOf(upTo(3), i % 3 ? 9 : 40);
      const axis = upTo(shape.length) - 1;
      const kinds = i % 2 ? 4 : 5;
      const data = Float32Array.from({ length: sizeOf(shape) }, () => choices[Math.floor(random() * kinds)]!);
      const out = { shape: shape.filter((_, a) => a !== axis), dtype: 'int32' } as const;
      const name = i % 4 < 2 ? 'max' : 'min';
      agrees(host, [{ shape, data }], [out], (kernels, [from], [to]) => kernels.argReduce(name, from!, to!, axis), 0);
    }
  });

  test('integers: arithmetic wraps around, division truncates, by zero gives zero', () => {
    const run = (name: BinaryName, dtype: 'int32' | 'uint8', left: number[], right: number[]): number[] => {
      const make = (values: number[]): Given['data'] =>
        dtype === 'int32' ? Int32Array.from(values) : Uint8Array.from(values);
      const operands = [
        host.operand(dtype, [left.length], make(left)),
        host.operand(dtype, [right.length], make(right)),
        host.operand(dtype, [left.length]),
      ] as const;
      host.kernels.binary(name, ...operands);
      const result = [...host.read(operands[2])];
      host.free(...operands);
      return result;
    };
    expect(run('div', 'int32', [7, -7, 5, -(2 ** 31)], [2, 2, 0, -1])).toEqual([3, -3, 0, -(2 ** 31)]);
    expect(run('div', 'uint8', [255, 7, 9], [255, 2, 0])).toEqual([1, 3, 0]);
    expect(run('add', 'uint8', [250, 1], [10, 2])).toEqual([4, 3]);
    expect(run('mul', 'int32', [65536, 3], [65536, -4])).toEqual([0, -12]);
    expect(run('pow', 'int32', [2, -3, 0, -1, 7], [10, 3, 0, -3, -1])).toEqual([1024, -27, 1, -1, 0]);
    expect(run('maximum', 'int32', [-5, 3], [2, 3])).toEqual([2, 3]);
  });

  test('integer reductions', () => {
    for (const dtype of ['int32', 'uint8'] as const) {
      for (const [axes, out] of [
        [[0], [50]],
        [[1], [30]],
        [[0, 1], []],
      ] as const) {
        const x = whole([30, 50], dtype);
        const operands = [host.operand(dtype, x.shape, x.data), host.operand(dtype, out)] as const;
        for (const name of ['sum', 'max', 'min'] as const) {
          host.kernels.reduce(name, ...operands, axes);
          const strides = broadcastStrides(
            [30, 50].map((length, axis) => ((axes as readonly number[]).includes(axis) ? 1 : length)),
            x.shape,
          );
          const expected = typedArray(dtype, sizeOf(out)).fill(name === 'min' ? 255 : 0);
          x.data.forEach((value, i) => {
            const at = Math.floor(i / 50) * strides[0]! + (i % 50) * strides[1]!;
            expected[at] = name === 'sum' ? expected[at]! + value : Math[name](expected[at]!, value);
          });
          expect(host.read(operands[1])).toEqual(expected);
        }
        host.free(...operands);
      }
    }
  });

  test('gather and scatterAdd; an index outside reads NaN and is not sent', () => {
    for (let i = 0; i < 60; i++) {
      const shape = shapeOf(upTo(3), 9);
      const axis = upTo(shape.length) - 1;
      const places = shape.map((length, a) => (a === axis ? upTo(12) : length));
      const index = {
        shape: places,
        data: Int32Array.from({ length: sizeOf(places) }, () => Math.floor(random() * shape[axis]!)),
      };
      agrees(
        host,
        [given(shape), index],
        [{ shape: places }],
        (kernels, [x, at], [out]) => kernels.gather(x!, at!, out!, axis),
        0,
      );
      agrees(
        host,
        [given(places), index],
        [{ shape }],
        (kernels, [x, at], [out]) => kernels.scatterAdd(x!, at!, out!, axis),
        12,
      );
    }
    const x = host.operand('float32', [3], Float32Array.of(1, 2, 3));
    const index = host.operand('int32', [3], Int32Array.of(-1, 3, 1));
    const out = host.operand('float32', [3]);
    host.kernels.gather(x, index, out, 0);
    expect(host.read(out)).toEqual(Float32Array.of(NaN, NaN, 2));
    host.kernels.scatterAdd(x, index, out, 0);
    expect(host.read(out)).toEqual(Float32Array.of(0, 3, 0));
    host.free(x, index, out);
  });
});

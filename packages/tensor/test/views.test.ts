import { sizeOf } from '@receptive/backend';
import { reference } from '@receptive/backend/reference';
import {
  broadcastTo,
  concat,
  flatten,
  flip,
  pad,
  permute,
  reshape,
  setBackend,
  slice,
  split,
  squeeze,
  stack,
  tensor,
  transpose,
  unsqueeze,
  zeros,
} from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { numbersOf, random } from './harness.ts';
import { broadcastIndex, broadcastable, forAll, reader, shapeAndAxes, shapesUpTo, table } from './naive.ts';

setBackend(reference());

function same(actual: Tensor, expected: Tensor): void {
  expect(actual.shape).toEqual(expected.shape);
  expect(numbersOf(actual)).toEqual(numbersOf(expected));
}

const withOrder = shapesUpTo(4).chain((shape) =>
  fc.record({
    shape: fc.constant(shape),
    order: fc.shuffledSubarray([...shape.keys()], { minLength: shape.length }),
  }),
);

test('reshape keeps the order of elements, and back gives the same', () => {
  forAll(shapesUpTo(4), (shape) => {
    const x = random(shape);
    const flat = reshape(x, [-1]);
    expect(flat.shape).toEqual([sizeOf(shape)]);
    expect(numbersOf(flat)).toEqual(numbersOf(x));
    same(reshape(flat, shape), x);
    for (const [axis] of shape.entries()) {
      same(
        reshape(
          flat,
          shape.map((length, a) => (a === axis ? -1 : length)),
        ),
        x,
      );
    }
  });
});

test('reshape refuses what does not have as many elements, and more than one unknown', () => {
  const x = zeros([2, 3]);
  expect(() => reshape(x, [4])).toThrow('reshape: [2, 3] has 6 elements, and [4] would have 4');
  expect(() => reshape(x, [-1, 4])).toThrow(
    'reshape: [-1, 4] does not take the 6 elements of [2, 3]: one length may be -1',
  );
  expect(() => reshape(x, [-1, -1, 6])).toThrow('one length may be -1');
  expect(() => reshape(x, [-1, 0])).toThrow('one length may be -1');
  expect(() => reshape(x, [-2, -3])).toThrow('whole lengths of at least 1');
});

test('permute moves axes, and the inverse order moves them back', () => {
  forAll(withOrder, ({ shape, order }) => {
    const x = random(shape);
    const y = permute(x, order);
    expect(y.shape).toEqual(order.map((axis) => shape[axis]));
    const read = reader(x);
    expect(numbersOf(y)).toEqual(table(y.shape, (index) => read(shape.map((_, axis) => index[order.indexOf(axis)]!))));
    same(
      permute(
        y,
        order.map((_, axis) => order.indexOf(axis)),
      ),
      x,
    );
    same(
      permute(
        x,
        order.map((axis) => axis - shape.length),
      ),
      y,
    );
  });
});

test('transpose exchanges two axes; twice is nothing', () => {
  const x = tensor([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  expect(numbersOf(transpose(x))).toEqual([1, 4, 2, 5, 3, 6]);
  same(transpose(transpose(x)), x);
  const y = random([2, 3, 4]);
  expect(transpose(y, 0, 2).shape).toEqual([4, 3, 2]);
  same(transpose(y, 0, 2), permute(y, [2, 1, 0]));
});

test.each([[[0, 0]], [[0]], [[0, 1, 2]], [[0, 2]]])('permute refuses %j of two axes', (axes) => {
  expect(() => permute(zeros([2, 3]), axes)).toThrow(/^permute: .*ax[ie]s/);
});

const withBlock = shapesUpTo(4, 1).chain((shape) =>
  fc.tuple(...shape.map((length) => fc.tuple(fc.nat(length - 1), fc.nat(length - 1)))).map((pairs) => ({
    shape,
    start: pairs.map(([a, b]) => Math.min(a, b)),
    end: pairs.map(([a, b]) => Math.max(a, b) + 1),
  })),
);

test('slice takes the block, and pad puts it back among zeros', () => {
  forAll(withBlock, ({ shape, start, end }) => {
    const x = random(shape);
    const block = slice(x, start, end);
    const read = reader(x);
    expect(numbersOf(block)).toEqual(table(block.shape, (index) => read(index.map((i, axis) => i + start[axis]!))));
    const inside = reader(x);
    const back = pad(
      block,
      shape.map((length, axis) => [start[axis]!, length - end[axis]!]),
    );
    expect(numbersOf(back)).toEqual(
      table(shape, (index) => (index.every((i, axis) => i >= start[axis]! && i < end[axis]!) ? inside(index) : 0)),
    );
    // Places may be counted from the end, and what is left out is taken whole.
    same(
      slice(
        x,
        start.map((from, axis) => from - shape[axis]!),
        end,
      ),
      block,
    );
    same(slice(x, []), x);
  });
});

test('slice refuses what is outside or empty', () => {
  const x = zeros([2, 3]);
  expect(() => slice(x, [0], [3])).toThrow('slice: axis 0 of [2, 3] has no elements 0 up to 3');
  expect(() => slice(x, [0, 2], [2, 2])).toThrow('slice: axis 1 of [2, 3] has no elements 2 up to 2');
  expect(() => slice(x, [-3])).toThrow('slice: axis 0');
  expect(() => slice(x, [0.5])).toThrow('slice: axis 0');
  expect(() => slice(x, [0, 0, 0])).toThrow('slice: 3 places were given for the 2 axes of [2, 3]');
});

test('pad surrounds by a value', () => {
  expect(
    numbersOf(
      pad(
        tensor([[1, 2]]),
        [
          [1, 0],
          [0, 2],
        ],
        { value: 7 },
      ),
    ),
  ).toEqual([7, 7, 7, 7, 1, 2, 7, 7]);
  expect(() => pad(zeros([2]), [[-1, 0]])).toThrow(
    'pad: needs a pair [before, after] of whole numbers for each of the 1 axes of [2]',
  );
  expect(() => pad(tensor([1], { dtype: 'int32' }), [[1, 1]], { value: 0.5 })).toThrow(
    'pad: 0.5 is no number of type int32',
  );
});

test('flip reverses the named axes, and twice is nothing', () => {
  forAll(shapeAndAxes(), ({ shape, axes }) => {
    const x = random(shape);
    const flipped = flip(x, axes);
    const read = reader(x);
    const named = axes.map((axis) => (axis < 0 ? axis + shape.length : axis));
    expect(numbersOf(flipped)).toEqual(
      table(shape, (index) => read(index.map((i, axis) => (named.includes(axis) ? shape[axis]! - 1 - i : i)))),
    );
    same(flip(flipped, axes), x);
  });
  expect(
    numbersOf(
      flip(
        tensor([
          [1, 2],
          [3, 4],
        ]),
      ),
    ),
  ).toEqual([4, 3, 2, 1]);
});

test('broadcastTo repeats along axes of length 1 and new ones', () => {
  forAll(broadcastable, ({ shape, parts }) => {
    const x = random(parts[0]!);
    const read = reader(x);
    expect(numbersOf(broadcastTo(x, shape))).toEqual(table(shape, (index) => read(broadcastIndex(index, x.shape))));
  });
  expect(() => broadcastTo(zeros([2]), [3])).toThrow('broadcastTo: [2] does not broadcast to [3]');
  expect(() => broadcastTo(zeros([1, 2]), [2])).toThrow('does not broadcast');
});

const withLengths = fc.record({
  shape: shapesUpTo(3, 1),
  lengths: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 }),
  axis: fc.nat(2),
});

test('split cuts into pieces, which concat joins again', () => {
  forAll(withLengths, ({ shape, lengths, axis }) => {
    const along = axis % shape.length;
    const total = lengths.reduce((sum, length) => sum + length, 0);
    const x = random(shape.map((length, a) => (a === along ? total : length)));
    const pieces = split(x, lengths, along - shape.length);
    expect(pieces.map((piece) => piece.shape[along])).toEqual(lengths);
    same(concat(pieces, along), x);
  });
  expect(() => split(zeros([3]), [1, 1])).toThrow('split: lengths [1, 1] sum to 2, but axis 0 of [3] has 3');
});

test('stack lays tensors side by side, and squeeze undoes unsqueeze', () => {
  forAll(fc.record({ shape: shapesUpTo(3), axis: fc.nat(3), count: fc.integer({ min: 1, max: 3 }) }), (given) => {
    const { shape, count } = given;
    const axis = given.axis % (shape.length + 1);
    const parts = Array.from({ length: count }, (_, i) => random(shape, i));
    const stacked = stack(parts, axis);
    expect(stacked.shape).toEqual([...shape.slice(0, axis), count, ...shape.slice(axis)]);
    const pieces = split(
      stacked,
      parts.map(() => 1),
      axis,
    );
    pieces.forEach((piece, i) => same(squeeze(piece, axis), parts[i]!));
    same(squeeze(unsqueeze(parts[0]!, axis), axis), parts[0]!);
  });
});

test('squeeze leaves out all axes of length 1, or those named, which must have it', () => {
  const x = zeros([1, 2, 1]);
  expect(squeeze(x).shape).toEqual([2]);
  expect(squeeze(x, -1).shape).toEqual([1, 2]);
  expect(squeeze(x, []).shape).toEqual([1, 2, 1]);
  expect(() => squeeze(x, 1)).toThrow('squeeze: axis 1 of [1, 2, 1] has length 2, not 1');
  expect(() => squeeze(x, [0, -3])).toThrow('squeeze: axes [0, -3] name an axis twice');
});

test('flatten joins all axes from one on', () => {
  expect(flatten(zeros([2, 3, 4]), 1).shape).toEqual([2, 12]);
  expect(flatten(zeros([2, 3, 4])).shape).toEqual([24]);
  expect(flatten(zeros([])).shape).toEqual([1]);
});

import type { OpName, AttributesOf } from '@receptive/tensor';
import type { Shape } from '@receptive/backend';
import type { OpCases } from '../case.ts';
import { allDTypes, given, numbers, whole } from '../case.ts';
import { exact, sums } from '../tolerance.ts';

/** Ops that only move the elements of one tensor: a shape and attributes say all. */
function moves<N extends 'reshape' | 'permute' | 'slice' | 'flip' | 'broadcastTo' | 'pad' | 'stopGradient'>(
  ...list: readonly (readonly [name: string, shape: Shape, attributes: AttributesOf<N>])[]
): OpCases<N> {
  const cases = list.map(
    ([name, shape, attributes]) => ({ name, inputs: [numbers(shape)], attributes, dtypes: allDTypes }) as const,
  );
  // One input each, which TypeScript does not see of a name that is not yet known.
  return { tolerance: exact, cases } as unknown as OpCases<N>;
}

export const viewCases = {
  reshape: moves<'reshape'>(['to a matrix', [24], { shape: [4, 6] }], ['to a scalar', [1, 1], { shape: [] }]),
  permute: moves<'permute'>(
    ['a matrix', [5, 7], { axes: [1, 0] }],
    ['a large matrix', [70, 33], { axes: [1, 0] }],
    ['the last two of three', [2, 3, 5], { axes: [0, 2, 1] }],
    ['channels to the end', [2, 3, 4, 5], { axes: [0, 2, 3, 1] }],
    ['no axis', [3, 4], { axes: [0, 1] }],
    ['five axes reversed', [2, 1, 3, 2, 2], { axes: [4, 3, 2, 1, 0] }],
  ),
  slice: moves<'slice'>(
    ['of a vector', [1037], { start: [13], end: [900] }],
    ['of the rows', [6, 5], { start: [2, 0], end: [4, 5] }],
    ['of the columns', [6, 5], { start: [0, 1], end: [6, 4] }],
    ['one element', [3, 4], { start: [2, 3], end: [3, 4] }],
    ['a block of four axes', [2, 4, 5, 6], { start: [1, 1, 0, 2], end: [2, 3, 5, 4] }],
  ),
  flip: moves<'flip'>(
    ['a vector', [9], { axes: [0] }],
    ['one axis of three', [2, 3, 4], { axes: [1] }],
    ['a kernel', [2, 3, 3, 5], { axes: [2, 3] }],
  ),
  broadcastTo: moves<'broadcastTo'>(
    ['a scalar', [], { shape: [2, 3] }],
    ['a row', [5], { shape: [4, 5] }],
    ['a column', [4, 1], { shape: [4, 5] }],
    ['between axes and in front', [3, 1, 2], { shape: [2, 3, 4, 2] }],
  ),
  concat: {
    tolerance: exact,
    cases: [
      { name: 'rows', inputs: [numbers([2, 3]), numbers([1, 3])], attributes: { axis: 0 }, dtypes: allDTypes },
      {
        name: 'columns of three',
        inputs: [numbers([4, 1]), numbers([4, 7]), numbers([4, 2])],
        attributes: { axis: 1 },
        dtypes: allDTypes,
      },
      {
        name: 'channels',
        inputs: [numbers([2, 3, 3, 2]), numbers([2, 5, 3, 2])],
        attributes: { axis: 1 },
        dtypes: allDTypes,
      },
      { name: 'one alone', inputs: [numbers([5])], attributes: { axis: 0 }, dtypes: allDTypes },
    ],
  },
  pad: moves<'pad'>(
    ['a vector with a value', [5], { padding: [[2, 3]], value: 7 }],
    [
      'one side of one axis',
      [3, 4],
      {
        padding: [
          [0, 0],
          [0, 1],
        ],
        value: 0,
      },
    ],
    [
      'an image',
      [2, 3, 4, 4],
      {
        padding: [
          [0, 0],
          [0, 0],
          [1, 1],
          [2, 0],
        ],
        value: 0,
      },
    ],
    ['nothing', [3], { padding: [[0, 0]], value: 1 }],
  ),
  fill: {
    tolerance: exact,
    cases: allDTypes.flatMap((dtype) =>
      [[], [1037], [3, 5]].map(
        (shape) =>
          ({ name: `${dtype} [${shape.join(', ')}]`, inputs: [], attributes: { shape, value: 3, dtype } }) as const,
      ),
    ),
  },
  gather: {
    tolerance: exact,
    cases: [
      {
        name: 'along the last axis',
        inputs: [numbers([4, 6]), whole([4, 3], 0, 6, 'int32')],
        attributes: { axis: 1 },
        dtypes: allDTypes,
      },
      {
        name: 'along the first axis',
        inputs: [numbers([5, 3]), whole([9, 3], 0, 5, 'int32')],
        attributes: { axis: 0 },
        dtypes: allDTypes,
      },
      {
        name: 'along the middle axis',
        inputs: [numbers([2, 5, 3]), whole([2, 4, 3], 0, 5, 'int32')],
        attributes: { axis: 1 },
        dtypes: allDTypes,
      },
      {
        name: 'outside the axis reads NaN, or 0 from integers',
        inputs: [numbers([2, 3]), given([-1, 2, 3, 0, 2147483647, -2147483648], [2, 3], 'int32')],
        attributes: { axis: 1 },
        dtypes: allDTypes,
      },
    ],
  },
  scatterAdd: {
    tolerance: sums,
    cases: [
      {
        name: 'along the last axis',
        inputs: [numbers([4, 3]), whole([4, 3], 0, 6, 'int32')],
        attributes: { axis: 1, length: 6 },
        dtypes: allDTypes,
      },
      {
        name: 'along the first axis',
        inputs: [numbers([9, 3]), whole([9, 3], 0, 5, 'int32')],
        attributes: { axis: 0, length: 5 },
        dtypes: allDTypes,
      },
      {
        name: 'many to few',
        inputs: [numbers([2, 200]), whole([2, 200], 0, 3, 'int32')],
        attributes: { axis: 1, length: 3 },
      },
      {
        name: 'outside the axis is left out',
        inputs: [numbers([2, 3]), given([-1, 2, 3, 0, 2147483647, -2147483648], [2, 3], 'int32')],
        attributes: { axis: 1, length: 3 },
        dtypes: allDTypes,
      },
    ],
  },
  stopGradient: moves<'stopGradient'>(['is x itself', [2, 3], undefined]),
} satisfies { readonly [N in OpName]?: OpCases<N> };

import type { Shape } from '@receptive/backend';
import {
  broadcastTo,
  concat,
  flatten,
  flip,
  gather,
  indexSelect,
  oneHot,
  permute,
  reshape,
  scatterAdd,
  slice,
  split,
  squeeze,
  stack,
  transpose,
  unsqueeze,
} from '@receptive/tensor';
import { numbers, whole } from '../case.ts';
import type { Value } from '../run.ts';
import { exact, sums } from '../tolerance.ts';
import type { Tolerance } from '../tolerance.ts';
import type { Draw } from './draw.ts';
import type { Generator, Generators, RandomCase } from './generator.ts';

type Drawn = Omit<RandomCase, 'description'> & { readonly options: object };

/** Random calls of a function that moves the elements of a tensor of a drawn shape, and makes none. */
function view(draw: (draw: Draw, shape: number[]) => Drawn, tolerance: Tolerance = exact): Generator {
  return {
    tolerance,
    draw(each) {
      const shape = each.wholes(each.whole(1, 4), 1, 3);
      const { options, ...drawn } = draw(each, shape);
      return { description: JSON.stringify({ shape, ...options }), ...drawn };
    },
  };
}

/** One of the axes, counted from the front or from the end, and from the front. */
function drawAxis(draw: Draw, rank: number): readonly [given: number, axis: number] {
  const given = draw.whole(-rank, rank - 1);
  return [given, given < 0 ? given + rank : given];
}

/** A list in another order. */
function shuffled<T>(draw: Draw, list: readonly T[]): T[] {
  const places = list.map((item) => ({ item, unit: draw.unit() }));
  return places.sort((a, b) => a.unit - b.unit).map(({ item }) => item);
}

const axesOf = (shape: Shape): number[] => shape.map((_, axis) => axis);
const withLength = (shape: Shape, axis: number, length: number): number[] =>
  shape.map((own, a) => (a === axis ? length : own));

export const viewGenerators: Generators = {
  reshape: view((draw, shape) => {
    const target = shuffled(draw, [...shape, 1]);
    const given = draw.chance() ? target : withLength(target, draw.whole(0, target.length - 1), -1);
    return {
      options: { given },
      inputs: [numbers(shape)],
      f: (x) => reshape(x, given),
      onnx: { op: 'Reshape', inputs: [0, given] },
    };
  }),
  flatten: view((draw, shape) => {
    const [startAxis, axis] = drawAxis(draw, shape.length);
    return {
      options: { startAxis },
      inputs: [numbers(shape)],
      f: (x) => flatten(x, startAxis),
      onnx: { op: 'Reshape', inputs: [0, [...shape.slice(0, axis), -1]] },
    };
  }),
  unsqueeze: view((draw, shape) => {
    const axis = draw.whole(-shape.length - 1, shape.length);
    return {
      options: { axis },
      inputs: [numbers(shape)],
      f: (x) => unsqueeze(x, axis),
      onnx: { op: 'Unsqueeze', inputs: [0, [axis]] },
    };
  }),
  squeeze: view((draw, shape) => {
    const long = [1, ...shape.map((length) => (draw.chance() ? 1 : length))];
    const ones = axesOf(long).filter((axis) => long[axis] === 1 && (axis === 0 || draw.chance()));
    const axes = draw.chance() ? undefined : ones.length === 1 && draw.chance() ? 0 : ones;
    return {
      options: { long, axes },
      inputs: [numbers(long)],
      f: (x) => squeeze(x, axes),
      onnx: { op: 'Squeeze', inputs: axes === undefined ? [0] : [0, [axes].flat()] },
    };
  }),
  permute: view((draw, shape) => {
    const order = shuffled(draw, axesOf(shape));
    const axes = order.map((axis) => (draw.chance(0.3) ? axis - shape.length : axis));
    return {
      options: { axes },
      inputs: [numbers(shape)],
      f: (x) => permute(x, axes),
      onnx: { op: 'Transpose', ints: { perm: order } },
    };
  }),
  transpose: view((draw, shape) => {
    const matrix = shape.length === 1 ? [...shape, 2] : shape;
    const rank = matrix.length;
    const [[a, first], [b, second]] = draw.chance(0.3)
      ? [[undefined, rank - 2] as const, [undefined, rank - 1] as const]
      : [drawAxis(draw, rank), drawAxis(draw, rank)];
    const perm = axesOf(matrix).map((axis) => (axis === first ? second : axis === second ? first : axis));
    return {
      options: { matrix, a, b },
      inputs: [numbers(matrix)],
      f: (x) => transpose(x, a, b),
      onnx: { op: 'Transpose', ints: { perm } },
    };
  }),
  slice: view((draw, shape) => {
    const start = shape.map((length) => draw.whole(0, length - 1));
    const end = shape.map((length, axis) => draw.whole(start[axis]! + 1, length));
    const signed = (places: readonly number[]): number[] =>
      places.map((place, axis) => (place < shape[axis]! && draw.chance(0.3) ? place - shape[axis]! : place));
    const [from, to] = [signed(start), signed(end)];
    const ends = draw.chance(0.3) ? to.slice(0, -1) : to;
    return {
      options: { from, ends },
      inputs: [numbers(shape)],
      f: (x) => slice(x, from, ends),
      onnx: { op: 'Slice', inputs: [0, from, shape.map((length, axis) => ends[axis] ?? length)] },
    };
  }),
  flip: view((draw, shape) => {
    const axes = draw.chance(0.3) ? undefined : axesOf(shape).filter(() => draw.chance());
    return { options: { axes }, inputs: [numbers(shape)], f: (x) => flip(x, axes) };
  }),
  broadcastTo: view((draw, shape) => {
    const from = shape.slice(draw.whole(0, shape.length)).map((length) => (draw.chance() ? 1 : length));
    return {
      options: { from },
      inputs: [numbers(from)],
      f: (x) => broadcastTo(x, shape),
      onnx: { op: 'Expand', inputs: [0, shape] },
    };
  }, sums),
  concat: view((draw, shape) => {
    const [axis, along] = drawAxis(draw, shape.length);
    const shapes = draw.wholes(draw.whole(1, 3), 1, 3).map((length) => withLength(shape, along, length));
    return {
      options: { shapes, axis },
      inputs: shapes.map((own) => numbers(own)),
      f: (...inputs) => concat(inputs, axis),
      onnx: { op: 'Concat', ints: { axis } },
    };
  }),
  stack: view((draw, shape) => {
    const [count, axis] = [draw.whole(1, 3), draw.whole(-shape.length - 1, shape.length)];
    return {
      options: { count, axis },
      inputs: Array.from({ length: count }, () => numbers(shape)),
      f: (...inputs) => stack(inputs, axis),
    };
  }),
  split: view((draw, shape) => {
    const [axis, along] = drawAxis(draw, shape.length);
    const lengths = draw.wholes(draw.whole(1, 3), 1, 2);
    const long = withLength(
      shape,
      along,
      lengths.reduce((total, length) => total + length),
    );
    const piece = draw.whole(0, lengths.length - 1);
    return {
      options: { long, lengths, axis, piece },
      inputs: [numbers(long)],
      f: (x) => split(x, lengths, axis)[piece]!,
    };
  }),
  gather: view((draw, shape) => {
    const [axis, along] = drawAxis(draw, shape.length);
    const index = withLength(shape, along, draw.whole(1, 4));
    return {
      options: { index, axis },
      inputs: [numbers(shape), whole(index, 0, shape[along]!, 'int32')],
      f: (x, at) => gather(x, at, axis),
      onnx: { op: 'GatherElements', ints: { axis } },
    };
  }),
  indexSelect: view((draw, shape) => {
    const [axis, along] = drawAxis(draw, shape.length);
    return {
      options: { axis },
      inputs: [numbers(shape), whole([draw.whole(1, 4)], 0, shape[along]!, 'int32')],
      f: (x, index) => indexSelect(x, index, axis),
      onnx: { op: 'Gather', ints: { axis } },
    };
  }),
  scatterAdd: view((draw, shape) => {
    const [axis, along] = drawAxis(draw, shape.length);
    const length = draw.whole(1, 4);
    const target = withLength(shape, along, length);
    const zeros: Value = { shape: target, dtype: 'float32', data: new Float32Array(target.reduce((a, b) => a * b)) };
    return {
      options: { axis, length },
      inputs: [numbers(shape), whole(shape, 0, length, 'int32')],
      f: (source, index) => scatterAdd(source, index, axis, length),
      onnx: { op: 'ScatterElements', inputs: [zeros, 1, 0], ints: { axis }, strings: { reduction: 'add' } },
    };
  }, sums),
  oneHot: {
    tolerance: exact,
    nondifferentiable: 'an index has no slope',
    draw(draw) {
      const [shape, classes] = [draw.wholes(draw.whole(0, 3), 1, 3), draw.whole(1, 4)];
      const index = draw.pick(['int32', 'uint8'] as const);
      return {
        description: JSON.stringify({ shape, classes, index }),
        inputs: [whole(shape, 0, classes + 1, index)],
        f: (x) => oneHot(x, classes),
      };
    },
  },
};

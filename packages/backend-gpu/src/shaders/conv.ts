import type { ConvGeometry, Kernels, Operand } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import { conv } from '../kernels/conv.ts';
import { perAxis } from '../kernels/places.ts';
import { memo, shader } from '../program.ts';
import type { Runner } from '../runner.ts';
import { findTile, plan, planIntegers, product, runProduct } from './product.ts';

// Convolution and its gradients as matrix products of matrices that are never stored: a tile's elements are looked up in the image as they are loaded.
//
// The convolution and the gradient with respect to its input are one product: rows are output channels, columns are output positions of all images, and the
// depth is input channels times taps. Along each axis, an output `cell * classes + residue` sees input `cell * step + (residue + offset + tap * dilation) /
// divisor` through a tap for which that divides. For the convolution, `step` is the stride, and `divisor` and `classes` are 1. For the gradient it is the other
// way round, and outputs of one residue see the same taps, so that each class is a product of its own, with no tap in vain.

/** The numbers of one axis of a sliding product, in order. */
const axisIntegers = [
  'input', // length of the input, and of the output
  'output',
  'cells', // most outputs of a class
  'classes',
  'taps',
  'step',
  'offset',
  'dilation',
  'divisor',
  'period', // from a tap that a class sees to the next, and how much further that one sees
  'hop',
] as const;

type AxisNumbers = { readonly [N in (typeof axisIntegers)[number]]: number };

const axesOf = (rank: number): number[] => Array.from({ length: rank }, (_, axis) => axis);
const joined = (rank: number, line: (axis: number) => string, by = '\n'): string => axesOf(rank).map(line).join(by);
/** Declares, for each axis, the innermost first, what `rest` leaves when divided by its length. */
const split = (rank: number, rest: string, name: (axis: number) => string, length: (axis: number) => string): string =>
  axesOf(rank)
    .reverse()
    .map((axis) => `let ${name(axis)} = ${rest} % ${length(axis)}; ${rest} /= ${length(axis)};`)
    .join('\n');
/** The number of the element at `index` of an array of these lengths. */
const flat = (rank: number, index: (axis: number) => string, length: (axis: number) => string): string =>
  axesOf(rank).reduce((outer, axis) => (axis === 0 ? index(0) : `(${outer}) * ${length(axis)} + ${index(axis)}`), '');
const within = (rank: number, index: (axis: number) => string, length: (axis: number) => string): string =>
  joined(rank, (axis) => `u32(${index(axis)}) < u32(${length(axis)})`, ' && ');

/**
 * Two ways through the depth. `blocks` goes through all taps for a few channels, then for the next few: a step has one tap, and where it looks is computed once.
 * `mixed` takes channels and taps as they come, which wastes nothing where there are few channels, as in the first layer of a network;
 * only the convolution itself has it.
 */
type Order = 'blocks' | 'mixed';

const slidingShader = memo((key: string) => {
  const [tileName, order, direction, rankText, bias] = key.split(' ') as [
    string,
    Order,
    'forward' | 'back',
    string,
    string,
  ];
  const rank = Number(rankText);
  const tile = findTile(tileName);
  const p = (name: (typeof axisIntegers)[number]) => (axis: number) => `params.${name}${axis}`;
  const [input, output, cells, classes, taps] = [p('input'), p('output'), p('cells'), p('classes'), p('taps')];
  const local = (name: string) => (axis: number) => `${name}${axis}`;
  /** Where a tap sees, beside `cell * step`, times the divisor. */
  const look = (axis: number, tap: string): string =>
    `(residue${axis} + ${p('offset')(axis)} + ${tap} * ${p('dilation')(axis)})`;
  const column = (at: string, name: string): string => `
    var ${name}Image = ${at};
    ${split(rank, `${name}Image`, local(name), cells)}`;

  const ways = {
    blocks: {
      begin: `
  ${joined(
    rank,
    (axis) => `
  var tap${axis} = 0;
  while (tap${axis} < ${taps(axis)} && ${look(axis, `tap${axis}`)} % ${p('divisor')(axis)} != 0) { tap${axis}++; }
  let seen${axis} = (${taps(axis)} - tap${axis} + ${p('period')(axis)} - 1) / ${p('period')(axis)};
  let shift${axis} = ${look(axis, `tap${axis}`)} / ${p('divisor')(axis)};`,
  )}
  let seen = ${joined(rank, local('seen'), ' * ')};
  let steps = seen * ((params.channels + ${tile.depth - 1}) / ${tile.depth});`,
      start: `
  var channel = first / seen * ${tile.depth};
  var at = first % seen;
  ${axesOf(rank)
    .reverse()
    .map((axis) => `var turn${axis} = at % seen${axis}; at /= seen${axis};`)
    .join('\n')}`,
      before: `
      ${joined(rank, (axis) => `let hop${axis} = shift${axis} + turn${axis} * ${p('hop')(axis)};`)}
      let tap = ${flat(rank, (axis) => `tap${axis} + turn${axis} * ${p('period')(axis)}`, taps)};
      let rest = params.channels - channel;
      let weightAt = weightFirst + channel * params.weightChannel + tap;`,
      after: axesOf(rank).reduce(
        (carried, axis) => `turn${axis}++; if (turn${axis} == seen${axis}) { turn${axis} = 0; ${carried} }`,
        `channel += ${tile.depth};`,
      ),
      weight: (i: number, k: string) =>
        `select(0.0, weight[weightAt + weight${i} + ${k} * params.weightChannel], ${k} < rest)`,
      each: (i: number) => `
      ${joined(rank, (axis) => `let see${i}_${axis} = from${i}_${axis} + hop${axis};`)}
      let inside${i} = ${within(rank, local(`see${i}_`), input)};
      let image${i} = plane${i} + channel * params.plane + ${flat(rank, local(`see${i}_`), input)};`,
      pixel: (i: number, k: string) => `select(0.0, x[image${i} + ${k} * params.plane], inside${i} && ${k} < rest)`,
      functions: '',
    },
    mixed: {
      begin: `let depth = params.channels * params.kernel;
  let steps = (depth + ${tile.depth - 1}) / ${tile.depth};`,
      start: '',
      before: `let depthAt = step * ${tile.depth};`,
      after: '',
      weight: (i: number, k: string) =>
        `select(0.0, weight[weightFirst + weight${i} + depthAt + ${k}], depthAt + ${k} < depth)`,
      each: undefined,
      pixel: (i: number, k: string) => `pixel(depthAt + ${k}, plane${i}, ${joined(rank, local(`from${i}_`), ', ')})`,
      functions: `
fn pixel(k: i32, plane: i32, ${joined(rank, (axis) => `from${axis}: i32`, ', ')}) -> f32 {
  let channel = k / params.kernel;
  var rest = k % params.kernel;
  ${split(rank, 'rest', local('tap'), taps)}
  ${joined(rank, (axis) => `let see${axis} = from${axis} + ${p('offset')(axis)} + tap${axis} * ${p('dilation')(axis)};`)}
  let inside = channel < params.channels && ${within(rank, local('see'), input)};
  return select(0.0, x[plane + channel * params.plane + ${flat(rank, local('see'), input)}], inside);
}`,
    },
  };
  const way = ways[order];
  const body = product({
    tile,
    left: {
      along: direction === 'forward' ? 'depth' : 'place',
      prepare: (i, at) => `let weight${i} = (${at}) * params.weightRow;`,
      load: way.weight,
    },
    right: {
      along: 'place',
      looped: order === 'mixed',
      prepare: (i, at) => `
  ${column(at, `column${i}_`)}
  let plane${i} = (column${i}_Image * params.groups_ + group_) * params.channels * params.plane;
  ${joined(rank, (axis) => `let from${i}_${axis} = column${i}_${axis} * ${p('step')(axis)};`)}`,
      ...(way.each && { each: way.each }),
      load: way.pixel,
    },
    begin: `
  var rest_ = batch;
  ${split(rank, 'rest_', local('residue'), classes)}
  let group_ = rest_;
  let weightFirst = group_ * params.weightGroup;
  ${way.begin}`,
    start: way.start,
    before: way.before,
    after: way.after,
    ...(bias === 'bias' && { initial: (row: string) => `bias[group_ * params.rows + ${row}]` }),
    functions: `
${way.functions}
fn place(column: i32, ${joined(rank, (axis) => `residue${axis}: i32`, ', ')}) -> i32 {
  ${column('column', 'cell')}
  ${joined(rank, (axis) => `let to${axis} = cell${axis} * ${classes(axis)} + residue${axis};`)}
  let at = cellImage * params.groups_ * params.rows * params.outputPlane + ${flat(rank, local('to'), output)};
  return select(-1, at, ${within(rank, local('to'), output)});
}`,
    place: (at) => `place(${at}, ${joined(rank, local('residue'), ', ')})`,
    first: `part * params.length + group_ * params.rows * params.outputPlane`,
    rowStride: 'params.outputPlane',
  });
  return shader(
    `sliding product ${key}`,
    {
      reads: bias === 'bias' ? ['weight', 'x', 'bias'] : ['weight', 'x'],
      integers: [...planIntegers, ...slidingIntegers(rank)],
    },
    body,
  );
});

const slidingIntegers = (rank: number): string[] => [
  'groups_',
  'channels',
  'plane',
  'outputPlane',
  'length',
  'kernel',
  'weightGroup',
  'weightRow',
  'weightChannel',
  ...axisIntegers.flatMap((name) => perAxis(name, rank)),
];

const greatestCommonDivisor = (a: number, b: number): number => (b === 0 ? a : greatestCommonDivisor(b, a % b));

/** The convolution, or its gradient with respect to its input if `back`: `x` is then the gradient, and `out` has the input's shape. */
function slide(
  runner: Runner,
  x: Operand,
  weight: Operand,
  bias: Operand | undefined,
  out: Operand,
  geometry: ConvGeometry,
  back: boolean,
): void {
  const { groups, kernel, stride, dilation, padding } = geometry;
  const rank = kernel.length;
  const [inputs, outputs] = [x.shape.slice(2), out.shape.slice(2)];
  const [channels, rows] = [x.shape[1]! / groups, out.shape[1]! / groups];
  const taps = sizeOf(kernel);
  const axes = axesOf(rank).map((axis): AxisNumbers => {
    const [s, d, before] = [stride[axis]!, dilation[axis]!, padding[axis]![0]];
    const period = back ? s / greatestCommonDivisor(s, d) : 1;
    const classes = back ? s : 1;
    return {
      input: inputs[axis]!,
      output: outputs[axis]!,
      cells: Math.ceil(outputs[axis]! / classes),
      classes,
      taps: kernel[axis]!,
      step: back ? 1 : s,
      offset: back ? before : -before,
      dilation: back ? -d : d,
      divisor: classes,
      period,
      hop: back ? (-d * period) / s : d,
    };
  });
  const classes = sizeOf(axes.map((axis) => axis.classes));
  const columns = x.shape[0]! * sizeOf(axes.map(({ cells }) => cells));
  const planned = plan(groups * classes, rows, columns, Math.ceil((channels * taps) / classes));
  const { depth } = planned.tile;
  const order: Order = back || Math.ceil(channels / depth) * depth <= 1.5 * channels ? 'blocks' : 'mixed';
  const [across, down] = [taps, weight.shape[1]! * taps];
  const program = slidingShader(
    `${planned.tile.name} ${order} ${back ? 'back' : 'forward'} ${rank} ${bias ? 'bias' : 'plain'}`,
  );
  runProduct(runner, program, planned, out, bias ? [weight, x, bias] : [weight, x], [
    groups,
    channels,
    sizeOf(inputs),
    sizeOf(outputs),
    sizeOf(out.shape),
    taps,
    sizeOf(weight.shape) / groups,
    back ? across : down,
    back ? down : across,
    ...axisIntegers.flatMap((name) => axes.map((axis) => axis[name])),
  ]);
}

const weightAxisIntegers = ['input', 'output', 'taps', 'stride', 'dilation', 'before'] as const;

/** Rows are filters, columns weights of a filter, and the depth is all places of all outputs. */
const weightGradientShader = memo((key: string) => {
  const [tileName, rankText] = key.split(' ') as [string, string];
  const rank = Number(rankText);
  const tile = findTile(tileName);
  const p = (name: (typeof weightAxisIntegers)[number]) => (axis: number) => `params.${name}${axis}`;
  const local = (name: string) => (axis: number) => `${name}${axis}`;
  const body = product({
    tile,
    begin: `let steps = (params.depth + ${tile.depth - 1}) / ${tile.depth};`,
    // A thread reads one depth in each step, for all of its places.
    before: `
      let k_ = step * ${tile.depth} + t % ${tile.depth};
      let image = k_ / params.outputPlane;
      let output = k_ % params.outputPlane;
      var rest = output;
      ${split(rank, 'rest', local('output'), p('output'))}
      let gradientAt = image * params.groups_ * params.rows * params.outputPlane + output;
      let imageAt = image * params.groups_ * params.channels * params.plane;`,
    left: {
      along: 'depth',
      prepare: (i, at) => `let filter${i} = (batch * params.rows + ${at}) * params.outputPlane;`,
      load: (i) => `select(0.0, gradient[gradientAt + filter${i}], k_ < params.depth)`,
    },
    right: {
      along: 'depth',
      prepare: (i, at) => `
  var column${i} = ${at};
  ${split(rank, `column${i}`, local(`tap${i}_`), p('taps'))}
  let channel${i} = (batch * params.channels + column${i}) * params.plane;
  ${joined(rank, (axis) => `let offset${i}_${axis} = tap${i}_${axis} * ${p('dilation')(axis)} - ${p('before')(axis)};`)}`,
      each: (i) =>
        joined(rank, (axis) => `let see${i}_${axis} = output${axis} * ${p('stride')(axis)} + offset${i}_${axis};`),
      load: (i) =>
        `select(0.0, x[imageAt + channel${i} + ${flat(rank, local(`see${i}_`), p('input'))}], k_ < params.depth && ${within(rank, local(`see${i}_`), p('input'))})`,
    },
    place: (column) => column,
    first: '(part * params.groups_ + batch) * params.rows * params.columns',
    rowStride: 'params.columns',
  });
  return shader(
    `convWeightGradient ${key}`,
    {
      reads: ['gradient', 'x'],
      integers: [
        ...planIntegers,
        'depth',
        'groups_',
        'channels',
        'plane',
        'outputPlane',
        ...weightAxisIntegers.flatMap((name) => perAxis(name, rank)),
      ],
    },
    body,
  );
});

function convWeightGradient(runner: Runner, x: Operand, gradient: Operand, out: Operand, geometry: ConvGeometry): void {
  const { groups, kernel, stride, dilation, padding } = geometry;
  const [inputs, outputs] = [x.shape.slice(2), gradient.shape.slice(2)];
  const depth = x.shape[0]! * sizeOf(outputs);
  const [rows, columns] = [out.shape[0]! / groups, sizeOf(out.shape.slice(1))];
  const planned = plan(groups, rows, columns, depth, true);
  runProduct(
    runner,
    weightGradientShader(`${planned.tile.name} ${kernel.length}`),
    planned,
    out,
    [gradient, x],
    [
      depth,
      groups,
      out.shape[1]!,
      sizeOf(inputs),
      sizeOf(outputs),
      ...inputs,
      ...outputs,
      ...kernel,
      ...stride,
      ...dilation,
      ...padding.map(([before]) => before),
    ],
  );
}

/** Convolution and its gradients on WebGPU. Groups of very few channels, as in depthwise convolution, fill no tile, nor do gradients of images of one or three: those stay scripts. */
export function convShaders(
  runner: Runner,
): Required<Pick<Kernels, 'conv' | 'convInputGradient' | 'convWeightGradient'>> {
  const scripts = conv(runner);
  const few = (weight: Operand, { groups }: ConvGeometry): boolean =>
    groups > 1 && Math.max(weight.shape[0]! / groups, weight.shape[1]!) < 4;
  return {
    conv(x, weight, bias, out, geometry) {
      if (few(weight, geometry)) scripts.conv(x, weight, bias, out, geometry);
      else slide(runner, x, weight, bias, out, geometry, false);
    },
    convInputGradient(gradient, weight, out, geometry) {
      if (few(weight, geometry) || weight.shape[1]! < 4) scripts.convInputGradient(gradient, weight, out, geometry);
      else slide(runner, gradient, weight, undefined, out, geometry, true);
    },
    convWeightGradient(x, gradient, out, geometry) {
      if (few(out, geometry)) scripts.convWeightGradient(x, gradient, out, geometry);
      else convWeightGradient(runner, x, gradient, out, geometry);
    },
  };
}

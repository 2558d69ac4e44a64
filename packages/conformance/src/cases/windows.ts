import type { ConvAlgorithm, ConvGeometry, Padding, Shape, Window } from '@receptive/backend';
import { resolvePadding, sizeOf, windowOutput } from '@receptive/backend';
import type { OpName } from '@receptive/tensor';
import type { Case, Input, OpCases } from '../case.ts';
import { given, numbers, whole } from '../case.ts';
import { convolutions, exact, sums } from '../tolerance.ts';

interface Options {
  readonly stride?: readonly number[];
  readonly dilation?: readonly number[];
  readonly padding?: Padding;
}

function window(spatial: Shape, kernel: readonly number[], { stride, dilation, padding = 0 }: Options): Window {
  const ones = kernel.map(() => 1);
  const open = { kernel, stride: stride ?? ones, dilation: dilation ?? ones };
  return { ...open, padding: resolvePadding(padding, spatial, open) };
}

interface Convolution {
  readonly name: string;
  readonly x: Shape;
  readonly weight: Shape;
  readonly y: Shape;
  readonly geometry: ConvGeometry;
}

/** A convolution of `x` with weights `[filters, channels / groups, ...kernel]`. */
function convolution(
  name: string,
  x: Shape,
  filters: number,
  kernel: readonly number[],
  {
    groups = 1,
    algorithm,
    ...options
  }: Options & { readonly groups?: number; readonly algorithm?: ConvAlgorithm } = {},
): Convolution {
  const geometry = { ...window(x.slice(2), kernel, options), groups, ...(algorithm && { algorithm }) };
  return {
    name,
    x,
    weight: [filters, x[1]! / groups, ...kernel],
    y: [x[0]!, filters, ...windowOutput(x.slice(2), geometry)],
    geometry,
  };
}

const geometries: readonly Convolution[] = [
  convolution('one window', [1, 1, 3, 3], 1, [3, 3]),
  convolution('3x3', [2, 3, 8, 9], 5, [3, 3]),
  convolution('3x3, padded', [2, 8, 12, 12], 16, [3, 3], { padding: 1 }),
  convolution('3x3, many channels', [1, 33, 7, 7], 19, [3, 3], { padding: 'same' }),
  convolution('5x5', [3, 1, 14, 14], 6, [5, 5]),
  convolution('1x1', [2, 7, 5, 6], 9, [1, 1]),
  convolution('1x1, stride 2', [1, 4, 7, 7], 3, [1, 1], { stride: [2, 2] }),
  convolution('even kernel, same', [1, 2, 7, 7], 3, [2, 4], { padding: 'same' }),
  convolution('11x11, stride 4', [1, 3, 31, 31], 4, [11, 11], { stride: [4, 4], padding: 2 }),
  convolution('stride that leaves a rest', [2, 2, 8, 8], 3, [3, 3], { stride: [2, 2] }),
  convolution('stride larger than the kernel', [1, 2, 9, 9], 2, [2, 2], { stride: [3, 4] }),
  convolution('dilation', [1, 3, 10, 11], 4, [3, 3], { dilation: [2, 3] }),
  convolution('dilation, stride and uneven padding', [1, 2, 11, 9], 3, [3, 2], {
    dilation: [2, 3],
    stride: [2, 1],
    padding: [
      [2, 0],
      [1, 3],
    ],
  }),
  convolution('kernel as large as the padded input', [2, 2, 3, 3], 2, [5, 5], { padding: 1 }),
  convolution('two groups', [2, 4, 6, 6], 6, [3, 3], { groups: 2, padding: 1 }),
  convolution('depthwise', [2, 5, 6, 7], 5, [3, 3], { groups: 5, padding: 1 }),
  convolution('depthwise with a multiplier, stride 2', [1, 3, 7, 7], 6, [3, 3], { groups: 3, stride: [2, 2] }),
  convolution('told to be direct', [1, 8, 10, 10], 8, [3, 3], { padding: 1, algorithm: 'direct' }),
  convolution('told to be a matrix product', [8, 2, 9, 8], 2, [3, 3], { algorithm: 'gemm' }),
  convolution("told to take Winograd's tiles of 2 x 2", [2, 4, 7, 6], 2, [3, 3], {
    groups: 2,
    padding: 1,
    algorithm: 'winograd2',
  }),
  convolution("told to take Winograd's tiles of 4 x 4", [1, 3, 6, 9], 2, [3, 3], { algorithm: 'winograd4' }),
  convolution("told to take Winograd's tiles of 2 x 2, 5x5", [1, 2, 8, 7], 3, [5, 5], {
    padding: 2,
    algorithm: 'winograd2',
  }),
  convolution("told to take Winograd's tiles of 4 x 4, 5x5", [2, 2, 9, 11], 2, [5, 5], {
    groups: 2,
    padding: [
      [0, 3],
      [4, 1],
    ],
    algorithm: 'winograd4',
  }),
  convolution('one axis', [2, 3, 19], 4, [5], { stride: [2], padding: 2 }),
  convolution('three axes', [1, 2, 4, 6, 5], 3, [2, 3, 2], { stride: [1, 2, 1], padding: 1 }),
];

/** Cases of an op that takes a convolution's tensors. */
function convolving<N extends OpName>(make: (of: Convolution) => Omit<Case<N>, 'name'>): OpCases<N> {
  return {
    tolerance: sums,
    cases: geometries.map((each) => ({ name: each.name, tolerance: convolutions(each.geometry), ...make(each) })),
  };
}

interface Pool {
  readonly name: string;
  readonly x: Shape;
  readonly y: Shape;
  readonly window: Window;
}

function pool(name: string, x: Shape, kernel: readonly number[], options: Options = {}): Pool {
  const slides = window(x.slice(2), kernel, { stride: kernel, ...options });
  return { name, x, y: [x[0]!, x[1]!, ...windowOutput(x.slice(2), slides)], window: slides };
}

const pools: readonly Pool[] = [
  pool('2x2', [2, 3, 8, 8], [2, 2]),
  pool('2x2 that leaves a rest', [1, 2, 7, 9], [2, 2]),
  pool('3x3, stride 2, overlapping', [2, 2, 13, 13], [3, 3], { stride: [2, 2] }),
  pool('3x3, stride 1, padded', [1, 3, 6, 5], [3, 3], { stride: [1, 1], padding: 1 }),
  pool('uneven padding', [1, 2, 5, 6], [3, 2], {
    stride: [2, 1],
    padding: [
      [2, 0],
      [0, 1],
    ],
  }),
  pool('dilation', [1, 2, 9, 9], [2, 3], { stride: [2, 2], dilation: [3, 2] }),
  pool('the whole plane', [2, 5, 4, 6], [4, 6]),
  pool('one axis', [2, 3, 11], [3], { padding: 1 }),
  pool('three axes', [1, 2, 4, 5, 6], [2, 2, 3]),
];

/** For each output a place that its window sees, drawn anew: several windows' maxima lie in one place where they overlap. */
function places({ x, y, window: { kernel, stride, dilation, padding } }: Pool): Input {
  const axes = kernel.map((taps, axis) => {
    const [length, outputs] = [x[axis + 2]!, y[axis + 2]!];
    return Array.from({ length: outputs }, (_, output) =>
      Array.from(
        { length: taps },
        (_tap, tap) => output * stride[axis]! - padding[axis]![0] + tap * dilation[axis]!,
      ).filter((place) => place >= 0 && place < length),
    );
  });
  const element = (unit: number, i: number): number => {
    let [output, draw, place, size] = [i, unit, 0, 1];
    for (let axis = axes.length - 1; axis >= 0; axis--) {
      const seen = axes[axis]![output % axes[axis]!.length]!;
      output = Math.floor(output / axes[axis]!.length);
      place += seen[Math.floor(draw * seen.length)]! * size;
      draw = (draw * seen.length) % 1;
      size *= x[axis + 2]!;
    }
    return place;
  };
  return { shape: y, dtype: 'int32', element };
}

const averaged: readonly (readonly [Pool, countPadding: boolean])[] = pools.flatMap((p) => [
  [p, true] as const,
  ...(p.window.padding.flat().some((n) => n > 0) ? [[p, false] as const] : []),
]);

const averageName = ({ name }: Pool, countPadding: boolean): string =>
  countPadding ? name : `${name}, padding not counted`;

const corner = window([2, 3], [2, 2], { stride: [1, 1], padding: 1 });

const maxima: readonly (Case<'maxPool'> & Case<'maxPoolValues'>)[] = [
  ...pools.flatMap(({ name, x, window: slides }) => [
    { name, inputs: [numbers(x)] as const, attributes: { window: slides } },
    { name: `${name}, many ties`, inputs: [whole(x, -1, 1)] as const, attributes: { window: slides } },
  ]),
  {
    name: 'padding never wins, NaN does',
    inputs: [given([-5, -Infinity, -7, -9, NaN, NaN], [1, 1, 2, 3])],
    attributes: { window: corner },
  },
  {
    name: 'padding never wins against -Infinity either: the first element does',
    inputs: [given(new Array<number>(6).fill(-Infinity), [1, 1, 2, 3])],
    attributes: { window: corner },
  },
];

export const windowCases = {
  conv: {
    tolerance: sums,
    cases: geometries.flatMap(({ name, x, weight, geometry }): Case<'conv'>[] => {
      const common = { attributes: { geometry }, tolerance: convolutions(geometry) };
      const inputs = [numbers(x), numbers(weight)] as const;
      return [
        { name, inputs, ...common },
        { name: `${name}, bias`, inputs: [...inputs, numbers([weight[0]!])], ...common },
      ];
    }),
  },
  convActivation: {
    // The errors of sums of up to some twenty times the largest result.
    tolerance: { c: 20 * 64, scale: 'largest' },
    cases: geometries.map(({ name, x, weight, geometry }, i): Case<'convActivation'> => {
      const activation = (['relu', 'tanh', 'sigmoid'] as const)[i % 3]!;
      const inputs = [numbers(x), numbers(weight), numbers([weight[0]!])] as const;
      return { name: `${name}, ${activation}`, inputs, attributes: { geometry, activation } };
    }),
  },
  convInputGradient: convolving<'convInputGradient'>(({ x, weight, y, geometry }) => ({
    inputs: [numbers(y), numbers(weight)],
    attributes: { geometry, inputShape: x },
  })),
  convWeightGradient: convolving<'convWeightGradient'>(({ x, weight, y, geometry }) => ({
    inputs: [numbers(x), numbers(y)],
    attributes: { geometry, weightShape: weight },
  })),
  im2col: {
    ...convolving<'im2col'>(({ x, geometry }) => ({
      inputs: [numbers(x)],
      attributes: { window: geometry, value: -7 },
    })),
    tolerance: exact,
  },
  col2im: convolving<'col2im'>(({ x, y, geometry }) => ({
    inputs: [numbers([x[0]!, x[1]! * sizeOf(geometry.kernel), sizeOf(y.slice(2))])],
    attributes: { window: geometry, shape: x },
  })),
  maxPool: { tolerance: exact, cases: maxima },
  maxPoolValues: { tolerance: exact, cases: maxima },
  maxPoolGradient: {
    tolerance: sums,
    cases: pools.map((p): Case<'maxPoolGradient'> => ({
      name: p.name,
      inputs: [numbers(p.y), places(p)],
      attributes: { window: p.window, inputShape: p.x },
    })),
  },
  avgPool: {
    tolerance: sums,
    cases: averaged.map(([p, countPadding]): Case<'avgPool'> => ({
      name: averageName(p, countPadding),
      inputs: [numbers(p.x)],
      attributes: { window: p.window, countPadding },
    })),
  },
  avgPoolGradient: {
    tolerance: sums,
    cases: averaged.map(([p, countPadding]): Case<'avgPoolGradient'> => ({
      name: averageName(p, countPadding),
      inputs: [numbers(p.y)],
      attributes: { window: p.window, countPadding, inputShape: p.x },
    })),
  },
  sumPoolGradient: {
    tolerance: sums,
    cases: pools.map((p): Case<'sumPoolGradient'> => ({
      name: p.name,
      inputs: [numbers(p.y)],
      attributes: { window: p.window, inputShape: p.x },
    })),
  },
} satisfies { readonly [N in OpName]?: OpCases<N> };

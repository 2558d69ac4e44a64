import type { Shape } from '@receptive/backend';
import { windowSpan } from '@receptive/backend';
import type { AdaptivePool, AvgPoolOptions, LpPool, MaxUnpool, Pool, PoolOptions, Tensor } from '@receptive/tensor';
import * as t from '@receptive/tensor';
import { Rng } from '@receptive/tensor';
import type { Input } from '../case.ts';
import { given, numbers } from '../case.ts';
import type { Tolerance } from '../tolerance.ts';
import { exact, sums } from '../tolerance.ts';
import type { Draw } from './draw.ts';
import { away } from './draw.ts';
import type { Generator, Generators, OnnxNode, RandomCase } from './generator.ts';

/** Of what a few steps make of the elements of a window, and of powers. */
const steps: Tolerance = { c: 32, scale: 'largest' };

/** How long an axis is at most, by their number: every element is moved when gradients are checked. */
const longest = [0, 9, 5, 3];

/** A pooling function for each number of spatial axes. */
type Doors<F> = readonly [one: F, two: F, three: F];

interface Drawn {
  readonly x: Shape;
  readonly kernel: readonly number[];
  readonly options: PoolOptions & {
    readonly stride: readonly number[];
    readonly dilation: readonly number[];
    readonly padding: readonly (readonly [number, number])[];
    readonly ceilMode: boolean;
  };
}

/** A window and an input such that it fits, and nowhere sees padding alone; perhaps it is larger than the input. */
function drawn(draw: Draw, axes: number): Drawn {
  const kernel = draw.wholes(axes, 1, axes === 3 ? 2 : 3);
  const stride = draw.wholes(axes, 1, 3);
  const dilation = draw.wholes(axes, 1, 2);
  const padding = kernel.map((taps) => [draw.whole(0, taps - 1), draw.whole(0, taps - 1)] as const);
  const spatial = kernel.map((taps, axis) => {
    const needed = windowSpan(taps, dilation[axis]!) - padding[axis]![0] - padding[axis]![1];
    return draw.whole(Math.max(dilation[axis]!, needed), longest[axes]!);
  });
  const x = [axes === 1 ? draw.whole(1, 2) : 1, draw.whole(1, 2), ...spatial];
  return { x, kernel, options: { stride, dilation, padding, ceilMode: draw.chance() } };
}

/** The window as ONNX has it. */
function onnxWindow({ kernel, options: { stride, dilation, padding, ceilMode } }: Drawn) {
  return {
    kernel_shape: kernel,
    strides: stride,
    dilations: dilation,
    pads: [0, 1].flatMap((side) => padding.map((pair) => pair[side]!)),
    ceil_mode: Number(ceilMode),
  };
}

/** What is drawn besides the window, and the call that it makes. */
type Call<F> = (draw: Draw, door: F, window: Drawn) => Partial<RandomCase> & Pick<RandomCase, 'f'>;

/** Generators of a pooling function of each number of axes. */
function pools<F>(
  name: string,
  doors: Doors<F>,
  tolerance: Tolerance,
  input: (draw: Draw, x: Shape) => Input,
  call: Call<F>,
): Generators {
  const generator = (door: F, axes: number): Generator => ({
    tolerance,
    draw(draw) {
      const window = drawn(draw, axes);
      const made = call(draw, door, window);
      const description = `${JSON.stringify(window)} ${made.description ?? ''}`;
      return { inputs: [input(draw, window.x)], ...made, description };
    },
  });
  return Object.fromEntries(doors.map((door, i) => [`${name}${i + 1}d`, generator(door, i + 1)]));
}

/** Calls of a pool that takes nothing but a window. */
const plain =
  (onnx?: (window: Drawn) => OnnxNode): Call<Pool> =>
  (_, door, window) => ({
    f: (x) => door(x, window.kernel, window.options),
    ...(onnx && { onnx: onnx(window) }),
  });

const distinct = (draw: Draw, x: Shape): Input => draw.distinct(x);
/** Near 0 a norm is curved by more than float32 has digits for. */
const steep = (_: Draw, x: Shape): Input => away(x, -2, 2, [0], 0.5);
const any = (_: Draw, x: Shape): Input => numbers(x);

const averaged: Call<Pool<AvgPoolOptions>> = (draw, door, window) => {
  const countIncludePad = draw.chance();
  return {
    description: JSON.stringify({ countIncludePad }),
    f: (x) => door(x, window.kernel, { ...window.options, countIncludePad }),
    onnx: { op: 'AveragePool', ints: { ...onnxWindow(window), count_include_pad: Number(countIncludePad) } },
  };
};

const normed: Call<LpPool> = (draw, door, window) => {
  const p = draw.pick([1, 2, 3, draw.real(1.5, 4)]);
  return {
    description: JSON.stringify({ p }),
    f: (x) => door(x, p, window.kernel, window.options),
    ...(Number.isInteger(p) && { onnx: { op: 'LpPool', ints: { ...onnxWindow(window), p } } }),
  };
};

const adaptive = (name: string, doors: Doors<AdaptivePool>, op: string, tolerance: Tolerance): Generators =>
  Object.fromEntries(
    doors.map((door, i): readonly [string, Generator] => [
      `${name}${i + 1}d`,
      {
        tolerance,
        draw(draw) {
          const axes = i + 1;
          const spatial = draw.wholes(axes, 1, longest[axes]! + 1);
          // As often as not windows of one length, which ONNX has.
          const divided = draw.chance();
          const output = spatial.map((length) =>
            divided
              ? draw.pick([1, 2, 3, length].filter((count) => length % count === 0))
              : draw.whole(1, longest[axes]! + 1),
          );
          const x = [axes === 1 ? draw.whole(1, 2) : 1, 1, ...spatial];
          const kernel = spatial.map((length, axis) => length / output[axis]!);
          return {
            description: JSON.stringify({ x, output }),
            inputs: [draw.distinct(x)],
            f: (input) => door(input, output),
            ...(kernel.every(Number.isInteger) && { onnx: { op, ints: { kernel_shape: kernel, strides: kernel } } }),
          };
        },
      },
    ]),
  );

const overall = (f: (x: Tensor) => Tensor, op: string, tolerance: Tolerance): Generator => ({
  tolerance,
  draw(draw) {
    const axes = draw.whole(1, 3);
    const x = [draw.whole(1, 2), draw.whole(1, 2), ...draw.wholes(axes, 1, longest[axes]!)];
    return { description: JSON.stringify({ x }), inputs: [draw.distinct(x)], f, onnx: { op } };
  },
});

/** Elements are drawn in a race that a step of a difference quotient must not decide: it is small beside them. */
const farApart = (draw: Draw, x: Shape): Input => draw.distinct(x, 10);

/** Calls of max unpooling, in one of two with several elements for one place. */
const unpooling = (door: MaxUnpool, axes: number): Generator => ({
  tolerance: sums,
  draw(draw) {
    const planes = [draw.whole(1, 2), draw.whole(1, 2)];
    const spatial = draw.wholes(axes, 1, 3);
    const kernel = draw.wholes(axes, 2, 3);
    const stride = draw.wholes(axes, 1, 3);
    const padding = kernel.map((taps) => draw.whole(0, taps - 2));
    const usual = spatial.map((length, axis) => (length - 1) * stride[axis]! - 2 * padding[axis]! + kernel[axis]!);
    const output = usual.map((length, axis) => length + draw.whole(0, stride[axis]! - 1));
    const outputSize = draw.chance() ? output : undefined;
    const plane = (outputSize ?? usual).reduce((a, b) => a * b, 1);
    const x = [...planes, ...spatial];
    const size = spatial.reduce((a, b) => a * b, 1);
    // With places twice, or each at most once.
    const twice = draw.chance() || size > plane;
    const step = twice ? 1 : Math.floor(plane / size);
    const places = Array.from({ length: planes[0]! * planes[1]! * size }, (_, i) =>
      twice ? draw.whole(0, plane - 1) : (i % size) * step + draw.whole(0, step - 1),
    );
    const options = { stride, padding, ...(outputSize && { outputSize }) };
    // ONNX counts places through the whole tensor.
    const inOnnx = !twice && planes.every((n) => n === 1);
    return {
      description: JSON.stringify({ x, kernel, options, places }),
      inputs: [numbers(x), given(places, x, 'int32')],
      f: (input, indices) => door(input, indices, kernel, options),
      ...(inOnnx && {
        onnx: {
          op: 'MaxUnpool',
          inputs: [0, { input: 1, as: 'int64' }, [...planes, ...(outputSize ?? usual)]],
          ints: { kernel_shape: kernel, strides: stride, pads: [...padding, ...padding] },
        },
      }),
    };
  },
});

export const poolingGenerators: Generators = {
  ...pools(
    'maxPool',
    [t.maxPool1d, t.maxPool2d, t.maxPool3d],
    exact,
    distinct,
    plain((window) => ({ op: 'MaxPool', ints: onnxWindow(window) })),
  ),
  ...pools('avgPool', [t.avgPool1d, t.avgPool2d, t.avgPool3d], sums, any, averaged),
  ...pools('sumPool', [t.sumPool1d, t.sumPool2d, t.sumPool3d], sums, any, plain()),
  ...pools('minPool', [t.minPool1d, t.minPool2d, t.minPool3d], exact, distinct, plain()),
  ...pools('lpPool', [t.lpPool1d, t.lpPool2d, t.lpPool3d], steps, steep, normed),
  ...pools(
    'gaussianPool',
    [t.gaussianPool1d, t.gaussianPool2d, t.gaussianPool3d],
    sums,
    any,
    (draw, door, { kernel, options }) => {
      const sigma = draw.pick([undefined, draw.real(0.3, 3), kernel.map(() => draw.real(0.3, 3))]);
      return {
        description: JSON.stringify({ sigma }),
        f: (x) => door(x, kernel, { ...options, ...(sigma !== undefined && { sigma }) }),
      };
    },
  ),
  ...pools(
    'learnablePool',
    [t.learnablePool1d, t.learnablePool2d, t.learnablePool3d],
    steps,
    any,
    (draw, door, { x, kernel, options }) => {
      const activation = draw.pick(['scaledTanh', 'sigmoid'] as const);
      const channels = [x[1]!];
      return {
        description: activation,
        inputs: [numbers(x), numbers(channels), numbers(channels)],
        f: (input, weight, bias) => door(input, weight, bias, kernel, { ...options, activation }),
      };
    },
  ),
  ...pools('variancePool', [t.variancePool1d, t.variancePool2d, t.variancePool3d], steps, any, plain()),
  ...pools(
    'stochasticPool',
    [t.stochasticPool1d, t.stochasticPool2d, t.stochasticPool3d],
    steps,
    farApart,
    (draw, door, { kernel, options }) => {
      const seed = draw.chance() ? draw.whole(0, 1e6) : undefined;
      return {
        description: JSON.stringify({ seed }),
        f: (x) => door(x, kernel, { ...options, ...(seed !== undefined && { rng: new Rng(seed) }) }),
      };
    },
  ),
  ...adaptive('adaptiveAvgPool', [t.adaptiveAvgPool1d, t.adaptiveAvgPool2d, t.adaptiveAvgPool3d], 'AveragePool', sums),
  ...adaptive('adaptiveMaxPool', [t.adaptiveMaxPool1d, t.adaptiveMaxPool2d, t.adaptiveMaxPool3d], 'MaxPool', exact),
  globalAvgPool: overall(t.globalAvgPool, 'GlobalAveragePool', sums),
  globalMaxPool: overall(t.globalMaxPool, 'GlobalMaxPool', exact),
  maxUnpool1d: unpooling(t.maxUnpool1d, 1),
  maxUnpool2d: unpooling(t.maxUnpool2d, 2),
  maxUnpool3d: unpooling(t.maxUnpool3d, 3),
};

import type { ActivationName, ConvGeometry, Shape, Window } from '@receptive/backend';
import { sameShape, sizeOf } from '@receptive/backend';
import { dispatch } from '../dispatch.ts';
import { ShapeError, formatShape } from '../errors.ts';
import type { Op } from '../op.ts';
import { scope } from '../scope.ts';
import type { Tensor } from '../tensor.ts';
import { checkAlgorithm } from './algorithm.ts';
import type { AlgorithmOptions } from './algorithm.ts';
import { floats, sameDtype, shapeIs } from './check.ts';
import { add, relu, sigmoid, tanh } from './elementwise.ts';
import { matmul } from './matmul.ts';
import { sum } from './reduce.ts';
import { pad } from './padding.ts';
import type { EdgeMode } from './padding.ts';
import { flip, reshape } from './views.ts';
import { layouts, outputOf, perAxis, resolveWindow } from './window.ts';
import type { WindowOptions } from './window.ts';

/** What lies beyond the edges of an input that a convolution pads: zeros, or as {@link pad} continues it. */
const paddingModes = ['zeros', 'reflect', 'replicate', 'circular'] as const satisfies readonly ('zeros' | EdgeMode)[];

/** One of {@link paddingModes}. */
export type PaddingMode = (typeof paddingModes)[number];

/** Options of {@link conv2d} and its likes, as in PyTorch. */
export interface ConvOptions extends WindowOptions, AlgorithmOptions {
  /** `'zeros'` unless told. */
  readonly paddingMode?: PaddingMode;
  /** Groups of channels that do not see each other; divides input and output channels. */
  readonly groups?: number;
  /** Turn the kernel round along its spatial axes: the convolution of mathematics, which commutes. False unless told. */
  readonly flipKernel?: boolean;
}

/** Shape of a convolution's output; refuses an input and weights that do not fit each other or the geometry. */
export function convShape(op: string, x: Shape, weight: Shape, geometry: ConvGeometry): number[] {
  const { groups, kernel } = geometry;
  if (x.length !== weight.length || x.length < 3 || !sameShape(weight.slice(2), kernel)) {
    throw new ShapeError(
      `${op}: needs an input [N, C, ...spatial] and weights [O, C / groups, ...kernel] of as many axes and kernel ${formatShape(kernel)}, but was given ${formatShape(x)} and ${formatShape(weight)}.`,
    );
  }
  const [outputs, perGroup] = weight as [number, number, ...number[]];
  if (x[1] !== perGroup * groups || outputs % groups !== 0) {
    throw new ShapeError(
      `${op}: an input of ${x[1]} channels in ${groups} group(s) does not fit weights ${formatShape(weight)}: they take ${perGroup * groups} channels` +
        (outputs % groups === 0 ? '.' : `, and ${outputs} filters do not fall into ${groups} equal groups.`),
    );
  }
  checkAlgorithm(op, geometry);
  return [x[0]!, outputs, ...outputOf(op, x.slice(2), geometry)];
}

const convOp: Op<{ readonly geometry: ConvGeometry }, [x: 0, weight: 0, bias?: 0], [y: 0]> = {
  name: 'conv',
  fused: 'conv',
  infer([x, weight, bias], { geometry }) {
    floats('conv', x);
    sameDtype('conv', x, weight, ...(bias ? [bias] : []));
    const shape = convShape('conv', x.shape, weight.shape, geometry);
    if (bias) shapeIs('conv', 'the bias', bias, [shape[1]!]);
    return [{ shape, dtype: x.dtype }];
  },
  run: (kernels, [x, weight, bias], [y], { geometry }) => kernels.conv(x, weight, bias, y, geometry),
  compose([x, weight, bias], { geometry }) {
    const product = matmul(groupedWeights(weight, geometry), groupedColumns(x, geometry));
    const y = reshape(product, convShape('conv', x.shape, weight.shape, geometry));
    return [bias ? add(y, reshape(bias, [-1, ...geometry.kernel.map(() => 1)])) : y];
  },
};

/** What {@link compile} makes of a convolution and the activation after it: on a backend with a kernel for both there is one pass less. */
const convActivationOp: Op<
  { readonly geometry: ConvGeometry; readonly activation: ActivationName },
  [x: 0, weight: 0, bias?: 0],
  [y: 0]
> = {
  name: 'convActivation',
  fused: 'convActivation',
  infer: (inputs, attributes) => convOp.infer!(inputs, attributes),
  run: (kernels, [x, weight, bias], [y], { geometry, activation }) =>
    kernels.convActivation(x, weight, bias, y, geometry, activation),
  compose: ([x, weight, bias], { geometry, activation }) => [activations[activation](conv(x, weight, bias, geometry))],
};

const activations = { relu, tanh, sigmoid } as const;

const convInputGradientOp: Op<
  { readonly geometry: ConvGeometry; readonly inputShape: Shape },
  [gradient: 0, weight: 0],
  [dx: 0]
> = {
  name: 'convInputGradient',
  fused: 'convInputGradient',
  infer([gradient, weight], { geometry, inputShape }) {
    sameDtype('convInputGradient', gradient, weight);
    const expected = convShape('convInputGradient', inputShape, weight.shape, geometry);
    shapeIs('convInputGradient', "the output's gradient", gradient, expected);
    return [{ shape: inputShape, dtype: gradient.dtype }];
  },
  run: (kernels, [gradient, weight], [dx], { geometry }) => kernels.convInputGradient(gradient, weight, dx, geometry),
  compose([gradient, weight], { geometry, inputShape }) {
    const columns = matmul(groupedWeights(weight, geometry), groupedOutputs(gradient, geometry), { transposeA: true });
    if (isPointwise(geometry)) return [reshape(columns, inputShape)];
    return [
      col2im(reshape(columns, [inputShape[0]!, inputShape[1]! * sizeOf(geometry.kernel), -1]), inputShape, geometry),
    ];
  },
};

const convWeightGradientOp: Op<
  { readonly geometry: ConvGeometry; readonly weightShape: Shape },
  [x: 0, gradient: 0],
  [dw: 0]
> = {
  name: 'convWeightGradient',
  fused: 'convWeightGradient',
  infer([x, gradient], { geometry, weightShape }) {
    sameDtype('convWeightGradient', x, gradient);
    const expected = convShape('convWeightGradient', x.shape, weightShape, geometry);
    shapeIs('convWeightGradient', "the output's gradient", gradient, expected);
    return [{ shape: weightShape, dtype: x.dtype }];
  },
  run: (kernels, [x, gradient], [dw], { geometry }) => kernels.convWeightGradient(x, gradient, dw, geometry),
  compose([x, gradient], { geometry, weightShape }) {
    const eachImage = matmul(groupedOutputs(gradient, geometry), groupedColumns(x, geometry), { transposeB: true });
    return [reshape(sum(eachImage, 0), weightShape)];
  },
};

// A convolution is a matrix product a group: weights [G, O/G, C/G * taps] times columns [N, G, C/G * taps, positions] are outputs [N, G, O/G, positions].

/** Whether each window is one element, and each element a window: the image then is its own columns. */
function isPointwise({ kernel, stride, padding }: ConvGeometry): boolean {
  return sizeOf(kernel) === 1 && sizeOf(stride) === 1 && padding.every(([before, after]) => before + after === 0);
}

function groupedWeights(weight: Tensor, { groups }: ConvGeometry): Tensor {
  return reshape(weight, [groups, weight.shape[0]! / groups, -1]);
}

function groupedColumns(x: Tensor, geometry: ConvGeometry): Tensor {
  const [n, c] = x.shape as [number, number];
  const columns = isPointwise(geometry) ? x : im2col(x, geometry);
  return reshape(columns, [n, geometry.groups, (c / geometry.groups) * sizeOf(geometry.kernel), -1]);
}

function groupedOutputs(gradient: Tensor, { groups }: ConvGeometry): Tensor {
  const [n, o] = gradient.shape as [number, number];
  return reshape(gradient, [n, groups, o / groups, -1]);
}

const im2colOp: Op<{ readonly window: Window; readonly value: number }, [x: 0], [columns: 0]> = {
  name: 'im2col',
  infer([x], { window }) {
    const [n, c, ...spatial] = x.shape as [number, number, ...number[]];
    return [{ shape: [n, c * sizeOf(window.kernel), sizeOf(outputOf('im2col', spatial, window))], dtype: x.dtype }];
  },
  run: (kernels, [x], [columns], { window, value }) => kernels.im2col(x, columns, window, value),
};

const col2imOp: Op<{ readonly window: Window; readonly shape: Shape }, [columns: 0], [x: 0]> = {
  name: 'col2im',
  infer([columns], { window, shape }) {
    const [n, c, ...spatial] = shape as [number, number, ...number[]];
    shapeIs('col2im', 'the columns', columns, [
      n,
      c * sizeOf(window.kernel),
      sizeOf(outputOf('col2im', spatial, window)),
    ]);
    return [{ shape, dtype: columns.dtype }];
  },
  run: (kernels, [columns], [x], { window }) => kernels.col2im(columns, x, window),
};

export const convOps = {
  conv: convOp,
  convActivation: convActivationOp,
  convInputGradient: convInputGradientOp,
  convWeightGradient: convWeightGradientOp,
  im2col: im2colOp,
  col2im: col2imOp,
};

/** The geometry that options describe over spatial lengths `input`; refuses options that make no sense, whatever the input. */
export function resolveConv(
  op: string,
  input: Shape,
  kernel: readonly number[],
  { groups = 1, paddingMode = 'zeros', algorithm = 'auto', ...options }: ConvOptions,
): ConvGeometry {
  if (!paddingModes.includes(paddingMode)) {
    throw new RangeError(
      `${op}: paddingMode must be one of ${paddingModes.join(', ')}, but is ${JSON.stringify(paddingMode)}.`,
    );
  }
  perAxis(op, 'groups', groups, 1);
  const window = resolveWindow(op, input, kernel, options);
  const geometry: ConvGeometry = algorithm === 'auto' ? { ...window, groups } : { ...window, groups, algorithm };
  // An input that is continued beyond its edges is padded before it is convolved.
  checkAlgorithm(op, paddingMode === 'zeros' ? geometry : { ...geometry, padding: [] });
  return geometry;
}

/** A convolution as users call it. */
export type Convolution = (x: Tensor, weight: Tensor, bias?: Tensor | null, options?: ConvOptions) => Tensor;

/** What the axes of a kernel are called in messages, by their number. */
export const kernelLayouts: readonly string[] = ['', 'k', 'kh, kw', 'kd, kh, kw'];

/** The convolution over `axes` spatial axes, called `op`: options are resolved, and an input that goes on beyond its edges is padded first. */
export function convolution(op: string, axes: number): Convolution {
  const spatial = Array.from({ length: axes }, (_, axis) => axis + 2);
  return (x, weight, bias, options = {}) => {
    const { flipKernel = false, paddingMode = 'zeros' } = options;
    if (x.rank !== axes + 2 || weight.rank !== axes + 2) {
      throw new ShapeError(
        `${op}: needs an input ${layouts[axes]} and weights [O, C / groups, ${kernelLayouts[axes]}], but was given ${formatShape(x.shape)} and ${formatShape(weight.shape)}.`,
      );
    }
    const geometry = resolveConv(op, x.shape.slice(2), weight.shape.slice(2), options);
    if (paddingMode === 'zeros' && !flipKernel) return conv(x, weight, bias ?? undefined, geometry);
    return scope(() => {
      const kernel = flipKernel ? flip(weight, spatial) : weight;
      if (paddingMode === 'zeros') return conv(x, kernel, bias ?? undefined, geometry);
      const padding = spatial.map(() => [0, 0] as const);
      const continued = pad(x, [[0, 0], [0, 0], ...geometry.padding], { mode: paddingMode });
      return conv(continued, kernel, bias ?? undefined, { ...geometry, padding });
    });
  };
}

/** {@link conv2d} along one axis: `x` `[N, C, L]`, `weight` `[O, C / groups, k]`. */
export const conv1d: Convolution = convolution('conv1d', 1);

/**
 * Cross-correlation, which the field calls convolution, of `x` `[N, C, H, W]` with `weight` `[O, C / groups, kh, kw]`, plus `bias` `[O]`:
 *
 * `y[n, o, i, j] = bias[o] + sum over c, u, v of x[n, c, i * stride + u * dilation - padding, ...] * weight[o, c, u, v]`,
 *
 * where x is 0 outside, or what `paddingMode` makes it (see {@link pad}). The output has `floor((n + padding - dilation * (k - 1) - 1) / stride) + 1`
 * rows and columns, padding counted on both sides; with `'same'`, `ceil(n / stride)`, an odd element of padding being at the end. With `flipKernel` it is
 * `weight[o, c, kh - 1 - u, kw - 1 - v]`. Source: Dumoulin and Visin, A guide to convolution arithmetic for deep learning, arXiv:1603.07285.
 * @throws ShapeError if channels, groups or bias do not fit, the kernel is larger than the padded input, or an input is too small for its paddingMode.
 * @throws RangeError for a paddingMode or an algorithm that does not exist, or an algorithm that does not compute such a convolution.
 */
export const conv2d: Convolution = convolution('conv2d', 2);

/** {@link conv2d} over volumes: `x` `[N, C, D, H, W]`, `weight` `[O, C / groups, kd, kh, kw]`. */
export const conv3d: Convolution = convolution('conv3d', 3);

/** Gradient of a convolution's output with respect to its input: what training sends backwards, and what a transposed convolution computes. */
export function convInputGradient(gradient: Tensor, weight: Tensor, geometry: ConvGeometry, inputShape: Shape): Tensor {
  return dispatch(convInputGradientOp, [gradient, weight], { geometry, inputShape })[0];
}

/** Gradient of a convolution's output with respect to its weights. */
export function convWeightGradient(x: Tensor, gradient: Tensor, geometry: ConvGeometry, weightShape: Shape): Tensor {
  return dispatch(convWeightGradientOp, [x, gradient], { geometry, weightShape })[0];
}

/** Convolution with a resolved geometry, for any number of spatial axes. */
export function conv(x: Tensor, weight: Tensor, bias: Tensor | undefined, geometry: ConvGeometry): Tensor {
  return dispatch(convOp, bias ? [x, weight, bias] : [x, weight], { geometry })[0];
}

/** {@link conv} and an activation of its outputs, as one op. */
export function convActivation(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  geometry: ConvGeometry,
  activation: ActivationName,
): Tensor {
  return dispatch(convActivationOp, bias ? [x, weight, bias] : [x, weight], { geometry, activation })[0];
}

/** Unfolds `[N, C, ...spatial]` into the columns `[N, C * taps, positions]` that the window sees; outside the input lies `value`. */
export function im2col(x: Tensor, window: Window, value = 0): Tensor {
  return dispatch(im2colOp, [x], { window, value })[0];
}

/** The transpose of {@link im2col}: adds columns up into a tensor of `shape`. */
export function col2im(columns: Tensor, shape: Shape, window: Window): Tensor {
  return dispatch(col2imOp, [columns], { window, shape })[0];
}

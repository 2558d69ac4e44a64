import type { Shape, Window } from '@receptive/backend';
import { sizeOf, typedArray } from '@receptive/backend';
import { fromArray } from '../create.ts';
import { dispatch } from '../dispatch.ts';
import { ShapeError } from '../errors.ts';
import type { Op } from '../op.ts';
import { scope } from '../scope.ts';
import type { Tensor } from '../tensor.ts';
import { dtypeIs, floats, shapeIs } from './check.ts';
import { col2im, im2col } from './conv.ts';
import { cast, mul } from './elementwise.ts';
import { gather, scatterAdd } from './indexing.ts';
import { argmax, sum } from './reduce.ts';
import { broadcastTo, reshape } from './views.ts';
import { outputOf, perAxis, resolveWindow, spatialOf } from './window.ts';
import type { PerAxis, WindowOptions } from './window.ts';

/** Options of the pooling functions. The stride is the kernel size unless given. */
export type PoolOptions = Omit<WindowOptions, 'dilation'>;

/** Options of {@link maxPool2d}. */
export type MaxPoolOptions = WindowOptions;

/** Options of {@link avgPool2d}. */
export interface AvgPoolOptions extends PoolOptions {
  /** Divide by the whole window where it hangs over the edge (true, the default), or by the elements inside. */
  readonly countIncludePad?: boolean;
}

function poolShape(op: string, [n, c, ...spatial]: Shape, window: Window): number[] {
  return [n!, c!, ...outputOf(op, spatial, window)];
}

/** One plane an image and channel: `[N, C, ...spatial]` as `[N * C, 1, ...spatial]`. */
function planes(x: Tensor): Tensor {
  return reshape(x, [x.shape[0]! * x.shape[1]!, 1, ...x.shape.slice(2)]);
}

const maxPoolOp: Op<{ readonly window: Window }, [x: 0], [y: 0, indices: 0]> = {
  name: 'maxPool',
  fused: 'maxPool',
  infer([x], { window }) {
    floats('maxPool', x);
    const shape = poolShape('maxPool', x.shape, window);
    return [
      { shape, dtype: x.dtype },
      { shape, dtype: 'int32' },
    ];
  },
  run: (kernels, [x], [y, indices], { window }) => kernels.maxPool(x, y, indices, window),
  compose([x], { window }) {
    const shape = poolShape('maxPool', x.shape, window);
    const columns = im2col(planes(x), window, -Infinity);
    const winner = argmax(columns, 1, { keepDims: true });
    // The same unfolding of a plane that holds its own positions says where each tap lies.
    const spatial = x.shape.slice(2);
    const positions = typedArray('float32', sizeOf(spatial)).map((_, i) => i);
    const places = cast(
      im2col(cast(fromArray(x.backend, positions, [1, 1, ...spatial], 'float32'), x.dtype), window),
      'int32',
    );
    return [
      reshape(gather(columns, winner, 1), shape),
      reshape(gather(broadcastTo(places, columns.shape), winner, 1), shape),
    ];
  },
};

const maxPoolGradientOp: Op<
  { readonly window: Window; readonly inputShape: Shape },
  [gradient: 0, indices: 0],
  [dx: 0]
> = {
  name: 'maxPoolGradient',
  fused: 'maxPoolGradient',
  infer([gradient, indices], { window, inputShape }) {
    dtypeIs('maxPoolGradient', 'the indices', indices, 'int32');
    shapeIs('maxPoolGradient', 'the indices', indices, gradient.shape);
    shapeIs('maxPoolGradient', "the output's gradient", gradient, poolShape('maxPoolGradient', inputShape, window));
    return [{ shape: inputShape, dtype: gradient.dtype }];
  },
  run: (kernels, [gradient, indices], [dx], { window }) => kernels.maxPoolGradient(gradient, indices, dx, window),
  compose([gradient, indices], { inputShape }) {
    const rows = [inputShape[0]! * inputShape[1]!, -1];
    return [
      reshape(scatterAdd(reshape(gradient, rows), reshape(indices, rows), 1, sizeOf(inputShape.slice(2))), inputShape),
    ];
  },
};

/** Attributes of the average pooling ops. */
export interface AvgPoolAttributes {
  readonly window: Window;
  readonly countPadding: boolean;
}

const avgPoolOp: Op<AvgPoolAttributes, [x: 0], [y: 0]> = {
  name: 'avgPool',
  fused: 'avgPool',
  infer([x], { window }) {
    floats('avgPool', x);
    return [{ shape: poolShape('avgPool', x.shape, window), dtype: x.dtype }];
  },
  run: (kernels, [x], [y], { window, countPadding }) => kernels.avgPool(x, y, window, countPadding),
  compose([x], { window, countPadding }) {
    const sums = reshape(sum(im2col(planes(x), window), 1), poolShape('avgPool', x.shape, window));
    return [mul(sums, shares(x.shape, sums, window, countPadding))];
  },
};

const avgPoolGradientOp: Op<AvgPoolAttributes & { readonly inputShape: Shape }, [gradient: 0], [dx: 0]> = {
  name: 'avgPoolGradient',
  fused: 'avgPoolGradient',
  infer([gradient], { window, inputShape }) {
    shapeIs('avgPoolGradient', "the output's gradient", gradient, poolShape('avgPoolGradient', inputShape, window));
    return [{ shape: inputShape, dtype: gradient.dtype }];
  },
  run: (kernels, [gradient], [dx], { window, countPadding }) =>
    kernels.avgPoolGradient(gradient, dx, window, countPadding),
  compose([gradient], { window, countPadding, inputShape }) {
    const [n, c, ...spatial] = inputShape as [number, number, ...number[]];
    const share = reshape(mul(gradient, shares(inputShape, gradient, window, countPadding)), [n * c, 1, -1]);
    const columns = broadcastTo(share, [n * c, sizeOf(window.kernel), share.shape[2]!]);
    return [reshape(col2im(columns, [n * c, 1, ...spatial], window), inputShape)];
  },
};

/** What each element of a window counts for in its mean: one over the number of elements, a factor for each output position. */
function shares(input: Shape, like: Tensor, window: Window, countPadding: boolean): Tensor {
  const spatial = input.slice(2);
  const output = outputOf('avgPool', spatial, window);
  const inside = countPadding
    ? output.map((length, axis) => new Array<number>(length).fill(window.kernel[axis]!))
    : tapsInside(spatial, output, window);
  const counts = inside.reduce<number[]>((product, axis) => product.flatMap((a) => axis.map((b) => a * b)), [1]);
  const factors = typedArray(like.dtype, counts.length);
  factors.set(counts.map((n) => 1 / n));
  return fromArray(like.backend, factors, [1, 1, ...output], like.dtype);
}

/** For each axis and each place of the window along it, how many of its taps lie inside the input. */
function tapsInside(spatial: Shape, output: Shape, { kernel, stride, padding, dilation }: Window): number[][] {
  return output.map((length, axis) =>
    Array.from({ length }, (_, i) => {
      const start = i * stride[axis]! - padding[axis]![0];
      const taps = Array.from({ length: kernel[axis]! }, (_tap, u) => start + u * dilation[axis]!);
      return taps.filter((place) => place >= 0 && place < spatial[axis]!).length;
    }),
  );
}

export const poolOps = {
  maxPool: maxPoolOp,
  maxPoolGradient: maxPoolGradientOp,
  avgPool: avgPoolOp,
  avgPoolGradient: avgPoolGradientOp,
};

function window2d(op: string, x: Tensor, kernelSize: PerAxis, options: MaxPoolOptions): Window {
  const spatial = spatialOf(op, x, 2);
  const kernel = perAxis(op, 'kernelSize', kernelSize, 2);
  return resolveWindow(op, spatial, kernel, { stride: kernel, ...options });
}

/** Refuses a window that somewhere would see padding alone, and have no maximum and no mean. */
function checkPoolPadding(op: string, x: Tensor, window: Window): void {
  // Without padding every tap lies inside.
  if (window.padding.every(([before, after]) => before === 0 && after === 0)) return;
  const spatial = x.shape.slice(2);
  tapsInside(spatial, outputOf(op, spatial, window), window).forEach((counts, axis) => {
    if (!counts.includes(0)) return;
    throw new ShapeError(
      `${op}: with padding ${JSON.stringify(window.padding[axis])} on an axis of ${spatial[axis]}, some windows of ${window.kernel[axis]} would see padding alone. Pad less than a window.`,
    );
  });
}

/**
 * Maximum of each window of `[N, C, H, W]`. Padding never wins; of equal maxima the first does, and receives the gradient; NaN wins.
 * @throws ShapeError if the window does not fit.
 */
export function maxPool2d(x: Tensor, kernelSize: PerAxis, options: MaxPoolOptions = {}): Tensor {
  return scope(() => maxPool2dWithIndices(x, kernelSize, options)[0]);
}

/** {@link maxPool2d}, and where in its flattened plane each maximum lies, int32. */
export function maxPool2dWithIndices(
  x: Tensor,
  kernelSize: PerAxis,
  options: MaxPoolOptions = {},
): readonly [y: Tensor, indices: Tensor] {
  const window = window2d('maxPool2d', x, kernelSize, options);
  checkPoolPadding('maxPool2d', x, window);
  return dispatch(maxPoolOp, [x], { window });
}

/**
 * Mean of each window of `[N, C, H, W]`.
 * @throws ShapeError if the window does not fit.
 */
export function avgPool2d(
  x: Tensor,
  kernelSize: PerAxis,
  { countIncludePad = true, ...options }: AvgPoolOptions = {},
): Tensor {
  const window = window2d('avgPool2d', x, kernelSize, options);
  checkPoolPadding('avgPool2d', x, window);
  return dispatch(avgPoolOp, [x], { window, countPadding: countIncludePad })[0];
}

/** Gradient of max pooling with respect to its input, from the indices that the forward pass stored: each lies in its window. */
export function maxPoolGradient(gradient: Tensor, indices: Tensor, window: Window, inputShape: Shape): Tensor {
  return dispatch(maxPoolGradientOp, [gradient, indices], { window, inputShape })[0];
}

/** Gradient of average pooling with respect to its input. */
export function avgPoolGradient(gradient: Tensor, attributes: AvgPoolAttributes, inputShape: Shape): Tensor {
  return dispatch(avgPoolGradientOp, [gradient], { ...attributes, inputShape })[0];
}

/** Average pooling with a resolved window, for any number of spatial axes. */
export function avgPool(x: Tensor, attributes: AvgPoolAttributes): Tensor {
  return dispatch(avgPoolOp, [x], attributes)[0];
}

import type { Shape, Window } from '@receptive/backend';
import { sizeOf, typedArray } from '@receptive/backend';
import { fromArray } from '../create.ts';
import { dispatch, isObserved } from '../dispatch.ts';
import type { Op } from '../op.ts';
import { scope } from '../scope.ts';
import type { Tensor } from '../tensor.ts';
import { dtypeIs, floats, shapeIs } from './check.ts';
import { col2im, im2col } from './conv.ts';
import { cast, less, mul, where } from './elementwise.ts';
import { gather, scatterAdd } from './indexing.ts';
import { pad } from './padding.ts';
import { fitted, givenWindow, planes, poolShape, poolWindow, shares } from './pool-window.ts';
import type { Pool, PoolOptions } from './pool-window.ts';
import { argmax, min, sum } from './reduce.ts';
import { broadcastTo, reshape } from './views.ts';
import type { PerAxis } from './window.ts';

/** Options of {@link maxPool2d}. */
export type MaxPoolOptions = PoolOptions;

/** Options of {@link avgPool2d}. */
export interface AvgPoolOptions extends PoolOptions {
  /**
   * Divide by the whole window where it hangs over the edge (true, the default), or by the elements inside. What lies beyond the padding, where ceil mode lets
   * the last windows reach, never counts.
   */
  readonly countIncludePad?: boolean;
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
    const size = sizeOf(spatial);
    const positions = typedArray('float32', size).map((_, i) => i);
    const taps = im2col(cast(fromArray(x.backend, positions, [1, 1, ...spatial], 'float32'), x.dtype), window, size);
    // Padding ties with -Infinity alone: then the first element that the window sees has won. Positions grow with the taps.
    const places = cast(where(less(taps, size), taps, min(taps, 1, { keepDims: true })), 'int32');
    return [
      reshape(gather(columns, winner, 1), shape),
      reshape(gather(broadcastTo(places, columns.shape), winner, 1), shape),
    ];
  },
};

/** The maxima alone: what dispatches {@link maxPoolOp} where somebody may want a gradient dispatches this where nobody listens. */
const maxPoolValuesOp: Op<{ readonly window: Window }, [x: 0], [y: 0]> = {
  name: 'maxPoolValues',
  fused: 'maxPool',
  infer([x], { window }) {
    floats('maxPool', x);
    return [{ shape: poolShape('maxPool', x.shape, window), dtype: x.dtype }];
  },
  run: (kernels, [x], [y], { window }) => kernels.maxPool(x, y, undefined, window),
  compose: ([x], attributes) => [dispatch(maxPoolOp, [x], attributes)[0]],
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
    return [mul(sums, shares(sums, x.shape.slice(2), window, countPadding))];
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
    const share = reshape(mul(gradient, shares(gradient, spatial, window, countPadding)), [n * c, 1, -1]);
    const columns = broadcastTo(share, [n * c, sizeOf(window.kernel), share.shape[2]!]);
    return [reshape(col2im(columns, [n * c, 1, ...spatial], window), inputShape)];
  },
};

export const poolOps = {
  maxPool: maxPoolOp,
  maxPoolValues: maxPoolValuesOp,
  maxPoolGradient: maxPoolGradientOp,
  avgPool: avgPoolOp,
  avgPoolGradient: avgPoolGradientOp,
};

type MaxPoolWithIndices = (
  x: Tensor,
  kernelSize: PerAxis,
  options?: MaxPoolOptions,
) => readonly [y: Tensor, indices: Tensor];

const maxPoolWithIndices =
  (axes: number): MaxPoolWithIndices =>
  (x, kernelSize, options = {}) =>
    dispatch(maxPoolOp, [x], { window: poolWindow(`maxPool${axes}d`, axes, x, kernelSize, options) });

/** Max pooling over `axes` spatial axes, in the name of `door`. */
export const maxPool =
  (axes: number, door = `maxPool${axes}d`): Pool =>
  (x, kernelSize, options = {}) => {
    const window = poolWindow(door, axes, x, kernelSize, options);
    if (!isObserved()) return dispatch(maxPoolValuesOp, [x], { window })[0];
    return scope(() => dispatch(maxPoolOp, [x], { window })[0]);
  };

/**
 * Maximum of each window of `[N, C, H, W]`. Padding never wins; of equal maxima the first does, and receives the gradient; NaN wins. The output has
 * `floor((n + padding - dilation * (k - 1) - 1) / stride) + 1` rows and columns; with `ceilMode` ceil stands for floor.
 *
 * A convolution of stride 2 makes an image smaller as well, and learns how: Springenberg et al., Striving for simplicity: the all convolutional net,
 * arXiv:1412.6806.
 * @throws ShapeError if the window does not fit, or would see padding alone.
 */
export const maxPool2d: Pool = maxPool(2);
/** {@link maxPool2d} of `[N, C, L]`. */
export const maxPool1d: Pool = maxPool(1);
/** {@link maxPool2d} of `[N, C, D, H, W]`. */
export const maxPool3d: Pool = maxPool(3);

/** {@link maxPool2d}, and where in its flattened plane each maximum lies, int32. */
export const maxPool2dWithIndices: MaxPoolWithIndices = maxPoolWithIndices(2);
/** {@link maxPool2dWithIndices} of `[N, C, L]`. */
export const maxPool1dWithIndices: MaxPoolWithIndices = maxPoolWithIndices(1);
/** {@link maxPool2dWithIndices} of `[N, C, D, H, W]`. */
export const maxPool3dWithIndices: MaxPoolWithIndices = maxPoolWithIndices(3);

/** Average pooling over `axes` spatial axes, in the name of `door`. */
export const averagePool =
  (axes: number, door = `avgPool${axes}d`): Pool<AvgPoolOptions> =>
  (x, kernelSize, { countIncludePad = true, ceilMode = false, ...options } = {}) => {
    const given = givenWindow(door, axes, x, kernelSize, options);
    const window = fitted(door, x, given, ceilMode);
    const added = window.padding.map(([, after], axis) => Math.max(0, after - given.padding[axis]![1]));
    if (!countIncludePad || added.every((n) => n === 0)) return avgPool(x, { window, countPadding: countIncludePad });
    // The padding that was asked for counts, and what ceil mode added to it does not: the former becomes part of the input, over which the window hangs.
    const own = window.padding.map(([before, after], axis) => [before, after - added[axis]!] as const);
    const hanging = { ...window, padding: added.map((n) => [0, n] as const) };
    return scope(() => avgPool(pad(x, [[0, 0], [0, 0], ...own]), { window: hanging, countPadding: false }));
  };

/**
 * Mean of each window of `[N, C, H, W]`; the output's size is that of {@link maxPool2d}.
 * @throws ShapeError if the window does not fit, or would see padding alone.
 */
export const avgPool2d: Pool<AvgPoolOptions> = averagePool(2);
/** {@link avgPool2d} of `[N, C, L]`. */
export const avgPool1d: Pool<AvgPoolOptions> = averagePool(1);
/** {@link avgPool2d} of `[N, C, D, H, W]`. */
export const avgPool3d: Pool<AvgPoolOptions> = averagePool(3);

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

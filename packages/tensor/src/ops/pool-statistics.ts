import type { Window } from '@receptive/backend';
import { full, scalarLike } from '../create.ts';
import { withBackend } from '../current.ts';
import { dispatch } from '../dispatch.ts';
import type { Op } from '../op.ts';
import { scope } from '../scope.ts';
import { floats } from './check.ts';
import { conv, im2col } from './conv.ts';
import { greater, mul, square, sub, where } from './elementwise.ts';
import { planes, poolShape, poolWindow, separable, shares, tapsInside } from './pool-window.ts';
import type { Pool, PoolOptions } from './pool-window.ts';
import { sum } from './reduce.ts';
import { broadcastTo, reshape } from './views.ts';

/** Options of {@link gaussianPool2d}. */
export interface GaussianPoolOptions extends PoolOptions {
  /** Standard deviation in elements, for all axes or for each; of a window of k elements `0.3 * ((k - 1) / 2 - 1) + 0.8` unless told, as in OpenCV. */
  readonly sigma?: number | readonly number[];
}

/** `sigma` for each axis, checked. */
function sigmas(door: string, kernel: readonly number[], sigma: GaussianPoolOptions['sigma']): number[] {
  const own = kernel.map((length, axis) => {
    if (sigma === undefined) return 0.3 * ((length - 1) / 2 - 1) + 0.8;
    return typeof sigma === 'number' ? sigma : (sigma[axis] ?? NaN);
  });
  if (!own.every((s) => s > 0 && s < Infinity) || (typeof sigma === 'object' && sigma.length !== kernel.length)) {
    throw new RangeError(
      `${door}: sigma must be a number above 0, or ${kernel.length} of them, but is ${JSON.stringify(sigma)}.`,
    );
  }
  return own;
}

/** A Gaussian around the middle of `length` taps, `spacing` apart, of sum 1. */
export function bell(length: number, spacing: number, sigma: number): number[] {
  const exponents = Array.from({ length }, (_, u) => -0.5 * ((spacing * (u - (length - 1) / 2)) / sigma) ** 2);
  // Relative to the largest, so that not all are 0, however narrow the bell.
  const heights = exponents.map((exponent) => Math.exp(exponent - Math.max(...exponents)));
  const total = heights.reduce((a, b) => a + b);
  return heights.map((height) => height / total);
}

const gaussianPool =
  (axes: number): Pool<GaussianPoolOptions> =>
  (x, kernelSize, { sigma, ...options } = {}) => {
    const door = `gaussianPool${axes}d`;
    const window = poolWindow(door, axes, x, kernelSize, options);
    const [, channels, ...spatial] = x.shape as [number, number, ...number[]];
    const deviations = sigmas(door, window.kernel, sigma);
    const bells = window.kernel.map((length, axis) => bell(length, window.dilation[axis]!, deviations[axis]!));
    return scope(() => {
      const weight = broadcastTo(separable(x, bells), [channels, 1, ...window.kernel]);
      const y = conv(x, weight, undefined, { ...window, groups: channels });
      const inside = tapsInside(spatial, y.shape.slice(2), window).map((places, axis) =>
        places.map((taps) => taps.reduce((total, tap) => total + bells[axis]![tap]!, 0)),
      );
      return mul(
        y,
        separable(x, inside, (weights) => 1 / weights),
      );
    });
  };

/**
 * Mean of each window of `[N, C, H, W]`, weighted by a Gaussian of the distance from the window's middle: a depthwise convolution with fixed weights. Where a
 * window hangs over the edge, the weights of the elements inside are scaled up to a sum of 1, so that an image of one colour keeps it.
 * @throws RangeError for a sigma that is not above 0. ShapeError if the window does not fit, or would see padding alone.
 */
export const gaussianPool2d: Pool<GaussianPoolOptions> = gaussianPool(2);
/** {@link gaussianPool2d} of `[N, C, L]`. */
export const gaussianPool1d: Pool<GaussianPoolOptions> = gaussianPool(1);
/** {@link gaussianPool2d} of `[N, C, D, H, W]`. */
export const gaussianPool3d: Pool<GaussianPoolOptions> = gaussianPool(3);

const variancePoolOp: Op<{ readonly window: Window }, [x: 0], [y: 0]> = {
  name: 'variancePool',
  infer([x], { window }) {
    floats('variancePool', x);
    return [{ shape: poolShape('variancePool', x.shape, window), dtype: x.dtype }];
  },
  // The mean of squares less the square of the mean would need no columns, but has no digits left where the mean is large.
  compose([x], { window }) {
    const spatial = x.shape.slice(2);
    const columns = im2col(planes(x), window);
    const share = reshape(shares(x, spatial, window, false), [1, 1, -1]);
    const mean = mul(sum(columns, 1, { keepDims: true }), share);
    const plane = withBackend(x.backend, () => full([1, 1, ...spatial], 1, { dtype: x.dtype }));
    const squares = where(greater(im2col(plane, window), 0), square(sub(columns, mean)), scalarLike(x, 0));
    return [reshape(mul(sum(squares, 1, { keepDims: true }), share), poolShape('variancePool', x.shape, window))];
  },
};

export const variancePoolOps = { variancePool: variancePoolOp };

const variancePool =
  (axes: number): Pool =>
  (x, kernelSize, options = {}) =>
    dispatch(variancePoolOp, [x], { window: poolWindow(`variancePool${axes}d`, axes, x, kernelSize, options) })[0];

/**
 * Variance of each window of `[N, C, H, W]`: the mean square distance of its elements from their mean (the biased one: divided by n). What lies outside does
 * not count.
 * @throws ShapeError if the window does not fit, or would see padding alone.
 */
export const variancePool2d: Pool = variancePool(2);
/** {@link variancePool2d} of `[N, C, L]`. */
export const variancePool1d: Pool = variancePool(1);
/** {@link variancePool2d} of `[N, C, D, H, W]`. */
export const variancePool3d: Pool = variancePool(3);

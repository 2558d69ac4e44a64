import type { Shape, Window } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import { full, scalarLike } from '../create.ts';
import { withBackend } from '../current.ts';
import { dispatch } from '../dispatch.ts';
import type { Op } from '../op.ts';
import { scope } from '../scope.ts';
import type { Tensor } from '../tensor.ts';
import { scaledTanh } from './activations.ts';
import { floats, shapeIs } from './check.ts';
import { col2im, conv } from './conv.ts';
import { abs, add, equal, mul, neg, pow, sigmoid, sqrt, square, where } from './elementwise.ts';
import { maxPool } from './pool.ts';
import { planes, poolShape, poolWindow } from './pool-window.ts';
import type { Pool, PoolOptions } from './pool-window.ts';
import { broadcastTo, reshape } from './views.ts';
import type { PerAxis } from './window.ts';

const sumPoolOp: Op<{ readonly window: Window }, [x: 0], [y: 0]> = {
  name: 'sumPool',
  fused: 'sumPool',
  infer([x], { window }) {
    floats('sumPool', x);
    return [{ shape: poolShape('sumPool', x.shape, window), dtype: x.dtype }];
  },
  run: (kernels, [x], [y], { window }) => kernels.sumPool(x, y, window),
  // Not the mean times the number of elements: sums of whole numbers stay whole.
  compose([x], { window }) {
    const ones = withBackend(x.backend, () => full([1, 1, ...window.kernel], 1, { dtype: x.dtype }));
    return [reshape(conv(planes(x), ones, undefined, { ...window, groups: 1 }), poolShape('sumPool', x.shape, window))];
  },
};

const sumPoolGradientOp: Op<{ readonly window: Window; readonly inputShape: Shape }, [gradient: 0], [dx: 0]> = {
  name: 'sumPoolGradient',
  fused: 'sumPoolGradient',
  infer([gradient], { window, inputShape }) {
    shapeIs('sumPoolGradient', "the output's gradient", gradient, poolShape('sumPoolGradient', inputShape, window));
    return [{ shape: inputShape, dtype: gradient.dtype }];
  },
  run: (kernels, [gradient], [dx], { window }) => kernels.sumPoolGradient(gradient, dx, window),
  compose([gradient], { window, inputShape }) {
    const [n, c, ...spatial] = inputShape as [number, number, ...number[]];
    const share = reshape(gradient, [n * c, 1, -1]);
    const columns = broadcastTo(share, [n * c, sizeOf(window.kernel), share.shape[2]!]);
    return [reshape(col2im(columns, [n * c, 1, ...spatial], window), inputShape)];
  },
};

export const sumPoolOps = { sumPool: sumPoolOp, sumPoolGradient: sumPoolGradientOp };

/** Gradient of sum pooling with respect to its input. */
export function sumPoolGradient(gradient: Tensor, window: Window, inputShape: Shape): Tensor {
  return dispatch(sumPoolGradientOp, [gradient], { window, inputShape })[0];
}

/** Sum pooling over `axes` spatial axes, in the name of `door`. */
export const sumPool =
  (axes: number, door = `sumPool${axes}d`): Pool =>
  (x, kernelSize, options = {}) =>
    dispatch(sumPoolOp, [x], { window: poolWindow(door, axes, x, kernelSize, options) })[0];

/**
 * Sum of each window of `[N, C, H, W]`; what lies outside adds nothing. The output's size is that of maxPool2d.
 * @throws ShapeError if the window does not fit, or would see padding alone.
 */
export const sumPool2d: Pool = sumPool(2);
/** {@link sumPool2d} of `[N, C, L]`. */
export const sumPool1d: Pool = sumPool(1);
/** {@link sumPool2d} of `[N, C, D, H, W]`. */
export const sumPool3d: Pool = sumPool(3);

const minPool =
  (axes: number): Pool =>
  (x, kernelSize, options) => {
    const door = `minPool${axes}d`;
    floats(door, x);
    return scope(() => neg(maxPool(axes, door)(neg(x), kernelSize, options)));
  };

/**
 * Minimum of each window of `[N, C, H, W]`: `-max(-x)`. Padding never wins; of equal minima the first does, and receives the gradient; NaN wins.
 * @throws ShapeError if the window does not fit, or would see padding alone.
 */
export const minPool2d: Pool = minPool(2);
/** {@link minPool2d} of `[N, C, L]`. */
export const minPool1d: Pool = minPool(1);
/** {@link minPool2d} of `[N, C, D, H, W]`. */
export const minPool3d: Pool = minPool(3);

/** Lp pooling: as PyTorch has it, the exponent comes before the kernel size. */
export type LpPool = (x: Tensor, normType: number, kernelSize: PerAxis, options?: PoolOptions) => Tensor;

const lpPool =
  (axes: number): LpPool =>
  (x, p, kernelSize, options) => {
    const door = `lpPool${axes}d`;
    floats(door, x);
    if (!(p >= 1 && p < Infinity)) {
      throw new RangeError(
        `${door}: normType must be a number of at least 1, but is ${p}. For infinity take the maximum: maxPool${axes}d(abs(x), ...).`,
      );
    }
    return scope(() => {
      // A power below 2 is infinitely curved at 0, and a root infinitely steep.
      const powers = p === 2 ? square(x) : p > 1 && p < 2 ? butAt0(abs(x), (a) => pow(a, p)) : pow(abs(x), p);
      return butAt0(sumPool(axes, door)(powers, kernelSize, options), (sums) =>
        p === 2 ? sqrt(sums) : pow(sums, 1 / p),
      );
    });
  };

/** f of numbers, which leaves 0 as it is, with derivatives of 0 there: it is computed of 1, and not used. */
function butAt0(x: Tensor, f: (x: Tensor) => Tensor): Tensor {
  const isZero = equal(x, 0);
  return where(isZero, scalarLike(x, 0), f(where(isZero, scalarLike(x, 1), x)));
}

/**
 * The norm of each window of `[N, C, H, W]`: `(sum of |x|^p)^(1 / p)`, p being `normType`, a number of at least 1. It is the sum of magnitudes for 1, and comes
 * near their maximum as p grows. The gradient is 0 where a window is all 0. What lies outside adds nothing. For
 * p between 1 and 2 the second derivative at an element of 0 is infinite: 0 stands in for it.
 *
 * As ONNX's LpPool. PyTorch's takes `sum of x^p` without the magnitude, which for odd p is the root of a negative number where negative elements prevail; and
 * in ceil mode it scales up the sum of windows that hang over the end, as if they were full.
 * Source: Sermanet, Chintala and LeCun, Convolutional neural networks applied to house numbers digit classification, arXiv:1204.3968.
 * @throws RangeError for an exponent below 1. ShapeError if the window does not fit, or would see padding alone.
 */
export const lpPool2d: LpPool = lpPool(2);
/** {@link lpPool2d} of `[N, C, L]`. */
export const lpPool1d: LpPool = lpPool(1);
/** {@link lpPool2d} of `[N, C, D, H, W]`. */
export const lpPool3d: LpPool = lpPool(3);

const squashes = { scaledTanh, sigmoid };

/** Options of {@link learnablePool2d}. */
export interface LearnablePoolOptions extends PoolOptions {
  /** What squashes the result: LeCun's `1.7159 * tanh(2 x / 3)`, unless told, or the logistic function. */
  readonly activation?: keyof typeof squashes;
}

/** Learnable pooling: a coefficient and a bias for each channel come before the kernel size. */
export type LearnablePool = (
  x: Tensor,
  weight: Tensor,
  bias: Tensor,
  kernelSize: PerAxis,
  options?: LearnablePoolOptions,
) => Tensor;

const learnablePool =
  (axes: number): LearnablePool =>
  (x, weight, bias, kernelSize, { activation = 'scaledTanh', ...options } = {}) => {
    const door = `learnablePool${axes}d`;
    if (!Object.hasOwn(squashes, activation)) {
      throw new RangeError(
        `${door}: activation must be one of ${Object.keys(squashes).join(', ')}, but is ${JSON.stringify(activation)}.`,
      );
    }
    return scope(() => {
      const sums = sumPool(axes, door)(x, kernelSize, options);
      const ofChannels = (what: string, own: Tensor): Tensor => {
        shapeIs(door, what, own, [sums.shape[1]!]);
        return reshape(own, [-1, ...sums.shape.slice(2).fill(1)]);
      };
      return squashes[activation](add(mul(sums, ofChannels('the weight', weight)), ofChannels('the bias', bias)));
    });
  };

/**
 * Pooling of `[N, C, H, W]` with a coefficient and a bias for each channel, `[C]` both, which are trained: `f(weight[c] * sum of the window + bias[c])`, where
 * f squashes. What lies outside adds nothing.
 * Source: LeCun et al., Gradient-based learning applied to document recognition, Proc. IEEE 86, 1998, section II.B: LeNet-5's layers S2 and S4.
 * @throws ShapeError if weight or bias are not `[C]`, the window does not fit, or would see padding alone. RangeError for an activation that does not exist.
 */
export const learnablePool2d: LearnablePool = learnablePool(2);
/** {@link learnablePool2d} of `[N, C, L]`. */
export const learnablePool1d: LearnablePool = learnablePool(1);
/** {@link learnablePool2d} of `[N, C, D, H, W]`. */
export const learnablePool3d: LearnablePool = learnablePool(3);

import type { Tensor } from '@receptive/tensor';
import { abs, div, minimum, mul, scope, square, sub } from '@receptive/tensor';
import type { LossOptions } from './reduction.ts';
import { checkPair, checkSize, reduce } from './reduction.ts';

/**
 * Mean squared error, `(prediction - target)^2`.
 * @throws ShapeError | DTypeError unless both have one shape and float dtype.
 */
export function mse(prediction: Tensor, target: Tensor, { reduction = 'mean' }: LossOptions = {}): Tensor {
  checkPair('mse', prediction, target);
  return scope(() => reduce(square(sub(prediction, target)), reduction));
}

/**
 * Mean absolute error, `|prediction - target|`. Where they are equal, the derivative is 0.
 * @throws ShapeError | DTypeError unless both have one shape and float dtype.
 */
export function l1(prediction: Tensor, target: Tensor, { reduction = 'mean' }: LossOptions = {}): Tensor {
  checkPair('l1', prediction, target);
  return scope(() => reduce(abs(sub(prediction, target)), reduction));
}

/** Options of {@link huber}. */
export interface HuberOptions extends LossOptions {
  /** The distance from which the loss grows as a line: a number above 0, 1 by default. */
  readonly delta?: number;
}

/**
 * Half the squared distance `d = |prediction - target|` up to `delta`, and beyond it the line that goes on from there, `delta * (d - delta / 2)`: outliers
 * pull no harder than delta. Source: Huber, Robust estimation of a location parameter, 1964.
 * @throws ShapeError | DTypeError unless both have one shape and float dtype.
 * @throws RangeError unless delta is above 0.
 */
export function huber(prediction: Tensor, target: Tensor, options: HuberOptions = {}): Tensor {
  const { delta = 1, reduction = 'mean' } = options;
  checkPair('huber', prediction, target);
  checkSize('huber', 'delta', delta, true);
  return scope(() => reduce(parabolaThenLine(sub(prediction, target), delta), reduction));
}

/** Options of {@link smoothL1}. */
export interface SmoothL1Options extends LossOptions {
  /** The distance up to which the loss is a parabola: a number of at least 0, 1 by default. With 0 it is {@link l1}. */
  readonly beta?: number;
}

/**
 * `d^2 / (2 beta)` for distances `d = |prediction - target|` up to `beta`, and `d - beta / 2` beyond it: huber / beta.
 * Source: Girshick, Fast R-CNN, arXiv:1504.08083, equation 3.
 * @throws ShapeError | DTypeError unless both have one shape and float dtype.
 * @throws RangeError unless beta is at least 0.
 */
export function smoothL1(prediction: Tensor, target: Tensor, options: SmoothL1Options = {}): Tensor {
  const { beta = 1, reduction = 'mean' } = options;
  checkPair('smoothL1', prediction, target);
  checkSize('smoothL1', 'beta', beta);
  if (beta === 0) return l1(prediction, target, { reduction });
  return scope(() => reduce(div(parabolaThenLine(sub(prediction, target), beta), beta), reduction));
}

/** `c * (|x| - c / 2)` with `c = min(|x|, bend)`: both pieces in one formula, in which none that is not chosen can overflow. */
function parabolaThenLine(x: Tensor, bend: number): Tensor {
  const distance = abs(x);
  const bounded = minimum(distance, bend);
  return mul(bounded, sub(distance, mul(bounded, 0.5)));
}

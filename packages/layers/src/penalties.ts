import { grad } from '@receptive/autograd';
import type { Variable } from '@receptive/tensor';
import {
  ShapeError,
  Tensor,
  abs,
  add,
  equal,
  formatShape,
  mean,
  mul,
  scalarLike,
  scope,
  sqrt,
  square,
  sub,
  sum,
  where,
} from '@receptive/tensor';

// What is added to a loss so that of two models that fit alike the plainer one wins.

/**
 * `factor * (sum of |w| over all elements)`, a scalar: it draws weights to 0 and leaves them there. The derivative at 0 is 0.
 * Source: Tibshirani, Regression shrinkage and selection via the lasso, 1996.
 *
 * ```ts
 * valueAndGrad(() => crossEntropy(model.forward(x), y).add(l1Penalty(model.parameters(), 1e-5)), model.parameters());
 * ```
 * @throws RangeError unless there is a parameter, and the factor is a finite number.
 */
export function l1Penalty(parameters: Iterable<Variable | Tensor>, factor: number): Tensor {
  return penalty('l1Penalty', parameters, factor, abs);
}

/**
 * `factor * (sum of w^2 over all elements)`, a scalar. Its gradient is `2 * factor * w`: that of an optimiser's weight decay of `2 * factor`.
 * Source: Hoerl and Kennard, Ridge regression, 1970.
 * @throws RangeError unless there is a parameter, and the factor is a finite number.
 */
export function l2Penalty(parameters: Iterable<Variable | Tensor>, factor: number): Tensor {
  return penalty('l2Penalty', parameters, factor, square);
}

function penalty(
  name: string,
  parameters: Iterable<Variable | Tensor>,
  factor: number,
  size: (w: Tensor) => Tensor,
): Tensor {
  if (!Number.isFinite(factor)) throw new RangeError(`${name}: the factor must be a finite number, but is ${factor}.`);
  const weights = Array.from(parameters, (each) => (each instanceof Tensor ? each : each.value));
  if (weights.length === 0) throw new RangeError(`${name}: needs at least one parameter to penalise.`);
  return scope(() => mul(weights.map((w) => sum(size(w))).reduce(add), factor));
}

/** Options of {@link gradientPenalty}. */
export interface GradientPenaltyOptions {
  /** The norm that costs nothing: 1 by default. */
  readonly target?: number;
}

/**
 * The mean over the samples of `(|gradient of f at x| - target)^2`, a scalar: it holds a critic to slopes of 1. It can be differentiated, which takes f's
 * second derivatives. Where a gradient is 0, so is the penalty's derivative. Source: Gulrajani et al., Improved training of Wasserstein GANs,
 * arXiv:1704.00028, equation 3, whose factor is the caller's.
 *
 * @param f Takes the samples, and returns a number for each, which must follow from that sample alone: no batch normalisation.
 * @param x Samples along the first axis, `[N, ...]`.
 * @throws ShapeError if x is a scalar.
 */
export function gradientPenalty(f: (x: Tensor) => Tensor, x: Tensor, options: GradientPenaltyOptions = {}): Tensor {
  const { target = 1 } = options;
  if (x.rank === 0)
    throw new ShapeError(
      `gradientPenalty: needs samples along the first axis, but x has shape ${formatShape(x.shape)}.`,
    );
  return scope(() => {
    const [slope] = grad(() => sum(f(x)), [x]);
    const inner = x.shape.map((_, axis) => axis).slice(1);
    return mean(square(sub(root(sum(square(slope), inner)), target)));
  });
}

/** The square root; its derivative at 0, which is infinite, is 0. */
function root(x: Tensor): Tensor {
  const zero = equal(x, 0);
  return where(zero, scalarLike(x, 0), sqrt(where(zero, scalarLike(x, 1), x)));
}

import type { Tensor } from '@receptive/tensor';
import {
  add,
  arange,
  div,
  equal,
  mul,
  relu,
  reshape,
  scalarLike,
  scope,
  square,
  sub,
  sum,
  unsqueeze,
  where,
  withBackend,
  cast,
} from '@receptive/tensor';
import { checkClasses, factorOf, scoreOf } from './classes.ts';
import type { LossOptions } from './reduction.ts';
import { checkOneOf, checkPair, checkSize, reduce } from './reduction.ts';

/** Options of {@link hinge}. */
export interface HingeOptions extends LossOptions {
  /** How far on its side a score must be to cost nothing: a number above 0, 1 by default. */
  readonly margin?: number;
}

/**
 * Hinge loss of two classes, `max(0, margin - target * score)` for targets -1 and 1. At the hinge the derivative is 0.
 * Source: Cortes and Vapnik, Support-vector networks, 1995.
 * @throws ShapeError | DTypeError unless both have one shape and float dtype.
 * @throws RangeError unless the margin is above 0.
 */
export function hinge(scores: Tensor, targets: Tensor, { margin = 1, reduction = 'mean' }: HingeOptions = {}): Tensor {
  checkPair('hinge', scores, targets);
  checkSize('hinge', 'margin', margin, true);
  return scope(() => reduce(relu(sub(margin, mul(scores, targets))), reduction));
}

/** Options of {@link multiMargin}. */
export interface MultiMarginOptions extends LossOptions {
  /** By how much the class's score must be above each other one to cost nothing: a number above 0, 1 by default. */
  readonly margin?: number;
  /** 1 (the default), or 2 for the squared hinge loss. */
  readonly p?: 1 | 2;
  /** A factor `[C]` for the loss of each class, of the scores' dtype. */
  readonly weight?: Tensor;
  /** What becomes of the other classes' terms: divided by the number of classes C as PyTorch does (the default), or only added up as in CS231n. */
  readonly classReduction?: 'mean' | 'sum';
}

/**
 * Hinge loss of many classes, of a support-vector machine: `w[y] * (sum over i other than y of max(0, margin - x[y] + x[i])^p) / C` for scores x and a class
 * y. At the hinge the derivative is 0. Source: Weston and Watkins, Support vector machines for multi-class pattern recognition, 1999, as PyTorch's
 * MultiMarginLoss writes it; with `classReduction: 'sum'`, the loss of CS231n.
 *
 * @param scores Floats `[N, C]` or `[N, C, ...spatial]`.
 * @param classes Indices `[N]` or `[N, ...spatial]`, int32 or uint8. An index outside 0 ... C - 1 makes its loss NaN.
 * @returns A scalar, or the shape of `classes` where the reduction is 'none'.
 * @throws ShapeError | DTypeError if classes or weight do not fit the scores.
 * @throws RangeError unless the margin is above 0, p is 1 or 2, and the reductions are such.
 */
export function multiMargin(scores: Tensor, classes: Tensor, options: MultiMarginOptions = {}): Tensor {
  const { margin = 1, p = 1, weight, classReduction = 'mean', reduction = 'mean' } = options;
  checkClasses('multiMargin', scores, classes, weight);
  checkSize('multiMargin', 'margin', margin, true);
  if (p !== 1 && p !== 2) throw new RangeError(`multiMargin: p must be 1 or 2, but is ${String(p)}.`);
  checkOneOf('classReduction', classReduction, ['mean', 'sum']);
  return scope(() => {
    const count = scores.shape[1]!;
    const excess = relu(add(sub(scores, scoreOf(scores, classes)), margin));
    const numbers = withBackend(scores.backend, () => arange(0, count));
    const own = equal(unsqueeze(cast(classes, 'int32'), 1), reshape(numbers, [-1, ...scores.shape.slice(2).fill(1)]));
    const terms = where(own, scalarLike(scores, 0), p === 2 ? square(excess) : excess);
    const total = sum(terms, 1);
    const losses = classReduction === 'mean' ? div(total, count) : total;
    return reduce(weight ? mul(losses, factorOf(weight, classes)) : losses, reduction);
  });
}

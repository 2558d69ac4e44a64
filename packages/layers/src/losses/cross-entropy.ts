import type { Tensor } from '@receptive/tensor';
import { add, cast, div, logSoftmax, mul, neg, reshape, scope, softmaxCrossEntropy, sum } from '@receptive/tensor';
import { checkClasses, factorOf, scoreOf } from './classes.ts';
import type { LossOptions } from './reduction.ts';
import { checkReduction, reduce } from './reduction.ts';

/** Options of {@link crossEntropy}. */
export interface CrossEntropyOptions extends LossOptions {
  /** Share of the target's probability, from 0 to 1, that is spread over all classes alike. Source: Szegedy et al., arXiv:1512.00567, section 7. */
  readonly labelSmoothing?: number;
  /** A factor `[C]` for the loss of each class, of the logits' dtype. The mean divides by the sum of the factors of the targets. */
  readonly weight?: Tensor;
}

/**
 * Cross-entropy of class indices and logits, `-log(softmax(logits)[class])`, as PyTorch defines it. With smoothing `e` over C classes and weights `w`, an
 * element's loss is `(1 - e) * -w[class] * log p[class] + e / C * (sum over c of -w[c] * log p[c])`.
 *
 * @param logits Floats `[N, C]` or `[N, C, ...spatial]`, not passed through softmax.
 * @param classes Indices `[N]` or `[N, ...spatial]`, int32 or uint8. An index outside 0 ... C - 1 makes its loss NaN: a device cannot raise an error for it.
 * @returns A scalar, or the shape of `classes` where the reduction is 'none'.
 * @throws ShapeError | DTypeError if classes or weight do not fit the logits.
 * @throws RangeError for a smoothing that is not from 0 to 1.
 */
export function crossEntropy(logits: Tensor, classes: Tensor, options: CrossEntropyOptions = {}): Tensor {
  const { labelSmoothing = 0, weight, reduction = 'mean' } = options;
  checkClasses('crossEntropy', logits, classes, weight);
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1))
    throw new RangeError(`crossEntropy: labelSmoothing must lie between 0 and 1, but is ${labelSmoothing}.`);
  checkReduction(reduction);
  const isPlain = logits.rank === 2 && labelSmoothing === 0 && !weight;
  if (isPlain) return scope(() => softmaxCrossEntropy(logits, cast(classes, 'int32'), reduction));
  return scope(() => {
    const logs = logSoftmax(logits, 1);
    const picked = neg(reshape(scoreOf(logs, classes), classes.shape));
    const factors = weight && factorOf(weight, classes);
    const hard = factors ? mul(picked, factors) : picked;
    const losses =
      labelSmoothing === 0
        ? hard
        : add(mul(hard, 1 - labelSmoothing), mul(spread(logs, weight), labelSmoothing / logits.shape[1]!));
    return factors && reduction === 'mean' ? div(sum(losses), sum(factors)) : reduce(losses, reduction);
  });
}

/** The loss summed over all classes as if each were the target. */
function spread(logs: Tensor, weight: Tensor | undefined): Tensor {
  const column = weight && reshape(weight, [-1, ...logs.shape.slice(2).map(() => 1)]);
  return neg(sum(column ? mul(logs, column) : logs, 1));
}

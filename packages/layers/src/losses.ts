import { isFloat, sameShape } from '@receptive/backend';
import type { Tensor } from '@receptive/tensor';
import {
  DTypeError,
  ShapeError,
  add,
  cast,
  div,
  formatShape,
  gather,
  indexSelect,
  logSoftmax,
  mean,
  mul,
  neg,
  reshape,
  scope,
  softplus,
  square,
  sub,
  sum,
  unsqueeze,
} from '@receptive/tensor';

/** What becomes of the losses of the elements: their mean (the default), their sum, or nothing. */
export type Reduction = 'mean' | 'sum' | 'none';

/** Options that all losses have. */
export interface LossOptions {
  readonly reduction?: Reduction;
}

function reduce(losses: Tensor, reduction: Reduction): Tensor {
  if (reduction === 'none') return losses;
  return reduction === 'sum' ? sum(losses) : mean(losses);
}

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
  checkClasses(logits, classes, labelSmoothing, weight);
  return scope(() => {
    const indices = cast(classes, 'int32');
    const logs = logSoftmax(logits, 1);
    const picked = neg(reshape(gather(logs, unsqueeze(indices, 1), 1), classes.shape));
    const factors = weight && reshape(indexSelect(weight, reshape(indices, [-1])), classes.shape);
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

function checkClasses(logits: Tensor, classes: Tensor, labelSmoothing: number, weight: Tensor | undefined): void {
  const [n, c, ...spatial] = logits.shape;
  if (n === undefined || c === undefined) {
    throw new ShapeError(
      `crossEntropy: needs logits [N, C] or [N, C, ...spatial], but was given ${formatShape(logits.shape)}.`,
    );
  }
  if (!sameShape(classes.shape, [n, ...spatial])) {
    throw new ShapeError(
      `crossEntropy: logits ${formatShape(logits.shape)} need class indices ${formatShape([n, ...spatial])}, but were given ${formatShape(classes.shape)}. ` +
        'Of one-hot or probability targets, take argmax(targets, 1).',
    );
  }
  if (isFloat(classes.dtype))
    throw new DTypeError(
      `crossEntropy: classes are indices, int32 or uint8, but were given as ${classes.dtype}. Convert them: cast(classes, 'int32').`,
    );
  if (weight && !sameShape(weight.shape, [c])) {
    throw new ShapeError(
      `crossEntropy: ${c} classes need weights ${formatShape([c])}, but were given ${formatShape(weight.shape)}.`,
    );
  }
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1))
    throw new RangeError(`crossEntropy: labelSmoothing must lie between 0 and 1, but is ${labelSmoothing}.`);
}

/**
 * Mean squared error, `(prediction - target)^2`.
 * @throws ShapeError | DTypeError unless both have one shape and float dtype.
 */
export function mse(prediction: Tensor, target: Tensor, { reduction = 'mean' }: LossOptions = {}): Tensor {
  checkPair('mse', prediction, target);
  return scope(() => reduce(square(sub(prediction, target)), reduction));
}

/** Options of {@link binaryCrossEntropyWithLogits}. */
export interface BinaryCrossEntropyOptions extends LossOptions {
  /** A factor for the loss of positive targets, above 1 to find more of them; a number or a tensor that broadcasts. */
  readonly posWeight?: Tensor | number;
}

/**
 * Cross-entropy of probabilities and logits, `-posWeight * y * log(sigmoid(x)) - (1 - y) * log(1 - sigmoid(x))` for logits x and targets y from 0 to 1. It
 * is computed as `posWeight * y * softplus(-x) + (1 - y) * softplus(x)`, in which nothing overflows or cancels.
 * @throws ShapeError | DTypeError unless both have one shape and float dtype.
 */
export function binaryCrossEntropyWithLogits(
  logits: Tensor,
  targets: Tensor,
  options: BinaryCrossEntropyOptions = {},
): Tensor {
  const { posWeight = 1, reduction = 'mean' } = options;
  checkPair('binaryCrossEntropyWithLogits', logits, targets);
  return scope(() => {
    const positive = mul(mul(targets, posWeight), softplus(neg(logits)));
    const negative = mul(sub(1, targets), softplus(logits));
    return reduce(add(positive, negative), reduction);
  });
}

function checkPair(loss: string, prediction: Tensor, target: Tensor): void {
  if (!sameShape(prediction.shape, target.shape)) {
    throw new ShapeError(
      `${loss}: both inputs need one shape, but were given ${formatShape(prediction.shape)} and ${formatShape(target.shape)}. Reshape or broadcast one.`,
    );
  }
  if (prediction.dtype !== target.dtype || !isFloat(prediction.dtype)) {
    throw new DTypeError(
      `${loss}: both inputs need one float dtype, but were given ${prediction.dtype} and ${target.dtype}. Convert with cast().`,
    );
  }
}

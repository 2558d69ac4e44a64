import type { Tensor } from '@receptive/tensor';
import {
  add,
  div,
  equal,
  exp,
  log,
  log1p,
  maximum,
  mul,
  neg,
  scalarLike,
  scope,
  softplus,
  sub,
  sum,
  where,
} from '@receptive/tensor';
import type { LossOptions, Reduction } from './reduction.ts';
import { checkPair, reduce } from './reduction.ts';

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

/**
 * Cross-entropy of probabilities from 0 to 1, `-y * log(p) - (1 - y) * log(1 - p)`, for targets y from 0 to 1. As in PyTorch, logarithms are -100 at least;
 * where they are bounded, the derivative is 0, so that nothing is learned from a probability that is wrong for certain:
 * {@link binaryCrossEntropyWithLogits} has no such place.
 * @throws ShapeError | DTypeError unless both have one shape and float dtype.
 */
export function binaryCrossEntropy(probabilities: Tensor, targets: Tensor, options: LossOptions = {}): Tensor {
  const { reduction = 'mean' } = options;
  checkPair('binaryCrossEntropy', probabilities, targets);
  return scope(() => {
    const positive = mul(targets, boundedLog(probabilities, 0, log));
    const negative = mul(
      sub(1, targets),
      boundedLog(probabilities, 1, (p) => log1p(neg(p))),
    );
    return reduce(neg(add(positive, negative)), reduction);
  });
}

/** The logarithm `f` of a probability, but -100 at least. The `end` where it is infinite, and so is its slope, is kept from it. */
function boundedLog(p: Tensor, end: number, f: (p: Tensor) => Tensor): Tensor {
  const atEnd = equal(p, end);
  const logs = f(where(atEnd, scalarLike(p, 0.5), p));
  return where(atEnd, scalarLike(p, -100), maximum(logs, -100));
}

/** Options of {@link klDivergence}. */
export interface KlDivergenceOptions {
  /** Whether the targets are logarithms of probabilities too. */
  readonly logTarget?: boolean;
  /** Besides the usual ones `'batchmean'`: the sum divided by the length of the first axis, which is the mean of the divergences. */
  readonly reduction?: Reduction | 'batchmean';
}

/**
 * Kullback-Leibler divergence of a distribution q from targets p, element by element `p * (log p - log q)`; 0 where p is 0, with the derivative 0 there.
 * As in PyTorch the default reduction divides by the number of elements: take `'batchmean'` for the divergence itself.
 * Source: Kullback and Leibler, On information and sufficiency, 1951.
 *
 * @param logProbabilities The logarithms of q, as logSoftmax gives them.
 * @param targets p, or its logarithms where `logTarget` is set.
 * @throws ShapeError | DTypeError unless both have one shape and float dtype.
 */
export function klDivergence(logProbabilities: Tensor, targets: Tensor, options: KlDivergenceOptions = {}): Tensor {
  const { logTarget = false, reduction = 'mean' } = options;
  checkPair('klDivergence', logProbabilities, targets);
  return scope(() => {
    // Where p is 0, another number takes its place before a logarithm or an infinite one can make a NaN of its derivative.
    const none = equal(targets, logTarget ? -Infinity : 0);
    const safe = where(none, scalarLike(targets, logTarget ? 0 : 1), targets);
    const [p, logs] = logTarget ? [exp(safe), safe] : [safe, log(safe)];
    const losses = where(none, scalarLike(targets, 0), mul(p, sub(logs, logProbabilities)));
    return reduction === 'batchmean' ? div(sum(losses), losses.shape[0] ?? 1) : reduce(losses, reduction, 'batchmean');
  });
}

import type { Shape } from '@receptive/backend';
import { withBackend } from '../current.ts';
import { ShapeError, formatShape } from '../errors.ts';
import type { Rng } from '../rng.ts';
import { scope } from '../scope.ts';
import type { Tensor } from '../tensor.ts';
import { floats } from './check.ts';
import { add, cast, mul } from './elementwise.ts';

/** 1 with probability `1 - probability`, else 0, of x's type; refuses a share that leaves nothing to be kept. */
function kept(op: string, x: Tensor, shape: Shape, probability: number, rng: Rng): Tensor {
  floats(op, x);
  if (!(probability >= 0 && probability < 1)) {
    throw new RangeError(`${op}: the probability of dropping must be at least 0 and below 1, but is ${probability}.`);
  }
  return cast(
    withBackend(x.backend, () => rng.bernoulli(shape, 1 - probability)),
    x.dtype,
  );
}

/** x times a mask of `shape`, which broadcasts, divided by the share that is kept: what is left keeps the mean. */
function masked(op: string, x: Tensor, shape: Shape, probability: number, rng: Rng): Tensor {
  return scope(() => mul(x, mul(kept(op, x, shape, probability, rng), 1 / (1 - probability))));
}

/** `shape` with all but the first `count` axes of length 1. */
function shared(shape: Shape, count: number): number[] {
  return shape.map((length, axis) => (axis < count ? length : 1));
}

/**
 * Sets each element to 0 with `probability` and divides the others by `1 - probability`, which keeps the mean (inverted dropout). The same state of the
 * generator drops the same elements.
 *
 * Source: Srivastava et al., Dropout: a simple way to prevent neural networks from overfitting, JMLR 15, 2014.
 * @throws RangeError unless `0 <= probability < 1`.
 */
export function dropout(x: Tensor, probability: number, rng: Rng): Tensor {
  return masked('dropout', x, x.shape, probability, rng);
}

/**
 * {@link dropout} of whole channels of `[N, C, ...spatial]`: neighbouring places are too alike for one to be dropped without the other.
 *
 * Source: Tompson et al., Efficient object localization using convolutional networks, arXiv:1411.4280, section 3.2.
 * @throws ShapeError for an input without spatial axes; RangeError unless `0 <= probability < 1`.
 */
export function spatialDropout(x: Tensor, probability: number, rng: Rng): Tensor {
  if (x.rank < 3) {
    throw new ShapeError(`spatialDropout: needs an input [N, C, ...spatial], but was given ${formatShape(x.shape)}.`);
  }
  return masked('spatialDropout', x, shared(x.shape, 2), probability, rng);
}

/** What SELU tends to far below 0: `-lambda * alpha` of Klambauer et al., equation 14. */
const saturation = -1.0507009873554805 * 1.6732632423543772;

/**
 * Dropout for networks of SELU: sets each element to what SELU tends to far below 0, `s = -1.7581`, with `probability`, and then maps all by `a * x + b` such
 * that mean 0 and variance 1 stay: with `q = 1 - probability`, `a = (q + s^2 q (1 - q))^(-1/2)` and `b = -a s (1 - q)`.
 *
 * Source: Klambauer et al., Self-normalizing neural networks, arXiv:1706.02515, section "New dropout technique".
 * @throws RangeError unless `0 <= probability < 1`.
 */
export function alphaDropout(x: Tensor, probability: number, rng: Rng): Tensor {
  const q = 1 - probability;
  const a = (q + saturation ** 2 * q * probability) ** -0.5;
  const dropped = a * saturation * (1 - probability);
  return scope(() => {
    const mask = kept('alphaDropout', x, x.shape, probability, rng);
    // Where nothing is dropped a * x + b, else a * s + b, in one multiplication and one addition.
    return add(mul(x, mul(mask, a)), add(mul(mask, -a * saturation), dropped));
  });
}

/**
 * Drops the whole input, and with it the branch of a residual network that made it, with `probability`; else divides it by `1 - probability`, which keeps the
 * mean. Mode `row` decides for each example of the first axis, `batch` for all of them at once.
 *
 * Source: Huang et al., Deep networks with stochastic depth, arXiv:1603.09382; modes as in torchvision.
 * @throws RangeError unless `0 <= probability < 1`, or for another mode.
 */
export function stochasticDepth(x: Tensor, probability: number, mode: 'batch' | 'row', rng: Rng): Tensor {
  if (mode !== 'batch' && mode !== 'row') {
    throw new RangeError(`stochasticDepth: the mode must be 'batch' or 'row', but is ${JSON.stringify(mode)}.`);
  }
  return masked('stochasticDepth', x, shared(x.shape, mode === 'row' ? 1 : 0), probability, rng);
}

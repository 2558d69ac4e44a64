import type { Tensor } from '@receptive/tensor';
import { cast, mul, scope, withBackend } from '@receptive/tensor';
import { Module } from './module.ts';
import type { ForwardContext } from './module.ts';

/**
 * In training, sets each element to 0 with `probability` and divides the others by `1 - probability`, which keeps the mean (inverted dropout); else the
 * identity. Source: Srivastava et al., Dropout: a simple way to prevent neural networks from overfitting, JMLR 15, 2014.
 * @throws RangeError unless `0 <= probability < 1`.
 */
export class Dropout extends Module {
  readonly #probability: number;

  constructor(probability = 0.5) {
    super();
    if (!(probability >= 0 && probability < 1)) {
      throw new RangeError(
        `Dropout: the probability of dropping must be at least 0 and below 1, but is ${probability}.`,
      );
    }
    this.#probability = probability;
  }

  /** @throws TypeError in training without a generator. */
  override forward(x: Tensor, { training = false, rng }: ForwardContext = {}): Tensor {
    if (!training || this.#probability === 0) return x;
    if (!rng) {
      throw new TypeError(
        'Dropout: in training it needs random numbers. Pass a generator: model.forward(x, { training: true, rng: new Rng(seed) }).',
      );
    }
    const kept = 1 - this.#probability;
    return scope(() =>
      mul(
        x,
        mul(
          cast(
            withBackend(x.backend, () => rng.bernoulli(x.shape, kept)),
            x.dtype,
          ),
          1 / kept,
        ),
      ),
    );
  }
}

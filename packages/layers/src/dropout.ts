import type { Rng, Tensor } from '@receptive/tensor';
import { alphaDropout, dropout, spatialDropout, stochasticDepth } from '@receptive/tensor';
import { laidOut, requireRng } from './check.ts';
import { Module } from './module.ts';
import type { ForwardContext } from './module.ts';

/** Base of the layers that drop by chance in training, and else are the identity. */
abstract class Dropping extends Module {
  readonly #name: string;
  readonly #probability: number;
  readonly #drop: (x: Tensor, probability: number, rng: Rng) => Tensor;

  constructor(name: string, probability: number, drop: (x: Tensor, probability: number, rng: Rng) => Tensor) {
    super();
    if (!(probability >= 0 && probability < 1)) {
      throw new RangeError(
        `${name}: the probability of dropping must be at least 0 and below 1, but is ${probability}.`,
      );
    }
    this.#name = name;
    this.#probability = probability;
    this.#drop = drop;
  }

  /** @throws TypeError in training without a generator. */
  override forward(x: Tensor, { training = false, rng }: ForwardContext = {}): Tensor {
    if (!training || this.#probability === 0) return x;
    return this.#drop(x, this.#probability, requireRng(this.#name, rng));
  }
}

/**
 * In training, sets each element to 0 with `probability` and divides the others by `1 - probability`, which keeps the mean (inverted dropout); else the
 * identity. Source: Srivastava et al., Dropout: a simple way to prevent neural networks from overfitting, JMLR 15, 2014.
 * @throws RangeError unless `0 <= probability < 1`.
 */
export class Dropout extends Dropping {
  constructor(probability = 0.5) {
    super('Dropout', probability, dropout);
  }
}

/** Drops whole channels of an input in one layout. */
abstract class SpatialDropping extends Dropping {
  constructor(name: string, probability: number, layout: string) {
    super(name, probability, (x, share, rng) => {
      laidOut(name, x, layout);
      return spatialDropout(x, share, rng);
    });
  }
}

/** {@link Dropout} of whole channels of `[N, C, L]`: see spatialDropout of \@receptive/tensor. */
export class Dropout1d extends SpatialDropping {
  constructor(probability = 0.5) {
    super('Dropout1d', probability, '[N, C, L]');
  }
}

/** {@link Dropout} of whole channels of `[N, C, H, W]`: see spatialDropout of \@receptive/tensor. */
export class Dropout2d extends SpatialDropping {
  constructor(probability = 0.5) {
    super('Dropout2d', probability, '[N, C, H, W]');
  }
}

/** {@link Dropout} of whole channels of `[N, C, D, H, W]`: see spatialDropout of \@receptive/tensor. */
export class Dropout3d extends SpatialDropping {
  constructor(probability = 0.5) {
    super('Dropout3d', probability, '[N, C, D, H, W]');
  }
}

/** Dropout that keeps mean 0 and variance 1, for networks of SELU: see alphaDropout of \@receptive/tensor. */
export class AlphaDropout extends Dropping {
  constructor(probability = 0.5) {
    super('AlphaDropout', probability, alphaDropout);
  }
}

/**
 * Drops a residual network's branch, for each example (`row`) or for all at once (`batch`): see stochasticDepth of \@receptive/tensor. It stands at the
 * branch's end, before the sum.
 * @throws RangeError unless `0 <= probability < 1`, or for another mode.
 */
export class StochasticDepth extends Dropping {
  constructor(probability: number, mode: 'batch' | 'row') {
    if (mode !== 'batch' && mode !== 'row') {
      throw new RangeError(`StochasticDepth: the mode must be 'batch' or 'row', but is ${JSON.stringify(mode)}.`);
    }
    super('StochasticDepth', probability, (x, share, rng) => stochasticDepth(x, share, mode, rng));
  }
}

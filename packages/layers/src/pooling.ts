import { sizeOf } from '@receptive/backend';
import type {
  AdaptivePool,
  AdaptiveSize,
  LearnablePool,
  LearnablePoolOptions,
  LpPool,
  Parameter,
  PerAxis,
  Pool,
  PoolOptions,
  Rng,
  StochasticPoolOptions,
  Tensor,
} from '@receptive/tensor';
import {
  ShapeError,
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  adaptiveMaxPool3d,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  formatShape,
  gaussianPool1d,
  gaussianPool2d,
  gaussianPool3d,
  globalAvgPool,
  globalMaxPool,
  learnablePool1d,
  learnablePool2d,
  learnablePool3d,
  lpPool1d,
  lpPool2d,
  lpPool3d,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  minPool1d,
  minPool2d,
  minPool3d,
  perAxis,
  stochasticPool1d,
  stochasticPool2d,
  stochasticPool3d,
  sumPool1d,
  sumPool2d,
  sumPool3d,
  variancePool1d,
  variancePool2d,
  variancePool3d,
  zeros,
} from '@receptive/tensor';
import { requireRng, tried, whole } from './check.ts';
import { constant } from './initializers.ts';
import { Module, parameter } from './module.ts';
import type { ForwardContext } from './module.ts';
import { Stateless } from './stateless.ts';

/** The smallest plane of `axes` axes, all of one length, that a window fits into; of a senseless window, any. */
function planeOf(axes: number, kernelSize: PerAxis, { dilation = 1 }: PoolOptions = {}): number[] {
  const most = (value: PerAxis): number => Math.max(...[value].flat());
  const span = most(dilation) * (most(kernelSize) - 1) + 1;
  return [1, 1, ...new Array<number>(axes).fill(span >= 1 && Number.isInteger(span) ? span : 1)];
}

/** A layer of a pooling function over `axes` axes. */
function pooling<O extends PoolOptions>(
  pool: Pool<O>,
  axes: number,
): new (kernelSize: PerAxis, options?: O) => Stateless {
  return class extends Stateless {
    constructor(kernelSize: PerAxis, options?: O) {
      super((x) => pool(x, kernelSize, options));
      tried(this, planeOf(axes, kernelSize, options));
    }
  };
}

function lpPooling(
  pool: LpPool,
  axes: number,
): new (normType: number, kernelSize: PerAxis, options?: PoolOptions) => Stateless {
  return class extends Stateless {
    constructor(normType: number, kernelSize: PerAxis, options?: PoolOptions) {
      super((x) => pool(x, normType, kernelSize, options));
      tried(this, planeOf(axes, kernelSize, options));
    }
  };
}

function adaptivePooling(pool: AdaptivePool, axes: number): new (outputSize: AdaptiveSize) => Stateless {
  return class extends Stateless {
    constructor(outputSize: AdaptiveSize) {
      super((x) => pool(x, outputSize));
      tried(this, planeOf(axes, 1));
    }
  };
}

/** What layers of stochastic pooling have in common. */
abstract class StochasticPool extends Module {
  readonly #pool: (x: Tensor, rng: Rng | undefined) => Tensor;

  constructor(pool: Pool<StochasticPoolOptions>, axes: number, kernelSize: PerAxis, options?: PoolOptions) {
    super();
    this.#pool = (x, rng) => pool(x, kernelSize, { ...options, rng });
    tried(this, planeOf(axes, kernelSize, options));
  }

  /** @throws TypeError in training without a generator. */
  override forward(x: Tensor, { training = false, rng }: ForwardContext = {}): Tensor {
    return this.#pool(x, training ? requireRng(this.constructor.name, rng) : undefined);
  }
}

// Each is the function of its name, which says what it computes and where it comes from. The stride is the kernel size unless given.

/** Maximum of each window of `[N, C, L]`. */
export class MaxPool1d extends pooling(maxPool1d, 1) {}
/**
 * Maximum of each window of `[N, C, H, W]`; of equal maxima the first receives the gradient. The all convolutional net has convolutions of stride 2 in its
 * place: `new Conv2d(c, c, 3, { stride: 2, padding: 1 })` (Springenberg et al., arXiv:1412.6806).
 */
export class MaxPool2d extends pooling(maxPool2d, 2) {}
/** Maximum of each window of `[N, C, D, H, W]`. */
export class MaxPool3d extends pooling(maxPool3d, 3) {}

/** Mean of each window of `[N, C, L]`. */
export class AvgPool1d extends pooling(avgPool1d, 1) {}
/** Mean of each window of `[N, C, H, W]`. */
export class AvgPool2d extends pooling(avgPool2d, 2) {}
/** Mean of each window of `[N, C, D, H, W]`. */
export class AvgPool3d extends pooling(avgPool3d, 3) {}

/** Sum of each window of `[N, C, L]`. */
export class SumPool1d extends pooling(sumPool1d, 1) {}
/** Sum of each window of `[N, C, H, W]`. */
export class SumPool2d extends pooling(sumPool2d, 2) {}
/** Sum of each window of `[N, C, D, H, W]`. */
export class SumPool3d extends pooling(sumPool3d, 3) {}

/** Minimum of each window of `[N, C, L]`. */
export class MinPool1d extends pooling(minPool1d, 1) {}
/** Minimum of each window of `[N, C, H, W]`. */
export class MinPool2d extends pooling(minPool2d, 2) {}
/** Minimum of each window of `[N, C, D, H, W]`. */
export class MinPool3d extends pooling(minPool3d, 3) {}

/** `(sum of |x|^p)^(1 / p)` of each window of `[N, C, L]`. */
export class LPPool1d extends lpPooling(lpPool1d, 1) {}
/** `(sum of |x|^p)^(1 / p)` of each window of `[N, C, H, W]`. */
export class LPPool2d extends lpPooling(lpPool2d, 2) {}
/** `(sum of |x|^p)^(1 / p)` of each window of `[N, C, D, H, W]`. */
export class LPPool3d extends lpPooling(lpPool3d, 3) {}

/** Mean of each window of `[N, C, L]`, weighted by a Gaussian of the distance from its middle. */
export class GaussianPool1d extends pooling(gaussianPool1d, 1) {}
/** Mean of each window of `[N, C, H, W]`, weighted by a Gaussian of the distance from its middle. */
export class GaussianPool2d extends pooling(gaussianPool2d, 2) {}
/** Mean of each window of `[N, C, D, H, W]`, weighted by a Gaussian of the distance from its middle. */
export class GaussianPool3d extends pooling(gaussianPool3d, 3) {}

/** Variance of each window of `[N, C, L]`. */
export class VariancePool1d extends pooling(variancePool1d, 1) {}
/** Variance of each window of `[N, C, H, W]`. */
export class VariancePool2d extends pooling(variancePool2d, 2) {}
/** Variance of each window of `[N, C, D, H, W]`. */
export class VariancePool3d extends pooling(variancePool3d, 3) {}

/** In training an element of each window of `[N, C, L]`, drawn by its size; else what it would be on average. */
export class StochasticPool1d extends StochasticPool {
  constructor(kernelSize: PerAxis, options?: PoolOptions) {
    super(stochasticPool1d, 1, kernelSize, options);
  }
}
/** In training an element of each window of `[N, C, H, W]`, drawn by its size; else what it would be on average. */
export class StochasticPool2d extends StochasticPool {
  constructor(kernelSize: PerAxis, options?: PoolOptions) {
    super(stochasticPool2d, 2, kernelSize, options);
  }
}
/** In training an element of each window of `[N, C, D, H, W]`, drawn by its size; else what it would be on average. */
export class StochasticPool3d extends StochasticPool {
  constructor(kernelSize: PerAxis, options?: PoolOptions) {
    super(stochasticPool3d, 3, kernelSize, options);
  }
}

/** Mean of windows of `[N, C, L]` that fit an output of `outputSize`. */
export class AdaptiveAvgPool1d extends adaptivePooling(adaptiveAvgPool1d, 1) {}
/** Mean of windows of `[N, C, H, W]` that fit an output of `outputSize`. */
export class AdaptiveAvgPool2d extends adaptivePooling(adaptiveAvgPool2d, 2) {}
/** Mean of windows of `[N, C, D, H, W]` that fit an output of `outputSize`. */
export class AdaptiveAvgPool3d extends adaptivePooling(adaptiveAvgPool3d, 3) {}

/** Maximum of windows of `[N, C, L]` that fit an output of `outputSize`. */
export class AdaptiveMaxPool1d extends adaptivePooling(adaptiveMaxPool1d, 1) {}
/** Maximum of windows of `[N, C, H, W]` that fit an output of `outputSize`. */
export class AdaptiveMaxPool2d extends adaptivePooling(adaptiveMaxPool2d, 2) {}
/** Maximum of windows of `[N, C, D, H, W]` that fit an output of `outputSize`. */
export class AdaptiveMaxPool3d extends adaptivePooling(adaptiveMaxPool3d, 3) {}

/** Mean of each plane of `[N, C, ...spatial]`, as `[N, C, 1, ...]`. */
export class GlobalAvgPool extends Stateless {
  constructor() {
    super(globalAvgPool);
  }
}

/** Maximum of each plane of `[N, C, ...spatial]`, as `[N, C, 1, ...]`. */
export class GlobalMaxPool extends Stateless {
  constructor() {
    super(globalMaxPool);
  }
}

/** What layers of learnable pooling have in common. */
abstract class LearnablePooling extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly #door: string;
  readonly #pool: (x: Tensor, weight: Tensor, bias: Tensor) => Tensor;

  constructor(
    door: string,
    [pool, axes]: readonly [pool: LearnablePool, axes: number],
    channels: number,
    kernelSize: PerAxis,
    options?: LearnablePoolOptions,
  ) {
    super();
    whole(door, { channels });
    this.#door = door;
    this.#pool = (x, weight, bias) => pool(x, weight, bias, kernelSize, options);
    const one = (): Tensor => zeros([1]);
    tried({ forward: (x) => this.#pool(x, one(), one()) }, planeOf(axes, kernelSize, options));
    this.weight = parameter([channels], constant(1 / sizeOf(perAxis(door, 'kernelSize', kernelSize, axes))));
    this.bias = parameter([channels], constant(0));
  }

  /** @throws ShapeError for other channels, or another number of axes. */
  override forward(x: Tensor): Tensor {
    const [channels] = this.weight.shape;
    if (x.shape[1] !== channels) {
      throw new ShapeError(`${this.#door}: takes ${channels} channels, but was given ${formatShape(x.shape)}.`);
    }
    return this.#pool(x, this.weight.value, this.bias.value);
  }
}

/** {@link LearnablePool2d} of `[N, C, L]`. */
export class LearnablePool1d extends LearnablePooling {
  constructor(channels: number, kernelSize: PerAxis, options?: LearnablePoolOptions) {
    super('LearnablePool1d', [learnablePool1d, 1], channels, kernelSize, options);
  }
}
/**
 * Pooling with a coefficient and a bias for each of `channels` maps, both trained, as in LeNet-5's layers S2 and S4: `f(weight[c] * sum of the window +
 * bias[c])`. It begins as the mean: coefficients are one over the number of elements, biases 0.
 * @throws ShapeError for channels or a window that are not whole numbers of at least 1. RangeError for an activation that does not exist.
 */
export class LearnablePool2d extends LearnablePooling {
  constructor(channels: number, kernelSize: PerAxis, options?: LearnablePoolOptions) {
    super('LearnablePool2d', [learnablePool2d, 2], channels, kernelSize, options);
  }
}
/** {@link LearnablePool2d} of `[N, C, D, H, W]`. */
export class LearnablePool3d extends LearnablePooling {
  constructor(channels: number, kernelSize: PerAxis, options?: LearnablePoolOptions) {
    super('LearnablePool3d', [learnablePool3d, 3], channels, kernelSize, options);
  }
}

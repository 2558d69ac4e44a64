import type { Buffer, Tensor } from '@receptive/tensor';
import {
  add,
  batchNorm,
  batchNormWithStatistics,
  cast,
  mul,
  reciprocal,
  scope,
  sub,
  unobserved,
  zeros as zeroTensor,
} from '@receptive/tensor';
import { ones, zeros } from './initializers.ts';
import { buffer } from './module.ts';
import type { ForwardContext } from './module.ts';
import { ChannelNorm } from './normalization.ts';
import type { NormLayerOptions } from './normalization.ts';

/** Options of the batch normalisation layers, as in PyTorch; `affine` is true unless told. */
export interface BatchNormLayerOptions extends NormLayerOptions {
  /**
   * What a batch counts for in the running statistics: `running = (1 - momentum) * running + momentum * batch`; 0.1 unless told. ONNX's and TensorFlow's
   * momentum is one minus it. With `null` all batches so far count alike.
   */
  readonly momentum?: number | null;
  /** Whether statistics are gathered in training to be used outside it; true unless told. Without them, the batch's own are always used. */
  readonly trackRunningStats?: boolean;
}

/**
 * In training, normalises each channel by the mean and variance of the batch, over all its places, and gathers these; else by what was gathered. The variance
 * divides by the number of values n where it normalises, and by n - 1 where it is gathered, as in PyTorch. See batchNorm of \@receptive/tensor.
 *
 * The running statistics change in `forward` when it is called in training. No derivative passes through them, and listeners do not see them change.
 */
abstract class BatchNorm extends ChannelNorm {
  readonly runningMean: Buffer | undefined;
  readonly runningVar: Buffer | undefined;
  /** Batches that were gathered, int32. */
  readonly numBatchesTracked: Buffer | undefined;
  readonly #momentum: number | null;

  constructor(name: string, channels: number, layouts: readonly string[], options: BatchNormLayerOptions) {
    const { eps, affine = true, momentum = 0.1, trackRunningStats = true } = options;
    super(name, channels, layouts, affine, eps);
    if (momentum !== null && !(momentum >= 0 && momentum <= 1)) {
      throw new RangeError(
        `${name}: momentum must lie between 0 and 1, or be null to count all batches alike, but is ${momentum}.`,
      );
    }
    this.#momentum = momentum;
    if (trackRunningStats) {
      this.runningMean = buffer([channels], zeros);
      this.runningVar = buffer([channels], ones);
      this.numBatchesTracked = buffer([], (shape) => zeroTensor(shape, { dtype: 'int32' }));
    }
  }

  /**
   * @throws ShapeError for another layout or other channels, and where a batch has one value a channel, which has no variance. DTypeError for another type than
   * the variables have.
   */
  override forward(x: Tensor, { training = false }: ForwardContext = {}): Tensor {
    const { runningMean, runningVar } = this;
    this.check(x, runningMean);
    if (!training && runningMean && runningVar) {
      return batchNorm(x, { ...this.options, statistics: { mean: runningMean.value, variance: runningVar.value } });
    }
    return scope(() => {
      const [y, mean, variance] = batchNormWithStatistics(x, this.options);
      unobserved(() => scope(() => this.#gather(mean, variance)));
      return y;
    });
  }

  /** Takes a batch's statistics into the running ones, if there are such. */
  #gather(mean: Tensor, variance: Tensor): void {
    const { runningMean, runningVar, numBatchesTracked } = this;
    if (!runningMean || !runningVar || !numBatchesTracked) return;
    numBatchesTracked.assign(add(numBatchesTracked.value, 1));
    // The count is not read back: on a GPU that would wait.
    const share = this.#momentum ?? reciprocal(cast(numBatchesTracked.value, mean.dtype));
    const blend = (running: Buffer, batch: Tensor): void =>
      running.assign(add(running.value, mul(sub(batch, running.value), share)));
    blend(runningMean, mean);
    blend(runningVar, variance);
  }
}

/** Batch normalisation of vectors `[N, channels]` or series `[N, channels, L]`: see {@link BatchNorm2d}. */
export class BatchNorm1d extends BatchNorm {
  constructor(channels: number, options: BatchNormLayerOptions = {}) {
    super('BatchNorm1d', channels, ['[N, C]', '[N, C, L]'], options);
  }
}

/**
 * Batch normalisation of images `[N, channels, H, W]`: in training by the mean and variance of each channel over the batch and all its places, which are
 * gathered; else by what was gathered, `runningMean` and `runningVar`. Then a weight and a bias for each channel.
 *
 * Source: Ioffe and Szegedy, Batch normalization: accelerating deep network training by reducing internal covariate shift, arXiv:1502.03167.
 * @throws RangeError for a negative eps or a momentum that is not between 0 and 1.
 */
export class BatchNorm2d extends BatchNorm {
  constructor(channels: number, options: BatchNormLayerOptions = {}) {
    super('BatchNorm2d', channels, ['[N, C, H, W]'], options);
  }
}

/** Batch normalisation of volumes `[N, channels, D, H, W]`: see {@link BatchNorm2d}. */
export class BatchNorm3d extends BatchNorm {
  constructor(channels: number, options: BatchNormLayerOptions = {}) {
    super('BatchNorm3d', channels, ['[N, C, D, H, W]'], options);
  }
}

import type { MaxUnpool, MaxUnpoolOptions, PerAxis, Tensor } from '@receptive/tensor';
import { maxUnpool1d, maxUnpool2d, maxUnpool3d, zeros } from '@receptive/tensor';
import { tried } from './check.ts';
import { Module } from './module.ts';
import type { ForwardContext } from './module.ts';

/** What max unpooling takes besides its input. */
export interface UnpoolContext extends ForwardContext {
  /** Where the maxima were, as maxPool2dWithIndices gives it. */
  readonly indices: Tensor;
  /** Spatial lengths of what was pooled, where they do not follow from those of the input. */
  readonly outputSize?: PerAxis;
}

/** What layers of max unpooling have in common. */
abstract class MaxUnpooling extends Module {
  readonly #unpool: (x: Tensor, context: UnpoolContext) => Tensor;

  constructor(
    [unpool, axes]: readonly [unpool: MaxUnpool, axes: number],
    kernelSize: PerAxis,
    options: Omit<MaxUnpoolOptions, 'outputSize'> = {},
  ) {
    super();
    this.#unpool = (x, { indices, outputSize }) =>
      unpool(x, indices, kernelSize, { ...options, ...(outputSize !== undefined && { outputSize }) });
    // Of so many windows the output is larger than its padding.
    const shape = [1, 1, ...new Array<number>(axes).fill(3)];
    tried({ forward: (x) => this.#unpool(x, { indices: zeros(shape, { dtype: 'int32' }) }) }, shape);
  }

  /** @throws TypeError without indices. ShapeError if they have another shape than x, or no pooling of the output gives x's shape. */
  override forward(x: Tensor, context?: Partial<UnpoolContext>): Tensor {
    const { indices } = context ?? {};
    if (!indices) {
      throw new TypeError(
        `${this.constructor.name}: needs the indices of its pooling: unpool.forward(y, { indices }). Call it from a module of your own, which keeps what maxPool2dWithIndices gives.`,
      );
    }
    return this.#unpool(x, { ...context, indices });
  }
}

/** {@link MaxUnpool2d} of `[N, C, L]`. */
export class MaxUnpool1d extends MaxUnpooling {
  constructor(kernelSize: PerAxis, options?: Omit<MaxUnpoolOptions, 'outputSize'>) {
    super([maxUnpool1d, 1], kernelSize, options);
  }
}

/**
 * Puts maxima back where they came from: see maxUnpool2d of \@receptive/tensor, which says what becomes of several elements for one place and of indices outside. The
 * window is that of the pooling; where it took its maxima is said in `forward`.
 *
 * ```ts
 * class Bottleneck extends Module {
 *   readonly inner = new Conv2d(8, 8, 3, { padding: 1 });
 *   readonly unpool = new MaxUnpool2d(2);
 *   override forward(x: Tensor): Tensor {
 *     return scope(() => {
 *       const [y, indices] = maxPool2dWithIndices(x, 2);
 *       return this.unpool.forward(this.inner.forward(y), { indices, outputSize: x.shape.slice(2) });
 *     });
 *   }
 * }
 * ```
 * Source: Zeiler and Fergus, Visualizing and understanding convolutional networks, arXiv:1311.2901, section 2.1.
 */
export class MaxUnpool2d extends MaxUnpooling {
  constructor(kernelSize: PerAxis, options?: Omit<MaxUnpoolOptions, 'outputSize'>) {
    super([maxUnpool2d, 2], kernelSize, options);
  }
}

/** {@link MaxUnpool2d} of `[N, C, D, H, W]`. */
export class MaxUnpool3d extends MaxUnpooling {
  constructor(kernelSize: PerAxis, options?: Omit<MaxUnpoolOptions, 'outputSize'>) {
    super([maxUnpool3d, 3], kernelSize, options);
  }
}

import type { GridSampleOptions, PerAxis, Tensor } from '@receptive/tensor';
import { ShapeError, affineGrid, formatShape, gridSample, perAxis, reshape, scope } from '@receptive/tensor';
import { whole } from './check.ts';
import { Module } from './module.ts';
import type { ForwardContext } from './module.ts';

/** Options of {@link SpatialTransformer}. */
export interface SpatialTransformerOptions extends GridSampleOptions {
  /** Spatial lengths of the output; those of the input unless told. */
  readonly size?: PerAxis;
}

/**
 * Looks at its input through an affine map that it chooses itself: `localization`, of any layers, makes of `[N, C, H, W]` the 6 numbers of each image's map
 * (12 of a volume's), row by row, and the output `[N, C, ...size]` is the input at the places where the map sends those of the output. It learns with the
 * rest of a model, to find, turn and enlarge what matters. It begins best with the identity:
 *
 * ```ts
 * const identity = () => tensor([1, 0, 0, 0, 1, 0]);
 * const last = new Linear(32, 6, { weightInit: initializers.zeros, biasInit: identity });
 * ```
 *
 * Source: Jaderberg et al., Spatial transformer networks, arXiv:1506.02025.
 * @throws ShapeError for sizes that are not whole numbers of at least 1.
 */
export class SpatialTransformer extends Module {
  readonly localization: Module;
  readonly #options: SpatialTransformerOptions;

  constructor(localization: Module, options: SpatialTransformerOptions = {}) {
    super();
    if (options.size !== undefined) whole('SpatialTransformer', { size: options.size });
    this.localization = localization;
    this.#options = options;
  }

  /** @throws ShapeError if the localization does not give as many numbers as the map has, or the input has no spatial axis. */
  override forward(x: Tensor, context?: ForwardContext): Tensor {
    const [n, c, ...spatial] = x.shape as [number, number, ...number[]];
    const axes = spatial.length;
    const { size = spatial, ...options } = this.#options;
    const output = perAxis('SpatialTransformer', 'size', size, axes);
    return scope(() => {
      const numbers = this.localization.forward(x, context);
      if (numbers.size !== n * axes * (axes + 1)) {
        throw new ShapeError(
          `SpatialTransformer: the localization must give ${axes * (axes + 1)} numbers for each of ${n} inputs ${formatShape(x.shape)}, but gave ${formatShape(numbers.shape)}.`,
        );
      }
      const grid = affineGrid(reshape(numbers, [n, axes, axes + 1]), [n, c, ...output], options);
      return gridSample(x, grid, options);
    });
  }
}

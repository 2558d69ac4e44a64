import type { Tensor } from '@receptive/tensor';
import { ShapeError, add, formatShape, matmul, scope } from '@receptive/tensor';
import { Affine } from './affine.ts';
import type { AffineOptions } from './affine.ts';
import { whole } from './check.ts';

/**
 * A dense layer: `y = x * weight^T + bias` over the last axis of `[..., inFeatures]`, with `weight` `[outFeatures, inFeatures]` and `bias` `[outFeatures]`.
 * @throws ShapeError for features that are not whole numbers of at least 1.
 */
export class Linear extends Affine {
  readonly #inFeatures: number;

  constructor(inFeatures: number, outFeatures: number, options: AffineOptions = {}) {
    whole('Linear', { inFeatures, outFeatures });
    super([outFeatures, inFeatures], options);
    this.#inFeatures = inFeatures;
  }

  /** @throws ShapeError if the last axis does not have `inFeatures` elements. */
  override forward(x: Tensor): Tensor {
    if (x.shape.at(-1) !== this.#inFeatures) {
      throw new ShapeError(
        `Linear: takes ${this.#inFeatures} features along the last axis, but was given ${formatShape(x.shape)}. Flatten images before it, and give it as many inFeatures as they have then.`,
      );
    }
    return scope(() => {
      const product = matmul(x, this.weight.value, { transposeB: true });
      return this.bias ? add(product, this.bias.value) : product;
    });
  }
}

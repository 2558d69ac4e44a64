import type { ConvOptions, PerAxis, Tensor } from '@receptive/tensor';
import { ShapeError, conv2d } from '@receptive/tensor';
import { Affine } from './affine.ts';
import type { AffineOptions } from './affine.ts';
import { whole } from './check.ts';

/** Options of {@link Conv2d}, as in PyTorch. */
export interface Conv2dOptions extends ConvOptions, AffineOptions {}

/**
 * A convolution (as the field uses the word: a cross-correlation) of `[N, inChannels, H, W]` with `outChannels` filters, `weight`
 * `[outChannels, inChannels / groups, kh, kw]`, plus `bias` `[outChannels]`: see conv2d of \@receptive/tensor for the formula and the output's size.
 * @throws ShapeError for channels, kernel or groups that are not whole numbers of at least 1, or groups that do not divide both channels.
 */
export class Conv2d extends Affine {
  readonly #options: ConvOptions;

  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: Conv2dOptions = {}) {
    const { groups = 1 } = options;
    whole('Conv2d', { inChannels, outChannels, kernelSize, groups });
    if (inChannels % groups !== 0 || outChannels % groups !== 0) {
      throw new ShapeError(
        `Conv2d: groups must divide the channels, but ${groups} does not divide both ${inChannels} and ${outChannels}.`,
      );
    }
    const kernel = typeof kernelSize === 'number' ? [kernelSize, kernelSize] : kernelSize;
    if (kernel.length !== 2) {
      throw new ShapeError(
        `Conv2d: kernelSize must be a number or [height, width], but is ${JSON.stringify(kernelSize)}.`,
      );
    }
    super([outChannels, inChannels / groups, ...kernel], options);
    this.#options = options;
  }

  override forward(x: Tensor): Tensor {
    return conv2d(x, this.weight.value, this.bias?.value, this.#options);
  }
}

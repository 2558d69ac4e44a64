import { sizeOf } from '@receptive/backend';
import type { DeformConvOptions, PerAxis, Tensor } from '@receptive/tensor';
import { ShapeError, deformConv2d, perAxis, resolveDeformConv, scope, sigmoid } from '@receptive/tensor';
import { Affine } from './affine.ts';
import type { AffineOptions } from './affine.ts';
import { whole } from './check.ts';
import { Conv2d, checkGroups } from './conv.ts';
import * as initializers from './initializers.ts';

/** Options of {@link DeformConv2d}. */
export interface DeformConv2dOptions extends Omit<DeformConvOptions, 'mask'>, AffineOptions {
  /** Whether what each tap reads is also multiplied by a learned factor from 0 to 1: version 2. False unless told. */
  readonly modulated?: boolean;
}

/**
 * A deformable convolution of `[N, inChannels, H, W]` with `outChannels` filters: a convolution that learns where to look. At each place, two numbers for
 * each tap say by how much it reads elsewhere, and with `modulated` a third one how much what it reads counts. They come of convolutions beside it, `offsetConv`
 * and `maskConv`, of the same input and geometry, which begin as zeros: an untrained layer reads where a convolution does, and a modulated one halves that.
 *
 * See deformConv2d of \@receptive/tensor for the formula and the order of the channels. `weight` is that of Conv2d, with `bias` `[outChannels]`. Sources: Dai et
 * al., Deformable convolutional networks, arXiv:1703.06211, section 2.1; modulated, Zhu et al., Deformable ConvNets v2, arXiv:1811.11168, section 3.2.
 * @throws ShapeError for channels, kernel or other options that are not whole numbers of at least 1 (padding: 0), or groups that do not divide their channels.
 */
export class DeformConv2d extends Affine {
  readonly offsetConv: Conv2d;
  readonly maskConv: Conv2d | undefined;
  readonly #options: DeformConvOptions;

  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: DeformConv2dOptions = {}) {
    const { stride = 1, padding = 0, dilation = 1, groups = 1, offsetGroups = 1, modulated = false } = options;
    checkGroups('DeformConv2d', groups, inChannels, outChannels);
    whole('DeformConv2d', { offsetGroups });
    if (inChannels % offsetGroups !== 0) {
      throw new ShapeError(
        `DeformConv2d: offsetGroups must divide the channels of the input, but ${offsetGroups} does not divide ${inChannels}.`,
      );
    }
    const kernel = perAxis('DeformConv2d', 'kernelSize', kernelSize, 2);
    resolveDeformConv('DeformConv2d', kernel, kernel, options);
    super([outChannels, inChannels / groups, ...kernel], options);
    this.#options = options;
    const { zeros } = initializers;
    const beside = (channels: number): Conv2d =>
      new Conv2d(inChannels, channels, kernel, { stride, padding, dilation, weightInit: zeros, biasInit: zeros });
    const reads = offsetGroups * sizeOf(kernel);
    this.offsetConv = beside(2 * reads);
    this.maskConv = modulated ? beside(reads) : undefined;
  }

  /** By how much each tap reads elsewhere, `[N, 2 * offsetGroups * kh * kw, H', W']`: for each tap the rows, then the columns, in elements of x. */
  offsets(x: Tensor): Tensor {
    return this.offsetConv.forward(x);
  }

  override forward(x: Tensor): Tensor {
    return scope(() =>
      deformConv2d(x, this.offsets(x), this.weight.value, this.bias?.value, {
        ...this.#options,
        mask: this.maskConv && sigmoid(this.maskConv.forward(x)),
      }),
    );
  }
}

import type { ConvTransposeOptions, PerAxis, Tensor } from '@receptive/tensor';
import { convTranspose1d, convTranspose2d, convTranspose3d, perAxis, resolveConvTranspose } from '@receptive/tensor';
import { Affine } from './affine.ts';
import type { AffineOptions } from './affine.ts';
import { checkGroups } from './conv.ts';

/** Options of the transposed convolution layers, as in PyTorch. */
export interface ConvTransposeLayerOptions extends ConvTransposeOptions, AffineOptions {}

/** What transposed convolution layers of any number of axes have in common. */
abstract class TransposedConvolution extends Affine {
  readonly #convolve: typeof convTranspose2d;
  readonly #options: ConvTransposeOptions;

  constructor(
    door: string,
    [convolve, axes]: readonly [convolve: typeof convTranspose2d, axes: number],
    [inChannels, outChannels]: readonly [inChannels: number, outChannels: number],
    kernelSize: PerAxis,
    options: ConvTransposeLayerOptions,
  ) {
    const { groups = 1 } = options;
    checkGroups(door, groups, inChannels, outChannels);
    const kernel = perAxis(door, 'kernelSize', kernelSize, axes);
    resolveConvTranspose(door, kernel, options);
    super([inChannels, outChannels / groups, ...kernel], options, outChannels);
    this.#convolve = convolve;
    this.#options = options;
  }

  override forward(x: Tensor): Tensor {
    return this.#convolve(x, this.weight.value, this.bias?.value, this.#options);
  }
}

/** {@link ConvTranspose2d} along one axis, of `[N, inChannels, L]`: see convTranspose1d. */
export class ConvTranspose1d extends TransposedConvolution {
  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: ConvTransposeLayerOptions = {}) {
    super('ConvTranspose1d', [convTranspose1d, 1], [inChannels, outChannels], kernelSize, options);
  }
}

/**
 * A transposed convolution of `[N, inChannels, H, W]` with `weight` `[inChannels, outChannels / groups, kh, kw]`, plus `bias` `[outChannels]`: see
 * convTranspose2d of \@receptive/tensor for the formula and the output's size. Weights and bias are initialised as PyTorch does, which takes
 * `outChannels / groups * kh * kw` for their fanIn.
 * @throws ShapeError for channels, kernel or other options that are not whole numbers of at least 1 (padding: 0), groups that do not divide both channels,
 * or an outputPadding that is smaller neither than stride nor than dilation.
 * @throws RangeError for a paddingMode other than zeros, or padding by name.
 */
export class ConvTranspose2d extends TransposedConvolution {
  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: ConvTransposeLayerOptions = {}) {
    super('ConvTranspose2d', [convTranspose2d, 2], [inChannels, outChannels], kernelSize, options);
  }
}

/** {@link ConvTranspose2d} over volumes `[N, inChannels, D, H, W]`: see convTranspose3d. */
export class ConvTranspose3d extends TransposedConvolution {
  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: ConvTransposeLayerOptions = {}) {
    super('ConvTranspose3d', [convTranspose3d, 3], [inChannels, outChannels], kernelSize, options);
  }
}

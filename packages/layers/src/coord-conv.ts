import type { CoordinateOptions, PerAxis, Tensor } from '@receptive/tensor';
import { ShapeError, addCoordinates, formatShape, scope } from '@receptive/tensor';
import type { Affine } from './affine.ts';
import { whole } from './check.ts';
import { ConvTranspose1d, ConvTranspose2d, ConvTranspose3d } from './conv-transpose.ts';
import type { ConvTransposeLayerOptions } from './conv-transpose.ts';
import { Conv1d, Conv2d, Conv3d } from './conv.ts';
import type { ConvLayerOptions } from './conv.ts';

/** Options of {@link CoordConv2d} and its likes. */
export interface CoordConvOptions extends ConvLayerOptions, CoordinateOptions {}

/** Options of {@link CoordConvTranspose2d} and its likes. */
export interface CoordConvTransposeOptions extends ConvTransposeLayerOptions, CoordinateOptions {}

/** A layer of convolution. */
interface Convolution extends Affine {
  forward(x: Tensor): Tensor;
}

/** What such a layer is made by. */
type ConvolutionOf<O> = new (inChannels: number, outChannels: number, kernelSize: PerAxis, options?: O) => Convolution;

/** `Base`, over its input and the input's coordinates along `axes` axes. */
function overCoordinates<O extends object>(
  name: string,
  axes: number,
  Base: ConvolutionOf<O>,
): ConvolutionOf<O & CoordinateOptions> {
  return class extends Base {
    readonly #inChannels: number;
    readonly #withR: boolean;

    constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options?: O & CoordinateOptions) {
      const withR = options?.withR ?? false;
      whole(name, { inChannels, outChannels });
      super(inChannels + axes + (withR ? 1 : 0), outChannels, kernelSize, options);
      this.#inChannels = inChannels;
      this.#withR = withR;
    }

    override forward(x: Tensor): Tensor {
      if (x.rank !== axes + 2 || x.shape[1] !== this.#inChannels) {
        throw new ShapeError(
          `${name}: takes inputs of ${this.#inChannels} channels and ${axes} spatial axes, to which it adds their coordinates, but was given ${formatShape(x.shape)}.`,
        );
      }
      return scope(() => super.forward(addCoordinates(x, { withR: this.#withR })));
    }
  };
}

/** {@link CoordConv2d} along one axis: {@link Conv1d} over `[N, inChannels, L]` and one coordinate. */
export class CoordConv1d extends overCoordinates<ConvLayerOptions>('CoordConv1d', 1, Conv1d) {}

/**
 * A convolution that knows where it is: {@link Conv2d} over `[N, inChannels, H, W]` and, as further channels, each element's row and column from -1 to 1,
 * with `withR` also its distance from the middle: see addCoordinates of \@receptive/tensor. `weight` is
 * `[outChannels, (inChannels + 2 (+ 1)) / groups, kh, kw]`, the coordinates' channels last; options are Conv2d's.
 * Source: Liu et al., An intriguing failing of convolutional neural networks and the CoordConv solution, arXiv:1807.03247.
 * @throws ShapeError | RangeError for what Conv2d refuses; groups must divide the channels with the coordinates.
 */
export class CoordConv2d extends overCoordinates<ConvLayerOptions>('CoordConv2d', 2, Conv2d) {}

/** {@link CoordConv2d} over volumes: {@link Conv3d} over `[N, inChannels, D, H, W]` and three coordinates. */
export class CoordConv3d extends overCoordinates<ConvLayerOptions>('CoordConv3d', 3, Conv3d) {}

/** {@link CoordConvTranspose2d} along one axis: {@link ConvTranspose1d} over `[N, inChannels, L]` and one coordinate. */
export class CoordConvTranspose1d extends overCoordinates<ConvTransposeLayerOptions>(
  'CoordConvTranspose1d',
  1,
  ConvTranspose1d,
) {}

/**
 * A transposed convolution that knows where it is: {@link ConvTranspose2d} over `[N, inChannels, H, W]` and its coordinates, as {@link CoordConv2d} adds
 * them. `weight` is `[inChannels + 2 (+ 1), outChannels / groups, kh, kw]`; options are ConvTranspose2d's.
 * @throws ShapeError | RangeError for what ConvTranspose2d refuses; groups must divide the channels with the coordinates.
 */
export class CoordConvTranspose2d extends overCoordinates<ConvTransposeLayerOptions>(
  'CoordConvTranspose2d',
  2,
  ConvTranspose2d,
) {}

/** {@link CoordConvTranspose2d} over volumes: {@link ConvTranspose3d} over `[N, inChannels, D, H, W]` and three coordinates. */
export class CoordConvTranspose3d extends overCoordinates<ConvTransposeLayerOptions>(
  'CoordConvTranspose3d',
  3,
  ConvTranspose3d,
) {}

import type { Shape } from '@receptive/backend';
import { dispatch } from '../dispatch.ts';
import { ShapeError, formatShape } from '../errors.ts';
import type { Op } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { permute, reshape } from './views.ts';
import { perAxis } from './window.ts';

/** Spatial axes of `[N, C, ...spatial]`; refuses a shape that has none, or a factor that is not one. */
function axesOf(op: string, shape: Shape, factor: number): number {
  perAxis(op, 'the factor', factor, 1);
  if (shape.length < 3) {
    throw new ShapeError(`${op}: needs an input [N, C, ...spatial], but was given ${formatShape(shape)}.`);
  }
  return shape.length - 2;
}

const pixelShuffleOp: Op<{ readonly factor: number }, [x: 0], [y: 0]> = {
  name: 'pixelShuffle',
  infer([{ shape, dtype }], { factor }) {
    const channels = shape[1]! / factor ** axesOf('pixelShuffle', shape, factor);
    if (!Number.isInteger(channels)) {
      throw new ShapeError(
        `pixelShuffle: a factor of ${factor} over ${shape.length - 2} axes needs a multiple of ${factor ** (shape.length - 2)} channels, but ${formatShape(shape)} has ${shape[1]}.`,
      );
    }
    return [{ shape: [shape[0]!, channels, ...shape.slice(2).map((length) => length * factor)], dtype }];
  },
  compose([x], { factor }) {
    const [n, c, ...spatial] = x.shape as [number, number, ...number[]];
    const channels = c / factor ** spatial.length;
    // [N, C, r, r, H, W] to [N, C, H, r, W, r].
    const places = spatial.map((_, axis) => axis + 2);
    const apart = reshape(x, [n, channels, ...spatial.map(() => factor), ...spatial]);
    const woven = permute(apart, [0, 1, ...places.flatMap((axis) => [axis + spatial.length, axis])]);
    return [reshape(woven, [n, channels, ...spatial.map((length) => length * factor)])];
  },
};

const pixelUnshuffleOp: Op<{ readonly factor: number }, [x: 0], [y: 0]> = {
  name: 'pixelUnshuffle',
  infer([{ shape, dtype }], { factor }) {
    const axes = axesOf('pixelUnshuffle', shape, factor);
    const spatial = shape.slice(2).map((length) => length / factor);
    if (!spatial.every(Number.isInteger)) {
      throw new ShapeError(
        `pixelUnshuffle: a factor of ${factor} must divide the spatial lengths, but they are ${formatShape(shape.slice(2))}.`,
      );
    }
    return [{ shape: [shape[0]!, shape[1]! * factor ** axes, ...spatial], dtype }];
  },
  compose([x], { factor }) {
    const [n, c, ...long] = x.shape as [number, number, ...number[]];
    const spatial = long.map((length) => length / factor);
    // [N, C, H, r, W, r] to [N, C, r, r, H, W].
    const places = spatial.map((_, axis) => 2 * axis + 2);
    const woven = reshape(x, [n, c, ...spatial.flatMap((length) => [length, factor])]);
    const apart = permute(woven, [0, 1, ...places.map((axis) => axis + 1), ...places]);
    return [reshape(apart, [n, c * factor ** spatial.length, ...spatial])];
  },
};

export const pixelShuffleOps = { pixelShuffle: pixelShuffleOp, pixelUnshuffle: pixelUnshuffleOp };

/**
 * Makes channels into places: `[N, C * r^2, H, W]` to `[N, C, H * r, W * r]`, `y[n, c, h * r + i, w * r + j] = x[n, c * r^2 + i * r + j, h, w]`; over one or
 * three axes alike, with r or r^3. The end of a sub-pixel convolution. Source: Shi et al., Real-time single image and video super-resolution using an
 * efficient sub-pixel convolutional neural network, arXiv:1609.05158, equation 4, with the channels in PyTorch's order.
 * @throws ShapeError if the channels do not fall into groups of r^2.
 */
export function pixelShuffle(x: Tensor, upscaleFactor: number): Tensor {
  return dispatch(pixelShuffleOp, [x], { factor: upscaleFactor })[0];
}

/**
 * The inverse of {@link pixelShuffle}: `[N, C, H * r, W * r]` to `[N, C * r^2, H, W]`.
 * @throws ShapeError if the factor does not divide the spatial lengths.
 */
export function pixelUnshuffle(x: Tensor, downscaleFactor: number): Tensor {
  return dispatch(pixelUnshuffleOp, [x], { factor: downscaleFactor })[0];
}

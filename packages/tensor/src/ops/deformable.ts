import type { ConvGeometry, Shape } from '@receptive/backend';
import { sizeOf, typedArray } from '@receptive/backend';
import { fromArray } from '../create.ts';
import { dispatch } from '../dispatch.ts';
import { ShapeError, formatShape } from '../errors.ts';
import type { Op } from '../op.ts';
import { scope } from '../scope.ts';
import type { Tensor } from '../tensor.ts';
import { floats, sameDtype, shapeIs } from './check.ts';
import { conv, convShape, resolveConv } from './conv.ts';
import { add, mul } from './elementwise.ts';
import { sample } from './sample.ts';
import { permute, reshape } from './views.ts';
import { notPlain, perAxis } from './window.ts';
import type { WindowOptions } from './window.ts';

/** Options of {@link deformConv2d}. */
export interface DeformConvOptions extends WindowOptions {
  /** Groups of channels that do not see each other; divides input and output channels. 1 unless told. */
  readonly groups?: number;
  /** Groups of input channels, each sampled at places of its own; divides the input channels. 1 unless told. */
  readonly offsetGroups?: number;
  /** A factor for what each tap reads, `[N, offsetGroups * kh * kw, H', W']`: the modulation of version 2. Left out in version 1. */
  readonly mask?: Tensor | null | undefined;
}

const deformConvOp: Op<
  { readonly geometry: ConvGeometry; readonly offsetGroups: number },
  [x: 0, offset: 0, weight: 0, mask?: 0],
  [y: 0]
> = {
  name: 'deformConv',
  infer([x, offset, weight, mask], { geometry, offsetGroups }) {
    floats('deformConv', x);
    sameDtype('deformConv', x, offset, weight, ...(mask ? [mask] : []));
    const shape = convShape('deformConv', x.shape, weight.shape, geometry);
    const [n, channels] = x.shape as [number, number];
    if (channels % offsetGroups !== 0) {
      throw new ShapeError(
        `deformConv: ${channels} input channels do not fall into ${offsetGroups} equal groups of offsets. Take offsetGroups that divide them.`,
      );
    }
    const [reads, output] = [offsetGroups * sizeOf(geometry.kernel), shape.slice(2)];
    const axes = geometry.kernel.length;
    shapeIs('deformConv', `the offset (${axes} for each tap)`, offset, [n, axes * reads, ...output]);
    if (mask) shapeIs('deformConv', 'the mask (one for each tap)', mask, [n, reads, ...output]);
    return [{ shape, dtype: x.dtype }];
  },
  // Offset groups are images of their own here, [N * offsetGroups, C / offsetGroups, ...]. What is sampled for them are the columns [N, C * taps, places] of an
  // ordinary convolution, and what is left of that is one of kernel 1.
  compose([x, offset, weight, mask], { geometry, offsetGroups }) {
    const [n, channels, ...spatial] = x.shape as [number, number, ...number[]];
    const [images, perImage] = [n * offsetGroups, channels / offsetGroups];
    const [output, axes, taps] = [offset.shape.slice(2), spatial.length, sizeOf(geometry.kernel)];
    const places = sizeOf(output);
    const moves = permute(reshape(offset, [images, taps, axes, places]), [0, 1, 3, 2]);
    const points = reshape(add(moves, regularPoints(offset, geometry, output)), [images, taps * places, axes]);
    const read = sample(reshape(x, [images, perImage, ...spatial]), points);
    const modulated = mask
      ? mul(reshape(read, [images, perImage, taps, places]), reshape(mask, [images, 1, taps, places]))
      : read;
    const ones = geometry.kernel.map(() => 1);
    return [
      conv(
        reshape(modulated, [n, channels * taps, ...output]),
        reshape(weight, [weight.shape[0]!, -1, ...ones]),
        undefined,
        { kernel: ones, stride: ones, dilation: ones, padding: ones.map(() => [0, 0]), groups: geometry.groups },
      ),
    ];
  },
};

/** Where a convolution reads, `[taps, places, axes]`, in elements of its input. */
function regularPoints(like: Tensor, { kernel, stride, dilation, padding }: ConvGeometry, output: Shape): Tensor {
  const [taps, places, axes] = [indices(kernel), indices(output), kernel.length];
  const points = typedArray(like.dtype, taps.length * places.length * axes);
  let i = 0;
  for (const tap of taps) {
    for (const place of places) {
      for (let axis = 0; axis < axes; axis++) {
        points[i++] = place[axis]! * stride[axis]! + tap[axis]! * dilation[axis]! - padding[axis]![0];
      }
    }
  }
  return fromArray(like.backend, points, [taps.length, places.length, axes], like.dtype);
}

/** Every index of a shape, row by row. */
function indices(shape: Shape): readonly (readonly number[])[] {
  return shape.reduce<number[][]>(
    (found, length) => found.flatMap((index) => Array.from({ length }, (_, i) => [...index, i])),
    [[]],
  );
}

/** The geometry that options describe over spatial lengths `input`; refuses options that make no sense, whatever the input. */
export function resolveDeformConv(
  op: string,
  input: Shape,
  kernel: readonly number[],
  { offsetGroups = 1, ...options }: DeformConvOptions,
): ConvGeometry {
  notPlain(op, options);
  perAxis(op, 'offsetGroups', offsetGroups, 1);
  return resolveConv(op, input, kernel, options);
}

export const deformableOps = { deformConv: deformConvOp };

/**
 * Deformable convolution of `x` `[N, C, H, W]` with `weight` `[O, C / groups, kh, kw]`, plus `bias` `[O]`: a convolution whose taps read where `offset`
 * moves them, between elements too,
 *
 * `y[n, o, i, j] = bias[o] + sum over c, u, v of x(n, c, i * stride + u * dilation - padding + dy, ... + dx) * mask * weight[o, c, u, v]`,
 *
 * where x(...) is interpolated bilinearly and 0 outside, and `dy`, `dx` and `mask` belong to the place `(i, j)`, the tap `(u, v)` and the channel's group of
 * offsets. Offsets of zeros, and no mask or one of ones, make it conv2d. Where a place is whole, its derivative is that of the cell that begins there: see
 * {@link sample}.
 *
 * The channels of `offset` `[N, 2 * offsetGroups * kh * kw, H', W']` are `2 * ((g * kh + u) * kw + v)` for dy and the next for dx, in elements of x; those of
 * the mask `(g * kh + u) * kw + v`: the order of torchvision and of ONNX's DeformConv. `H'` and `W'` are the output's lengths.
 *
 * Sources: Dai et al., Deformable convolutional networks, arXiv:1703.06211, equations 2 to 4; with a mask, Zhu et al., Deformable ConvNets v2,
 * arXiv:1811.11168, equation 1.
 * @throws ShapeError if channels, groups, offset, mask or bias do not fit, or the kernel is larger than the padded input.
 */
export function deformConv2d(
  x: Tensor,
  offset: Tensor,
  weight: Tensor,
  bias?: Tensor | null,
  options: DeformConvOptions = {},
): Tensor {
  if (x.rank !== 4 || weight.rank !== 4) {
    throw new ShapeError(
      `deformConv2d: needs an input [N, C, H, W] and weights [O, C / groups, kh, kw], but was given ${formatShape(x.shape)} and ${formatShape(weight.shape)}.`,
    );
  }
  const { offsetGroups = 1, mask } = options;
  const geometry = resolveDeformConv('deformConv2d', x.shape.slice(2), weight.shape.slice(2), options);
  if (bias) shapeIs('deformConv2d', 'the bias', bias, [weight.shape[0]!]);
  return scope(() => {
    const y = dispatch(deformConvOp, mask ? [x, offset, weight, mask] : [x, offset, weight], {
      geometry,
      offsetGroups,
    })[0];
    return bias ? add(y, reshape(bias, [-1, 1, 1])) : y;
  });
}

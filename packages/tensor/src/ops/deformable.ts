import type { ConvGeometry, Shape } from '@receptive/backend';
import { dispatch } from '../dispatch.ts';
import { ShapeError, formatShape } from '../errors.ts';
import type { Op } from '../op.ts';
import { scope } from '../scope.ts';
import type { Tensor } from '../tensor.ts';
import { floats, sameDtype, shapeIs } from './check.ts';
import { conv, convShape, resolveConv } from './conv.ts';
import { deformColumns, deformableColumnsOps, deformedShape } from './deformable-columns.ts';
import { add } from './elementwise.ts';
import { reshape } from './views.ts';
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
  fused: 'deformConv',
  infer([x, offset, weight, mask], { geometry, offsetGroups }) {
    floats('deformConv', x);
    sameDtype('deformConv', x, weight);
    const shape = convShape('deformConv', x.shape, weight.shape, geometry);
    deformedShape('deformConv', x.shape, { window: geometry, offsetGroups }, x, { offset, mask });
    return [{ shape, dtype: x.dtype }];
  },
  run: (kernels, [x, offset, weight, mask], [y], { geometry, offsetGroups }) =>
    kernels.deformConv(x, offset, weight, mask, y, geometry, offsetGroups),
  compose([x, offset, weight, mask], { geometry, offsetGroups }) {
    const columns = deformColumns(x, offset, mask, { window: geometry, offsetGroups });
    const y = conv(columns, reshape(weight, [weight.shape[0]!, -1, 1]), undefined, columnGeometry(geometry.groups));
    return [reshape(y, convShape('deformConv', x.shape, weight.shape, geometry))];
  },
};

/** A convolution of columns: each place meets all weights of its group. */
export function columnGeometry(groups: number): ConvGeometry {
  return { kernel: [1], stride: [1], dilation: [1], padding: [[0, 0]], groups };
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

export const deformableOps = { deformConv: deformConvOp, ...deformableColumnsOps };

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

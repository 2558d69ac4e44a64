import { tensor } from '../create.ts';
import { withBackend } from '../current.ts';
import { ShapeError, formatShape } from '../errors.ts';
import { scope } from '../scope.ts';
import type { Tensor } from '../tensor.ts';
import { floats } from './check.ts';
import { convolution, resolveConv } from './conv.ts';
import type { ConvOptions } from './conv.ts';

/** Options of {@link separableConv2d} and its likes: those of the convolution by channels, and the groups of the one that mixes them. */
export interface SeparableConvOptions extends Omit<ConvOptions, 'groups'> {
  /** Groups of channels that the pointwise convolution does not mix; 1 unless told. */
  readonly pointwiseGroups?: number;
}

/** A depthwise separable convolution as users call it. */
type SeparableConvolution = (
  x: Tensor,
  depthwise: Tensor,
  pointwise: Tensor,
  bias?: Tensor | null,
  options?: SeparableConvOptions,
) => Tensor;

function separableConvolution(op: string, axes: number): SeparableConvolution {
  const convolve = convolution(op, axes);
  return (x, depthwise, pointwise, bias, { pointwiseGroups = 1, ...options } = {}) => {
    if (pointwise.shape.slice(2).some((length) => length !== 1)) {
      throw new ShapeError(
        `${op}: the pointwise weights have kernels of one element, but their shape is ${formatShape(pointwise.shape)}.`,
      );
    }
    return scope(() =>
      convolve(convolve(x, depthwise, null, { ...options, groups: x.shape[1] ?? 1 }), pointwise, bias, {
        groups: pointwiseGroups,
      }),
    );
  };
}

/** {@link separableConv2d} along one axis: `depthwise` `[C * m, 1, k]`, `pointwise` `[O, C * m / pointwiseGroups, 1]`. */
export const separableConv1d: SeparableConvolution = separableConvolution('separableConv1d', 1);

/**
 * Depthwise separable convolution of `x` `[N, C, H, W]`: each channel with m kernels of its own, `depthwise` `[C * m, 1, kh, kw]`, to which the options
 * apply, and then all of these maps with `pointwise` `[O, C * m / pointwiseGroups, 1, 1]`, which mixes channels and not places; plus `bias` `[O]`. To
 * k * k * C * O weights of a plain convolution it has k * k * C + C * O: a share of 1 / O + 1 / k^2. With `pointwiseGroups`, the mixing is grouped as
 * well. Source: Howard et al., MobileNets, arXiv:1704.04861, section 3.1, equations 3 to 5.
 * @throws ShapeError if the weights do not fit the channels or the groups, the pointwise kernels are larger than 1, or as conv2d.
 */
export const separableConv2d: SeparableConvolution = separableConvolution('separableConv2d', 2);

/** {@link separableConv2d} over volumes: `depthwise` `[C * m, 1, kd, kh, kw]`, `pointwise` `[O, C * m / pointwiseGroups, 1, 1, 1]`. */
export const separableConv3d: SeparableConvolution = separableConvolution('separableConv3d', 3);

const spatial = convolution('spatiallySeparableConv2d', 2);

/** Options of a two-dimensional convolution along one of its axes; along the other, a kernel of one element steps from each to the next. */
export function alongAxis<O extends ConvOptions>(options: O, axis: 0 | 1): O {
  const { stride = 1, padding = 0, dilation = 1 } = options;
  const only = <T, U>(value: number | readonly T[], neutral: U) =>
    [0, 1].map((a) => (a === axis ? (typeof value === 'number' ? value : value[a]!) : neutral));
  return {
    ...options,
    stride: only(stride, 1),
    padding: typeof padding === 'string' ? padding : only(padding, 0),
    dilation: only(dilation, 1),
  };
}

/**
 * Spatially separable convolution of `x` `[N, C, H, W]`: first along the columns with `column` `[M, C / groups, kh, 1]`, then along the rows with `row`
 * `[O, M / groups, 1, kw]`, plus `bias` `[O]`; the options are those of the whole, each axis taking its part. Where each filter has one column and one
 * row, it is the convolution with their product, a kernel of kh * kw weights of rank 1 (see {@link separate}) made of kh + kw. Source: Szegedy et al.,
 * Rethinking the Inception architecture for computer vision, arXiv:1512.00567, section 3.2.
 * @throws ShapeError if the weights are not a column and a row, or as conv2d.
 */
export function spatiallySeparableConv2d(
  x: Tensor,
  column: Tensor,
  row: Tensor,
  bias?: Tensor | null,
  options: ConvOptions = {},
): Tensor {
  if (column.shape[3] !== 1 || row.shape[2] !== 1) {
    throw new ShapeError(
      `spatiallySeparableConv2d: needs weights of columns [M, C / groups, kh, 1] and of rows [O, M / groups, 1, kw], but was given ${formatShape(column.shape)} and ${formatShape(row.shape)}.`,
    );
  }
  const kernel = [column.shape[2]!, row.shape[3]!];
  resolveConv('spatiallySeparableConv2d', kernel, kernel, options);
  return scope(() => spatial(spatial(x, column, null, alongAxis(options, 0)), row, bias, alongAxis(options, 1)));
}

/** A kernel as the product of a column and a row: `kernel[i, j] = column[i] * row[j]`. */
export interface SeparatedKernel {
  readonly column: Tensor;
  readonly row: Tensor;
}

/**
 * The column `[kh]` and the row `[kw]` whose product is `kernel` `[kh, kw]`, if there are such: if its rank is 1 (or 0) up to `tolerance`, the largest
 * error of an element as a share of the kernel's largest element. Else undefined. Of all pairs it is the one in which the row's element at the place of
 * the kernel's largest is 1 or -1, and the column's there positive. Asynchronous, for it reads the kernel; not recorded for derivatives.
 * @throws ShapeError if the kernel is no matrix. DTypeError if it is not of floats. RangeError for a tolerance below 0.
 */
export async function separate(kernel: Tensor, { tolerance = 1e-6 } = {}): Promise<SeparatedKernel | undefined> {
  floats('separate', kernel);
  if (kernel.rank !== 2) {
    throw new ShapeError(`separate: needs one kernel [kh, kw], but was given ${formatShape(kernel.shape)}.`);
  }
  if (!(tolerance >= 0)) {
    throw new RangeError(`separate: tolerance must be a number of at least 0, but is ${tolerance}.`);
  }
  const { backend, dtype } = kernel;
  const [height, width] = kernel.shape as [number, number];
  const elements = Float64Array.from(await kernel.data());
  // What is of rank 1 is known by the row and the column through any element that is not 0; the largest loses least to rounding.
  const pivot = elements.reduce((best, value, i) => (Math.abs(value) > Math.abs(elements[best]!) ? i : best), 0);
  const largest = elements[pivot]!;
  const [top, left] = [Math.floor(pivot / width), pivot % width];
  const column = Float64Array.from({ length: height }, (_, i) => Math.sign(largest) * elements[i * width + left]!);
  const row = elements
    .slice(top * width, (top + 1) * width)
    .map((value) => (value === 0 ? 0 : value / Math.abs(largest)));
  const near = elements.every((value, i) => {
    const product = column[Math.floor(i / width)]! * row[i % width]!;
    return Math.abs(value - product) <= tolerance * Math.abs(largest);
  });
  if (!near) return undefined;
  return withBackend(backend, () => ({ column: tensor(column, { dtype }), row: tensor(row, { dtype }) }));
}

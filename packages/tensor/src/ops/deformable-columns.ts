import type { Shape, Window } from '@receptive/backend';
import { sizeOf, typedArray } from '@receptive/backend';
import { fromArray } from '../create.ts';
import { dispatch } from '../dispatch.ts';
import { ShapeError } from '../errors.ts';
import type { Op, TensorType } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { floats, sameDtype, shapeIs } from './check.ts';
import { add, mul } from './elementwise.ts';
import { sum } from './reduce.ts';
import { sample, sampleInputGradient, samplePointsGradient } from './sample.ts';
import { permute, reshape } from './views.ts';
import { outputOf } from './window.ts';

// What a deformable convolution reads: the columns [N, C * taps, places] of an ordinary one, but of values between elements.

/** How columns are read. */
export interface DeformedWindow {
  readonly window: Window;
  /** Groups of channels, each sampled at places of its own. */
  readonly offsetGroups: number;
}

type DeformedImage = DeformedWindow & { readonly inputShape: Shape };

/** Refuses offsets, a mask or a gradient of the columns that do not fit an input of `shape`; gives the shape of the columns. */
export function deformedShape(
  op: string,
  shape: Shape,
  { window, offsetGroups }: DeformedWindow,
  like: TensorType,
  { offset, mask, gradient }: { offset: TensorType; mask?: TensorType | undefined; gradient?: TensorType },
): number[] {
  const [n, channels, ...spatial] = shape as [number, number, ...number[]];
  const output = outputOf(op, spatial, window);
  floats(op, like);
  sameDtype(op, like, offset, ...(mask ? [mask] : []));
  if (channels % offsetGroups !== 0) {
    throw new ShapeError(
      `${op}: ${channels} input channels do not fall into ${offsetGroups} equal groups of offsets. Take offsetGroups that divide them.`,
    );
  }
  const [axes, taps] = [window.kernel.length, sizeOf(window.kernel)];
  const reads = offsetGroups * taps;
  shapeIs(op, `the offset (${axes} for each tap)`, offset, [n, axes * reads, ...output]);
  if (mask) shapeIs(op, 'the mask (one for each tap)', mask, [n, reads, ...output]);
  const columns = [n, channels * taps, sizeOf(output)];
  if (gradient) shapeIs(op, 'the gradient of the columns', gradient, columns);
  return columns;
}

/** The sizes that all compositions take apart by. Offset groups are images of their own in them, `[N * offsetGroups, C / offsetGroups, ...]`. */
function asImages(shape: Shape, offset: Tensor, { window, offsetGroups }: DeformedWindow) {
  const [n, channels, ...spatial] = shape as [number, number, ...number[]];
  const [images, perImage, output] = [n * offsetGroups, channels / offsetGroups, offset.shape.slice(2)];
  const [axes, taps, places] = [spatial.length, sizeOf(window.kernel), sizeOf(output)];
  const moves = permute(reshape(offset, [images, taps, axes, places]), [0, 1, 3, 2]);
  return {
    shape: [images, perImage, ...spatial],
    points: reshape(add(moves, regularPoints(offset, window, output)), [images, taps * places, axes]),
    /** Columns times the mask. */
    modulated: (columns: Tensor, mask: Tensor | undefined) =>
      mask
        ? mul(reshape(columns, [images, perImage, taps, places]), reshape(mask, [images, 1, taps, places]))
        : columns,
    flat: [images, perImage, taps * places],
    perPoint: [images, taps, places, axes],
  };
}

const deformColumnsOp: Op<DeformedWindow, [x: 0, offset: 0, mask?: 0], [columns: 0]> = {
  name: 'deformColumns',
  fused: 'deformColumns',
  infer([x, offset, mask], attributes) {
    return [{ shape: deformedShape('deformColumns', x.shape, attributes, x, { offset, mask }), dtype: x.dtype }];
  },
  run: (kernels, [x, offset, mask], [columns], { window, offsetGroups }) =>
    kernels.deformColumns(x, offset, mask, columns, window, offsetGroups),
  compose([x, offset, mask], attributes) {
    const { shape, points, modulated } = asImages(x.shape, offset, attributes);
    const columns = [x.shape[0]!, x.shape[1]! * sizeOf(attributes.window.kernel), sizeOf(offset.shape.slice(2))];
    return [reshape(modulated(sample(reshape(x, shape), points), mask), columns)];
  },
};

const deformColumnsInputGradientOp: Op<DeformedImage, [gradient: 0, offset: 0, mask?: 0], [dx: 0]> = {
  name: 'deformColumnsInputGradient',
  fused: 'deformColumnsInputGradient',
  infer([gradient, offset, mask], attributes) {
    const { inputShape } = attributes;
    deformedShape('deformColumnsInputGradient', inputShape, attributes, gradient, { offset, mask, gradient });
    return [{ shape: inputShape, dtype: gradient.dtype }];
  },
  run: (kernels, [gradient, offset, mask], [dx], { window, offsetGroups }) =>
    kernels.deformColumnsInputGradient(gradient, offset, mask, dx, window, offsetGroups),
  compose([gradient, offset, mask], attributes) {
    const { shape, points, modulated, flat } = asImages(attributes.inputShape, offset, attributes);
    const upstream = reshape(modulated(gradient, mask), flat);
    return [reshape(sampleInputGradient(upstream, points, shape), attributes.inputShape)];
  },
};

const deformColumnsOffsetGradientOp: Op<DeformedWindow, [x: 0, gradient: 0, offset: 0, mask?: 0], [doffset: 0]> = {
  name: 'deformColumnsOffsetGradient',
  fused: 'deformColumnsOffsetGradient',
  infer([x, gradient, offset, mask], attributes) {
    sameDtype('deformColumnsOffsetGradient', x, gradient);
    deformedShape('deformColumnsOffsetGradient', x.shape, attributes, x, { offset, mask, gradient });
    return [offset];
  },
  run: (kernels, [x, gradient, offset, mask], [doffset], { window, offsetGroups }) =>
    kernels.deformColumnsOffsetGradient(x, gradient, offset, mask, doffset, window, offsetGroups),
  compose([x, gradient, offset, mask], attributes) {
    const { shape, points, modulated, flat, perPoint } = asImages(x.shape, offset, attributes);
    const moved = samplePointsGradient(reshape(x, shape), points, reshape(modulated(gradient, mask), flat));
    return [reshape(permute(reshape(moved, perPoint), [0, 1, 3, 2]), offset.shape)];
  },
};

const deformColumnsMaskGradientOp: Op<DeformedWindow, [x: 0, gradient: 0, offset: 0], [dmask: 0]> = {
  name: 'deformColumnsMaskGradient',
  fused: 'deformColumnsMaskGradient',
  infer([x, gradient, offset], attributes) {
    sameDtype('deformColumnsMaskGradient', x, gradient);
    deformedShape('deformColumnsMaskGradient', x.shape, attributes, x, { offset, gradient });
    return [{ shape: maskShape(offset, attributes), dtype: x.dtype }];
  },
  run: (kernels, [x, gradient, offset], [dmask], { window, offsetGroups }) =>
    kernels.deformColumnsMaskGradient(x, gradient, offset, dmask, window, offsetGroups),
  compose([x, gradient, offset], attributes) {
    const { shape, points, flat } = asImages(x.shape, offset, attributes);
    const products = mul(sample(reshape(x, shape), points), reshape(gradient, flat));
    return [reshape(sum(products, 1), maskShape(offset, attributes))];
  },
};

function maskShape({ shape }: TensorType, { window, offsetGroups }: DeformedWindow): number[] {
  return [shape[0]!, offsetGroups * sizeOf(window.kernel), ...shape.slice(2)];
}

/** Where a convolution reads, `[taps, places, axes]`, in elements of its input. */
function regularPoints(like: Tensor, { kernel, stride, dilation, padding }: Window, output: Shape): Tensor {
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

export const deformableColumnsOps = {
  deformColumns: deformColumnsOp,
  deformColumnsInputGradient: deformColumnsInputGradientOp,
  deformColumnsOffsetGradient: deformColumnsOffsetGradientOp,
  deformColumnsMaskGradient: deformColumnsMaskGradientOp,
};

/** What a deformable convolution of `x` reads, times the mask if there is one: columns `[N, C * taps, places]`. */
export function deformColumns(x: Tensor, offset: Tensor, mask: Tensor | undefined, attributes: DeformedWindow): Tensor {
  return dispatch(deformColumnsOp, mask ? [x, offset, mask] : [x, offset], attributes)[0];
}

/** Gradient of {@link deformColumns} with respect to its input. */
export function deformColumnsInputGradient(
  gradient: Tensor,
  offset: Tensor,
  mask: Tensor | undefined,
  attributes: DeformedWindow,
  inputShape: Shape,
): Tensor {
  const all = { ...attributes, inputShape };
  return dispatch(deformColumnsInputGradientOp, mask ? [gradient, offset, mask] : [gradient, offset], all)[0];
}

/** Gradient of {@link deformColumns} with respect to its offsets. */
export function deformColumnsOffsetGradient(
  x: Tensor,
  gradient: Tensor,
  offset: Tensor,
  mask: Tensor | undefined,
  attributes: DeformedWindow,
): Tensor {
  return dispatch(
    deformColumnsOffsetGradientOp,
    mask ? [x, gradient, offset, mask] : [x, gradient, offset],
    attributes,
  )[0];
}

/** Gradient of {@link deformColumns} with respect to its mask. */
export function deformColumnsMaskGradient(
  x: Tensor,
  gradient: Tensor,
  offset: Tensor,
  attributes: DeformedWindow,
): Tensor {
  return dispatch(deformColumnsMaskGradientOp, [x, gradient, offset], attributes)[0];
}

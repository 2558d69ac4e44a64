import { sizeOf } from '@receptive/backend';
import { fullLike } from '../create.ts';
import { ShapeError, formatShape } from '../errors.ts';
import { scope } from '../scope.ts';
import type { Tensor } from '../tensor.ts';
import { dtypeIs, shapeIs } from './check.ts';
import { div, maximum } from './elementwise.ts';
import { scatterAdd } from './indexing.ts';
import { givenWindow } from './pool-window.ts';
import { reshape } from './views.ts';
import { perAxis } from './window.ts';
import type { PerAxis } from './window.ts';

/** Options of {@link maxUnpool2d}: those of the pooling that is undone. */
export interface MaxUnpoolOptions {
  /** The kernel size unless given. */
  readonly stride?: PerAxis;
  readonly padding?: number | readonly (number | readonly [before: number, after: number])[];
  /** Spatial lengths of the output: less than a stride from `(n - 1) * stride - padding + kernelSize`, which stands in for them. */
  readonly outputSize?: PerAxis;
}

/** Puts maxima back where they came from. */
export type MaxUnpool = (x: Tensor, indices: Tensor, kernelSize: PerAxis, options?: MaxUnpoolOptions) => Tensor;

const maxUnpool =
  (axes: number): MaxUnpool =>
  (x, indices, kernelSize, { outputSize, ...options } = {}) => {
    const door = `maxUnpool${axes}d`;
    const { kernel, stride, padding } = givenWindow(door, axes, x, kernelSize, options);
    dtypeIs(door, 'the indices', indices, 'int32');
    shapeIs(door, 'the indices', indices, x.shape);
    const [n, c, ...spatial] = x.shape as [number, number, ...number[]];
    const usual = spatial.map((length, axis) => {
      const [before, after] = padding[axis]!;
      return (length - 1) * stride[axis]! - before - after + kernel[axis]!;
    });
    const output = outputSize === undefined ? usual : perAxis(door, 'outputSize', outputSize, axes);
    if (output.some((length, axis) => length < 1 || Math.abs(length - usual[axis]!) >= stride[axis]!)) {
      throw new ShapeError(
        `${door}: windows of ${formatShape(kernel)} at strides ${formatShape(stride)} that give ${formatShape(spatial)} do not come from ${formatShape(output)}. outputSize is the spatial shape that was pooled: less than a stride from ${formatShape(usual)}.`,
      );
    }
    return scope(() => {
      const [rows, places] = [reshape(x, [n * c, -1]), reshape(indices, [n * c, -1])];
      const scattered = (source: Tensor): Tensor => scatterAdd(source, places, 1, sizeOf(output));
      const count = scattered(fullLike(rows, 1));
      return reshape(div(scattered(rows), maximum(count, 1)), [n, c, ...output]);
    });
  };

/**
 * The partial inverse of maxPool2dWithIndices: zeros, but for the elements of `x` `[N, C, H, W]` at `indices` (int32, of x's shape: places in the flattened
 * plane of the output). Where windows overlap, several elements may belong to one place. If they are equal, as maxima of one image are, the place gets their
 * value; otherwise their mean (PyTorch leaves open which one it gets). Indices outside the plane are left
 * out: a device cannot raise an error for them.
 * Source: Zeiler and Fergus, Visualizing and understanding convolutional networks, arXiv:1311.2901, section 2.1.
 * @throws ShapeError if the indices have another shape than x, or no pooling of the output gives x's shape. DTypeError for indices that are not int32.
 */
export const maxUnpool2d: MaxUnpool = maxUnpool(2);
/** {@link maxUnpool2d} of `[N, C, L]`. */
export const maxUnpool1d: MaxUnpool = maxUnpool(1);
/** {@link maxUnpool2d} of `[N, C, D, H, W]`. */
export const maxUnpool3d: MaxUnpool = maxUnpool(3);

import type { Shape } from '@receptive/backend';
import { sizeOf, stridesOf, typedArray } from '@receptive/backend';
import { fromArray } from '../create.ts';
import { ShapeError, formatShape } from '../errors.ts';
import { scope } from '../scope.ts';
import type { Tensor } from '../tensor.ts';
import { floats } from './check.ts';
import { broadcastTo, concat } from './views.ts';

/** Options of {@link addCoordinates}. */
export interface CoordinateOptions {
  /** Whether one more channel tells the distance from the middle; false unless told. */
  readonly withR?: boolean;
}

/**
 * Appends to `x` `[N, C, ...spatial]` a channel for each spatial axis that tells where along it an element is: from -1 at the first place to 1 at the last
 * (of an image rows, then columns), and 0 along an axis of length 1. With `withR` one more tells how far from the middle it is, `sqrt(i^2 + j^2)`, over all
 * axes. The result is `[N, C + axes (+ 1), ...spatial]`: a convolution over it can tell places apart.
 * Source: Liu et al., An intriguing failing of convolutional neural networks and the CoordConv solution, arXiv:1807.03247, section 3.
 * @throws ShapeError if there is no spatial axis; DTypeError unless x is a float.
 */
export function addCoordinates(x: Tensor, { withR = false }: CoordinateOptions = {}): Tensor {
  floats('addCoordinates', x);
  if (x.rank < 3) {
    throw new ShapeError(
      `addCoordinates: needs an input [N, C, ...spatial] with at least one spatial axis, but was given ${formatShape(x.shape)}.`,
    );
  }
  const [n, , ...spatial] = x.shape as [number, number, ...number[]];
  const places = coordinates(spatial, withR);
  const shape = [places.length, ...spatial];
  return scope(() => {
    const values = typedArray(x.dtype, sizeOf(shape));
    places.forEach((channel, k) => values.set(channel, k * channel.length));
    return concat([x, broadcastTo(fromArray(x.backend, values, [1, ...shape], x.dtype), [n, ...shape])], 1);
  });
}

/** The channels, place by place. */
function coordinates(spatial: Shape, withR: boolean): Float64Array[] {
  const strides = stridesOf(spatial);
  const positions = sizeOf(spatial);
  const axes = spatial.map((length, axis) =>
    Float64Array.from({ length: positions }, (_, place) => {
      const index = Math.floor(place / strides[axis]!) % length;
      return length === 1 ? 0 : (2 * index) / (length - 1) - 1;
    }),
  );
  if (!withR) return axes;
  return [
    ...axes,
    Float64Array.from({ length: positions }, (_, place) => Math.hypot(...axes.map((axis) => axis[place]!))),
  ];
}

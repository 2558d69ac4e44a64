/** The length of each axis, outermost first. `[]` is a scalar. */
export type Shape = readonly number[];

/** Number of elements of a tensor of this shape. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const length of shape) size *= length;
  return size;
}

/** Strides, in elements, of a dense row-major tensor of this shape. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

/** Whether two shapes are the same, axis by axis. */
export function sameShape(a: Shape, b: Shape): boolean {
  if (a.length !== b.length) return false;
  for (let axis = 0; axis < a.length; axis++) if (a[axis] !== b[axis]) return false;
  return true;
}

/**
 * Strides with which a dense tensor of shape `from` is read as if it had shape `to`: axes are aligned at the right, and a length of 1 repeats
 * (stride 0). The shapes must be broadcastable; the op that calls a kernel has checked that.
 */
export function broadcastStrides(from: Shape, to: Shape): number[] {
  const strides = stridesOf(from);
  const missing = to.length - from.length;
  return to.map((_, axis) => {
    const own = axis - missing;
    return own < 0 || from[own] === 1 ? 0 : strides[own]!;
  });
}

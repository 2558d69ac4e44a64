import type { Shape, Window } from '@receptive/backend';
import { sizeOf, typedArray, windowSpan } from '@receptive/backend';
import { fromArray } from '../create.ts';
import { ShapeError } from '../errors.ts';
import type { TensorType } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { floats } from './check.ts';
import { reshape } from './views.ts';
import { outputOf, perAxis, resolveWindow, spatialOf } from './window.ts';
import type { PerAxis, WindowOptions } from './window.ts';

/** Options of the pooling functions, as in PyTorch. The stride is the kernel size unless given. */
export interface PoolOptions extends WindowOptions {
  /**
   * Round the number of windows up instead of down: the last ones may hang over the end of the padded input. One that would begin in the padding at the end,
   * or beyond it, is left out.
   */
  readonly ceilMode?: boolean;
}

/** A pooling function: over 1 to 3 spatial axes, by its name. */
export type Pool<O = PoolOptions> = (x: Tensor, kernelSize: PerAxis, options?: O) => Tensor;

/** The window of a pool over the input of `op`, which has `axes` spatial axes. What hangs over the end in ceil mode is padding like any other. */
export function poolWindow(op: string, axes: number, x: TensorType, kernelSize: PerAxis, options: PoolOptions): Window {
  return fitted(op, x, givenWindow(op, axes, x, kernelSize, options), options.ceilMode ?? false);
}

/** The window of a pool as it was asked for, without regard to ceil mode; refuses an input of other axes, or of integers. */
export function givenWindow(
  op: string,
  axes: number,
  x: TensorType,
  kernelSize: PerAxis,
  options: WindowOptions,
): Window {
  floats(op, x);
  const spatial = spatialOf(op, x, axes);
  const kernel = perAxis(op, 'kernelSize', kernelSize, axes);
  return resolveWindow(op, spatial, kernel, { ...options, stride: options.stride ?? kernel });
}

/** The window with as much padding at the end as its last places need, checked. */
export function fitted(op: string, x: TensorType, given: Window, ceilMode: boolean): Window {
  const spatial = x.shape.slice(2);
  const window = ceilMode ? roundedUp(spatial, given) : given;
  checkPadding(op, spatial, window);
  return window;
}

function roundedUp(spatial: Shape, window: Window): Window {
  const padding = spatial.map((length, axis) => {
    const [before, after] = window.padding[axis]!;
    const [span, stride] = [windowSpan(window.kernel[axis]!, window.dilation[axis]!), window.stride[axis]!];
    const windows = Math.ceil((length + before + after - span) / stride) + 1;
    const last = (windows - 1) * stride < length + before ? windows - 1 : windows - 2;
    return [before, Math.max(0, last * stride + span - length - before)] as const;
  });
  return { ...window, padding };
}

/** Refuses a window that does not fit, or that somewhere would see padding alone, and have no maximum and no mean. */
function checkPadding(op: string, spatial: Shape, window: Window): void {
  const output = outputOf(op, spatial, window);
  // Without padding every tap lies inside.
  if (window.padding.every(([before, after]) => before === 0 && after === 0)) return;
  tapsInside(spatial, output, window).forEach((taps, axis) => {
    if (taps.every(({ length }) => length > 0)) return;
    throw new ShapeError(
      `${op}: with padding ${JSON.stringify(window.padding[axis])} on an axis of ${spatial[axis]}, some windows of ${window.kernel[axis]} would see padding alone. Pad less than a window.`,
    );
  });
}

/** For each axis and each place of the window along it, the taps that lie inside the input, by their number. */
export function tapsInside(
  spatial: Shape,
  output: Shape,
  { kernel, stride, padding, dilation }: Window,
): (readonly number[])[][] {
  return output.map((length, axis) =>
    Array.from({ length }, (_, i) => {
      const start = i * stride[axis]! - padding[axis]![0];
      const taps = Array.from({ length: kernel[axis]! }, (_tap, u) => u);
      return taps.filter((u) => start + u * dilation[axis]! >= 0 && start + u * dilation[axis]! < spatial[axis]!);
    }),
  );
}

/** Shape of a pool's output. */
export function poolShape(op: string, [n, c, ...spatial]: Shape, window: Window): number[] {
  return [n!, c!, ...outputOf(op, spatial, window)];
}

/** One plane an image and channel: `[N, C, ...spatial]` as `[N * C, 1, ...spatial]`. */
export function planes(x: Tensor): Tensor {
  return reshape(x, [x.shape[0]! * x.shape[1]!, 1, ...x.shape.slice(2)]);
}

/** A constant `[1, 1, ...spatial]` of like's type: at each place `f` of the product of one number an axis. */
export function separable(
  like: Tensor,
  axes: readonly (readonly number[])[],
  f: (product: number) => number = (product) => product,
): Tensor {
  const products = axes.reduce<number[]>((found, axis) => found.flatMap((a) => axis.map((b) => a * b)), [1]);
  const shape = [1, 1, ...axes.map(({ length }) => length)];
  const values = typedArray(like.dtype, sizeOf(shape));
  values.set(products.map(f));
  return fromArray(like.backend, values, shape, like.dtype);
}

/** What each element of a window counts for in its mean, for each place of the window: one over the number of elements, padding included or not. */
export function shares(like: Tensor, spatial: Shape, window: Window, countPadding: boolean): Tensor {
  const output = outputOf('avgPool', spatial, window);
  const counts = countPadding
    ? output.map((length, axis) => new Array<number>(length).fill(window.kernel[axis]!))
    : tapsInside(spatial, output, window).map((axis) => axis.map(({ length }) => length));
  return separable(like, counts, (count) => 1 / count);
}

import type { Shape } from './shape.ts';

/**
 * How a window slides over the spatial axes of an `[N, C, ...spatial]` tensor: the geometry that convolution, pooling and im2col share. All lists have
 * one entry a spatial axis, so one, two and three dimensions are the same code.
 */
export interface Window {
  /** Lengths of the window's axes (kernel size). */
  readonly kernel: readonly number[];
  /** Steps between neighbouring windows. */
  readonly stride: readonly number[];
  /** Distance between neighbouring taps inside a window; 1 is a dense window. */
  readonly dilation: readonly number[];
  /** Elements of padding before and after each axis. */
  readonly padding: readonly (readonly [before: number, after: number])[];
}

/** Elements a dilated window spans along one axis: `dilation * (kernel - 1) + 1`. */
export function windowSpan(kernel: number, dilation: number): number {
  return dilation * (kernel - 1) + 1;
}

/**
 * Spatial output lengths of a window over `input`: `floor((n + before + after - span) / stride) + 1` an axis.
 * A result below 1 means that the window does not fit; the op that asks raises the error.
 */
export function windowOutput(input: Shape, window: Window): number[] {
  return input.map((length, axis) => {
    const [before, after] = window.padding[axis]!;
    const span = windowSpan(window.kernel[axis]!, window.dilation[axis]!);
    return Math.floor((length + before + after - span) / window.stride[axis]!) + 1;
  });
}

/** Padding as a user writes it: one number for every side, one an axis, a pair an axis, or a named rule. */
export type Padding = number | readonly (number | readonly [before: number, after: number])[] | 'same' | 'valid';

/**
 * Resolves {@link Padding} for a window over `input`. `'same'` gives `ceil(n / stride)` outputs with the odd element at the end
 * (for stride 1 and an odd kernel, `p = (f - 1) / 2` on both sides); `'valid'` gives none.
 */
export function resolvePadding(
  padding: Padding,
  input: Shape,
  window: Omit<Window, 'padding'>,
): (readonly [before: number, after: number])[] {
  return input.map((length, axis) => {
    if (padding === 'valid') return [0, 0];
    if (padding === 'same') {
      const stride = window.stride[axis]!;
      const span = windowSpan(window.kernel[axis]!, window.dilation[axis]!);
      const total = Math.max(0, (Math.ceil(length / stride) - 1) * stride + span - length);
      return [Math.floor(total / 2), Math.ceil(total / 2)];
    }
    const side = typeof padding === 'number' ? padding : padding[axis]!;
    return typeof side === 'number' ? [side, side] : side;
  });
}

/** A way of computing a convolution and its gradients: by its definition, as a matrix product, or in Winograd's tiles of 2 x 2 or 4 x 4 outputs. */
export type ConvAlgorithm = 'direct' | 'gemm' | 'winograd2' | 'winograd4';

/** The geometry of a convolution: its window, and into how many independent groups the channels fall. */
export interface ConvGeometry extends Window {
  readonly groups: number;
  /** Left out, the backend chooses. All ways give the same result up to rounding, and a backend that has not got this one goes its own. */
  readonly algorithm?: ConvAlgorithm;
}

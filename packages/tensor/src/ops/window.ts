import type { Padding, Shape, Window } from '@receptive/backend';
import { resolvePadding, windowOutput, windowSpan } from '@receptive/backend';
import { ShapeError, formatShape } from '../errors.ts';
import type { TensorType } from '../op.ts';

/** A number for every spatial axis, or one for each. */
export type PerAxis = number | readonly number[];

/** How a window slides, as a user writes it. */
export interface WindowOptions {
  readonly stride?: PerAxis;
  /** A number for all sides, one an axis, a pair `[before, after]` an axis, `'same'` (output `ceil(n / stride)`) or `'valid'` (none). */
  readonly padding?: Padding;
  readonly dilation?: PerAxis;
}

/** What the axes of an image are called in messages, by their number. */
export const layouts: readonly string[] = ['[N, C]', '[N, C, L]', '[N, C, H, W]', '[N, C, D, H, W]'];

/** The spatial lengths of an input `[N, C, ...spatial]`; refuses one that does not have `axes` of them. */
export function spatialOf(op: string, x: TensorType, axes: number): readonly number[] {
  if (x.shape.length !== axes + 2) {
    throw new ShapeError(`${op}: needs an input ${layouts[axes]}, but was given ${formatShape(x.shape)}.`);
  }
  return x.shape.slice(2);
}

/** One entry for each of `rank` spatial axes, each a whole number of at least `least`. */
export function perAxis(op: string, what: string, value: PerAxis, rank: number, least = 1): number[] {
  const list = typeof value === 'number' ? new Array<number>(rank).fill(value) : [...value];
  if (list.length !== rank || !list.every((n) => Number.isInteger(n) && n >= least)) {
    throw new ShapeError(
      `${op}: ${what} must be a whole number of at least ${least}, or ${rank} of them, but is ${JSON.stringify(value)}.`,
    );
  }
  return list;
}

function isLength(n: number): boolean {
  return Number.isInteger(n) && n >= 0;
}

/** The window that options describe over spatial lengths `input`. */
export function resolveWindow(op: string, input: Shape, kernel: readonly number[], options: WindowOptions): Window {
  const window = {
    kernel,
    stride: perAxis(op, 'stride', options.stride ?? 1, input.length),
    dilation: perAxis(op, 'dilation', options.dilation ?? 1, input.length),
  };
  const { padding = 0 } = options;
  if (Array.isArray(padding) && padding.length !== input.length) {
    throw new ShapeError(
      `${op}: padding needs an entry for each of ${input.length} spatial axes, but is ${JSON.stringify(padding)}.`,
    );
  }
  const resolved = resolvePadding(padding, input, window);
  if (!resolved.every(([before, after]) => isLength(before) && isLength(after))) {
    throw new ShapeError(
      `${op}: padding must be whole numbers of at least 0, 'same' or 'valid', but is ${JSON.stringify(padding)}.`,
    );
  }
  return { ...window, padding: resolved };
}

/** Refuses what plain convolutions alone have. Types leave it out; callers without types may try, and would not be told that nothing came of it. */
export function notPlain(op: string, options: object): void {
  const { paddingMode = 'zeros', flipKernel = false, algorithm = 'auto' } = options as Partial<Record<string, unknown>>;
  if (paddingMode !== 'zeros') {
    throw new RangeError(
      `${op}: paddingMode must be 'zeros', but is ${JSON.stringify(paddingMode)}: only plain convolutions have others.`,
    );
  }
  if (flipKernel !== false)
    throw new RangeError(`${op}: flipKernel is for plain convolutions. Turn the weights by flip().`);
  if (algorithm !== 'auto') throw new RangeError(`${op}: there is one way to compute it. Leave out algorithm.`);
}

/** Spatial output lengths; refuses a window of other axes, or larger than the padded input. */
export function outputOf(op: string, input: Shape, window: Window): number[] {
  if (input.length !== window.kernel.length) {
    throw new ShapeError(
      `${op}: a window of ${formatShape(window.kernel)} needs an input [N, C, ...spatial] with as many spatial axes, but they are ${formatShape(input)}.`,
    );
  }
  const output = windowOutput(input, window);
  if (output.some((length) => length < 1)) {
    const spans = window.kernel.map((length, axis) => windowSpan(length, window.dilation[axis]!));
    const padded = input.map((length, axis) => length + window.padding[axis]![0] + window.padding[axis]![1]);
    throw new ShapeError(
      `${op}: a window of ${formatShape(spans)} does not fit into an input of ${formatShape(padded)} (padding included). Pad more, or use a smaller kernel.`,
    );
  }
  return output;
}

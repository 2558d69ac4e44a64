import { pieces, roundUp } from './plan.ts';
import type { Sizes } from './sizes.ts';

// Strips are some rows of an image, surrounded by zeros, whose columns are sorted by the remainder that the stride leaves: the places that a tap meets are then
// neighbours, whatever the stride.

/** Bytes of strips that leave room for the rest in the first-level cache. */
export const STRIP: number = 24 << 10;

/** Along one axis, the outputs whose places leave one remainder by the number of classes. */
interface Class {
  readonly count: number;
  /** The taps that they meet, and where the first output meets each in the strip. */
  readonly taps: readonly { readonly tap: number; readonly at: number }[];
}

/** How outputs along an axis meet inputs in a strip that begins `before` inputs before the first; each output lies `stride` inputs further. */
export interface Axis {
  readonly input: number;
  readonly output: number;
  readonly stride: number;
  readonly before: number;
  readonly classes: readonly Class[];
}

export const range = (length: number): number[] => Array.from({ length }, (_, i) => i);

export function forward({ input, output, kernel, stride, dilation, before }: Sizes, axis: number): Axis {
  const taps = range(kernel[axis]!).map((tap) => ({ tap, at: tap * dilation[axis]! }));
  return {
    input: input[axis]!,
    output: output[axis]!,
    stride: stride[axis]!,
    before: before[axis]!,
    classes: [{ count: output[axis]!, taps }],
  };
}

/** Input `i` meets tap `t` of output `(i + before - t * dilation) / stride`, where that is whole. */
export function backward({ input, output, kernel, stride, dilation, before }: Sizes, axis: number): Axis {
  const step = stride[axis]!;
  const met = range(Math.min(step, input[axis]!)).map((start) =>
    range(kernel[axis]!)
      .map((tap) => ({ tap, at: (start + before[axis]! - tap * dilation[axis]!) / step }))
      .filter(({ at }) => Number.isInteger(at))
      .sort((a, b) => a.at - b.at),
  );
  const outside = Math.max(0, ...met.flatMap((taps) => taps.map(({ at }) => -at)));
  const classes = met.map((taps, start) => ({
    count: pieces(input[axis]! - start, step),
    taps: taps.map(({ tap, at }) => ({ tap, at: at + outside })),
  }));
  return { input: output[axis]!, output: input[axis]!, stride: 1, before: outside, classes };
}

/** How far from a strip's begin the last tap of the first output lies. */
export function farthest({ classes }: Axis): number {
  return Math.max(0, ...classes.flatMap(({ taps }) => taps.map(({ at }) => at)));
}

/** Elements of a part of a strip's row where `outputs` outputs slide along it. */
export function lengthOf(axis: Axis, outputs: number): number {
  return roundUp(outputs + Math.floor(farthest(axis) / axis.stride), 4);
}

/** Bytes from the begin of a strip's row to an element of the image's row. */
export function placeOf({ stride }: Axis, length: number): (at: number) => number {
  return (at) => ((at % stride) * length + Math.floor(at / stride)) * 4;
}

/** The parts of a strip's row that taps meet: how many zeros come first, how many elements of the image follow, and the bytes before these there. */
export function partsOf(axis: Axis, length: number): number[][] {
  const { input, stride, before } = axis;
  return range(Math.min(stride, farthest(axis) + 1)).map((part) => {
    const place = (at: number): number => Math.min(length, Math.max(0, pieces(at + before - part, stride)));
    const begin = place(0);
    return [begin, place(input) - begin, (begin * stride + part - before) * 4];
  });
}

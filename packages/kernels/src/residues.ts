import { pieces } from './plan.ts';
import type { Sizes } from './sizes.ts';

/**
 * The taps that one residue class of input positions along an axis meets. Position `start + i * stride` (`i < count`)
 * meets tap `tap + j * tapStep` of output `i + output - j * outputStep`, for each `j < taps`.
 */
export interface Residue {
  readonly start: number;
  readonly count: number;
  readonly taps: number;
  readonly tap: number;
  readonly tapStep: number;
  readonly output: number;
  readonly outputStep: number;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/**
 * Input position `p` meets tap `t` of output `o` where `o * stride = p + before - t * dilation`. Positions that leave
 * the same remainder by the stride meet the same taps, so that each class is a convolution of stride 1.
 */
export function residues(sizes: Sizes, axis: number): Residue[] {
  const [stride, dilation, before] = [sizes.stride[axis]!, sizes.dilation[axis]!, sizes.before[axis]!];
  const [length, kernel] = [sizes.input[axis]!, sizes.kernel[axis]!];
  const divisor = greatestCommonDivisor(stride, dilation);
  const tapStep = stride / divisor;
  return Array.from({ length: Math.min(stride, length) }, (_, start) => {
    let tap = 0;
    while (tap < Math.min(tapStep, kernel) && (start + before - tap * dilation) % stride !== 0) tap++;
    const taps = tap < tapStep ? Math.max(0, pieces(kernel - tap, tapStep)) : 0;
    return {
      start,
      count: pieces(length - start, stride),
      taps,
      tap,
      tapStep,
      output: (start + before - tap * dilation) / stride,
      outputStep: dilation / divisor,
    };
  });
}

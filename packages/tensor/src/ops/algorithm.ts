import type { ConvAlgorithm, ConvGeometry } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import { formatShape } from '../errors.ts';

const algorithms = ['auto', 'direct', 'gemm', 'winograd2', 'winograd4'] as const satisfies readonly (
  | 'auto'
  | ConvAlgorithm
)[];

/** How convolutions are told what computes them. */
export interface AlgorithmOptions {
  /**
   * The way of computing it and its gradients, all of which give the same result up to rounding: `'direct'` adds up the products of the formula by whatever
   * kernel is fastest for the geometry, `'gemm'` by a matrix product, and `'winograd2'` and `'winograd4'` take Winograd's tiles of 2 x 2 and 4 x 4 outputs, for
   * kernels of 3 x 3 and 5 x 5 at stride 1. `'auto'`, unless told, takes what is fastest. A backend that has no such way goes its own. What auto chooses, and how far each
   * is from exact sums: docs/convolution-algorithms.md.
   */
  readonly algorithm?: (typeof algorithms)[number];
}

/** The kernels that Winograd's tiles are made for. */
const tiled = ['3,3', '5,5'];

/**
 * Refuses an algorithm that there is not, or that cannot compute the geometry.
 * @throws RangeError
 */
export function checkAlgorithm(op: string, { algorithm, kernel, stride, dilation, padding }: ConvGeometry): void {
  if (algorithm === undefined) return;
  if (!algorithms.includes(algorithm)) {
    throw new RangeError(
      `${op}: algorithm must be one of ${algorithms.join(', ')}, but is ${JSON.stringify(algorithm)}.`,
    );
  }
  if (algorithm === 'direct' || algorithm === 'gemm') return;
  if (
    !tiled.includes(kernel.join()) ||
    sizeOf(stride) !== 1 ||
    sizeOf(dilation) !== 1 ||
    // No window may lie in the padding alone.
    padding.flat().some((length) => length >= kernel[0]!)
  ) {
    throw new RangeError(
      `${op}: algorithm '${algorithm}' needs a kernel of [3, 3] or [5, 5], stride 1, dilation 1 and less padding than the kernel is long, but was given ` +
        `kernel ${formatShape(kernel)}, stride ${formatShape(stride)}, dilation ${formatShape(dilation)} and padding ${JSON.stringify(padding)}. ` +
        "Leave algorithm out, or take 'direct' or 'gemm'.",
    );
  }
}

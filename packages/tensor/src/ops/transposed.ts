import type { ConvGeometry } from '@receptive/backend';
import { windowSpan } from '@receptive/backend';
import { ShapeError, formatShape } from '../errors.ts';
import { scope } from '../scope.ts';
import type { Tensor } from '../tensor.ts';
import { checkAlgorithm } from './algorithm.ts';
import type { AlgorithmOptions } from './algorithm.ts';
import { floats, sameDtype, shapeIs } from './check.ts';
import { convInputGradient, kernelLayouts } from './conv.ts';
import { add } from './elementwise.ts';
import { pad } from './padding.ts';
import { reshape } from './views.ts';
import { layouts, notPlain, perAxis, resolveWindow } from './window.ts';
import type { PerAxis, WindowOptions } from './window.ts';

/** Options of {@link convTranspose2d} and its likes, as in PyTorch: those of the convolution whose input gradient it is. */
export interface ConvTransposeOptions extends Omit<WindowOptions, 'padding'>, AlgorithmOptions {
  /** What the convolution pads, and the output is therefore cut by: a number for all sides, one an axis, or a pair `[before, after]` an axis. */
  readonly padding?: number | readonly (number | readonly [before: number, after: number])[];
  /** Elements by which each axis of the output is longer than it must be; below stride or dilation. 0 unless told. */
  readonly outputPadding?: PerAxis;
  /** Groups of channels that do not see each other; divides input and output channels. */
  readonly groups?: number;
  /** The other modes of a convolution have no transpose that is a convolution too. */
  readonly paddingMode?: 'zeros';
}

/** The geometry that options describe, and the output's padding; refuses options that make no sense, whatever the input. */
export function resolveConvTranspose(
  op: string,
  kernel: readonly number[],
  { outputPadding = 0, groups = 1, algorithm = 'auto', ...options }: ConvTransposeOptions,
): ConvGeometry & { readonly outputPadding: readonly number[] } {
  notPlain(op, options);
  if (typeof options.padding === 'string') {
    throw new RangeError(
      `${op}: padding must be whole numbers, but is ${JSON.stringify(options.padding)}, which many lengths of the output would fit.`,
    );
  }
  perAxis(op, 'groups', groups, 1);
  const window = resolveWindow(op, kernel, kernel, options);
  const extra = perAxis(op, 'outputPadding', outputPadding, kernel.length, 0);
  if (extra.some((length, axis) => length >= Math.max(window.stride[axis]!, window.dilation[axis]!))) {
    throw new ShapeError(
      `${op}: outputPadding must be smaller than stride or dilation, but is ${formatShape(extra)} for stride ${formatShape(window.stride)} and dilation ${formatShape(window.dilation)}.`,
    );
  }
  const geometry = { ...window, groups, ...(algorithm !== 'auto' && { algorithm }) };
  checkAlgorithm(op, geometry);
  return { ...geometry, outputPadding: extra };
}

/** A transposed convolution as users call it. */
type TransposedConvolution = (
  x: Tensor,
  weight: Tensor,
  bias?: Tensor | null,
  options?: ConvTransposeOptions,
) => Tensor;

/** The transposed convolution over `axes` spatial axes, called `op`. */
function transposedConvolution(op: string, axes: number): TransposedConvolution {
  return (x, weight, bias, options = {}) => {
    if (x.rank !== axes + 2 || weight.rank !== axes + 2) {
      throw new ShapeError(
        `${op}: needs an input ${layouts[axes]} and weights [C, O / groups, ${kernelLayouts[axes]}], but was given ${formatShape(x.shape)} and ${formatShape(weight.shape)}.`,
      );
    }
    floats(op, x);
    sameDtype(op, x, weight, ...(bias ? [bias] : []));
    const [n, channels, ...spatial] = x.shape as [number, number, ...number[]];
    const [inputs, perGroup, ...kernel] = weight.shape as [number, number, ...number[]];
    const { outputPadding, ...geometry } = resolveConvTranspose(op, kernel, options);
    const { stride, dilation, padding, groups } = geometry;
    if (channels !== inputs || channels % groups !== 0) {
      throw new ShapeError(
        `${op}: an input of ${channels} channels in ${groups} group(s) does not fit weights ${formatShape(weight.shape)}: their first axis is the input's channels, and groups divide it.`,
      );
    }
    if (bias) shapeIs(op, 'the bias', bias, [perGroup * groups]);
    const output = spatial.map(
      (length, axis) =>
        (length - 1) * stride[axis]! +
        windowSpan(kernel[axis]!, dilation[axis]!) +
        outputPadding[axis]! -
        padding[axis]![0] -
        padding[axis]![1],
    );
    if (output.some((length) => length < 1)) {
      throw new ShapeError(
        `${op}: padding ${JSON.stringify(padding)} leaves nothing of the output: its spatial lengths would be ${formatShape(output)}. Pad less.`,
      );
    }
    // An output that is longer by its stride or more is one that the convolution would make more of: x takes zeros at its end for that.
    const missing = outputPadding.map((length, axis) => Math.floor(length / stride[axis]!));
    return scope(() => {
      const gradient = missing.every((count) => count === 0)
        ? x
        : pad(x, [[0, 0], [0, 0], ...missing.map((count) => [0, count] as const)]);
      const y = convInputGradient(gradient, weight, geometry, [n, perGroup * groups, ...output]);
      return bias ? add(y, reshape(bias, [-1, ...kernel.map(() => 1)])) : y;
    });
  };
}

/** {@link convTranspose2d} along one axis: `x` `[N, C, L]`, `weight` `[C, O / groups, k]`. */
export const convTranspose1d: TransposedConvolution = transposedConvolution('convTranspose1d', 1);

/**
 * Transposed convolution of `x` `[N, C, H, W]` with `weight` `[C, O / groups, kh, kw]`, plus `bias` `[O]`: each element of x adds the kernel, multiplied
 * by it, to the output at `stride` times its place,
 *
 * `y[n, o, i * stride + u * dilation - padding, ...] += x[n, c, i, j] * weight[c, o, u, v]`.
 *
 * It is the gradient, with respect to its input, of the convolution from O to C channels with the same weights and options, and maps shapes as that
 * backwards: the output has `(n - 1) * stride - before - after + dilation * (k - 1) + outputPadding + 1` rows and columns. Of the lengths that the
 * convolution maps to n, `outputPadding` chooses one. Source: Dumoulin and Visin, A guide to convolution arithmetic for deep learning,
 * arXiv:1603.07285, section 4.
 * @throws ShapeError if channels, groups, bias or outputPadding do not fit, or padding leaves nothing of the output.
 * @throws RangeError for a paddingMode other than zeros, padding by name, or an algorithm that does not compute the convolution.
 */
export const convTranspose2d: TransposedConvolution = transposedConvolution('convTranspose2d', 2);

/** {@link convTranspose2d} over volumes: `x` `[N, C, D, H, W]`, `weight` `[C, O / groups, kd, kh, kw]`. */
export const convTranspose3d: TransposedConvolution = transposedConvolution('convTranspose3d', 3);

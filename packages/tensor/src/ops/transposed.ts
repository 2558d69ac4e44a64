import { windowSpan } from '@receptive/backend';
import { ShapeError, formatShape } from '../errors.ts';
import { scope } from '../scope.ts';
import type { Tensor } from '../tensor.ts';
import { floats, sameDtype, shapeIs } from './check.ts';
import { convInputGradient, kernelLayouts } from './conv.ts';
import { add } from './elementwise.ts';
import { pad } from './padding.ts';
import { reshape } from './views.ts';
import { layouts, perAxis, resolveWindow } from './window.ts';
import type { PerAxis, WindowOptions } from './window.ts';

/** Options of {@link convTranspose2d} and its likes, as in PyTorch: those of the convolution whose input gradient it is. */
export interface ConvTransposeOptions extends Omit<WindowOptions, 'padding'> {
  /** What the convolution pads, and the output is therefore cut by: a number for all sides, one an axis, or a pair `[before, after]` an axis. */
  readonly padding?: number | readonly (number | readonly [before: number, after: number])[];
  /** Elements by which each axis of the output is longer than it must be; below stride or dilation. 0 unless told. */
  readonly outputPadding?: PerAxis;
  /** Groups of channels that do not see each other; divides input and output channels. */
  readonly groups?: number;
  /** The other modes of a convolution have no transpose that is a convolution too. */
  readonly paddingMode?: 'zeros';
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
  return (x, weight, bias, { outputPadding = 0, groups = 1, ...options } = {}) => {
    check(op, axes, x, weight, options);
    perAxis(op, 'groups', groups, 1);
    const [n, channels, ...spatial] = x.shape as [number, number, ...number[]];
    const [inputs, perGroup, ...kernel] = weight.shape as [number, number, ...number[]];
    if (channels !== inputs || channels % groups !== 0) {
      throw new ShapeError(
        `${op}: an input of ${channels} channels in ${groups} group(s) does not fit weights ${formatShape(weight.shape)}: their first axis is the input's channels, which groups divide.`,
      );
    }
    if (bias) {
      sameDtype(op, x, bias);
      shapeIs(op, 'the bias', bias, [perGroup * groups]);
    }
    const geometry = { ...resolveWindow(op, spatial, kernel, options), groups };
    const { stride, dilation, padding } = geometry;
    const extra = perAxis(op, 'outputPadding', outputPadding, axes, 0);
    if (extra.some((length, axis) => length >= Math.max(stride[axis]!, dilation[axis]!))) {
      throw new ShapeError(
        `${op}: outputPadding must be smaller than stride or dilation, but is ${formatShape(extra)} for stride ${formatShape(stride)} and dilation ${formatShape(dilation)}.`,
      );
    }
    const output = spatial.map((length, axis) => {
      const [before, after] = padding[axis]!;
      return (length - 1) * stride[axis]! - before - after + windowSpan(kernel[axis]!, dilation[axis]!) + extra[axis]!;
    });
    if (output.some((length) => length < 1)) {
      throw new ShapeError(
        `${op}: padding ${JSON.stringify(padding)} leaves nothing of the output: its spatial lengths would be ${formatShape(output)}. Pad less.`,
      );
    }
    // A convolution would step over an output that is longer by its stride or more: it takes zeros at the end of x for that.
    const steps = extra.map((length, axis) => Math.floor(length / stride[axis]!));
    return scope(() => {
      const gradient = steps.some((step) => step > 0)
        ? pad(x, [[0, 0], [0, 0], ...steps.map((step) => [0, step] as const)])
        : x;
      const y = convInputGradient(gradient, weight, geometry, [n, perGroup * groups, ...output]);
      return bias ? add(y, reshape(bias, [-1, ...kernel.map(() => 1)])) : y;
    });
  };
}

/** Refuses what no geometry can be made of. */
function check(op: string, axes: number, x: Tensor, weight: Tensor, options: ConvTransposeOptions): void {
  if (x.rank !== axes + 2 || weight.rank !== axes + 2) {
    throw new ShapeError(
      `${op}: needs an input ${layouts[axes]} and weights [C, O / groups, ${kernelLayouts[axes]}], but was given ${formatShape(x.shape)} and ${formatShape(weight.shape)}.`,
    );
  }
  floats(op, x);
  sameDtype(op, x, weight);
  // Types leave out what callers without types may try, for a convolution has it.
  const { padding, paddingMode = 'zeros' }: { readonly padding?: unknown; readonly paddingMode?: string } = options;
  if (paddingMode !== 'zeros') {
    throw new RangeError(
      `${op}: paddingMode must be 'zeros', but is ${JSON.stringify(paddingMode)}: only plain convolutions have others.`,
    );
  }
  if (typeof padding === 'string') {
    throw new RangeError(
      `${op}: padding must be numbers, but is ${JSON.stringify(padding)}: what rule the convolution's padding follows does not say how long its input was.`,
    );
  }
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
 * @throws RangeError for a paddingMode other than zeros, or padding by name.
 */
export const convTranspose2d: TransposedConvolution = transposedConvolution('convTranspose2d', 2);

/** {@link convTranspose2d} over volumes: `x` `[N, C, D, H, W]`, `weight` `[C, O / groups, kd, kh, kw]`. */
export const convTranspose3d: TransposedConvolution = transposedConvolution('convTranspose3d', 3);

import type { Shape, Window } from '@receptive/backend';
import { sameShape, sizeOf } from '@receptive/backend';
import { dispatch } from '../dispatch.ts';
import { ShapeError, formatShape } from '../errors.ts';
import type { Op } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { floats, sameDtype, shapeIs } from './check.ts';
import { im2col } from './conv.ts';
import { add } from './elementwise.ts';
import { matmul } from './matmul.ts';
import { permute, reshape } from './views.ts';
import { notPlain, outputOf, resolveWindow, spatialOf } from './window.ts';
import type { WindowOptions } from './window.ts';

const locallyConnectedOp: Op<{ readonly window: Window }, [x: 0, weight: 0, bias?: 0], [y: 0]> = {
  name: 'locallyConnected',
  infer([x, weight, bias], { window }) {
    floats('locallyConnected', x);
    sameDtype('locallyConnected', x, weight, ...(bias ? [bias] : []));
    const [n, c, ...spatial] = x.shape as [number, number, ...number[]];
    const output = outputOf('locallyConnected', spatial, window);
    const filters = weight.shape[output.length];
    if (filters === undefined || !sameShape(weight.shape, [...output, filters, c, ...window.kernel])) {
      throw new ShapeError(
        `locallyConnected: a window of ${formatShape(window.kernel)} has ${output.join('x')} places in an input ${formatShape(x.shape)}, and each needs a kernel of its own: ` +
          `weights [${[...output, 'O', c, ...window.kernel].join(', ')}] with O filters, but they are ${formatShape(weight.shape)}.`,
      );
    }
    if (bias) shapeIs('locallyConnected', 'the bias, one for each element of an output,', bias, [filters, ...output]);
    return [{ shape: [n, filters, ...output], dtype: x.dtype }];
  },
  compose([x, weight, bias], { window }) {
    // A matrix product at each place: kernels [places, O, C * taps] times what they see [places, C * taps, N] are outputs [places, O, N].
    const axes = window.kernel.length;
    const [output, filters] = [weight.shape.slice(0, axes), weight.shape[axes]!];
    const kernels = reshape(weight, [sizeOf(output), filters, -1]);
    const product = matmul(kernels, permute(im2col(x, window), [2, 1, 0]));
    const y = reshape(permute(product, [2, 1, 0]), [x.shape[0]!, filters, ...output]);
    return [bias ? add(y, bias) : y];
  },
};

export const locallyConnectedOps = { locallyConnected: locallyConnectedOp };

function resolveLocallyConnected(op: string, input: Shape, kernel: readonly number[], options: WindowOptions): Window {
  notPlain(op, options);
  return resolveWindow(op, input, kernel, options);
}

/** A locally connected layer as users call it. */
type LocallyConnected = (x: Tensor, weight: Tensor, bias?: Tensor | null, options?: WindowOptions) => Tensor;

/** The one over `axes` spatial axes, called `op`. */
function locallyConnected(op: string, axes: number): LocallyConnected {
  return (x, weight, bias, options = {}) => {
    const spatial = spatialOf(op, x, axes);
    if (weight.rank !== 2 * axes + 2) {
      throw new ShapeError(
        `${op}: needs weights [...output, O, C, ...kernel] of ${2 * axes + 2} axes, a kernel for each place of the output, but was given ${formatShape(weight.shape)}.`,
      );
    }
    const window = resolveLocallyConnected(op, spatial, weight.shape.slice(axes + 2), options);
    return dispatch(locallyConnectedOp, bias ? [x, weight, bias] : [x, weight], { window })[0];
  };
}

/** {@link locallyConnected2d} along one axis: `x` `[N, C, L]`, `weight` `[output, O, C, k]`, `bias` `[O, output]`. */
export const locallyConnected1d: LocallyConnected = locallyConnected('locallyConnected1d', 1);

/**
 * Unshared convolution: as conv2d, but at each place of the output with a kernel of its own. Of `x` `[N, C, H, W]` with `weight`
 * `[outH, outW, O, C, kh, kw]` and, if given, `bias` `[O, outH, outW]` it is
 *
 * `y[n, o, i, j] = bias[o, i, j] + sum over c, u, v of x[n, c, i * stride + u * dilation - padding, ...] * weight[i, j, o, c, u, v]`,
 *
 * where x is 0 outside. `weight[i, j]` are the weights of a convolution, those that are used at place (i, j); the layout is that of Torch7's
 * SpatialConvolutionLocal. Stride, padding and dilation are conv2d's, and so is the output's size.
 * Source: LeCun, Generalization and network design strategies, 1989 (its Net-3); Taigman et al., DeepFace, CVPR 2014, section 3.
 * @throws ShapeError if the weights have kernels for another number of places or channels, the bias another shape, or the window does not fit.
 */
export const locallyConnected2d: LocallyConnected = locallyConnected('locallyConnected2d', 2);

/**
 * Spatial lengths of the output over an input of lengths `inputSize`: the places at each of which a kernel `[O, C, ...kernelSize]` is needed.
 * @throws ShapeError if the window does not fit.
 */
export function locallyConnectedOutput(
  inputSize: Shape,
  kernelSize: readonly number[],
  options: WindowOptions = {},
): number[] {
  return outputOf(
    'locallyConnected',
    inputSize,
    resolveLocallyConnected('locallyConnected', inputSize, kernelSize, options),
  );
}

import type { ConvOptions, PaddingMode, Tensor } from '@receptive/tensor';
import {
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  separableConv1d,
  separableConv2d,
  separableConv3d,
  spatiallySeparableConv2d,
} from '@receptive/tensor';
import type { Input } from '../case.ts';
import { numbers } from '../case.ts';
import { convolutions, sums, tiles } from '../tolerance.ts';
import type { Tolerance } from '../tolerance.ts';
import type { Draw } from './draw.ts';
import type { Generator, Generators, OnnxNode } from './generator.ts';

/** The taps of a kernel, and how a convolution with it is computed. */
interface Taps {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly algorithm: Algorithm;
  readonly tolerance: Tolerance;
}

type Algorithm = NonNullable<ConvOptions['algorithm']>;

/** How a window slides, and the lengths of an input that it fits. */
interface Drawn extends Pick<Taps, 'kernel' | 'tolerance'> {
  readonly spatial: readonly number[];
  readonly options: ConvOptions;
  /** The same in the words of ONNX, as far as it has them. */
  readonly onnx: Pick<OnnxNode, 'ints' | 'strings'> | undefined;
}

const sides = [0, 1] as const;

/** The ways of computing any convolution, and those of one that Winograd's tiles are made for. */
const general: readonly Algorithm[] = ['auto', 'auto', 'direct', 'gemm'];
const tiling: readonly Algorithm[] = [...general, 'winograd2', 'winograd4', 'winograd2', 'winograd4'];

/** Small kernels; over two axes, more of those that Winograd's tiles are made for than chance would have. */
function drawTaps(draw: Draw, axes: number): Taps {
  const most = axes === 3 ? 2 : 3;
  const length = axes === 2 && draw.chance() ? draw.pick([3, 5]) : undefined;
  const kernel = length ? [length, length] : draw.wholes(axes, 1, most);
  const stride = length ? [1, 1] : draw.wholes(axes, 1, most);
  const dilation = length ? [1, 1] : draw.wholes(axes, 1, 2);
  const fits = convolutions({ kernel, stride, dilation }) === tiles;
  const algorithm = draw.pick(fits ? tiling : general);
  return {
    kernel,
    stride,
    dilation,
    algorithm,
    tolerance: convolutions({ kernel, stride, dilation, ...(algorithm !== 'auto' && { algorithm }) }),
  };
}

/** Any way in which a convolution slides over `axes` axes; over three, kernels and inputs are tiny. */
function drawWindow(draw: Draw, axes: number): Drawn {
  const { kernel, stride, dilation, algorithm, tolerance } = drawTaps(draw, axes);
  const most = Math.max(...kernel, axes === 3 ? 2 : 3);
  const paddingMode: PaddingMode = draw.chance() ? 'zeros' : draw.pick(['reflect', 'replicate', 'circular']);
  const flipKernel = draw.chance(0.25);
  const pairs = kernel.map(() => [draw.whole(0, most - 1), draw.whole(0, most - 1)] as const);
  const padding = draw.pick(['same', 'valid', pairs, pairs, pairs.map(([before]) => before), pairs[0]![0]] as const);
  const around = (axis: number): readonly [number, number] => {
    if (typeof padding === 'string') return [0, 0];
    const own = typeof padding === 'number' ? padding : padding[axis]!;
    return typeof own === 'number' ? [own, own] : own;
  };
  const spatial = kernel.map((taps, axis) => {
    const [before, after] = around(axis);
    const span = dilation[axis]! * (taps - 1) + 1;
    // A window may be larger than the input, as long as padding makes up for it; what continues an input needs some of it.
    const least = padding === 'same' || paddingMode !== 'zeros' ? Math.max(before, after, span - 1) + 1 : 1;
    return Math.max(least, span - before - after + draw.whole(0, axes === 3 ? 1 : most - 1));
  });
  const ints = { strides: stride, dilations: dilation };
  const pads = sides.flatMap((side) => kernel.map((_, axis) => around(axis)[side]));
  const words = padding === 'same' ? { ints, strings: { auto_pad: 'SAME_UPPER' } } : { ints: { ...ints, pads } };
  // onnxruntime refuses SAME_UPPER together with dilation.
  const isInOnnx = !flipKernel && paddingMode === 'zeros' && !(padding === 'same' && Math.max(...dilation) > 1);
  return {
    spatial,
    kernel,
    options: { stride, dilation, padding, paddingMode, flipKernel, algorithm },
    tolerance,
    onnx: isInOnnx ? words : undefined,
  };
}

/** A bias for as many channels, or none. */
function drawBias(draw: Draw, channels: number): Input[] {
  return draw.chance() ? [numbers([channels])] : [];
}

function plain(f: typeof conv2d, axes: number): Generator {
  return {
    tolerance: sums,
    draw(draw) {
      const groups = draw.whole(1, 2);
      const [inputs, outputs] = draw.wholes(2, 1, axes === 3 ? 1 : 2).map((each) => groups * each) as [number, number];
      const { spatial, kernel, options, tolerance, onnx } = drawWindow(draw, axes);
      const x = [inputs > 1 ? 1 : 2, inputs, ...spatial];
      const weight = [outputs, inputs / groups, ...kernel];
      const bias = drawBias(draw, outputs);
      return {
        description: JSON.stringify({ x, weight, ...options, groups, bias: bias.length > 0 }),
        tolerance,
        inputs: [numbers(x), numbers(weight), ...bias],
        f: (input, weights, shift) => f(input, weights, shift, { ...options, groups }),
        ...(onnx && { onnx: { op: 'Conv', ...onnx, ints: { ...onnx.ints, group: groups } } }),
      };
    },
  };
}

function transposed(f: typeof convTranspose2d, axes: number): Generator {
  return {
    tolerance: sums,
    draw(draw) {
      const groups = draw.whole(1, 2);
      const [inputs, outputs] = draw.wholes(2, 1, axes === 3 ? 1 : 2).map((each) => groups * each) as [number, number];
      const { kernel, stride, dilation, algorithm, tolerance } = drawTaps(draw, axes);
      const spatial = draw.wholes(axes, 1, Math.max(...kernel, axes === 3 ? 2 : 3));
      const outputPadding = stride.map((step, axis) => draw.whole(0, Math.max(step, dilation[axis]!) - 1));
      const padding = kernel.map((taps, axis) => {
        const length = (spatial[axis]! - 1) * stride[axis]! + dilation[axis]! * (taps - 1) + outputPadding[axis]!;
        const before = draw.whole(0, Math.min(2, length));
        return [before, draw.whole(0, Math.min(2, length - before))] as const;
      });
      const x = [inputs > 1 ? 1 : 2, inputs, ...spatial];
      const weight = [inputs, outputs / groups, ...kernel];
      const bias = drawBias(draw, outputs);
      const options = { stride, dilation, padding, outputPadding, groups, algorithm };
      return {
        description: JSON.stringify({ x, weight, ...options, bias: bias.length > 0 }),
        tolerance,
        inputs: [numbers(x), numbers(weight), ...bias],
        f: (input, weights, shift) => f(input, weights, shift, options),
        // onnxruntime takes an outputPadding below the stride alone.
        ...(outputPadding.every((extra, axis) => extra < stride[axis]!) && {
          onnx: {
            op: 'ConvTranspose',
            ints: {
              strides: stride,
              dilations: dilation,
              group: groups,
              output_padding: outputPadding,
              pads: sides.flatMap((side) => padding.map((pair) => pair[side])),
            },
          },
        }),
      };
    },
  };
}

/** ONNX has no node for two convolutions. */
function separable(f: typeof separableConv2d, axes: number): Generator {
  return {
    tolerance: sums,
    draw(draw) {
      const [channels, multiplier] = draw.wholes(2, 1, 2) as [number, number];
      const pointwiseGroups = draw.chance() ? channels : 1;
      const outputs = pointwiseGroups * draw.whole(1, 2);
      const { spatial, kernel, options, tolerance } = drawWindow(draw, axes);
      const x = [channels > 1 ? 1 : 2, channels, ...spatial];
      const depthwise = [channels * multiplier, 1, ...kernel];
      const pointwise = [outputs, (channels * multiplier) / pointwiseGroups, ...kernel.map(() => 1)];
      const bias = drawBias(draw, outputs);
      return {
        description: JSON.stringify({ x, depthwise, pointwise, ...options, pointwiseGroups, bias: bias.length > 0 }),
        tolerance,
        inputs: [numbers(x), numbers(depthwise), numbers(pointwise), ...bias],
        f: (...[input, each, mixed, shift]: readonly Tensor[]) =>
          f(input!, each!, mixed!, shift, { ...options, pointwiseGroups }),
      };
    },
  };
}

const spatiallySeparable: Generator = {
  tolerance: sums,
  draw(draw) {
    const groups = draw.whole(1, 2);
    const [inputs, mid, outputs] = draw.wholes(3, 1, 2).map((each) => groups * each) as [number, number, number];
    const { spatial, kernel, options: drawn } = drawWindow(draw, 2);
    // Of columns and rows there are no tiles.
    const algorithm = drawn.algorithm?.startsWith('winograd') ? 'auto' : (drawn.algorithm ?? 'auto');
    const options = { ...drawn, algorithm };
    const x = [inputs > 1 ? 1 : 2, inputs, ...spatial];
    const column = [mid, inputs / groups, kernel[0]!, 1];
    const row = [outputs, mid / groups, 1, kernel[1]!];
    const bias = drawBias(draw, outputs);
    return {
      description: JSON.stringify({ x, column, row, ...options, groups, bias: bias.length > 0 }),
      inputs: [numbers(x), numbers(column), numbers(row), ...bias],
      f: (...[input, first, second, shift]: readonly Tensor[]) =>
        spatiallySeparableConv2d(input!, first!, second!, shift, { ...options, groups }),
    };
  },
};

export const convolutionGenerators: Generators = {
  conv1d: plain(conv1d, 1),
  conv2d: plain(conv2d, 2),
  conv3d: plain(conv3d, 3),
  convTranspose1d: transposed(convTranspose1d, 1),
  convTranspose2d: transposed(convTranspose2d, 2),
  convTranspose3d: transposed(convTranspose3d, 3),
  separableConv1d: separable(separableConv1d, 1),
  separableConv2d: separable(separableConv2d, 2),
  separableConv3d: separable(separableConv3d, 3),
  spatiallySeparableConv2d: spatiallySeparable,
};

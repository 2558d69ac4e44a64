import type { ResponseNormOptions } from '@receptive/backend';
import { full } from '../create.ts';
import { withBackend } from '../current.ts';
import { dispatch } from '../dispatch.ts';
import { ShapeError, formatShape } from '../errors.ts';
import type { Op, TensorType } from '../op.ts';
import { scope } from '../scope.ts';
import type { Tensor } from '../tensor.ts';
import { floats, sameDtype, shapeIs } from './check.ts';
import { conv } from './conv.ts';
import { add, div, maximum, mul, pow, sqrt, square, sub } from './elementwise.ts';
import { avgPool } from './pool.ts';
import { bell } from './pool-statistics.ts';
import { separable } from './pool-window.ts';
import { mean } from './reduce.ts';
import { reshape } from './views.ts';
import { perAxis, resolveWindow } from './window.ts';
import type { PerAxis } from './window.ts';

/** Refuses what a response norm cannot be made of. */
function checkResponse(op: string, x: TensorType, { size, ...constants }: ResponseNormOptions): void {
  floats(op, x);
  imagesOnly(op, x);
  if (!Number.isInteger(size) || size < 1) {
    throw new ShapeError(`${op}: size must be a whole number of channels of at least 1, but is ${size}.`);
  }
  for (const [name, value] of Object.entries(constants)) {
    if (!Number.isFinite(value)) throw new RangeError(`${op}: ${name} must be a finite number, but is ${value}.`);
  }
}

/** Sums over the channels from `before` to `after` each own one. */
function overChannels(x: Tensor, before: number, after: number): Tensor {
  // The channels as an axis over which a window slides; its mean times its length is the sum.
  const size = before + 1 + after;
  const window = {
    kernel: [size, 1],
    stride: [1, 1],
    dilation: [1, 1],
    padding: [[before, after] as const, [0, 0] as const],
  };
  const planes = reshape(x, [x.shape[0]!, 1, x.shape[1]!, -1]);
  return mul(reshape(avgPool(planes, { window, countPadding: true }), x.shape), size);
}

/** Channels of a window before and after its own. */
const reach = (size: number): [before: number, after: number] => [
  Math.floor(size / 2),
  size - 1 - Math.floor(size / 2),
];

const energyOf = (x: Tensor, { size, alpha, k }: ResponseNormOptions): Tensor =>
  add(mul(overChannels(square(x), ...reach(size)), alpha), k);

/** Here alpha multiplies the sum of the squares. */
const localResponseNormOp: Op<ResponseNormOptions, [x: 0], [y: 0]> = {
  name: 'localResponseNorm',
  fused: 'localResponseNorm',
  infer([x], options) {
    checkResponse('localResponseNorm', x, options);
    return [x];
  },
  run: (kernels, [x], [y], options) => kernels.localResponseNorm(x, y, options),
  compose: ([x], options) => [mul(x, pow(energyOf(x, options), -options.beta))],
};

const localResponseNormGradientOp: Op<ResponseNormOptions, [gradient: 0, x: 0], [dx: 0]> = {
  name: 'localResponseNormGradient',
  fused: 'localResponseNormGradient',
  infer([gradient, x], options) {
    checkResponse('localResponseNormGradient', x, options);
    sameDtype('localResponseNormGradient', gradient, x);
    shapeIs('localResponseNormGradient', "the output's gradient", gradient, x.shape);
    return [x];
  },
  run: (kernels, [gradient, x], [dx], options) => kernels.localResponseNormGradient(gradient, x, dx, options),
  compose([gradient, x], options) {
    const { size, alpha, beta } = options;
    const energy = energyOf(x, options);
    const [before, after] = reach(size);
    const towards = overChannels(mul(mul(gradient, x), pow(energy, -beta - 1)), after, before);
    return [sub(mul(gradient, pow(energy, -beta)), mul(mul(x, towards), 2 * alpha * beta))];
  },
};

export const responseNormOps = {
  localResponseNorm: localResponseNormOp,
  localResponseNormGradient: localResponseNormGradientOp,
};

function imagesOnly(op: string, { shape }: TensorType): void {
  if (shape.length < 3) {
    throw new ShapeError(`${op}: needs an input [N, C, ...spatial], but was given ${formatShape(shape)}.`);
  }
}

/** Options of {@link localResponseNorm}. The defaults are the constants of Krizhevsky et al. */
export interface LocalResponseNormOptions {
  /** Number of neighbouring channels whose squares are added up; 5 unless told. */
  readonly size?: number;
  /** 1e-4 unless told. */
  readonly alpha?: number;
  /** 0.75 unless told. */
  readonly beta?: number;
  /** 2 unless told; PyTorch, ONNX (`bias`) and Caffe take 1. With 0, an element among zeros alone is 0 / 0: NaN. */
  readonly k?: number;
  /** Take the mean of the squares, alpha / size times their sum, as PyTorch, ONNX and Caffe do; false, the paper's sum, unless told. */
  readonly divideBySize?: boolean;
}

/**
 * Local response normalisation across the channels of `[N, C, ...spatial]`: `y_c = x_c / (k + alpha * S_c)^beta`, where S_c is the sum of the squares of
 * `size` neighbouring channels at the same place, from `c - floor(size / 2)` to `c + ceil(size / 2) - 1`, as far as there are such. With `divideBySize` alpha
 * is divided by `size`, at the edges too.
 *
 * An even window reaches further down, as in PyTorch and cuda-convnet. ONNX's reaches further up: there the two agree for odd sizes only.
 *
 * Source: Krizhevsky et al., ImageNet classification with deep convolutional neural networks, NIPS 2012, section 3.3.
 * @throws ShapeError for an input without spatial axes or a size that is no whole number of at least 1; RangeError for constants that are not finite.
 */
export function localResponseNorm(x: Tensor, options: LocalResponseNormOptions = {}): Tensor {
  const { size = 5, alpha = 1e-4, beta = 0.75, k = 2, divideBySize = false } = options;
  return dispatch(localResponseNormOp, [x], { size, alpha: divideBySize ? alpha / size : alpha, beta, k })[0];
}

/** Gradient of localResponseNorm with respect to x, from that of the output. */
export function localResponseNormGradient(gradient: Tensor, x: Tensor, options: ResponseNormOptions): Tensor {
  return dispatch(localResponseNormGradientOp, [gradient, x], options)[0];
}

/** Options of {@link localContrastNorm}. */
export interface LocalContrastNormOptions {
  /** Length of the window along each spatial axis, odd; 9 unless told. */
  readonly size?: PerAxis;
  /** Standard deviation of the Gaussian, in places; a quarter of the window's length along each axis unless told. */
  readonly sigma?: number;
  /** Least local deviation: where there is less contrast, it is not raised. 1e-4 unless told. */
  readonly eps?: number;
}

/**
 * Local contrast normalisation of `[N, C, ...spatial]`, subtractive and then divisive, with Gaussian weights w over the window's places p and all channels i
 * that sum to 1:
 *
 * `v_ij = x_ij - sum_ip w_p x_i,j+p`, `sigma_j = sqrt(max(sum_ip w_p v_i,j+p^2, eps^2))`, `y_ij = v_ij / max(sigma_j, mean_j sigma_j)`.
 *
 * The mean is over the places of an example. At the edges the weights of the places inside are raised so that they sum to 1 again: an even image has no
 * contrast anywhere, and becomes 0. Where sigma_j equals the mean, the gradient goes to sigma_j; a sigma_j that was raised to eps has none.
 *
 * Source: Jarrett et al., What is the best multi-stage architecture for object recognition?, ICCV 2009, section 2.
 * @throws ShapeError for an input without spatial axes or an even size; RangeError unless sigma and eps are positive.
 */
export function localContrastNorm(x: Tensor, { size = 9, sigma, eps = 1e-4 }: LocalContrastNormOptions = {}): Tensor {
  floats('localContrastNorm', x);
  imagesOnly('localContrastNorm', x);
  const spatial = x.shape.slice(2);
  const kernel = perAxis('localContrastNorm', 'size', size, spatial.length);
  if (kernel.some((length) => length % 2 === 0)) {
    throw new ShapeError(`localContrastNorm: size must be odd, to have a middle, but is ${JSON.stringify(size)}.`);
  }
  for (const [name, value] of Object.entries({ sigma: sigma ?? 1, eps })) {
    if (!(value > 0 && value < Infinity))
      throw new RangeError(`localContrastNorm: ${name} must be a positive number, but is ${value}.`);
  }
  const geometry = { ...resolveWindow('localContrastNorm', spatial, kernel, { padding: 'same' }), groups: 1 };
  return scope(() => {
    const weights = separable(
      x,
      kernel.map((length) => bell(length, 1, sigma ?? length / 4)),
    );
    const blur = (image: Tensor): Tensor => conv(image, weights, undefined, geometry);
    const inside = blur(withBackend(x.backend, () => full([1, 1, ...spatial], 1, { dtype: x.dtype })));
    const local = (images: Tensor): Tensor => div(blur(mean(images, 1, { keepDims: true })), inside);
    const centred = sub(x, local(x));
    const deviation = sqrt(maximum(local(square(centred)), eps ** 2));
    const typical = mean(
      deviation,
      spatial.map((_, axis) => axis + 2),
      { keepDims: true },
    );
    return div(centred, maximum(deviation, typical));
  });
}

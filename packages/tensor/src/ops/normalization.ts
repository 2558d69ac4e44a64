import type { Shape } from '@receptive/backend';
import { sameShape, sizeOf } from '@receptive/backend';
import { fullLike } from '../create.ts';
import { dispatch } from '../dispatch.ts';
import { ShapeError, formatShape } from '../errors.ts';
import type { Op } from '../op.ts';
import { scope } from '../scope.ts';
import type { Tensor } from '../tensor.ts';
import { floats, resolveAxes, sameDtype, shapeIs } from './check.ts';
import { customDerivative } from './control.ts';
import { add, mul, rsqrt, square, sub } from './elementwise.ts';
import { mean } from './reduce.ts';
import { reshape } from './views.ts';

const standardizeOp: Op<
  { readonly axes: readonly number[]; readonly eps: number },
  [x: 0],
  [y: 0, mean: 0, variance: 0]
> = {
  name: 'standardize',
  fused: 'standardize',
  infer([x], { axes, eps }) {
    floats('standardize', x);
    checkEps('standardize', eps);
    const statistics = { shape: x.shape.map((length, axis) => (axes.includes(axis) ? 1 : length)), dtype: x.dtype };
    return [x, statistics, statistics];
  },
  run: (kernels, [x], [y, centre, variance], { axes, eps }) =>
    kernels.standardize(x, { y, mean: centre, variance }, axes, eps),
  compose([x], { axes, eps }) {
    const centre = mean(x, axes, { keepDims: true });
    // The mean is taken off before squaring: the difference of two large sums would have no digits left.
    const centred = sub(x, centre);
    const spread = mean(square(centred), axes, { keepDims: true });
    return [mul(centred, rsqrt(add(spread, eps))), centre, spread];
  },
};

/** x is there for second derivatives alone: the variance follows from it. */
const standardizeGradientOp: Op<
  { readonly axes: readonly number[]; readonly eps: number },
  [gradient: 0, x: 0, y: 0, variance: 0],
  [dx: 0]
> = {
  name: 'standardizeGradient',
  fused: 'standardizeGradient',
  infer([gradient, x, y, spread], { axes }) {
    sameDtype('standardizeGradient', gradient, x, y, spread);
    shapeIs('standardizeGradient', "the output's gradient", gradient, x.shape);
    shapeIs('standardizeGradient', 'the output', y, x.shape);
    shapeIs(
      'standardizeGradient',
      'the variance',
      spread,
      x.shape.map((length, axis) => (axes.includes(axis) ? 1 : length)),
    );
    return [x];
  },
  run: (kernels, [gradient, , y, variance], [dx], { axes, eps }) =>
    kernels.standardizeGradient(gradient, { y, variance }, dx, axes, eps),
  compose([gradient, x, y, variance], { axes, eps }) {
    const average = (a: Tensor): Tensor => mean(a, axes, { keepDims: true });
    const towards = sub(sub(gradient, average(gradient)), mul(y, average(mul(gradient, y))));
    // The variance came along with y, so that whoever differentiates does not know that it follows from x. It must be said: the change of
    // s = (variance + eps)^(-1/2) with an element of x is -s^2 y / n.
    const scale = customDerivative(
      {
        forward: (_x, _y, spread) => rsqrt(add(spread, eps)),
        backward: (ds, [, own], s) => [mul(mul(ds, square(s)), mul(own!, -variance.size / x.size)), null, null],
      },
      x,
      y,
      variance,
    );
    return [mul(towards, scale)];
  },
};

const batchNormOp: Op<{ readonly eps: number }, [x: 0, mean: 0, variance: 0, weight?: 0, bias?: 0], [y: 0]> = {
  name: 'batchNorm',
  fused: 'batchNorm',
  infer([x, ...vectors], { eps }) {
    const channels = channelsOf('batchNorm', x.shape);
    const names = ['mean', 'variance', 'weight', 'bias'];
    floats('batchNorm', x);
    checkEps('batchNorm', eps);
    if (vectors.length === 3) throw new TypeError('batchNorm: weight and bias are given both, or neither.');
    vectors.forEach((vector, i) => {
      sameDtype('batchNorm', x, vector!);
      shapeIs('batchNorm', `the ${names[i]}`, vector!, [channels]);
    });
    return [x];
  },
  run: (kernels, [x, centre, variance, weight, bias], [y], { eps }) =>
    kernels.batchNorm(x, { mean: centre, variance, weight, bias }, y, eps),
  compose([x, centre, spread, weight, bias], { eps }) {
    const factor = rsqrt(add(spread, eps));
    const y = mul(sub(x, byChannel(centre, x)), byChannel(weight ? mul(weight, factor) : factor, x));
    return [bias ? add(y, byChannel(bias, x)) : y];
  },
};

export const normalizationOps = {
  standardize: standardizeOp,
  standardizeGradient: standardizeGradientOp,
  batchNorm: batchNormOp,
};

/** Options of the norms. */
export interface NormOptions {
  /** What the normalised elements are multiplied by: a factor a channel, `[C]` (of {@link layerNorm}: one an element, of `normalizedShape`). */
  readonly weight?: Tensor | null | undefined;
  /** What is added then; of the weight's shape. */
  readonly bias?: Tensor | null | undefined;
  /** Added to the variance, so that nothing is divided by 0; 1e-5 unless told. */
  readonly eps?: number;
}

/** Options of {@link batchNorm}. */
export interface BatchNormOptions extends NormOptions {
  /** Mean and variance of each channel, `[C]`, to normalise by: those gathered in training. Without them the batch's own are taken. */
  readonly statistics?: { readonly mean: Tensor; readonly variance: Tensor };
}

const defaultEps = 1e-5;

function checkEps(op: string, eps: number): void {
  if (!(eps >= 0 && eps < Infinity)) {
    throw new RangeError(`${op}: eps must be a finite number of at least 0, but is ${eps}.`);
  }
}

/** The channels of `[N, C, ...spatial]`. */
function channelsOf(op: string, shape: Shape): number {
  if (shape.length < 2) {
    throw new ShapeError(`${op}: needs an input [N, C, ...spatial], but was given ${formatShape(shape)}.`);
  }
  return shape[1]!;
}

/** A vector `[C]` in the place of x's channels. */
function byChannel(vector: Tensor, x: Tensor): Tensor {
  return reshape(vector, [-1, ...x.shape.slice(2).map(() => 1)]);
}

/** Refuses to take the variance of one value: the result would be 0, whatever the input. */
function severalValues(op: string, shape: Shape, count: number, of: string): void {
  if (count > 1) return;
  throw new ShapeError(
    `${op}: ${formatShape(shape)} has one value for ${of}, which has no variance and would become 0. Give it more values, or leave the layer out here.`,
  );
}

/** `y * weight + bias`, each if given and of `shape`, `placed` so that it broadcasts. */
function scaled(
  op: string,
  y: Tensor,
  { weight, bias }: NormOptions,
  shape: Shape,
  placed = (own: Tensor): Tensor => own,
): Tensor {
  if (weight) shapeIs(op, 'the weight', weight, shape);
  if (bias) shapeIs(op, 'the bias', bias, shape);
  const product = weight ? mul(y, placed(weight)) : y;
  return bias ? add(product, placed(bias)) : product;
}

/**
 * `y = (x - mean) / sqrt(variance + eps)` with mean and variance over `axes` (all, unless told), the variance dividing by their number of elements. Both are
 * given as well, with the axes kept as length 1, and are constants to differentiation: the gradient passes through y alone, and there through mean and
 * variance too.
 * @throws ShapeError if an axis does not exist, DTypeError for integers, RangeError for a negative eps.
 */
export function standardize(
  x: Tensor,
  axes?: number | readonly number[],
  eps = defaultEps,
): readonly [y: Tensor, mean: Tensor, variance: Tensor] {
  return dispatch(standardizeOp, [x], { axes: resolveAxes('standardize', axes, x.rank), eps });
}

/**
 * Gradient of standardize with respect to x, from that of y: `(g - mean(g) - y mean(g y)) / sqrt(variance + eps)`. The first mean is what passes through the
 * mean of x, the second what passes through its variance. Source: Ioffe and Szegedy, arXiv:1502.03167, section 3, brought together.
 */
export function standardizeGradient(
  gradient: Tensor,
  x: Tensor,
  [y, , spread]: ReturnType<typeof standardize>,
  attributes: { readonly axes: readonly number[]; readonly eps: number },
): Tensor {
  return dispatch(standardizeGradientOp, [gradient, x, y, spread], attributes)[0];
}

/**
 * Batch normalisation of `[N, C, ...spatial]`: `y = (x - mean) / sqrt(variance + eps) * weight + bias` for each channel, with mean and variance over the batch
 * and all spatial axes, as in training; or, if `statistics` are given, with those, as in use.
 *
 * Source: Ioffe and Szegedy, Batch normalization: accelerating deep network training by reducing internal covariate shift, arXiv:1502.03167, algorithm 1.
 * @throws ShapeError if a vector is not of the channels' length, or if a channel has one value and no statistics are given.
 */
export function batchNorm(x: Tensor, { statistics, ...options }: BatchNormOptions = {}): Tensor {
  if (!statistics) return scope(() => batchNormWithStatistics(x, options)[0]);
  const { weight, bias, eps = defaultEps } = options;
  const { mean: centre, variance } = statistics;
  if (!weight && !bias) return dispatch(batchNormOp, [x, centre, variance], { eps })[0];
  return scope(
    () =>
      dispatch(batchNormOp, [x, centre, variance, weight ?? fullLike(centre, 1), bias ?? fullLike(centre, 0)], {
        eps,
      })[0],
  );
}

/**
 * {@link batchNorm} by the batch's own statistics, which are given as well, `[C]` each: the mean, and the unbiased variance, which divides by one less than
 * the number of values. Running averages are made of these. They are constants to differentiation.
 */
export function batchNormWithStatistics(
  x: Tensor,
  options: NormOptions = {},
): readonly [y: Tensor, mean: Tensor, variance: Tensor] {
  floats('batchNorm', x);
  const channels = channelsOf('batchNorm', x.shape);
  const count = x.size / channels;
  severalValues('batchNorm', x.shape, count, 'each channel');
  const axes = x.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
  return scope(() => {
    const [y, centre, spread] = standardize(x, axes, options.eps);
    return [
      scaled('batchNorm', y, options, [channels], (vector) => byChannel(vector, x)),
      reshape(centre, [channels]),
      mul(reshape(spread, [channels]), count / (count - 1)),
    ];
  });
}

/**
 * Layer normalisation: each example for itself, over the last axes, whose lengths are `normalizedShape`; weight and bias are of this shape.
 *
 * Source: Ba et al., Layer normalization, arXiv:1607.06450.
 * @throws ShapeError if the last axes, the weight or the bias are of another shape.
 */
export function layerNorm(x: Tensor, normalizedShape: number | Shape, options: NormOptions = {}): Tensor {
  const shape = typeof normalizedShape === 'number' ? [normalizedShape] : normalizedShape;
  const first = x.rank - shape.length;
  if (shape.length === 0 || first < 0 || !sameShape(x.shape.slice(first), shape)) {
    throw new ShapeError(
      `layerNorm: normalizedShape is ${formatShape(shape)}, but the last axes of the input ${formatShape(x.shape)} are not.`,
    );
  }
  floats('layerNorm', x);
  const axes = shape.map((_, axis) => first + axis);
  return scope(() => scaled('layerNorm', standardize(x, axes, options.eps)[0], options, shape));
}

/**
 * Group normalisation of `[N, C, ...spatial]`: each example for itself, over `groups` groups of neighbouring channels with all their places. One group is
 * layer normalisation over `[C, ...spatial]`; as many groups as channels are instance normalisation.
 *
 * Source: Wu and He, Group normalization, arXiv:1803.08494.
 * @throws ShapeError if the groups do not divide the channels, a group has one value, or weight or bias are not `[C]`.
 */
export function groupNorm(x: Tensor, groups: number, options: NormOptions = {}): Tensor {
  const channels = channelsOf('groupNorm', x.shape);
  if (!(Number.isInteger(groups) && groups >= 1 && channels % groups === 0)) {
    throw new ShapeError(`groupNorm: groups must divide the ${channels} channels, but are ${groups}.`);
  }
  return perExample('groupNorm', x, groups, 'each group', options);
}

/**
 * Instance normalisation of `[N, C, ...spatial]`: each channel of each example for itself, over all its places.
 *
 * Source: Ulyanov et al., Instance normalization: the missing ingredient for fast stylization, arXiv:1607.08022, equation 2.
 * @throws ShapeError if a channel has one place, or weight or bias are not `[C]`.
 */
export function instanceNorm(x: Tensor, options: NormOptions = {}): Tensor {
  return perExample('instanceNorm', x, channelsOf('instanceNorm', x.shape), 'each channel of an example', options);
}

function perExample(op: string, x: Tensor, groups: number, of: string, options: NormOptions): Tensor {
  floats(op, x);
  const [images, channels] = x.shape as readonly [number, number];
  severalValues(op, x.shape, sizeOf(x.shape.slice(1)) / groups, of);
  return scope(() => {
    const [y] = standardize(reshape(x, [images, groups, -1]), 2, options.eps);
    return scaled(op, reshape(y, x.shape), options, [channels], (vector) => byChannel(vector, x));
  });
}

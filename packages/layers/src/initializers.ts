import type { Shape } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import type { Initializer } from '@receptive/tensor';
import { ShapeError, formatShape, full } from '@receptive/tensor';

/** Every element `value`. */
export function constant(value: number): Initializer {
  return (shape) => full(shape, value);
}

/** Every element 0. */
export const zeros: Initializer = constant(0);

/** Every element 1. */
export const ones: Initializer = constant(1);

/** Uniform numbers in `[low, high)`. */
export function uniform(low = 0, high = 1): Initializer {
  return (shape, rng) => rng.uniform(shape, low, high);
}

/** Normal numbers. */
export function normal(mean = 0, std = 1): Initializer {
  return (shape, rng) => rng.normal(shape, mean, std);
}

/** What follows the weights, and decides by how much they must make up for it. */
export type Nonlinearity = 'linear' | 'sigmoid' | 'tanh' | 'relu' | 'leakyRelu' | 'selu';

/** The factor by which the standard deviation of weights is raised for what follows them, as PyTorch's `calculate_gain`. */
export function gainOf(nonlinearity: Nonlinearity, negativeSlope = 0.01): number {
  const gains: Record<Nonlinearity, number> = {
    linear: 1,
    sigmoid: 1,
    tanh: 5 / 3,
    relu: Math.SQRT2,
    leakyRelu: Math.sqrt(2 / (1 + negativeSlope ** 2)),
    selu: 3 / 4,
  };
  return gains[nonlinearity];
}

/**
 * Connections into and out of one unit, for weights `[out, in, ...kernel]` of a convolution or `[out, in]` of a dense layer.
 * @throws ShapeError for fewer than two axes: a bias has no fans.
 */
export function fansOf(shape: Shape): { readonly fanIn: number; readonly fanOut: number } {
  const [outputs, inputs, ...kernel] = shape;
  if (outputs === undefined || inputs === undefined) {
    throw new ShapeError(
      `initializer: weights of shape ${formatShape(shape)} have no fan: it needs [out, in, ...kernel]. Initialise biases by zeros, constant or uniform.`,
    );
  }
  return { fanIn: inputs * sizeOf(kernel), fanOut: outputs * sizeOf(kernel) };
}

type Fans = ReturnType<typeof fansOf>;

/** Draws of mean 0 and a given standard deviation. */
const distributions = {
  uniform: (std: number) => uniform(-Math.sqrt(3) * std, Math.sqrt(3) * std),
  normal: (std: number) => normal(0, std),
};

/** All of the following differ only in the standard deviation they derive from the fans, and in the distribution. */
function scaled(distribution: keyof typeof distributions, std: (fans: Fans) => number): Initializer {
  return (shape, rng) => distributions[distribution](std(fansOf(shape)))(shape, rng);
}

/** Options of Kaiming initialisation. */
export interface KaimingOptions {
  /** Keep the variance of activations in the forward pass (`fanIn`, the default), or that of gradients in the backward pass (`fanOut`). */
  readonly mode?: 'fanIn' | 'fanOut';
  readonly nonlinearity?: Nonlinearity;
  /** Of a leaky ReLU. */
  readonly negativeSlope?: number;
}

function kaiming(distribution: keyof typeof distributions, options: KaimingOptions): Initializer {
  const { mode = 'fanIn', nonlinearity = 'relu', negativeSlope } = options;
  return scaled(distribution, (fans) => gainOf(nonlinearity, negativeSlope) / Math.sqrt(fans[mode]));
}

/** Uniform in `±gain * sqrt(3 / fan)`. Source: He et al., Delving deep into rectifiers, arXiv:1502.01852, equations 10, 14 and 15. */
export function kaimingUniform(options: KaimingOptions = {}): Initializer {
  return kaiming('uniform', options);
}

/** Normal of standard deviation `gain / sqrt(fan)`. Source: He et al., Delving deep into rectifiers, arXiv:1502.01852, equations 10, 14 and 15. */
export function kaimingNormal(options: KaimingOptions = {}): Initializer {
  return kaiming('normal', options);
}

/** Options of Xavier initialisation. */
export interface XavierOptions {
  /** 1 unless told; see {@link gainOf}. */
  readonly gain?: number;
}

const xavier = (distribution: keyof typeof distributions, { gain = 1 }: XavierOptions): Initializer =>
  scaled(distribution, ({ fanIn, fanOut }) => gain * Math.sqrt(2 / (fanIn + fanOut)));

/**
 * Uniform in `±gain * sqrt(6 / (fanIn + fanOut))`, also called after its author's other name, Glorot.
 * Source: Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks, AISTATS 2010, equation 16.
 */
export function xavierUniform(options: XavierOptions = {}): Initializer {
  return xavier('uniform', options);
}

/**
 * Normal of standard deviation `gain * sqrt(2 / (fanIn + fanOut))`.
 * Source: Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks, AISTATS 2010, equation 12.
 */
export function xavierNormal(options: XavierOptions = {}): Initializer {
  return xavier('normal', options);
}

const lecun = (distribution: keyof typeof distributions): Initializer =>
  scaled(distribution, ({ fanIn }) => 1 / Math.sqrt(fanIn));

/** Uniform in `±sqrt(3 / fanIn)`. Source: LeCun et al., Efficient BackProp, 1998, section 4.6. */
export function lecunUniform(): Initializer {
  return lecun('uniform');
}

/** Normal of standard deviation `1 / sqrt(fanIn)`. Source: LeCun et al., Efficient BackProp, 1998, section 4.6. */
export function lecunNormal(): Initializer {
  return lecun('normal');
}

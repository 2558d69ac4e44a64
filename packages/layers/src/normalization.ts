import type { Shape } from '@receptive/backend';
import type { NormOptions, Parameter, Tensor, Variable } from '@receptive/tensor';
import { DTypeError, ShapeError, formatShape, groupNorm, instanceNorm, layerNorm } from '@receptive/tensor';
import { laidOut, whole } from './check.ts';
import { ones, zeros } from './initializers.ts';
import { Module, parameter } from './module.ts';

/** Options of the layers that normalise. */
export interface NormLayerOptions {
  /** Added to the variance; 1e-5 unless told. */
  readonly eps?: number;
  /** Whether what was normalised is multiplied by a weight, at first 1, and a bias, at first 0, is added. */
  readonly affine?: boolean;
}

/** Base of the layers that normalise and then scale and shift by a weight and a bias of one shape, each if there is one. */
abstract class Norm extends Module {
  readonly weight: Parameter | undefined;
  readonly bias: Parameter | undefined;
  readonly #eps: number;
  readonly #name: string;

  constructor(name: string, shape: Shape, { weight, bias }: { weight: boolean; bias: boolean }, eps = 1e-5) {
    super();
    if (!(eps >= 0 && eps < Infinity)) {
      throw new RangeError(`${name}: eps must be a finite number of at least 0, but is ${eps}.`);
    }
    this.weight = weight ? parameter(shape, ones) : undefined;
    this.bias = bias ? parameter(shape, zeros) : undefined;
    this.#eps = eps;
    this.#name = name;
  }

  /** Refuses an input of another type than the weight and `others` have. */
  protected checkDType(x: Tensor, ...others: readonly (Variable | undefined)[]): void {
    const other = [this.weight, ...others].find((variable) => variable && variable.dtype !== x.dtype);
    if (!other) return;
    throw new DTypeError(
      `${this.#name}: its variables are ${other.dtype}, but the input is ${x.dtype}. Convert the input: cast(x, '${other.dtype}').`,
    );
  }

  /** Weight, bias and eps as the functions take them. */
  protected get options(): NormOptions {
    return { weight: this.weight?.value, bias: this.bias?.value, eps: this.#eps };
  }
}

/** Base of the layers that have a weight and a bias for each channel of an input in one of several layouts. */
export abstract class ChannelNorm extends Norm {
  readonly #name: string;
  readonly #channels: number;
  readonly #layouts: readonly string[];

  constructor(name: string, channels: number, layouts: readonly string[], affine: boolean, eps: number | undefined) {
    whole(name, { channels });
    super(name, [channels], { weight: affine, bias: affine }, eps);
    this.#name = name;
    this.#channels = channels;
    this.#layouts = layouts;
  }

  /** Refuses an input of another layout, other channels, or another type than the weight and `others` have. */
  protected check(x: Tensor, ...others: readonly (Variable | undefined)[]): void {
    if (this.#layouts.length > 0) laidOut(this.#name, x, ...this.#layouts);
    if (x.shape[1] !== this.#channels) {
      throw new ShapeError(`${this.#name}: takes ${this.#channels} channels, but was given ${formatShape(x.shape)}.`);
    }
    this.checkDType(x, ...others);
  }
}

/** Options of {@link LayerNorm}, as in PyTorch. */
export interface LayerNormOptions {
  /** Added to the variance; 1e-5 unless told. */
  readonly eps?: number;
  /** Whether there are a weight and a bias for each normalised element; true unless told. */
  readonly elementwiseAffine?: boolean;
  /** Whether the bias is among them; true unless told. */
  readonly bias?: boolean;
}

/**
 * Normalises each example over its last axes, of lengths `normalizedShape`: see layerNorm of \@receptive/tensor.
 * @throws ShapeError unless the lengths are whole numbers of at least 1.
 */
export class LayerNorm extends Norm {
  readonly #shape: Shape;

  constructor(normalizedShape: number | Shape, options: LayerNormOptions = {}) {
    const { eps, elementwiseAffine = true, bias = true } = options;
    const shape = typeof normalizedShape === 'number' ? [normalizedShape] : [...normalizedShape];
    whole('LayerNorm', { normalizedShape: shape });
    super('LayerNorm', shape, { weight: elementwiseAffine, bias: elementwiseAffine && bias }, eps);
    this.#shape = shape;
  }

  override forward(x: Tensor): Tensor {
    this.checkDType(x);
    return layerNorm(x, this.#shape, this.options);
  }
}

/**
 * Normalises each example over `groups` groups of neighbouring channels of `[N, channels, ...spatial]`: see groupNorm of \@receptive/tensor.
 * @throws ShapeError for groups that do not divide the channels.
 */
export class GroupNorm extends ChannelNorm {
  readonly #groups: number;

  constructor(groups: number, channels: number, { eps, affine = true }: NormLayerOptions = {}) {
    whole('GroupNorm', { groups, channels });
    if (channels % groups !== 0) {
      throw new ShapeError(`GroupNorm: groups must divide the channels, but ${groups} does not divide ${channels}.`);
    }
    super('GroupNorm', channels, [], affine, eps);
    this.#groups = groups;
  }

  override forward(x: Tensor): Tensor {
    this.check(x);
    return groupNorm(x, this.#groups, this.options);
  }
}

/** The same over any number of spatial axes. */
abstract class InstanceNorm extends ChannelNorm {
  override forward(x: Tensor): Tensor {
    this.check(x);
    return instanceNorm(x, this.options);
  }
}

/** Normalises each channel of each example of `[N, channels, L]`. No weight and bias unless told: `affine`. See instanceNorm of \@receptive/tensor. */
export class InstanceNorm1d extends InstanceNorm {
  constructor(channels: number, { eps, affine = false }: NormLayerOptions = {}) {
    super('InstanceNorm1d', channels, ['[N, C, L]'], affine, eps);
  }
}

/** Normalises each channel of each example of `[N, channels, H, W]`. No weight and bias unless told: `affine`. See instanceNorm of \@receptive/tensor. */
export class InstanceNorm2d extends InstanceNorm {
  constructor(channels: number, { eps, affine = false }: NormLayerOptions = {}) {
    super('InstanceNorm2d', channels, ['[N, C, H, W]'], affine, eps);
  }
}

/** Normalises each channel of each example of `[N, channels, D, H, W]`. No weight and bias unless told: `affine`. See instanceNorm of \@receptive/tensor. */
export class InstanceNorm3d extends InstanceNorm {
  constructor(channels: number, { eps, affine = false }: NormLayerOptions = {}) {
    super('InstanceNorm3d', channels, ['[N, C, D, H, W]'], affine, eps);
  }
}

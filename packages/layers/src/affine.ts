import type { Shape } from '@receptive/backend';
import type { Initializer, Parameter } from '@receptive/tensor';
import { fansOf, kaimingUniform, uniform } from './initializers.ts';
import { Module, parameter } from './module.ts';

/** Options of layers that have weights and a bias. */
export interface AffineOptions {
  /** Whether a bias is added; true unless told. */
  readonly bias?: boolean;
  /** Makes the weights. The default is PyTorch's: uniform in `±1 / sqrt(fanIn)`. */
  readonly weightInit?: Initializer;
  /** Makes the bias. The default is PyTorch's: uniform in `±1 / sqrt(fanIn)`, with the weights' fan. */
  readonly biasInit?: Initializer;
}

// PyTorch's choice, which makes the gain 1 / sqrt(3) and so the bound 1 / sqrt(fanIn).
export const defaultWeightInit = kaimingUniform({ nonlinearity: 'leakyRelu', negativeSlope: Math.sqrt(5) });

export function defaultBiasInit(weightShape: Shape): Initializer {
  const bound = 1 / Math.sqrt(fansOf(weightShape).fanIn);
  return uniform(-bound, bound);
}

/** Base of the layers that multiply by weights, of which the first axis counts `outputs` unless told, and add a bias for each output. */
export abstract class Affine extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;

  constructor(weightShape: Shape, options: AffineOptions, outputs = weightShape[0]!) {
    super();
    const { bias = true, weightInit = defaultWeightInit, biasInit = defaultBiasInit(weightShape) } = options;
    this.weight = parameter(weightShape, weightInit);
    this.bias = bias ? parameter([outputs], biasInit) : undefined;
  }
}

import type { GeluOptions, HardTanhOptions, Parameter, SoftplusOptions, StepOptions, Tensor } from '@receptive/tensor';
import {
  celu,
  elu,
  gelu,
  hardSigmoid,
  hardSwish,
  hardTanh,
  leakyRelu,
  logSoftmax,
  maxout,
  mish,
  prelu,
  relu,
  relu6,
  scaledTanh,
  selu,
  sigmoid,
  silu,
  softmax,
  softplus,
  softsign,
  step,
  tanh,
} from '@receptive/tensor';
import { tried, whole } from './check.ts';
import { constant } from './initializers.ts';
import { Module, parameter } from './module.ts';
import { Stateless } from './stateless.ts';

/** A layer of `f` with `options`. It is tried on a shape at once: options that make no sense are refused where the model is built. */
function activation<O = never>(f: (x: Tensor, options?: O) => Tensor): new (options?: O) => Stateless {
  return class extends Stateless {
    constructor(options?: O) {
      super((x) => f(x, options));
      tried(this, [1]);
    }
  };
}

// Each is the function of its name, which says what it computes and where it comes from.

/** `max(x, 0)`; its derivative at 0 is 0. */
export class ReLU extends activation(relu) {}
/** `x > 0 ? x : negativeSlope * x`; 0.01 by default. */
export class LeakyReLU extends activation(leakyRelu) {}
/** `min(max(x, 0), 6)`. */
export class ReLU6 extends activation(relu6) {}
/** `x > 0 ? x : alpha * (e^x - 1)`; 1 by default. */
export class ELU extends activation(elu) {}
/** ELU with the numbers that keep mean 0 and variance 1 from layer to layer. */
export class SELU extends activation(selu) {}
/** `x > 0 ? x : alpha * (e^(x / alpha) - 1)`; 1 by default. */
export class CELU extends activation(celu) {}
/** `x * P(Z <= x)` for a normal Z, exactly or by tanh. */
export class GELU extends activation<GeluOptions>(gelu) {}
/** `x * sigmoid(x)`, also called swish. */
export class SiLU extends activation(silu) {}
/** `x * tanh(softplus(x))`. */
export class Mish extends activation(mish) {}
/** `log(1 + e^(beta x)) / beta`; 1 by default. */
export class Softplus extends activation<SoftplusOptions>(softplus) {}
/** `x / (1 + |x|)`. */
export class Softsign extends activation(softsign) {}
/** Hyperbolic tangent. */
export class Tanh extends activation(tanh) {}
/** `1.7159 * tanh(2 x / 3)`, of LeNet-5. */
export class ScaledTanh extends activation(scaledTanh) {}
/** x limited to `minVal ... maxVal`; -1 and 1 by default. */
export class Hardtanh extends activation<HardTanhOptions>(hardTanh) {}
/** `1 / (1 + e^-x)`. */
export class Sigmoid extends activation(sigmoid) {}
/** `min(max(x + 3, 0), 6) / 6`. */
export class Hardsigmoid extends activation(hardSigmoid) {}
/** `x * min(max(x + 3, 0), 6) / 6`. */
export class Hardswish extends activation(hardSwish) {}
/** `x > 0 ? 1 : 0`, which learns by an estimator of its derivative; the straight-through one unless told. */
export class Step extends activation<StepOptions>(step) {}

/** `e^x / sum(e^x)` along `axis`. Losses take what comes before it: see crossEntropy. */
export class Softmax extends Stateless {
  constructor(axis = -1) {
    super((x) => softmax(x, axis));
  }
}

/** The logarithm of softmax along `axis`: what klDivergence takes. */
export class LogSoftmax extends Stateless {
  constructor(axis = -1) {
    super((x) => logSoftmax(x, axis));
  }
}

/**
 * The largest of each `pieces` channels that follow each other: `[N, C * pieces, ...]` becomes `[N, C, ...]`. Put it after an affine layer of that many outputs.
 * @throws ShapeError unless pieces is a whole number of at least 1.
 */
export class Maxout extends Stateless {
  constructor(pieces: number, axis = 1) {
    whole('Maxout', { pieces });
    super((x) => maxout(x, pieces, axis));
  }
}

/** Where the slopes of {@link PReLU} begin. */
export interface PReluOptions {
  /** 0.25 by default. */
  readonly init?: number;
}

/**
 * `x > 0 ? x : weight * x`, with one learned slope, or one for each of `numParameters` channels.
 * @throws ShapeError unless numParameters is a whole number of at least 1.
 */
export class PReLU extends Module {
  readonly weight: Parameter;

  constructor(numParameters = 1, { init = 0.25 }: PReluOptions = {}) {
    whole('PReLU', { numParameters });
    if (!Number.isFinite(init)) throw new RangeError(`PReLU: init must be a finite number, but is ${init}.`);
    super();
    this.weight = parameter([numParameters], constant(init));
  }

  /** @throws ShapeError if x does not have as many channels as there are slopes. */
  override forward(x: Tensor): Tensor {
    return prelu(x, this.weight.value);
  }
}

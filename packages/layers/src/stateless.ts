import type { AvgPoolOptions, MaxPoolOptions, PerAxis, Tensor } from '@receptive/tensor';
import { avgPool2d, flatten, maxPool2d, relu, sigmoid, softmax, tanh } from '@receptive/tensor';
import { Module } from './module.ts';

/** A layer that is nothing but a function of its input. */
abstract class Stateless extends Module {
  readonly #f: (x: Tensor) => Tensor;

  constructor(f: (x: Tensor) => Tensor) {
    super();
    this.#f = f;
  }

  override forward(x: Tensor): Tensor {
    return this.#f(x);
  }
}

/** `max(x, 0)`; its derivative at 0 is 0. */
export class ReLU extends Stateless {
  constructor() {
    super(relu);
  }
}

/** Hyperbolic tangent. */
export class Tanh extends Stateless {
  constructor() {
    super(tanh);
  }
}

/** `1 / (1 + e^-x)`. */
export class Sigmoid extends Stateless {
  constructor() {
    super(sigmoid);
  }
}

/** `e^x / sum(e^x)` along `axis`. Losses take what comes before it: see crossEntropy. */
export class Softmax extends Stateless {
  constructor(axis = -1) {
    super((x) => softmax(x, axis));
  }
}

/** `[N, C, H, W]` as `[N, C * H * W]`: all axes from `startAxis` on made into one. */
export class Flatten extends Stateless {
  constructor(startAxis = 1) {
    super((x) => flatten(x, startAxis));
  }
}

/** Maximum of each window of `[N, C, H, W]`; of equal maxima the first receives the gradient. The stride is the kernel size unless given. */
export class MaxPool2d extends Stateless {
  constructor(kernelSize: PerAxis, options: MaxPoolOptions = {}) {
    super((x) => maxPool2d(x, kernelSize, options));
  }
}

/** Mean of each window of `[N, C, H, W]`. The stride is the kernel size unless given. */
export class AvgPool2d extends Stateless {
  constructor(kernelSize: PerAxis, options: AvgPoolOptions = {}) {
    super((x) => avgPool2d(x, kernelSize, options));
  }
}

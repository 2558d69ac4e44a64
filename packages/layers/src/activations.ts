import { relu, sigmoid, softmax, tanh } from '@receptive/tensor';
import { Stateless } from './stateless.ts';

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

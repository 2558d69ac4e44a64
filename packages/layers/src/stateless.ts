import type { Tensor } from '@receptive/tensor';
import { flatten } from '@receptive/tensor';
import { Module } from './module.ts';

/** A layer that is nothing but a function of its input. */
export abstract class Stateless extends Module {
  readonly #f: (x: Tensor) => Tensor;

  constructor(f: (x: Tensor) => Tensor) {
    super();
    this.#f = f;
  }

  override forward(x: Tensor): Tensor {
    return this.#f(x);
  }
}

/** `[N, C, H, W]` as `[N, C * H * W]`: all axes from `startAxis` on made into one. */
export class Flatten extends Stateless {
  constructor(startAxis = 1) {
    super((x) => flatten(x, startAxis));
  }
}

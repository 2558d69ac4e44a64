import type { AvgPoolOptions, MaxPoolOptions, PerAxis } from '@receptive/tensor';
import { avgPool2d, maxPool2d } from '@receptive/tensor';
import { Stateless } from './stateless.ts';

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

import type { LocalContrastNormOptions, LocalResponseNormOptions } from '@receptive/tensor';
import { localContrastNorm, localResponseNorm } from '@receptive/tensor';
import { tried } from './check.ts';
import { Stateless } from './stateless.ts';

/**
 * Divides each element of `[N, C, ...spatial]` by a power of the energy of neighbouring channels at its place, with the constants of Krizhevsky et al. 2012
 * unless told: see localResponseNorm of \@receptive/tensor. PyTorch's layer is `{ size, k: 1, divideBySize: true }`.
 * @throws ShapeError for a size that is no whole number of at least 1; RangeError for constants that are not finite.
 */
export class LocalResponseNorm extends Stateless {
  constructor(options: LocalResponseNormOptions = {}) {
    super((x) => localResponseNorm(x, options));
    tried(this, [1, 1, 1]);
  }
}

/**
 * Subtracts the local mean of `[N, C, ...spatial]` and divides by the local deviation, both over a Gaussian window and all channels: see localContrastNorm of
 * \@receptive/tensor.
 * @throws ShapeError for a size that is not made of odd numbers; RangeError unless sigma and eps are positive.
 */
export class LocalContrastNorm extends Stateless {
  constructor(options: LocalContrastNormOptions = {}) {
    super((x) => localContrastNorm(x, options));
    const axes = [options.size ?? 1].flat().map(() => 1);
    tried(this, [1, 1, ...axes]);
  }
}

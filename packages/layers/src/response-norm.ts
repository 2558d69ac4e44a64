import type { LocalContrastNormOptions, LocalResponseNormOptions } from '@receptive/tensor';
import { ShapeError, localContrastNorm, localResponseNorm } from '@receptive/tensor';
import { whole } from './check.ts';
import { Stateless } from './stateless.ts';

/**
 * Divides each element of `[N, C, ...spatial]` by a power of the energy of neighbouring channels at its place, with the constants of Krizhevsky et al. 2012
 * unless told: see localResponseNorm of \@receptive/tensor. PyTorch's layer is `{ size, k: 1, divideBySize: true }`.
 * @throws ShapeError for a size that is no whole number of at least 1.
 */
export class LocalResponseNorm extends Stateless {
  constructor(options: LocalResponseNormOptions = {}) {
    whole('LocalResponseNorm', { size: options.size ?? 5 });
    super((x) => localResponseNorm(x, options));
  }
}

/**
 * Subtracts the local mean of `[N, C, ...spatial]` and divides by the local deviation, both over a Gaussian window and all channels: see localContrastNorm of
 * \@receptive/tensor.
 * @throws ShapeError for a size that is not made of odd numbers.
 */
export class LocalContrastNorm extends Stateless {
  constructor(options: LocalContrastNormOptions = {}) {
    const { size = 9 } = options;
    whole('LocalContrastNorm', { size });
    if ([size].flat().some((length) => length % 2 === 0)) {
      throw new ShapeError(`LocalContrastNorm: size must be odd, to have a middle, but is ${JSON.stringify(size)}.`);
    }
    super((x) => localContrastNorm(x, options));
  }
}

import { add, clamp, div, equal, minimum, mul, scope, sqrt, square, sum } from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import { checkNumber } from './optimizer.ts';

/**
 * Scales all gradients by one factor so that their common Euclidean norm is at most `maxNorm`; smaller gradients stay (but for a rounding). Nothing is read
 * back. `norm` is the norm before. Source: Pascanu et al., On the difficulty of training recurrent neural networks, ICML 2013, algorithm 1, with the 1e-6
 * beside the norm that PyTorch has.
 * @throws RangeError if there are no gradients, or maxNorm is not a positive number.
 */
export function clipByGlobalNorm(
  gradients: readonly Tensor[],
  maxNorm: number,
): { readonly gradients: Tensor[]; readonly norm: Tensor } {
  checkNumber('clipByGlobalNorm', 'maxNorm', maxNorm, Number.MIN_VALUE);
  return scope(() => {
    const norm = sqrt(total('clipByGlobalNorm', gradients, (gradient) => sum(square(gradient))));
    const factor = minimum(div(maxNorm, add(norm, 1e-6)), 1);
    return { gradients: gradients.map((gradient) => mul(gradient, factor)), norm };
  });
}

/**
 * Limits each element of the gradients to `-limit ... limit`.
 * @throws RangeError if the limit is not a positive number.
 */
export function clipByValue(gradients: readonly Tensor[], limit: number): Tensor[] {
  checkNumber('clipByValue', 'limit', limit, Number.MIN_VALUE);
  return scope(() => gradients.map((gradient) => clamp(gradient, -limit, limit)));
}

/**
 * 1 if every element of the float tensors is finite, 0 if there is a NaN or an infinity: a uint8 scalar, computed where the tensors live.
 * @throws RangeError if there are no tensors.
 */
export function allFinite(tensors: readonly Tensor[]): Tensor<'uint8'> {
  // 0 times anything finite is 0; 0 times the others is NaN, which no sum hides.
  return scope(() =>
    equal(
      total('allFinite', tensors, (tensor) => sum(mul(tensor, 0))),
      0,
    ),
  );
}

function total(door: string, tensors: readonly Tensor[], f: (tensor: Tensor) => Tensor): Tensor {
  if (tensors.length === 0) throw new RangeError(`${door}: was given no tensors. Give at least one.`);
  return tensors.map(f).reduce((a, b) => add(a, b));
}

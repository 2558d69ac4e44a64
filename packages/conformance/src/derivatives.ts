import { grad } from '@receptive/autograd';
import { isFloat, typedArray } from '@receptive/backend';
import type { Tensor } from '@receptive/tensor';
import { Rng, add, mul, sum, tensor } from '@receptive/tensor';
import type { Computation } from './compare.ts';
import { compute } from './run.ts';

/** A function of tensors; of several results the first is the one that is differentiated. */
export type TensorFunction = (...inputs: Tensor[]) => readonly Tensor[];

/** What is compared of a function: its results, its gradients, or the gradients of those. */
export const computations = {
  forward: (f) => f,
  backward: gradientsOf,
  second:
    (f) =>
    (...inputs) => {
      const first = gradientsOf(f);
      return gradientsOf((...xs) => [
        first(...xs)
          .map(weightedSum)
          .reduce((a, b) => add(a, b)),
      ])(...inputs);
    },
} satisfies Record<string, (f: TensorFunction) => TensorFunction>;

/** What a function is tested for. */
export type Aspect = keyof typeof computations;

/** A computation for a backend of one aspect of `f`. */
export function aspectOf(aspect: Aspect, f: TensorFunction): Computation {
  return (backend, inputs) => compute(backend, inputs, (tensors) => computations[aspect](f)(...tensors));
}

/** Gradients of the first result with respect to the float inputs. */
function gradientsOf(f: TensorFunction): TensorFunction {
  return (...inputs) =>
    grad(
      () => weightedSum(f(...inputs)[0]!, 0),
      inputs.filter(({ dtype }) => isFloat(dtype)),
    );
}

/** The elements summed with weights in [0.5, 1.5), so that no two errors cancel. All floats hold the weights exactly. */
function weightedSum(x: Tensor, number: number): Tensor {
  const bits = new Rng(number).fork('weights').bits(x.size);
  const weights = typedArray(x.dtype, x.size).map((_, i) => 0.5 + (bits[i]! % 64) / 64);
  return sum(mul(x, tensor(weights, { shape: x.shape, dtype: x.dtype })));
}

import { isFloat } from '@receptive/backend';
import { DTypeError, ShapeError, Tensor, formatShape, fullLike, scope, synchronous } from '@receptive/tensor';
import type { Variable } from '@receptive/tensor';
import { Tape } from './tape.ts';

/** What can be differentiated for: tensors that `f` closes over, and the variables of a model. */
export type Differentiable = Tensor | Variable;

/** A gradient for each of what is differentiated for: as many as `W` lists, in that order. */
export type Gradients<W extends readonly Differentiable[]> = { -readonly [K in keyof W]: Tensor };

/**
 * The value of `f` and its gradients with respect to `wrt`, in that order and of those shapes; zeros where `f` does not depend on one. Everything else
 * made in `f` is freed. Nested calls give second derivatives. A tensor that comes out of {@link stopGradient}, or out of a comparison or rounding, is a
 * constant.
 *
 * @param f Takes nothing and returns a float tensor of one element. It is synchronous, and lives on one backend.
 * @throws ShapeError if f does not return a tensor of one element.
 * @throws DTypeError if f's value, or one of `wrt`, is not a float.
 */
export function valueAndGrad<const W extends readonly Differentiable[]>(
  f: () => Tensor,
  wrt: W,
): [value: Tensor, gradients: Gradients<W>] {
  return scope(() => {
    const sources = wrt.map((source) => (source instanceof Tensor ? source : source.value));
    for (const { dtype } of sources) {
      if (!isFloat(dtype))
        throw new DTypeError(
          `valueAndGrad: only floats have gradients, but was asked for that of a tensor of ${dtype}. Cast it to float32 first.`,
        );
    }
    const tape = new Tape(sources);
    try {
      const value = tape.record(() => synchronous('valueAndGrad', f()));
      checkValue(value);
      const gradients = tape.backward(value, fullLike(value, 1), sources);
      // A handle of our own, in case f returned one that belongs to somebody else.
      return [value.clone(), gradients as Gradients<W>];
    } finally {
      tape.release();
    }
  });
}

/** The gradients of {@link valueAndGrad} alone. */
export function grad<const W extends readonly Differentiable[]>(f: () => Tensor, wrt: W): Gradients<W> {
  return scope(() => valueAndGrad(f, wrt)[1]);
}

function checkValue(value: unknown): asserts value is Tensor {
  if (!(value instanceof Tensor))
    throw new TypeError(`valueAndGrad: the function must return a tensor, but returned ${typeof value}.`);
  if (value.size !== 1) {
    throw new ShapeError(
      `valueAndGrad: the function must return one number, but returned shape ${formatShape(value.shape)}. Reduce it, for example with sum() or mean().`,
    );
  }
  if (!isFloat(value.dtype))
    throw new DTypeError(`valueAndGrad: the function must return a float, but returned ${value.dtype}.`);
}

import { dispatch } from '../dispatch.ts';
import type { Op } from '../op.ts';
import type { Tensor } from '../tensor.ts';

/** A function with a derivative of its own. */
export interface CustomFunction {
  /** Computes the output from the inputs. */
  forward(...inputs: readonly Tensor[]): Tensor;
  /** The inputs' gradients, in order, from the output's; null for an input that has none. */
  backward(gradient: Tensor, inputs: readonly Tensor[], output: Tensor): readonly (Tensor | null)[];
}

const stopGradientOp: Op<undefined, [x: 0], [y: 0]> = {
  name: 'stopGradient',
  pointwise: true,
  alias: true,
  infer: ([x]) => [x],
};

const customOp: Op<CustomFunction, readonly 0[], [y: 0]> = {
  name: 'custom',
  transparent: true,
  // What it returns may be one of the inputs: the output is a value of its own, also to those who hear this alone.
  compose: (inputs, f) => [stopGradient(f.forward(...inputs))],
};

export const controlOps = { stopGradient: stopGradientOp, custom: customOp };

/** x itself, as a constant to differentiation: no gradient passes. */
export function stopGradient(x: Tensor): Tensor {
  return dispatch(stopGradientOp, [x], undefined)[0];
}

/**
 * Calls `f.forward`, and differentiates it by `f.backward` instead of by the rules of the ops inside. The straight-through estimator:
 *
 * ```ts
 * const straightThrough = (x) => customDerivative({ forward: round, backward: (g) => [g] }, x);
 * ```
 * Source: Bengio et al., Estimating or propagating gradients through stochastic neurons, arXiv:1308.3432.
 */
export function customDerivative(f: CustomFunction, ...inputs: readonly Tensor[]): Tensor {
  return dispatch(customOp, inputs as readonly Tensor[] & Record<number, Tensor>, f)[0];
}

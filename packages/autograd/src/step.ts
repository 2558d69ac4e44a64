import type { StepOptions, Tensor } from '@receptive/tensor';
import {
  abs,
  activationGradient,
  cast,
  div,
  greater,
  lessEqual,
  mul,
  scalarLike,
  sigmoid,
  sub,
  where,
} from '@receptive/tensor';

/** What the step function's estimators make of the output's gradient. None is the derivative, which is 0 but at 0. */
export function estimateStep(gradient: Tensor, x: Tensor, options: StepOptions): Tensor {
  if (options.estimator === 'clippedLinear') {
    const inside = lessEqual(abs(x), options.width / 2);
    return where(inside, div(gradient, options.width), scalarLike(gradient, 0));
  }
  if (options.estimator === 'steepSigmoid') {
    return mul(activationGradient('sigmoid', gradient, sigmoid(mul(x, options.slope))), options.slope);
  }
  if (options.estimator === 'difference') {
    const { h } = options;
    // step(x + offset), compared so that nothing is rounded.
    const after = (offset: number): Tensor => cast(greater(x, -offset), gradient.dtype);
    return mul(gradient, div(sub(after(h), after(-h)), 2 * h));
  }
  return gradient;
}

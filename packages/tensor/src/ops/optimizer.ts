import type { AdamOptions, SgdOptions } from '@receptive/backend';
import type { Op, TensorType } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import type { Variable } from '../variable.ts';
import { update } from '../variable.ts';
import { floats, sameDtype, shapeIs } from './check.ts';
import { add, div, mul, sqrt, square, sub } from './elementwise.ts';

/** `g` with the gradient of the penalty `weightDecay / 2 * |p|^2`. */
function decayed(gradient: Tensor, parameter: Tensor, weightDecay: number): Tensor {
  return weightDecay === 0 ? gradient : add(gradient, mul(parameter, weightDecay));
}

/** Refuses a parameter that is no float, and others that do not have its shape and type. */
function checkLike(op: string, parameter: TensorType, what: string, others: readonly TensorType[]): void {
  floats(op, parameter);
  sameDtype(op, parameter, ...others);
  for (const other of others) shapeIs(op, what, other, parameter.shape);
}

const sgdStepOp: Op<SgdOptions, [parameter: 0, gradient: 0, velocity?: 0], [parameter: 0, velocity?: 0]> = {
  name: 'sgdStep',
  fused: 'sgdStep',
  donors: [0, 2],
  infer([parameter, gradient, velocity]) {
    checkLike('sgdStep', parameter, 'the gradient or velocity', velocity ? [gradient, velocity] : [gradient]);
    return velocity ? [parameter, velocity] : [parameter];
  },
  run: (kernels, [parameter, gradient, velocity], [nextParameter, nextVelocity], options) =>
    kernels.sgdStep({ parameter, gradient, velocity }, { parameter: nextParameter, velocity: nextVelocity }, options),
  compose([parameter, gradient, velocity], { lr, momentum, dampening, weightDecay, nesterov }) {
    const g = decayed(gradient, parameter, weightDecay);
    if (!velocity) return [sub(parameter, mul(g, lr))];
    const v = add(mul(velocity, momentum), mul(g, 1 - dampening));
    return [sub(parameter, mul(nesterov ? add(g, mul(v, momentum)) : v, lr)), v];
  },
};

const adamStepOp: Op<
  AdamOptions,
  [parameter: 0, gradient: 0, mean: 0, variance: 0],
  [parameter: 0, mean: 0, variance: 0]
> = {
  name: 'adamStep',
  fused: 'adamStep',
  donors: [0, 2, 3],
  infer([parameter, ...others]) {
    checkLike('adamStep', parameter, 'the gradient or a moment', others);
    return [parameter, parameter, parameter];
  },
  run: (kernels, [parameter, gradient, mean, variance], [nextParameter, nextMean, nextVariance], options) =>
    kernels.adamStep(
      { parameter, gradient, mean, variance },
      { parameter: nextParameter, mean: nextMean, variance: nextVariance },
      options,
    ),
  compose([parameter, gradient, mean, variance], { lr, beta1, beta2, eps, weightDecay, decoupled, step }) {
    const g = decoupled ? gradient : decayed(gradient, parameter, weightDecay);
    const m = add(mul(mean, beta1), mul(g, 1 - beta1));
    const v = add(mul(variance, beta2), mul(square(g), 1 - beta2));
    const unbiased = div(m, 1 - beta1 ** step);
    const scale = add(sqrt(div(v, 1 - beta2 ** step)), eps);
    const shrunk = decoupled ? mul(parameter, 1 - lr * weightDecay) : parameter;
    return [sub(shrunk, mul(div(unbiased, scale), lr)), m, v];
  },
};

export const optimizerOps = { sgdStep: sgdStepOp, adamStep: adamStepOp };

/**
 * One step of gradient descent with momentum, in place: with `g = gradient + weightDecay * p`, `v = momentum * v + (1 - dampening) * g` and
 * `p = p - lr * v`, or `p - lr * (g + momentum * v)` for Nesterov's. Without `velocity`, `p = p - lr * g`.
 * Source: Sutskever et al., On the importance of initialization and momentum in deep learning, 2013, as PyTorch writes it.
 */
export function sgdStep(
  parameter: Variable,
  gradient: Tensor,
  velocity: Variable | undefined,
  options: SgdOptions,
): void {
  update(sgdStepOp, velocity ? [parameter, gradient, velocity] : [parameter, gradient], options);
}

/**
 * One step of Adam, in place: with `m = beta1 * m + (1 - beta1) * g` and `v = beta2 * v + (1 - beta2) * g^2`,
 * `p = p - lr * (m / (1 - beta1^step)) / (sqrt(v / (1 - beta2^step)) + eps)`. Weight decay adds `weightDecay * p` to g, or, decoupled, first shrinks
 * p by `lr * weightDecay`. Sources: Kingma and Ba, arXiv:1412.6980, algorithm 1; Loshchilov and Hutter, arXiv:1711.05101, algorithm 2.
 */
export function adamStep(
  parameter: Variable,
  gradient: Tensor,
  mean: Variable,
  variance: Variable,
  options: AdamOptions,
): void {
  update(adamStepOp, [parameter, gradient, mean, variance], options);
}

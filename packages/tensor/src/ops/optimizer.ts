import type { AdamOptions, SgdOptions } from '@receptive/backend';
import type { Op, TensorType } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import type { Variable } from '../variable.ts';
import { update } from '../variable.ts';
import { floats, sameDtype, shapeIs } from './check.ts';
import { add, div, maximum, mul, sqrt, square, sub } from './elementwise.ts';

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

/** The shape rule of a step that keeps two averages, `what` besides the gradient, which are like the parameter. */
function keepingTwo(op: string, what: string) {
  return ([parameter, ...others]: readonly [TensorType, ...TensorType[]]): [TensorType, TensorType, TensorType] => {
    checkLike(op, parameter, `the gradient or ${what}`, others);
    return [parameter, parameter, parameter];
  };
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
  infer: keepingTwo('adamStep', 'a moment'),
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

/** `share` of a running average, and the rest of `x`. */
function averaged(average: Tensor, x: Tensor, share: number): Tensor {
  return add(mul(average, share), mul(x, 1 - share));
}

/** Hyperparameters of one AdaGrad step. */
export interface AdagradStepOptions {
  readonly lr: number;
  readonly eps: number;
  readonly weightDecay: number;
  /** Added to the sum of squares. */
  readonly initialAccumulatorValue: number;
}

const adagradStepOp: Op<AdagradStepOptions, [parameter: 0, gradient: 0, total: 0], [parameter: 0, total: 0]> = {
  name: 'adagradStep',
  donors: [0, 2],
  infer([parameter, ...others]) {
    checkLike('adagradStep', parameter, 'the gradient or the sum of squares', others);
    return [parameter, parameter];
  },
  compose([parameter, gradient, total], { lr, eps, weightDecay, initialAccumulatorValue }) {
    const g = decayed(gradient, parameter, weightDecay);
    const squares = add(total, square(g));
    const scale = add(sqrt(add(squares, initialAccumulatorValue)), eps);
    return [sub(parameter, mul(div(g, scale), lr)), squares];
  },
};

/** Hyperparameters of one RMSProp step. */
export interface RmspropStepOptions {
  readonly lr: number;
  readonly alpha: number;
  readonly eps: number;
  readonly weightDecay: number;
  readonly momentum: number;
  readonly centered: boolean;
}

type RmspropInputs = [parameter: 0, gradient: 0, variance: 0, ...states: 0[]];

const rmspropStepOp: Op<RmspropStepOptions, RmspropInputs, [parameter: 0, variance: 0, ...states: 0[]]> = {
  name: 'rmspropStep',
  donors: [0, 2, 3, 4],
  infer([parameter, gradient, variance, ...states], { centered, momentum }) {
    checkLike('rmspropStep', parameter, 'the gradient or a state', [gradient, variance, ...states]);
    const expected = Number(centered) + Number(momentum !== 0);
    if (states.length !== expected) {
      throw new RangeError(
        `rmspropStep: besides the mean square, it needs the mean if it is centered and the velocity if there is momentum: ${expected} here, but was given ${states.length}.`,
      );
    }
    return [parameter, variance, ...states];
  },
  compose([parameter, gradient, variance, ...states], { lr, alpha, eps, weightDecay, momentum, centered }) {
    const [mean, velocity] = centered ? states : [undefined, ...states];
    const g = decayed(gradient, parameter, weightDecay);
    const squares = averaged(variance, square(g), alpha);
    const average = mean && averaged(mean, g, alpha);
    // Rounding may take a variance near 0 below it.
    const spread = average ? maximum(sub(squares, square(average)), 0) : squares;
    const scaled = div(g, add(sqrt(spread), eps));
    const v = velocity && add(mul(velocity, momentum), scaled);
    const next = [average, v].filter((state) => state !== undefined);
    return [sub(parameter, mul(v ?? scaled, lr)), squares, ...next];
  },
};

/** Hyperparameters of one AdaDelta step. */
export interface AdadeltaStepOptions {
  readonly lr: number;
  readonly rho: number;
  readonly eps: number;
  readonly weightDecay: number;
}

const adadeltaStepOp: Op<
  AdadeltaStepOptions,
  [parameter: 0, gradient: 0, variance: 0, updates: 0],
  [parameter: 0, variance: 0, updates: 0]
> = {
  name: 'adadeltaStep',
  donors: [0, 2, 3],
  infer: keepingTwo('adadeltaStep', 'an average'),
  compose([parameter, gradient, variance, updates], { lr, rho, eps, weightDecay }) {
    const g = decayed(gradient, parameter, weightDecay);
    const squares = averaged(variance, square(g), rho);
    const change = mul(div(sqrt(add(updates, eps)), sqrt(add(squares, eps))), g);
    return [sub(parameter, mul(change, lr)), squares, averaged(updates, square(change), rho)];
  },
};

/** Hyperparameters of one Nadam step; `step` counts from 1. */
export interface NadamStepOptions {
  readonly lr: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
  readonly momentumDecay: number;
  readonly step: number;
}

const nadamStepOp: Op<
  NadamStepOptions,
  [parameter: 0, gradient: 0, mean: 0, variance: 0],
  [parameter: 0, mean: 0, variance: 0]
> = {
  name: 'nadamStep',
  donors: [0, 2, 3],
  infer: keepingTwo('nadamStep', 'a moment'),
  compose([parameter, gradient, mean, variance], { lr, beta1, beta2, eps, weightDecay, momentumDecay, step }) {
    const g = decayed(gradient, parameter, weightDecay);
    const m = averaged(mean, g, beta1);
    const v = averaged(variance, square(g), beta2);
    const momentum = (at: number): number => beta1 * (1 - 0.96 ** (at * momentumDecay) / 2);
    const next = momentum(step + 1);
    const { product, last } = momenta(momentum, step);
    const ahead = add(mul(m, next / (1 - product * next)), mul(g, (1 - last) / (1 - product)));
    const scale = add(sqrt(div(v, 1 - beta2 ** step)), eps);
    return [sub(parameter, mul(div(ahead, scale), lr)), m, v];
  },
};

/** The momentum of step number `step`, and the product of all up to it, which is as good as 0 after a while. */
function momenta(momentum: (at: number) => number, step: number): { readonly product: number; readonly last: number } {
  let product = 1;
  for (let at = 1; at <= step && product > 2 ** -60; at++) product *= momentum(at);
  return { product, last: momentum(step) };
}

export const optimizerOps = {
  sgdStep: sgdStepOp,
  adamStep: adamStepOp,
  adagradStep: adagradStepOp,
  rmspropStep: rmspropStepOp,
  adadeltaStep: adadeltaStepOp,
  nadamStep: nadamStepOp,
};

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

/**
 * One step of AdaGrad, in place: with `s = s + g^2`, `p = p - lr * g / (sqrt(initialAccumulatorValue + s) + eps)`, where `g = gradient + weightDecay * p`.
 * Source: Duchi et al., Adaptive subgradient methods for online learning and stochastic optimization, JMLR 12, 2011, as PyTorch writes it.
 */
export function adagradStep(parameter: Variable, gradient: Tensor, total: Variable, options: AdagradStepOptions): void {
  update(adagradStepOp, [parameter, gradient, total], options);
}

/**
 * One step of RMSProp, in place: with `v = alpha * v + (1 - alpha) * g^2`, `p = p - lr * g / (sqrt(v) + eps)`, where `g = gradient + weightDecay * p`.
 * Centered, `m = alpha * m + (1 - alpha) * g`, and v less m^2 is what the root is taken of. With momentum, the quotient is added to
 * `momentum * velocity`, and `p = p - lr * velocity`. Sources: Hinton, Neural networks for machine learning, lecture 6e; centered: Graves,
 * arXiv:1308.0850, equations 38 to 45, both as PyTorch writes them.
 * @param states The mean if the step is centered, and then the velocity if there is momentum.
 */
export function rmspropStep(
  parameter: Variable,
  gradient: Tensor,
  variance: Variable,
  states: readonly Variable[],
  options: RmspropStepOptions,
): void {
  update(rmspropStepOp, [parameter, gradient, variance, ...states], options);
}

/**
 * One step of AdaDelta, in place: with `v = rho * v + (1 - rho) * g^2` and `d = sqrt(u + eps) / sqrt(v + eps) * g`, `u = rho * u + (1 - rho) * d^2` and
 * `p = p - lr * d`, where `g = gradient + weightDecay * p`. Source: Zeiler, ADADELTA, arXiv:1212.5701, algorithm 1, whose learning rate is 1.
 */
export function adadeltaStep(
  parameter: Variable,
  gradient: Tensor,
  variance: Variable,
  updates: Variable,
  options: AdadeltaStepOptions,
): void {
  update(adadeltaStepOp, [parameter, gradient, variance, updates], options);
}

/**
 * One step of Nadam, in place: Adam whose mean looks one step ahead. With the momentum `mu(t) = beta1 * (1 - 0.96^(t * momentumDecay) / 2)` of step t and the
 * product `P(t)` of all up to it, `p = p - lr * (mu(t + 1) * m / (1 - P(t + 1)) + (1 - mu(t)) * g / (1 - P(t))) / (sqrt(v / (1 - beta2^t)) + eps)`.
 * Source: Dozat, Incorporating Nesterov momentum into Adam, ICLR workshop 2016, algorithm 2, as PyTorch writes it.
 */
export function nadamStep(
  parameter: Variable,
  gradient: Tensor,
  mean: Variable,
  variance: Variable,
  options: NadamStepOptions,
): void {
  update(nadamStepOp, [parameter, gradient, mean, variance], options);
}

import { adadeltaStep, adagradStep, adamStep, nadamStep, rmspropStep, sgdStep } from '@receptive/tensor';
import { checkNumber, recipe } from './optimizer.ts';
import type { CommonOptions, OptimizerRecipe, OptimizerRule, WithGroups } from './optimizer.ts';

/** Hyperparameters of {@link sgd}. */
export interface SgdOptions extends CommonOptions {
  /** Share of the last velocity that is kept: from 0 (none, the default) to below 1. */
  readonly momentum?: number;
  /** Share by which a new gradient is weakened before it joins the velocity, from 0 (the default) to below 1. The first step is not. */
  readonly dampening?: number;
  /** Nesterov's momentum: looks ahead along the velocity. Needs momentum and no dampening. */
  readonly nesterov?: boolean;
}

const sgdRule: OptimizerRule<SgdOptions> = {
  name: 'sgd',
  check({ momentum, dampening, nesterov }) {
    checkNumber('sgd', 'momentum', momentum, 0, 1);
    checkNumber('sgd', 'dampening', dampening, 0, 1);
    if (nesterov && (momentum === 0 || dampening !== 0)) {
      throw new RangeError(
        `sgd: Nesterov's momentum needs momentum above 0 and dampening 0, but they are ${momentum} and ${dampening}. Set momentum: 0.9, or leave nesterov out.`,
      );
    }
  },
  slots: ({ momentum }) => (momentum === 0 ? [] : ['velocity']),
  step(parameter, gradient, [velocity], options, step) {
    // The velocity starts as the first gradient, whole.
    sgdStep(parameter, gradient, velocity, step === 1 ? { ...options, dampening: 0 } : options);
  },
};

/**
 * Stochastic gradient descent, with PyTorch's formulas: with `g = gradient + weightDecay * p`, the velocity is `v = g` at the first step and
 * `v = momentum * v + (1 - dampening) * g` after it, and the parameter becomes `p - lr * v`, or `p - lr * (g + momentum * v)` for Nesterov's.
 * Source: Sutskever et al., On the importance of initialization and momentum in deep learning, ICML 2013.
 *
 * ```ts
 * sgd({ lr: 0.05, momentum: 0.9, weightDecay: 5e-4, groups: [{ parameters: (name) => name.endsWith('bias'), weightDecay: 0 }] });
 * ```
 * @throws RangeError for options that make no sense.
 */
export function sgd(options: WithGroups<SgdOptions> & { readonly lr: number }): OptimizerRecipe {
  return recipe(sgdRule, { lr: NaN, momentum: 0, dampening: 0, nesterov: false, weightDecay: 0 }, options);
}

/** Hyperparameters of {@link adam} and {@link adamW}. */
export interface AdamOptions extends CommonOptions {
  /** Shares of the old averages of the gradient and of its square that are kept, from 0 to below 1; 0.9 and 0.999 by default. */
  readonly betas?: readonly [number, number];
  /** Keeps the divisor from 0: a number above 0, 1e-8 by default. */
  readonly eps?: number;
}

function checkBetas(name: string, betas: readonly [number, number]): void {
  if (!Array.isArray(betas) || betas.length !== 2) {
    throw new RangeError(`${name}: betas must be two numbers, such as [0.9, 0.999], but is ${JSON.stringify(betas)}.`);
  }
  betas.forEach((beta: number, i) => checkNumber(name, `betas[${i}]`, beta, 0, 1));
}

function checkEps(name: string, eps: number): void {
  checkNumber(name, 'eps', eps, Number.MIN_VALUE);
}

function adamRule(name: string, decoupled: boolean): OptimizerRule<AdamOptions> {
  return {
    name,
    check({ betas, eps }) {
      checkBetas(name, betas);
      checkEps(name, eps);
    },
    slots: () => ['mean', 'variance'],
    step(parameter, gradient, [mean, variance], { betas: [beta1, beta2], ...options }, step) {
      adamStep(parameter, gradient, mean!, variance!, { ...options, beta1, beta2, decoupled, step });
    },
  };
}

const adamRules = { coupled: adamRule('adam', false), decoupled: adamRule('adamW', true) };
const adamDefaults = { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8 } as const;

/**
 * Adam, with `m = beta1 * m + (1 - beta1) * g`, `v = beta2 * v + (1 - beta2) * g^2`, where `g = gradient + weightDecay * p`; step t makes the parameter
 * `p - lr * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps)`. Source: Kingma and Ba, arXiv:1412.6980, algorithm 1.
 * @throws RangeError for options that make no sense.
 */
export function adam(options: WithGroups<AdamOptions> = {}): OptimizerRecipe {
  return recipe(adamRules.coupled, { ...adamDefaults, weightDecay: 0 }, options);
}

/**
 * Adam with decoupled weight decay, of 0.01 by default: the parameter first shrinks by `lr * weightDecay` of itself, and the averages see the gradient
 * alone. Source: Loshchilov and Hutter, arXiv:1711.05101, algorithm 2, with the schedule's factor in lr as PyTorch has it.
 * @throws RangeError for options that make no sense.
 */
export function adamW(options: WithGroups<AdamOptions> = {}): OptimizerRecipe {
  return recipe(adamRules.decoupled, { ...adamDefaults, weightDecay: 0.01 }, options);
}

/** Hyperparameters of {@link nadam}. */
export interface NadamOptions extends AdamOptions {
  /** How fast the momentum grows from half of `betas[0]` to all of it: a number of at least 0, 0.004 by default. */
  readonly momentumDecay?: number;
}

const nadamRule: OptimizerRule<NadamOptions> = {
  name: 'nadam',
  check({ betas, eps, momentumDecay }) {
    checkBetas('nadam', betas);
    checkEps('nadam', eps);
    checkNumber('nadam', 'momentumDecay', momentumDecay);
  },
  slots: () => ['mean', 'variance'],
  step(parameter, gradient, [mean, variance], { betas: [beta1, beta2], ...options }, step) {
    nadamStep(parameter, gradient, mean!, variance!, { ...options, beta1, beta2, step });
  },
};

/**
 * Adam with Nesterov's momentum: the mean looks one step ahead. With `mu(t) = beta1 * (1 - 0.96^(t * momentumDecay) / 2)` and the product `P(t)` of all up to
 * mu(t), step t makes the parameter `p - lr * (mu(t + 1) * m / (1 - P(t + 1)) + (1 - mu(t)) * g / (1 - P(t))) / (sqrt(v / (1 - beta2^t)) + eps)`, where m, v
 * and g are Adam's. Source: Dozat, Incorporating Nesterov momentum into Adam, ICLR workshop 2016, algorithm 2, as PyTorch writes it.
 * @throws RangeError for options that make no sense.
 */
export function nadam(options: WithGroups<NadamOptions> = {}): OptimizerRecipe {
  return recipe(nadamRule, { ...adamDefaults, lr: 2e-3, momentumDecay: 4e-3, weightDecay: 0 }, options);
}

/** Hyperparameters of {@link adagrad}. */
export interface AdagradOptions extends CommonOptions {
  /** Shrinks the learning rate of step t to `lr / (1 + (t - 1) * lrDecay)`: a number of at least 0, the default. */
  readonly lrDecay?: number;
  /** Where the sums of squares begin: a number of at least 0, the default. */
  readonly initialAccumulatorValue?: number;
  /** Keeps the divisor from 0: a number above 0, 1e-10 by default. */
  readonly eps?: number;
}

const adagradRule: OptimizerRule<AdagradOptions> = {
  name: 'adagrad',
  check({ lrDecay, initialAccumulatorValue, eps }) {
    checkNumber('adagrad', 'lrDecay', lrDecay);
    checkNumber('adagrad', 'initialAccumulatorValue', initialAccumulatorValue);
    checkEps('adagrad', eps);
  },
  slots: () => ['sum'],
  step(parameter, gradient, [sum], { lr, lrDecay, ...options }, step) {
    adagradStep(parameter, gradient, sum!, { ...options, lr: lr / (1 + (step - 1) * lrDecay) });
  },
};

/**
 * AdaGrad: with `s = s + g^2`, where `g = gradient + weightDecay * p`, the parameter becomes `p - lr * g / (sqrt(s) + eps)`: each element's steps get smaller
 * the more it has moved. Source: Duchi et al., Adaptive subgradient methods for online learning and stochastic optimization, JMLR 12, 2011.
 * @throws RangeError for options that make no sense.
 */
export function adagrad(options: WithGroups<AdagradOptions> = {}): OptimizerRecipe {
  const defaults = { lr: 1e-2, lrDecay: 0, initialAccumulatorValue: 0, eps: 1e-10, weightDecay: 0 };
  return recipe(adagradRule, defaults, options);
}

/** Hyperparameters of {@link rmsprop}. */
export interface RmspropOptions extends CommonOptions {
  /** Share of the old average of squares that is kept, from 0 to below 1; 0.99 by default. */
  readonly alpha?: number;
  /** Keeps the divisor from 0: a number above 0, 1e-8 by default. */
  readonly eps?: number;
  /** Share of the last velocity that is kept: from 0 (none, the default) to below 1. */
  readonly momentum?: number;
  /** Divides by the standard deviation of the gradient, and not by the root of its mean square. */
  readonly centered?: boolean;
}

const rmspropRule: OptimizerRule<RmspropOptions> = {
  name: 'rmsprop',
  check({ alpha, eps, momentum }) {
    checkNumber('rmsprop', 'alpha', alpha, 0, 1);
    checkNumber('rmsprop', 'momentum', momentum, 0, 1);
    checkEps('rmsprop', eps);
  },
  slots: ({ centered, momentum }) => [
    'variance',
    ...(centered ? ['mean'] : []),
    ...(momentum === 0 ? [] : ['velocity']),
  ],
  step(parameter, gradient, [variance, ...states], options) {
    rmspropStep(parameter, gradient, variance!, states, options);
  },
};

/**
 * RMSProp: with `v = alpha * v + (1 - alpha) * g^2`, where `g = gradient + weightDecay * p`, the parameter becomes `p - lr * g / (sqrt(v) + eps)`. With momentum
 * the quotients add up to a velocity first; centered, v less the square of the mean gradient is what the root is taken of.
 * Sources: Hinton, Neural networks for machine learning, lecture 6e; centered: Graves, arXiv:1308.0850, equations 38 to 45; as PyTorch writes them.
 * @throws RangeError for options that make no sense.
 */
export function rmsprop(options: WithGroups<RmspropOptions> = {}): OptimizerRecipe {
  const defaults = { lr: 1e-2, alpha: 0.99, eps: 1e-8, momentum: 0, centered: false, weightDecay: 0 };
  return recipe(rmspropRule, defaults, options);
}

/** Hyperparameters of {@link adadelta}. */
export interface AdadeltaOptions extends CommonOptions {
  /** Share of the old averages of the squares of gradients and of steps that is kept, from 0 to below 1; 0.9 by default. */
  readonly rho?: number;
  /** Begins the steps, which would stay 0 without it: a number above 0, 1e-6 by default. */
  readonly eps?: number;
}

const adadeltaRule: OptimizerRule<AdadeltaOptions> = {
  name: 'adadelta',
  check({ rho, eps }) {
    checkNumber('adadelta', 'rho', rho, 0, 1);
    checkEps('adadelta', eps);
  },
  slots: () => ['variance', 'updates'],
  step(parameter, gradient, [variance, updates], options) {
    adadeltaStep(parameter, gradient, variance!, updates!, options);
  },
};

/**
 * AdaDelta: with `v = rho * v + (1 - rho) * g^2`, where `g = gradient + weightDecay * p`, the step is `d = sqrt(u + eps) / sqrt(v + eps) * g`, of which u is the
 * average square, and the parameter becomes `p - lr * d`. Steps have the parameter's unit, so that the learning rate is 1 by default, as in the paper.
 * Source: Zeiler, ADADELTA: an adaptive learning rate method, arXiv:1212.5701, algorithm 1.
 * @throws RangeError for options that make no sense.
 */
export function adadelta(options: WithGroups<AdadeltaOptions> = {}): OptimizerRecipe {
  return recipe(adadeltaRule, { lr: 1, rho: 0.9, eps: 1e-6, weightDecay: 0 }, options);
}

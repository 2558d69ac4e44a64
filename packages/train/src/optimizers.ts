import { adamStep, sgdStep } from '@receptive/tensor';
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
    const dampening = step === 1 ? 0 : options.dampening;
    sgdStep(parameter, gradient, velocity, { ...options, dampening });
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

function adamRule(name: string, decoupled: boolean): OptimizerRule<AdamOptions> {
  return {
    name,
    check({ betas, eps }) {
      if (!Array.isArray(betas) || betas.length !== 2) {
        throw new RangeError(
          `${name}: betas must be two numbers, such as [0.9, 0.999], but is ${JSON.stringify(betas)}.`,
        );
      }
      betas.forEach((beta: number, i) => checkNumber(name, `betas[${i}]`, beta, 0, 1));
      checkNumber(name, 'eps', eps, Number.MIN_VALUE);
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

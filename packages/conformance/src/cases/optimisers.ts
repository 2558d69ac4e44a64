import type { AdamOptions, SgdOptions } from '@receptive/backend';
import type { OpName } from '@receptive/tensor';
import type { Case, OpCases } from '../case.ts';
import { numbers, uniform } from '../case.ts';
import { formula } from '../tolerance.ts';

const sgd: SgdOptions = { lr: 0.1, momentum: 0, dampening: 0, weightDecay: 0, nesterov: false };

function sgdCase(name: string, options: Partial<SgdOptions>, shape: readonly number[] = [37]): Case<'sgdStep'> {
  const state = numbers(shape);
  return {
    name,
    inputs: options.momentum ? [state, state, state] : [state, state],
    attributes: { ...sgd, ...options },
  };
}

const adam: AdamOptions = { lr: 0.01, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0, decoupled: false, step: 1 };

function adamCase(name: string, options: Partial<AdamOptions>, shape: readonly number[] = [37]): Case<'adamStep'> {
  const state = numbers(shape);
  return { name, inputs: [state, state, state, uniform(shape, 0, 2)], attributes: { ...adam, ...options } };
}

export const optimiserCases = {
  sgdStep: {
    tolerance: formula,
    cases: [
      sgdCase('plain', {}),
      sgdCase('weight decay', { weightDecay: 0.1 }),
      sgdCase('momentum', { momentum: 0.9 }),
      sgdCase('momentum, a tensor of weights', { momentum: 0.9 }, [6, 3, 5, 5]),
      sgdCase('dampening', { momentum: 0.9, dampening: 0.5 }),
      sgdCase('Nesterov', { momentum: 0.9, nesterov: true }),
      sgdCase('Nesterov and weight decay', { momentum: 0.9, nesterov: true, weightDecay: 0.01 }),
    ],
  },
  adamStep: {
    tolerance: formula,
    cases: [
      adamCase('the first step', {}),
      adamCase('a late step', { step: 10_000 }),
      adamCase('a tensor of weights', { step: 3 }, [6, 3, 5, 5]),
      adamCase('weight decay', { weightDecay: 0.1, step: 2 }),
      adamCase('decoupled weight decay', { weightDecay: 0.1, decoupled: true, step: 2 }),
    ],
  },
} satisfies { readonly [N in OpName]?: OpCases<N> };

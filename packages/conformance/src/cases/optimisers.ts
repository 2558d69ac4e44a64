import type { AdamOptions, SgdOptions } from '@receptive/backend';
import type { AttributesOf, OpName } from '@receptive/tensor';
import type { Case, Input, OpCases } from '../case.ts';
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

const rmsprop: AttributesOf<'rmspropStep'> = {
  lr: 0.01,
  alpha: 0.9,
  eps: 1e-8,
  weightDecay: 0,
  momentum: 0,
  centered: false,
};

function rmspropCase(name: string, options: Partial<typeof rmsprop>): Case<'rmspropStep'> {
  const state = numbers([7]);
  // A mean square above 1, so that it stays above the square of a mean within 1.
  const states: Input[] = [...(options.centered ? [uniform([7], -1, 1)] : []), ...(options.momentum ? [state] : [])];
  return {
    name,
    inputs: [state, state, uniform([7], 1, 2), ...states],
    attributes: { ...rmsprop, ...options },
  };
}

const adadelta: AttributesOf<'adadeltaStep'> = { lr: 1, rho: 0.9, eps: 1e-6, weightDecay: 0 };
const adagrad: AttributesOf<'adagradStep'> = { lr: 0.01, eps: 1e-10, weightDecay: 0, initialAccumulatorValue: 0 };
const nadam: AttributesOf<'nadamStep'> = {
  lr: 0.002,
  beta1: 0.9,
  beta2: 0.999,
  eps: 1e-8,
  weightDecay: 0,
  momentumDecay: 0.004,
  step: 1,
};

/** A parameter, a gradient, and what is never negative: sums and averages of squares. */
const squares = [numbers([7]), numbers([7]), uniform([7], 0, 2)] as const;
const moments = [numbers([7]), numbers([7]), numbers([7]), uniform([7], 0, 2)] as const;

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
  adagradStep: {
    tolerance: formula,
    cases: [
      { name: 'plain', inputs: squares, attributes: adagrad },
      {
        name: 'weight decay and an initial accumulator',
        inputs: squares,
        attributes: { ...adagrad, weightDecay: 0.1, initialAccumulatorValue: 0.5 },
      },
    ],
  },
  rmspropStep: {
    tolerance: formula,
    cases: [
      rmspropCase('plain', {}),
      rmspropCase('momentum and weight decay', { momentum: 0.9, weightDecay: 0.1 }),
      rmspropCase('centered', { centered: true }),
      rmspropCase('centered, with momentum', { centered: true, momentum: 0.9 }),
    ],
  },
  adadeltaStep: {
    tolerance: formula,
    cases: [
      { name: 'plain', inputs: [...squares, uniform([7], 0, 2)], attributes: adadelta },
      { name: 'weight decay', inputs: [...squares, uniform([7], 0, 2)], attributes: { ...adadelta, weightDecay: 0.1 } },
    ],
  },
  nadamStep: {
    tolerance: formula,
    cases: [
      { name: 'the first step', inputs: moments, attributes: nadam },
      { name: 'a late step', inputs: moments, attributes: { ...nadam, step: 10_000 } },
      { name: 'weight decay', inputs: moments, attributes: { ...nadam, weightDecay: 0.1, step: 2 } },
    ],
  },
} satisfies { readonly [N in OpName]?: OpCases<N> };

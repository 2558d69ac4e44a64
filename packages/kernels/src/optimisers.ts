import type { AdamOptions, SgdOptions } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import type { Located } from './elementwise.ts';
import { GRAIN } from './elementwise.ts';
import type { Plan } from './plan.ts';
import { pieces } from './plan.ts';

// A step's hyperparameters may be others at the next step, so that plans take the numbers made of them as they come.

/** A parameter with the moments that its optimiser keeps, before or after a step. */
type State<Moment extends string> = { readonly [Name in 'parameter' | Moment]: Located };

/** A step, element by element, over operands and numbers. */
function step(
  kernel: string,
  { shape }: Located,
  operands: readonly (Located | undefined)[],
  numbers: readonly number[],
): Plan {
  const count = sizeOf(shape);
  const words = [count, GRAIN, ...operands.map((operand) => operand?.address ?? 0), ...numbers];
  return [{ kernel, words, chunks: pieces(count, GRAIN), scratch: 0 }];
}

/** The floats that {@link sgdStep} computes with. */
export function sgdNumbers({ lr, momentum, dampening, weightDecay }: SgdOptions): number[] {
  return [lr, momentum, 1 - dampening, weightDecay];
}

export function sgdStep(
  { parameter, gradient, velocity }: State<'gradient'> & { readonly velocity: Located | undefined },
  next: { readonly parameter: Located; readonly velocity: Located | undefined },
  numbers: readonly number[],
  nesterov: boolean,
): Plan {
  const operands = [parameter, gradient, velocity, next.parameter, next.velocity];
  return step('sgdStep', parameter, operands, [...numbers, Number(nesterov)]);
}

/** The floats that {@link adamStep} computes with. */
export function adamNumbers({ lr, beta1, beta2, eps, weightDecay, decoupled, step: t }: AdamOptions): number[] {
  return [
    ...[beta1, 1 - beta1, beta2, 1 - beta2],
    ...[lr / (1 - beta1 ** t), 1 / (1 - beta2 ** t), eps],
    ...[decoupled ? 0 : weightDecay, decoupled ? 1 - lr * weightDecay : 1],
  ];
}

export function adamStep(
  { parameter, gradient, mean, variance }: State<'gradient' | 'mean' | 'variance'>,
  next: State<'mean' | 'variance'>,
  numbers: readonly number[],
): Plan {
  const operands = [parameter, gradient, mean, variance, next.parameter, next.mean, next.variance];
  return step('adamStep', parameter, operands, numbers);
}

import type { AdamOptions, SgdOptions } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import type { Located } from './elementwise.ts';
import { GRAIN } from './elementwise.ts';
import type { Plan } from './plan.ts';
import { float, pieces } from './plan.ts';

/** A parameter with the moments that its optimiser keeps, before or after a step. */
type State<Moment extends string> = { readonly [Name in 'parameter' | Moment]: Located };

export function sgdStep(
  parameter: Located,
  gradient: Located,
  velocity: Located | undefined,
  next: { readonly parameter: Located; readonly velocity: Located | undefined },
  { lr, momentum, dampening, weightDecay, nesterov }: SgdOptions,
): Plan {
  const count = sizeOf(parameter.shape);
  const addresses = [parameter, gradient, velocity, next.parameter, next.velocity].map((x) => x?.address ?? 0);
  const numbers = [lr, momentum, 1 - dampening, weightDecay].map(float);
  const words = [count, GRAIN, ...addresses, ...numbers, Number(nesterov)];
  return [{ kernel: 'sgdStep', words, chunks: pieces(count, GRAIN), scratch: 0 }];
}

export function adamStep(
  { parameter, mean, variance }: State<'mean' | 'variance'>,
  gradient: Located,
  next: State<'mean' | 'variance'>,
  { lr, beta1, beta2, eps, weightDecay, decoupled, step }: AdamOptions,
): Plan {
  const count = sizeOf(parameter.shape);
  const addresses = [parameter, gradient, mean, variance, next.parameter, next.mean, next.variance].map(
    (x) => x.address,
  );
  const numbers = [
    beta1,
    1 - beta1,
    beta2,
    1 - beta2,
    lr / (1 - beta1 ** step),
    1 / (1 - beta2 ** step),
    eps,
    decoupled ? 0 : weightDecay,
    decoupled ? 1 - lr * weightDecay : 1,
  ].map(float);
  const words = [count, GRAIN, ...addresses, ...numbers];
  return [{ kernel: 'adamStep', words, chunks: pieces(count, GRAIN), scratch: 0 }];
}

import type { Settings } from './settings.ts';

/**
 * A learning rate schedule: what the learning rate is multiplied with at step number `step` of the run, counted from 0. It is a function of the step alone, so
 * the step is its whole state. Any function will do; `settings` lets a checkpoint notice that a run is continued with another one.
 */
export interface Schedule {
  (step: number): number;
  readonly settings?: Settings;
}

function schedule(settings: Settings, factor: (step: number) => number): Schedule {
  return Object.assign(factor, { settings });
}

/**
 * Falls by `gamma` (0.1 by default) at the start of each `every` steps, or at each of the steps listed in `at`.
 * Source: as in Krizhevsky et al., ImageNet classification with deep convolutional neural networks, NIPS 2012, section 5, where it is done by hand.
 * @throws RangeError unless there is one of `every` and `at`, made of whole numbers of at least 1, and gamma is positive.
 */
export function stepDecay(
  options: ({ readonly every: number } | { readonly at: readonly number[] }) & { readonly gamma?: number },
): Schedule {
  const { gamma = 0.1 } = options;
  if (!(gamma > 0 && gamma < Infinity)) throw new RangeError(`stepDecay: gamma must be above 0, but is ${gamma}.`);
  if ('at' in options) {
    const at = [...options.at];
    for (const step of at) checkSteps('stepDecay', 'an entry of at', step);
    return schedule({ name: 'stepDecay', at, gamma }, (step) => gamma ** at.filter((fall) => step >= fall).length);
  }
  const { every } = options;
  checkSteps('stepDecay', 'every', every);
  return schedule({ name: 'stepDecay', every, gamma }, (step) => gamma ** Math.floor(step / every));
}

/**
 * Falls from 1 to `end` (0 by default) along half a cosine in `steps` steps, and stays there: `end + (1 - end) * (1 + cos(pi * step / steps)) / 2`.
 * Source: Loshchilov and Hutter, SGDR, arXiv:1608.03983, equation 5, without restarts.
 * @throws RangeError if steps is not a whole number of at least 1, or end lies outside 0 to 1.
 */
export function cosine({ steps, end = 0 }: { readonly steps: number; readonly end?: number }): Schedule {
  checkSteps('cosine', 'steps', steps);
  if (!(end >= 0 && end <= 1)) throw new RangeError(`cosine: end must lie between 0 and 1, but is ${end}.`);
  return schedule(
    { name: 'cosine', steps, end },
    (step) => end + ((1 - end) * (1 + Math.cos((Math.PI * Math.min(step, steps)) / steps))) / 2,
  );
}

/**
 * Rises in a line for `steps` steps, `(step + 1) / steps`, so that the last of them is a whole one; then follows `after`, which counts its steps from there,
 * or stays at 1. Source: Goyal et al., Accurate, large minibatch SGD, arXiv:1706.02677, section 2.2.
 *
 * ```ts
 * warmup({ steps: 500, after: cosine({ steps: 9_500 }) });
 * ```
 * @throws RangeError if steps is not a whole number of at least 1.
 */
export function warmup({ steps, after }: { readonly steps: number; readonly after?: Schedule }): Schedule {
  checkSteps('warmup', 'steps', steps);
  const settings = { name: 'warmup', steps, after: after ? (after.settings ?? 'custom') : null };
  return schedule(settings, (step) => (step < steps ? (step + 1) / steps : (after?.(step - steps) ?? 1)));
}

function checkSteps(door: string, what: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new RangeError(`${door}: ${what} must be a whole number of steps of at least 1, but is ${value}.`);
  }
}

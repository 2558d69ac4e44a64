import type { Best, EpochRecord, Metric } from './state.ts';
import { checkNumber } from './optimizer.ts';

/** Ends the training when it no longer gets better. Source: Prechelt, Early stopping, but when?, 1998. */
export interface EarlyStopping {
  /** Epochs without a better one after which it ends, at least 1. */
  readonly patience: number;
  /** What is to get better: by default the validation loss, or the training loss if there is no validation set. */
  readonly metric?: Metric;
  /** By how much more than the best an epoch must be better to count, 0 by default. */
  readonly minDelta?: number;
}

/** {@link EarlyStopping} with the defaults filled in; a run without it never runs out of patience. */
export function resolveEarlyStopping(
  { patience, metric, minDelta = 0 }: EarlyStopping = { patience: Infinity },
  validates: boolean,
): Required<EarlyStopping> {
  if (!(patience >= 1)) throw new RangeError(`earlyStopping: patience must be at least 1 epoch, but is ${patience}.`);
  checkNumber('earlyStopping', 'minDelta', minDelta);
  const chosen = metric ?? (validates ? 'validationLoss' : 'trainLoss');
  if (chosen.startsWith('validation') && !validates) {
    throw new RangeError(
      `earlyStopping: ${chosen} needs a validation set. Give one as \`validate\`, or watch trainLoss.`,
    );
  }
  return { patience, metric: chosen, minDelta };
}

/** The best epoch after another one has ended. */
export function betterOf(
  best: Best | undefined,
  record: EpochRecord,
  { metric, minDelta }: Required<EarlyStopping>,
): Best {
  const value = record[metric]!;
  const gain = best && (metric.endsWith('Loss') ? best.value - value : value - best.value);
  return gain === undefined || gain > minDelta ? { metric, epoch: record.epoch, value } : best!;
}

/** Whether too many epochs have passed since the best one. */
export function impatient(best: Best | undefined, epochs: number, { patience }: Required<EarlyStopping>): boolean {
  return best !== undefined && epochs - best.epoch >= patience;
}

import type { LossReduction } from '@receptive/backend';
import { isFloat, sameShape } from '@receptive/backend';
import type { Tensor } from '@receptive/tensor';
import { DTypeError, ShapeError, formatShape, mean, sum } from '@receptive/tensor';

/** What becomes of the losses of the elements: their mean (the default), their sum, or nothing. */
export type Reduction = LossReduction;

/** Options that all losses have. */
export interface LossOptions {
  readonly reduction?: Reduction;
}

const reductions: Readonly<Record<Reduction, (losses: Tensor) => Tensor>> = {
  mean: (losses) => mean(losses),
  sum: (losses) => sum(losses),
  none: (losses) => losses,
};

/** The losses, or their sum or mean. `others` are the reductions that a loss has besides, to be told of. */
export function reduce(losses: Tensor, reduction: Reduction, ...others: readonly string[]): Tensor {
  checkReduction(reduction, ...others);
  return reductions[reduction](losses);
}

/** Refuses a reduction that there is not. `others` are those that a loss has besides. */
export function checkReduction(reduction: string, ...others: readonly string[]): void {
  checkOneOf('reduction', reduction, [...Object.keys(reductions), ...others]);
}

/** Refuses an option that is none of those there are: it would be taken for one of them in silence. */
export function checkOneOf(option: string, value: string, choices: readonly string[]): void {
  if (!choices.includes(value)) {
    throw new RangeError(`A loss's ${option} must be one of ${choices.join(', ')}, but is ${JSON.stringify(value)}.`);
  }
}

/** Refuses predictions and targets that are not of one shape and float dtype: nothing is broadcast or converted in silence. */
export function checkPair(loss: string, prediction: Tensor, target: Tensor): void {
  if (!sameShape(prediction.shape, target.shape)) {
    throw new ShapeError(
      `${loss}: both inputs need one shape, but were given ${formatShape(prediction.shape)} and ${formatShape(target.shape)}. Reshape or broadcast one.`,
    );
  }
  if (prediction.dtype !== target.dtype || !isFloat(prediction.dtype)) {
    throw new DTypeError(
      `${loss}: both inputs need one float dtype, but were given ${prediction.dtype} and ${target.dtype}. Convert with cast().`,
    );
  }
}

/** Refuses a hyperparameter that is not a finite number of at least 0, or above it. */
export function checkSize(loss: string, name: string, value: number, above = false): void {
  if (!(Number.isFinite(value) && (above ? value > 0 : value >= 0))) {
    throw new RangeError(
      `${loss}: ${name} must be a finite number ${above ? 'above' : 'of at least'} 0, but is ${value}.`,
    );
  }
}

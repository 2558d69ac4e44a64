import { isFloat, sameShape } from '@receptive/backend';
import type { Tensor } from '@receptive/tensor';
import { DTypeError, ShapeError, cast, formatShape, gather, indexSelect, reshape, unsqueeze } from '@receptive/tensor';

// What losses of class indices have in common: scores [N, C, ...spatial], an index [N, ...spatial] for each place.

/** Refuses scores that are no floats or have no axis of classes, and indices or weights that do not fit them. */
export function checkClasses(loss: string, scores: Tensor, classes: Tensor, weight?: Tensor): void {
  const [n, c, ...spatial] = scores.shape;
  if (n === undefined || c === undefined) {
    throw new ShapeError(
      `${loss}: needs logits [N, C] or [N, C, ...spatial], but was given ${formatShape(scores.shape)}.`,
    );
  }
  if (!sameShape(classes.shape, [n, ...spatial])) {
    throw new ShapeError(
      `${loss}: logits ${formatShape(scores.shape)} need class indices ${formatShape([n, ...spatial])}, but were given ${formatShape(classes.shape)}. ` +
        'Of one-hot or probability targets, take argmax(targets, 1).',
    );
  }
  if (!isFloat(scores.dtype))
    throw new DTypeError(
      `${loss}: logits are floats, but were given as ${scores.dtype}. Convert them: cast(logits, 'float32').`,
    );
  if (isFloat(classes.dtype))
    throw new DTypeError(
      `${loss}: classes are indices, int32 or uint8, but were given as ${classes.dtype}. Convert them: cast(classes, 'int32').`,
    );
  if (weight && !sameShape(weight.shape, [c])) {
    throw new ShapeError(
      `${loss}: ${c} classes need weights ${formatShape([c])}, but were given ${formatShape(weight.shape)}.`,
    );
  }
}

/** The score of each place's class, `[N, 1, ...spatial]`; NaN where there is no such class. */
export function scoreOf(scores: Tensor, classes: Tensor): Tensor {
  return gather(scores, unsqueeze(cast(classes, 'int32'), 1), 1);
}

/** The factor of each place's class, of the shape of `classes`. */
export function factorOf(weight: Tensor, classes: Tensor): Tensor {
  return reshape(indexSelect(weight, reshape(cast(classes, 'int32'), [-1])), classes.shape);
}

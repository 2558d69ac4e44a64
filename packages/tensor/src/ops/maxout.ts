import { ShapeError, formatShape } from '../errors.ts';
import { scope } from '../scope.ts';
import type { Tensor } from '../tensor.ts';
import { resolveAxis } from './check.ts';
import { max } from './reduce.ts';
import { reshape } from './views.ts';

/**
 * The largest of each `pieces` channels that follow each other: `[N, C * pieces, ...]` becomes `[N, C, ...]`. Of equal ones the first receives the gradient.
 * After an affine layer it is a learned convex function of that many linear pieces.
 * Source: Goodfellow et al., Maxout networks, arXiv:1302.4389, section 3.
 * @throws ShapeError if the axis does not hold whole groups of `pieces`.
 */
export function maxout(x: Tensor, pieces: number, axis = 1): Tensor {
  const along = resolveAxis('maxout', axis, x.rank);
  const length = x.shape[along]!;
  if (!Number.isInteger(pieces) || pieces < 1 || length % pieces !== 0) {
    throw new ShapeError(
      `maxout: axis ${along} of ${formatShape(x.shape)} cannot be cut into groups of ${pieces} channels. Make pieces a whole number that divides ${length}.`,
    );
  }
  const grouped = x.shape.flatMap((own, a) => (a === along ? [own / pieces, pieces] : [own]));
  return scope(() => max(reshape(x, grouped), along + 1));
}

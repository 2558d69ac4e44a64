import type { Tensor, Variable } from '@receptive/tensor';
import {
  ShapeError,
  concat,
  formatShape,
  full,
  neg,
  scope,
  square,
  sub,
  sum,
  tensor,
  unsqueeze,
  withBackend,
} from '@receptive/tensor';
import { crossEntropy } from './losses/cross-entropy.ts';
import type { LossOptions } from './losses/reduction.ts';
import { checkSize } from './losses/reduction.ts';
import { Module, buffer, parameter } from './module.ts';

/** Options of {@link RbfOutput}. */
export interface RbfOutputOptions {
  /** Whether training moves the codes; false by default, as the paper begins. */
  readonly learnable?: boolean;
}

/**
 * Output layer of Euclidean radial basis functions: the squared distance of the features to the code of each class, `y_i = sum over j of (x_j - w_ij)^2`, over
 * the last axis, `[..., features]` to `[..., classes]`. Small means likely: it goes with {@link rbfLoss}, and its argmin is the class. To fit and
 * evaluate of \@receptive/train the largest output is the class: for them let the model end in the negative, and take `(y, c) => rbfLoss(neg(y), c, { j })`.
 * Source: LeCun et al., Gradient-based learning applied to document recognition, 1998, equation 7. LeNet-5's codes are drawings of the ten digits, 7 x 12
 * elements of -1 and 1; the caller gives them.
 * @throws ShapeError unless the codes are rows of one length.
 */
export class RbfOutput extends Module {
  readonly weight: Variable;

  constructor(codes: readonly (readonly number[])[], { learnable = false }: RbfOutputOptions = {}) {
    const features = codes[0]?.length ?? 0;
    if (features === 0 || codes.some((code) => code.length !== features)) {
      throw new ShapeError(
        `RbfOutput: needs a code for each class, all of as many elements as there are features, but was given lengths ${formatShape(codes.map((code) => code.length))}.`,
      );
    }
    super();
    const rows = codes.map((code) => [...code]);
    this.weight = (learnable ? parameter : buffer)([rows.length, features], () => tensor(rows));
  }

  /** @throws ShapeError if the last axis does not have as many elements as a code. */
  override forward(x: Tensor): Tensor {
    const features = this.weight.shape[1]!;
    if (x.shape.at(-1) !== features) {
      throw new ShapeError(
        `RbfOutput: takes ${features} features along the last axis, but was given ${formatShape(x.shape)}.`,
      );
    }
    // Not |x|^2 - 2 x w + |w|^2, which would cancel where x is near a code.
    return scope(() => sum(square(sub(unsqueeze(x, -2), this.weight.value)), -1));
  }
}

/** Options of {@link rbfLoss}. */
export interface RbfLossOptions extends LossOptions {
  /** How far off a class that means none of the others is taken to be: a number above 0. The paper names none. */
  readonly j: number;
}

/**
 * The loss LeNet-5 is trained with, `y_D + log(e^-j + sum over i of e^-y_i)` for distances y and the class D: the distance to the right code, and a
 * competition, which pushes away wrong codes that are not much further than j. It is the cross-entropy of the logits `-y` and `-j`.
 * Source: LeCun et al., Gradient-based learning applied to document recognition, 1998, equation 9.
 *
 * @param distances Floats `[N, C]` or `[N, C, ...spatial]`, as {@link RbfOutput} gives them.
 * @param classes Indices `[N]` or `[N, ...spatial]`, int32 or uint8; C stands for none of the classes.
 * @returns A scalar, or the shape of `classes` where the reduction is 'none'.
 * @throws ShapeError | DTypeError if the classes do not fit the distances.
 * @throws RangeError unless j is above 0.
 */
export function rbfLoss(distances: Tensor, classes: Tensor, { j, reduction = 'mean' }: RbfLossOptions): Tensor {
  checkSize('rbfLoss', 'j', j, true);
  if (distances.rank < 2) {
    throw new ShapeError(
      `rbfLoss: needs distances [N, C] or [N, C, ...spatial], but was given ${formatShape(distances.shape)}.`,
    );
  }
  return scope(() => {
    const shape = distances.shape.map((length, axis) => (axis === 1 ? 1 : length));
    const none = withBackend(distances.backend, () => full(shape, -j, { dtype: distances.dtype }));
    return crossEntropy(concat([neg(distances), none], 1), classes, { reduction });
  });
}

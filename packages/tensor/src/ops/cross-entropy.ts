import type { LossReduction } from '@receptive/backend';
import { dispatch } from '../dispatch.ts';
import { ShapeError, formatShape } from '../errors.ts';
import type { Op, TensorType } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { dtypeIs, floats, sameDtype, shapeIs } from './check.ts';
import { div, neg } from './elementwise.ts';
import { gather, scatterAdd } from './indexing.ts';
import { sum } from './reduce.ts';
import { logSoftmax, logSoftmaxGradient } from './softmax.ts';
import { broadcastTo, reshape, unsqueeze } from './views.ts';

/** Attributes of the cross-entropy ops. */
type CrossEntropyAttributes = { readonly reduction: LossReduction };

/** Shape of the losses; refuses logits that are no matrix, and classes that are no indices for its rows. */
function lossShape(
  op: string,
  logits: TensorType,
  classes: TensorType,
  { reduction }: CrossEntropyAttributes,
): number[] {
  floats(op, logits);
  if (logits.shape.length !== 2)
    throw new ShapeError(`${op}: needs logits [N, C], but was given ${formatShape(logits.shape)}.`);
  const rows = logits.shape[0]!;
  dtypeIs(op, 'the classes', classes, 'int32');
  shapeIs(op, 'the classes', classes, [rows]);
  return reduction === 'none' ? [rows] : [];
}

/** What the sum of losses is divided by. */
const divisor = ({ shape }: TensorType, { reduction }: CrossEntropyAttributes): number =>
  reduction === 'mean' ? shape[0]! : 1;

const softmaxCrossEntropyOp: Op<CrossEntropyAttributes, [logits: 0, classes: 0], [loss: 0]> = {
  name: 'softmaxCrossEntropy',
  fused: 'softmaxCrossEntropy',
  infer: ([logits, classes], attributes) => [
    { shape: lossShape('softmaxCrossEntropy', logits, classes, attributes), dtype: logits.dtype },
  ],
  run: (kernels, [logits, classes], [loss], { reduction }) =>
    kernels.softmaxCrossEntropy(logits, classes, loss, reduction),
  compose([logits, classes], attributes) {
    const losses = neg(reshape(gather(logSoftmax(logits), unsqueeze(classes, 1), 1), classes.shape));
    return [attributes.reduction === 'none' ? losses : div(sum(losses), divisor(logits, attributes))];
  },
};

const softmaxCrossEntropyGradientOp: Op<CrossEntropyAttributes, [gradient: 0, logits: 0, classes: 0], [dx: 0]> = {
  name: 'softmaxCrossEntropyGradient',
  fused: 'softmaxCrossEntropyGradient',
  infer([gradient, logits, classes], attributes) {
    const shape = lossShape('softmaxCrossEntropyGradient', logits, classes, attributes);
    sameDtype('softmaxCrossEntropyGradient', gradient, logits);
    shapeIs('softmaxCrossEntropyGradient', "the loss's gradient", gradient, shape);
    return [logits];
  },
  run: (kernels, [gradient, logits, classes], [dx], { reduction }) =>
    kernels.softmaxCrossEntropyGradient(gradient, logits, classes, dx, reduction),
  compose([gradient, logits, classes], attributes) {
    const [rows, length] = logits.shape as [number, number];
    const share = neg(div(gradient, divisor(logits, attributes)));
    const each = broadcastTo(reshape(share, [-1, 1]), [rows, 1]);
    return [logSoftmaxGradient(scatterAdd(each, unsqueeze(classes, 1), 1, length), logSoftmax(logits))];
  },
};

export const crossEntropyOps = {
  softmaxCrossEntropy: softmaxCrossEntropyOp,
  softmaxCrossEntropyGradient: softmaxCrossEntropyGradientOp,
};

/**
 * `-log(softmax(logits)[class])` for each row of `logits` `[N, C]` and class of `classes` `[N]`, int32: as it is, `[N]`, or their sum or mean, a scalar. Where
 * there is no such class, NaN.
 */
export function softmaxCrossEntropy(logits: Tensor, classes: Tensor, reduction: LossReduction): Tensor {
  return dispatch(softmaxCrossEntropyOp, [logits, classes], { reduction })[0];
}

/** Gradient of {@link softmaxCrossEntropy} with respect to the logits, from that of the loss: the probabilities, less 1 at the class. A row of no class has none. */
export function softmaxCrossEntropyGradient(
  gradient: Tensor,
  logits: Tensor,
  classes: Tensor,
  reduction: LossReduction,
): Tensor {
  return dispatch(softmaxCrossEntropyGradientOp, [gradient, logits, classes], { reduction })[0];
}

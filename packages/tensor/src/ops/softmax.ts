import { dispatch } from '../dispatch.ts';
import type { Op } from '../op.ts';
import { scope } from '../scope.ts';
import type { Tensor } from '../tensor.ts';
import { floats, resolveAxis, sameDtype, shapeIs } from './check.ts';
import { div, exp, log, mul, sub } from './elementwise.ts';
import { max, sum } from './reduce.ts';
import { transpose } from './views.ts';

type LastAxis = Op<undefined, [x: 0], [y: 0]>;

const softmaxOp: LastAxis = {
  name: 'softmax',
  fused: 'softmax',
  infer([x]) {
    floats('softmax', x);
    return [x];
  },
  run: (kernels, [x], [y]) => kernels.softmax(x, y),
  compose([x]) {
    // Less the maximum, the largest exponent is 0: nothing overflows.
    const powers = exp(sub(x, max(x, -1, { keepDims: true })));
    return [div(powers, sum(powers, -1, { keepDims: true }))];
  },
};

const logSoftmaxOp: LastAxis = {
  name: 'logSoftmax',
  fused: 'logSoftmax',
  infer([x]) {
    floats('logSoftmax', x);
    return [x];
  },
  run: (kernels, [x], [y]) => kernels.logSoftmax(x, y),
  compose([x]) {
    const shifted = sub(x, max(x, -1, { keepDims: true }));
    return [sub(shifted, log(sum(exp(shifted), -1, { keepDims: true })))];
  },
};

/** The gradient of a function along the last axis, from the output's gradient and the output. */
type GradientOfLastAxis = Op<undefined, [gradient: 0, y: 0], [dx: 0]>;

function gradientOp(
  name: 'softmaxGradient' | 'logSoftmaxGradient',
  f: (gradient: Tensor, y: Tensor) => Tensor,
): GradientOfLastAxis {
  return {
    name,
    fused: name,
    infer([gradient, y]) {
      floats(name, y);
      sameDtype(name, gradient, y);
      shapeIs(name, "the output's gradient", gradient, y.shape);
      return [y];
    },
    run: (kernels, [gradient, y], [dx]) => kernels[name](gradient, y, dx),
    compose: ([gradient, y]) => [f(gradient, y)],
  };
}

const softmaxGradientOp = gradientOp('softmaxGradient', (gradient, y) =>
  mul(y, sub(gradient, sum(mul(gradient, y), -1, { keepDims: true }))),
);

const logSoftmaxGradientOp = gradientOp('logSoftmaxGradient', (gradient, y) =>
  sub(gradient, mul(exp(y), sum(gradient, -1, { keepDims: true }))),
);

export const softmaxOps = {
  softmax: softmaxOp,
  softmaxGradient: softmaxGradientOp,
  logSoftmax: logSoftmaxOp,
  logSoftmaxGradient: logSoftmaxGradientOp,
};

function alongAxis(op: LastAxis, x: Tensor, axis: number): Tensor {
  const along = resolveAxis(op.name, axis, x.rank);
  if (along === x.rank - 1) return dispatch(op, [x], undefined)[0];
  return scope(() => transpose(dispatch(op, [transpose(x, along, -1)], undefined)[0], along, -1));
}

/** `e^x / sum(e^x)` along `axis`: positive numbers that sum to 1. Stable for large x. */
export function softmax(x: Tensor, axis = -1): Tensor {
  return alongAxis(softmaxOp, x, axis);
}

/** `log(softmax(x))` along `axis`, without the loss of digits of taking the logarithm afterwards. */
export function logSoftmax(x: Tensor, axis = -1): Tensor {
  return alongAxis(logSoftmaxOp, x, axis);
}

/** Gradient of softmax along the last axis with respect to its input, from that of the output y. */
export function softmaxGradient(gradient: Tensor, y: Tensor): Tensor {
  return dispatch(softmaxGradientOp, [gradient, y], undefined)[0];
}

/** Gradient of logSoftmax along the last axis with respect to its input, from that of the output y. */
export function logSoftmaxGradient(gradient: Tensor, y: Tensor): Tensor {
  return dispatch(logSoftmaxGradientOp, [gradient, y], undefined)[0];
}

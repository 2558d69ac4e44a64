// The functional interface: what users call, and what the methods of Tensor stand for.
export {
  celu,
  elu,
  gelu,
  hardSigmoid,
  hardSwish,
  hardTanh,
  leakyRelu,
  mish,
  prelu,
  relu6,
  scaledTanh,
  selu,
  silu,
  softsign,
  step,
} from './ops/activations.ts';
export { customDerivative, stopGradient } from './ops/control.ts';
export { col2im, conv, conv1d, conv2d, conv3d, convInputGradient, convWeightGradient, im2col } from './ops/conv.ts';
export { addCoordinates } from './ops/coordinates.ts';
export {
  abs,
  activationGradient,
  add,
  cast,
  ceil,
  clamp,
  cos,
  div,
  equal,
  erf,
  exp,
  expm1,
  floor,
  greater,
  greaterEqual,
  less,
  lessEqual,
  log,
  log1p,
  maximum,
  minimum,
  mul,
  neg,
  notEqual,
  pow,
  reciprocal,
  relu,
  round,
  rsqrt,
  sigmoid,
  sign,
  sin,
  softplus,
  sqrt,
  square,
  sub,
  tanh,
  where,
} from './ops/elementwise.ts';
export { alphaDropout, dropout, spatialDropout, stochasticDepth } from './ops/dropout.ts';
export { gather, indexSelect, oneHot, scatterAdd } from './ops/indexing.ts';
export { locallyConnected1d, locallyConnected2d, locallyConnectedOutput } from './ops/locally-connected.ts';
export { matmul } from './ops/matmul.ts';
export { maxout } from './ops/maxout.ts';
export { adadeltaStep, adagradStep, adamStep, nadamStep, rmspropStep, sgdStep } from './ops/optimizer.ts';
export {
  batchNorm,
  batchNormWithStatistics,
  groupNorm,
  instanceNorm,
  layerNorm,
  standardize,
} from './ops/normalization.ts';
export { pad } from './ops/padding.ts';
export { convTranspose1d, convTranspose2d, convTranspose3d } from './ops/transposed.ts';
export { avgPool, avgPool2d, avgPoolGradient, maxPool2d, maxPool2dWithIndices, maxPoolGradient } from './ops/pool.ts';
export { argmax, argmin, max, mean, min, sum, variance } from './ops/reduce.ts';
export { sample, sampleInputGradient, samplePointsGradient } from './ops/sample.ts';
export { localContrastNorm, localResponseNorm } from './ops/response-norm.ts';
export { logSoftmax, softmax } from './ops/softmax.ts';
export {
  broadcastTo,
  concat,
  flatten,
  flip,
  permute,
  reshape,
  slice,
  split,
  squeeze,
  stack,
  transpose,
  unsqueeze,
} from './ops/views.ts';

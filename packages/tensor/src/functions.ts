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
  softplus,
  softsign,
  step,
} from './ops/activations.ts';
export {
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  adaptiveMaxPool3d,
  globalAvgPool,
  globalMaxPool,
} from './ops/adaptive-pool.ts';
export { blend, transposedBands } from './ops/blend.ts';
export { curveGradient, curves } from './ops/curves.ts';
export { customDerivative, stopGradient } from './ops/control.ts';
export {
  col2im,
  conv,
  conv1d,
  conv2d,
  conv3d,
  convActivation,
  convInputGradient,
  convWeightGradient,
  im2col,
} from './ops/conv.ts';
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
  sqrt,
  square,
  sub,
  tanh,
  where,
} from './ops/elementwise.ts';
export { alphaDropout, dropout, spatialDropout, stochasticDepth } from './ops/dropout.ts';
export { affineGrid, gridSample } from './ops/grid-sample.ts';
export { gather, indexSelect, oneHot, scatterAdd } from './ops/indexing.ts';
export {
  deformColumns,
  deformColumnsInputGradient,
  deformColumnsMaskGradient,
  deformColumnsOffsetGradient,
} from './ops/deformable-columns.ts';
export { deformConv2d } from './ops/deformable.ts';
export { locallyConnected1d, locallyConnected2d, locallyConnectedOutput } from './ops/locally-connected.ts';
export { interpolate } from './ops/interpolate.ts';
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
  standardizeGradient,
} from './ops/normalization.ts';
export { pad } from './ops/padding.ts';
export { convTranspose1d, convTranspose2d, convTranspose3d } from './ops/transposed.ts';
export { pixelShuffle, pixelUnshuffle } from './ops/pixel-shuffle.ts';
export {
  avgPool,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  avgPoolGradient,
  maxPool1d,
  maxPool1dWithIndices,
  maxPool2d,
  maxPool2dWithIndices,
  maxPool3d,
  maxPool3dWithIndices,
  maxPoolGradient,
} from './ops/pool.ts';
export {
  gaussianPool1d,
  gaussianPool2d,
  gaussianPool3d,
  variancePool1d,
  variancePool2d,
  variancePool3d,
} from './ops/pool-statistics.ts';
export {
  learnablePool1d,
  learnablePool2d,
  learnablePool3d,
  lpPool1d,
  lpPool2d,
  lpPool3d,
  minPool1d,
  minPool2d,
  minPool3d,
  sumPool1d,
  sumPool2d,
  sumPool3d,
  sumPoolGradient,
} from './ops/pool-variants.ts';
export { argmax, argmin, max, mean, min, sum, variance } from './ops/reduce.ts';
export { sample, sampleInputGradient, samplePointsGradient } from './ops/sample.ts';
export { localContrastNorm, localResponseNorm, localResponseNormGradient } from './ops/response-norm.ts';
export {
  separableConv1d,
  separableConv2d,
  separableConv3d,
  separate,
  spatiallySeparableConv2d,
} from './ops/separable.ts';
export { softmaxCrossEntropy, softmaxCrossEntropyGradient } from './ops/cross-entropy.ts';
export { logSoftmax, logSoftmaxGradient, softmax, softmaxGradient } from './ops/softmax.ts';
export { stochasticPool1d, stochasticPool2d, stochasticPool3d } from './ops/stochastic-pool.ts';
export { maxUnpool1d, maxUnpool2d, maxUnpool3d } from './ops/unpool.ts';
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

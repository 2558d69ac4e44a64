export {
  CELU,
  ELU,
  GELU,
  Hardsigmoid,
  Hardswish,
  Hardtanh,
  LeakyReLU,
  LogSoftmax,
  Maxout,
  Mish,
  PReLU,
  ReLU,
  ReLU6,
  SELU,
  ScaledTanh,
  SiLU,
  Sigmoid,
  Softmax,
  Softplus,
  Softsign,
  Step,
  Tanh,
} from './activations.ts';
export type { PReluOptions } from './activations.ts';
export type { AffineOptions } from './affine.ts';
export { BatchNorm1d, BatchNorm2d, BatchNorm3d } from './batch-norm.ts';
export type { BatchNormLayerOptions } from './batch-norm.ts';
export { lenet5Connections } from './connections.ts';
export type { Connections } from './connections.ts';
export { ConvTranspose1d, ConvTranspose2d, ConvTranspose3d } from './conv-transpose.ts';
export type { ConvTransposeLayerOptions } from './conv-transpose.ts';
export { Conv1d, Conv2d, Conv3d } from './conv.ts';
export type { ConvLayerOptions } from './conv.ts';
export { DeformConv2d } from './deformable.ts';
export type { DeformConv2dOptions } from './deformable.ts';
export {
  CoordConv1d,
  CoordConv2d,
  CoordConv3d,
  CoordConvTranspose1d,
  CoordConvTranspose2d,
  CoordConvTranspose3d,
} from './coord-conv.ts';
export type { CoordConvOptions, CoordConvTransposeOptions } from './coord-conv.ts';
export { AlphaDropout, Dropout, Dropout1d, Dropout2d, Dropout3d, StochasticDepth } from './dropout.ts';
export { formatSummary, formatVolume } from './format-summary.ts';
export * as initializers from './initializers.ts';
export { Linear } from './linear.ts';
export * from './losses/index.ts';
export { LocallyConnected1d, LocallyConnected2d } from './locally-connected.ts';
export type { LocallyConnectedOptions } from './locally-connected.ts';
export { Module, buffer, parameter } from './module.ts';
export type { ForwardContext } from './module.ts';
export { GroupNorm, InstanceNorm1d, InstanceNorm2d, InstanceNorm3d, LayerNorm } from './normalization.ts';
export type { LayerNormOptions, NormLayerOptions } from './normalization.ts';
export { observe } from './observe.ts';
export type { ModuleCall } from './observe.ts';
export {
  AdaptiveAvgPool1d,
  AdaptiveAvgPool2d,
  AdaptiveAvgPool3d,
  AdaptiveMaxPool1d,
  AdaptiveMaxPool2d,
  AdaptiveMaxPool3d,
  AvgPool1d,
  AvgPool2d,
  AvgPool3d,
  GaussianPool1d,
  GaussianPool2d,
  GaussianPool3d,
  GlobalAvgPool,
  GlobalMaxPool,
  LPPool1d,
  LPPool2d,
  LPPool3d,
  LearnablePool1d,
  LearnablePool2d,
  LearnablePool3d,
  MaxPool1d,
  MaxPool2d,
  MaxPool3d,
  MinPool1d,
  MinPool2d,
  MinPool3d,
  StochasticPool1d,
  StochasticPool2d,
  StochasticPool3d,
  SumPool1d,
  SumPool2d,
  SumPool3d,
  VariancePool1d,
  VariancePool2d,
  VariancePool3d,
} from './pooling.ts';
export { MaxUnpool1d, MaxUnpool2d, MaxUnpool3d } from './unpooling.ts';
export type { UnpoolContext } from './unpooling.ts';
export { PixelShuffle, PixelUnshuffle, Upsample } from './resampling.ts';
export { gradientPenalty, l1Penalty, l2Penalty } from './penalties.ts';
export type { GradientPenaltyOptions } from './penalties.ts';
export { RbfOutput, rbfLoss } from './rbf.ts';
export type { RbfLossOptions, RbfOutputOptions } from './rbf.ts';
export {
  DepthwiseConv1d,
  DepthwiseConv2d,
  DepthwiseConv3d,
  SeparableConv1d,
  SeparableConv2d,
  SeparableConv3d,
  SpatiallySeparableConv2d,
} from './separable.ts';
export type { DepthwiseConvOptions, SeparableConvLayerOptions, SpatiallySeparableConvOptions } from './separable.ts';
export { LocalContrastNorm, LocalResponseNorm } from './response-norm.ts';
export { Sequential } from './sequential.ts';
export { SpatialTransformer } from './spatial-transformer.ts';
export type { SpatialTransformerOptions } from './spatial-transformer.ts';
export { StateDictError } from './state-dict.ts';
export type { LoadOptions, LoadReport, StateArray, StateEntry } from './state-dict.ts';
export { Flatten } from './stateless.ts';
export { summary } from './summary.ts';
export type { Counts, LayerSummary, ModelSummary } from './summary.ts';

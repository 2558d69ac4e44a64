export type { Backend, MemoryUse } from './backend.ts';
export { bandShare } from './band.ts';
export type { Band } from './band.ts';
export { bytesPerElement, dtypeOf, isFloat, typedArray } from './dtype.ts';
export type { DType, DTypeArrays, TypedArray } from './dtype.ts';
export type {
  ActivationName,
  AdamOptions,
  BinaryName,
  CompareName,
  CurveName,
  Kernels,
  LossReduction,
  Operand,
  OptionalKernels,
  RandomPlace,
  ReduceName,
  RequiredKernels,
  ResponseNormOptions,
  SgdOptions,
  Storage,
  UnaryName,
  UniformRange,
  View,
} from './kernels.ts';
export { collapse } from './loops.ts';
export type { Loops } from './loops.ts';
export { fillUniform, philox, unit } from './random.ts';
export { broadcastStrides, sameShape, sizeOf, stridesOf } from './shape.ts';
export type { Shape } from './shape.ts';
export { resolvePadding, windowOutput, windowSpan } from './window.ts';
export type { ConvAlgorithm, ConvGeometry, Padding, Window } from './window.ts';

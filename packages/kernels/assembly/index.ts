// All kernels. Each export computes one chunk: (args: words that describe the work, chunk: its number, scratch: memory for this chunk alone).
export * from '../build/elementwise';
export { argmax_float32, argmax_int32, argmax_uint8, argmin_float32, argmin_int32, argmin_uint8 } from './arg-reduce';
export { spread } from './spread';
export { avgPool, avgPoolGradient } from './avg-pool';
export { blend } from './blend';
export { col2im } from './col2im';
export { copy, fill, transpose } from './copy';
export { deformColumns, deformColumnsInputGradient, deformColumnsPointsGradient, deformConv } from './deformable';
export * from './curves';
export { direct, directWeights } from './direct';
export { where1, where4 } from './elementwise';
export { gemm, packA } from './gemm';
export * from './indexing';
export { correlate, interleave } from './lanes';
export { mend, suspect } from './mend';
export { dotRows, weighRows } from './narrow';
export { normalise, normaliseGradient, share } from './norms';
export { adamStep, sgdStep } from './optimisers';
export { peak } from './peak';
export { uniform } from './random';
export { maxPool, maxPoolGradient } from './max-pool';
export { maxima } from './maxima';
export * from './reduce';
export { localResponseNorm, localResponseNormGradient } from './response-norm';
export { sample, sampleInputGradient, samplePointsGradient } from './sampling';
export { logSoftmax, logSoftmaxGradient, softmax, softmaxCrossEntropy, softmaxCrossEntropyGradient, softmaxGradient } from './softmax';
export { stripProduct } from './strip-product';
export { sweep } from './sweep';
export { winograd, winogradInput, winogradKernels, winogradOutput, winogradProducts, winogradTiles, winogradWeights } from './winograd';

/** First address that is free for data. */
export function heapBase(): usize {
  return __heap_base;
}

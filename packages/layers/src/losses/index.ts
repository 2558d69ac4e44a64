export { crossEntropy } from './cross-entropy.ts';
export type { CrossEntropyOptions } from './cross-entropy.ts';
export { hinge, multiMargin } from './margin.ts';
export type { HingeOptions, MultiMarginOptions } from './margin.ts';
export { binaryCrossEntropy, binaryCrossEntropyWithLogits, klDivergence } from './probability.ts';
export type { BinaryCrossEntropyOptions, KlDivergenceOptions } from './probability.ts';
export { huber, l1, mse, smoothL1 } from './regression.ts';
export type { HuberOptions, SmoothL1Options } from './regression.ts';
export type { LossOptions, Reduction } from './reduction.ts';

export { allFinite, clipByGlobalNorm, clipByValue } from './gradients.ts';
export type { Json } from './json.ts';
export { Optimizer } from './optimizer.ts';
export type { CommonOptions, OptimizerRecipe, ParameterGroup, WithGroups } from './optimizer.ts';
export { adam, adamW, sgd } from './optimizers.ts';
export type { AdamOptions, SgdOptions } from './optimizers.ts';
export { cosine, stepDecay, warmup } from './schedule.ts';
export type { Schedule } from './schedule.ts';

export { decodeCheckpoint, encodeCheckpoint } from './checkpoint.ts';
export type { Architecture, Checkpoint, EncodeOptions, TrainingState } from './checkpoint.ts';
export type { Loss } from './classification.ts';
export type { EarlyStopping } from './early-stopping.ts';
export { CheckpointError, DivergedError } from './errors.ts';
export { confusionMatrix, evaluate, worstMistakes } from './evaluate.ts';
export type { EvaluateOptions, Evaluation, Mistake } from './evaluate.ts';
export { fit } from './fit.ts';
export type { CheckpointOptions, FitCallbacks, FitOptions, FitResult, Progress } from './fit.ts';
export { allFinite, clipByGlobalNorm, clipByValue } from './gradients.ts';
export type { Settings } from './settings.ts';
export { Optimizer } from './optimizer.ts';
export type { CommonOptions, OptimizerRecipe, ParameterGroup, WithGroups } from './optimizer.ts';
export { adadelta, adagrad, adam, adamW, nadam, rmsprop, sgd } from './optimizers.ts';
export type {
  AdadeltaOptions,
  AdagradOptions,
  AdamOptions,
  NadamOptions,
  RmspropOptions,
  SgdOptions,
} from './optimizers.ts';
export { cosine, stepDecay, warmup } from './schedule.ts';
export type { Schedule } from './schedule.ts';
export type { Best, EpochRecord, Metric, Position, RunState, Running } from './state.ts';

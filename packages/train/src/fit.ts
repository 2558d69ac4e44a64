import type { Dataset, Transform } from '@receptive/data';
import type { Module } from '@receptive/layers';
import type { Architecture, Checkpoint } from './checkpoint.ts';
import type { Loss } from './classification.ts';
import type { EarlyStopping } from './early-stopping.ts';
import type { OptimizerRecipe } from './optimizer.ts';
import { Run } from './run.ts';
import type { Schedule } from './schedule.ts';
import type { Best, EpochRecord } from './state.ts';

/** How a training is going. */
export interface Progress {
  /** The epoch under way, counted from 1, and how many there are to be. */
  readonly epoch: number;
  readonly epochs: number;
  /** Steps done of this epoch, and how many it has. */
  readonly step: number;
  readonly steps: number;
  /** Steps done of the run. */
  readonly globalStep: number;
  /** Means over the images of this epoch so far. */
  readonly loss: number;
  readonly accuracy: number;
  /** The loss of each step since the last call. */
  readonly losses: readonly number[];
  /** Learning rate of the last step. */
  readonly learningRate: number;
  readonly imagesPerSecond: number;
  /** Estimated seconds until the last step of the run, without validations. */
  readonly secondsLeft: number;
}

/** Functions that {@link fit} calls on its way, and waits for. */
export interface FitCallbacks {
  /** Called every few steps: at least after ten, after a quarter of a second, and at an epoch's end. */
  readonly onProgress?: (progress: Progress) => void | Promise<void>;
  /** Called after an epoch and its validation. */
  readonly onEpoch?: (record: EpochRecord) => void | Promise<void>;
}

/** Where and when {@link fit} saves the run. It also saves when it ends or is aborted. */
export interface CheckpointOptions {
  /** Keeps the bytes of a checkpoint, in place of the one before. In Node: `(bytes) => saveCheckpoint(path, bytes)`. */
  readonly save: (bytes: Uint8Array) => void | Promise<void>;
  /** Saves after each so many epochs, 1 by default. */
  readonly everyEpochs?: number;
  /** Saves after each so many steps too. */
  readonly everySteps?: number;
  /** Written into the checkpoint, for whoever has to build the model again. */
  readonly architecture?: Architecture;
}

/** Options of {@link fit}. */
export interface FitOptions {
  readonly loss: Loss;
  readonly optimizer: OptimizerRecipe;
  /** Epochs of the whole run, those before a `resume` included. */
  readonly epochs: number;
  /** Images in a step, 64 by default. The last step of an epoch takes what is left. */
  readonly batchSize?: number;
  readonly schedule?: Schedule;
  /** What is done to the images, of training and validation alike, before the model sees them. */
  readonly transform?: Transform;
  /** Threads that prepare the next batches while a step is computed, in Node, 0 by default; see DataLoader. They change no bit of what comes out. */
  readonly workers?: number;
  /** Batches that each of these threads prepares ahead, 2 by default. */
  readonly prefetch?: number;
  /** Images on which the model is evaluated after each epoch. */
  readonly validate?: Dataset;
  /** Decides the order of the images and what layers draw; 0 by default. The weights have a seed of their own: that of the model. */
  readonly seed?: number;
  /** Limits the common norm of the gradients; see clipByGlobalNorm. */
  readonly clipNorm?: number;
  /** Limits each element of the gradients; see clipByValue. */
  readonly clipValue?: number;
  readonly earlyStopping?: EarlyStopping;
  readonly callbacks?: FitCallbacks | readonly FitCallbacks[];
  readonly checkpoint?: CheckpointOptions;
  /** A checkpoint of the run to go on with, made by the same options. */
  readonly resume?: Checkpoint;
  /** Ends the training after the present step. */
  readonly signal?: AbortSignal;
}

/** What came of a training. */
export interface FitResult {
  /** The epochs of the whole run, those before a `resume` included. */
  readonly history: readonly EpochRecord[];
  /** The best of them, by the metric of early stopping; undefined before the first has ended. */
  readonly best: Best | undefined;
  /** Steps of the whole run. */
  readonly steps: number;
  /** True if the signal ended it. The epoch under way is in the checkpoint, but not in the history. */
  readonly aborted: boolean;
  /** True if early stopping ended it. */
  readonly stoppedEarly: boolean;
  /** Seconds that the steps of this call took, without validations and checkpoints. */
  readonly seconds: number;
  /** Images a second over those steps; 0 if there were none. */
  readonly imagesPerSecond: number;
}

/**
 * Trains a model on a dataset, in place.
 *
 * ```ts
 * const { history } = await fit(model, train, { loss: crossEntropy, optimizer: sgd({ lr: 0.05, momentum: 0.9 }), epochs: 5, validate: test });
 * ```
 *
 * The same options, model and backend give the same bits. A run that is continued from a checkpoint, of the middle of an epoch or not, gives bit for bit what
 * the run would have given that never stopped. When the signal aborts, fit finishes the step, saves a checkpoint and resolves with `aborted: true`.
 *
 * While it runs, memory stays the same from step to step, and the event loop gets its turn several times a second.
 * @throws DivergedError within ten steps of a loss that is NaN or infinite, naming the step.
 * @throws CheckpointError | StateDictError, before anything is changed, if `resume` is of another model or of a run with other options.
 * @throws RangeError | ShapeError | DataError for options, a model or a dataset that do not fit.
 */
export async function fit(model: Module, dataset: Dataset, options: FitOptions): Promise<FitResult> {
  const run = new Run(model, dataset, options);
  try {
    return await run.train();
  } finally {
    run.dispose();
  }
}

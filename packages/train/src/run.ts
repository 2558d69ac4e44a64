import { valueAndGrad } from '@receptive/autograd';
import { sameShape } from '@receptive/backend';
import type { Backend } from '@receptive/backend';
import { DataError, DataLoader } from '@receptive/data';
import type { Batch, Dataset } from '@receptive/data';
import type { Module } from '@receptive/layers';
import { Rng, concat, outsideScopes, reshape, scope, withBackend } from '@receptive/tensor';
import type { Parameter, Tensor } from '@receptive/tensor';
import { breather } from './breathe.ts';
import { encodeCheckpoint } from './checkpoint.ts';
import { backendOf, checkOutput, countCorrect } from './classification.ts';
import { betterOf, impatient, resolveEarlyStopping } from './early-stopping.ts';
import type { EarlyStopping } from './early-stopping.ts';
import { DivergedError } from './errors.ts';
import { evaluate } from './evaluate.ts';
import type { Evaluation } from './evaluate.ts';
import type { FitCallbacks, FitOptions, FitResult } from './fit.ts';
import { clipByGlobalNorm, clipByValue } from './gradients.ts';
import type { Optimizer } from './optimizer.ts';
import { Readback } from './readback.ts';
import { resumableState } from './resume.ts';
import type { Settings } from './settings.ts';
import type { Best, EpochRecord, RunState, Running } from './state.ts';

/** Images that were trained on, in so many steps and seconds. */
interface Pace {
  readonly images: number;
  readonly steps: number;
  readonly seconds: number;
}

const NOTHING: Running = { loss: 0, correct: 0, images: 0 };
const AT_REST: Pace = { images: 0, steps: 0, seconds: 0 };

/** A training under way: what `fit` does, and the state between its steps. */
export class Run {
  readonly #model: Module;
  readonly #dataset: Dataset;
  readonly #options: FitOptions;
  readonly #callbacks: readonly FitCallbacks[];
  readonly #stopping: Required<EarlyStopping>;
  readonly #settings: Settings;
  readonly #batchSize: number;
  readonly #loader: DataLoader;
  readonly #parameters: readonly Parameter[];
  readonly #optimizer: Optimizer;
  readonly #backend: Backend;
  readonly #readback = new Readback();
  readonly #breathe = breather();

  // What a checkpoint keeps.
  #epoch: number;
  #step: number;
  #running: Running;
  readonly #history: EpochRecord[];
  #best: Best | undefined;
  readonly #rng: { readonly shuffle: Rng; readonly forward: Rng };

  /** The place of which there is a checkpoint, or at which this call began. */
  #saved: string;
  /** How fast this call goes, and the present epoch. */
  #pace = AT_REST;
  #epochPace = AT_REST;

  /** Checks everything; only then does it change the model, where it goes on from a checkpoint. */
  constructor(model: Module, dataset: Dataset, options: FitOptions) {
    const { validate, transform, checkpoint, resume, schedule, batchSize = 64, seed = 0 } = options;
    const { callbacks = [], clipNorm, clipValue, earlyStopping, workers = 0, prefetch = 2 } = options;
    checkCount('epochs', options.epochs);
    checkCount('checkpoint.everyEpochs', checkpoint?.everyEpochs ?? 1);
    checkCount('checkpoint.everySteps', checkpoint?.everySteps ?? 1);
    if (validate) checkValidation(dataset, validate);
    const parameters = model.namedParameters();
    if (parameters.size === 0) throw new RangeError('fit: the model has no parameters, so there is nothing to train.');
    this.#model = model;
    this.#dataset = dataset;
    this.#options = options;
    this.#callbacks = [callbacks].flat();
    this.#stopping = resolveEarlyStopping(earlyStopping, validate !== undefined);
    this.#batchSize = batchSize;
    this.#parameters = [...parameters.values()];
    this.#optimizer = options.optimizer.bind(parameters);
    this.#settings = {
      seed,
      batchSize,
      images: dataset.length,
      validationImages: validate?.length ?? null,
      optimizer: this.#optimizer.settings,
      schedule: schedule ? (schedule.settings ?? 'custom') : null,
      clipNorm: clipNorm ?? null,
      clipValue: clipValue ?? null,
      earlyStopping: earlyStopping ? { ...this.#stopping } : null,
    };

    const root = new Rng(seed);
    const state = resume && resumableState(resume, { settings: this.#settings, images: dataset.length, batchSize });
    this.#rng = {
      shuffle: state ? new Rng(state.rng.shuffle) : root.fork('shuffle'),
      forward: state ? new Rng(state.rng.forward) : root.fork('forward'),
    };
    this.#loader = new DataLoader(dataset, {
      batchSize,
      shuffle: this.#rng.shuffle,
      workers,
      prefetch,
      ...(transform && { transform }),
    });
    this.#epoch = state?.position.epoch ?? 0;
    this.#step = state?.position.step ?? 0;
    this.#running = state?.running ?? NOTHING;
    this.#history = [...(state?.history ?? [])];
    this.#best = state?.best;
    this.#saved = this.#place;
    if (resume && state) {
      this.#optimizer.check(state.optimizer, state.position.globalStep);
      model.loadStateDict(resume.weights);
      this.#optimizer.loadStateDict(state.optimizer, state.position.globalStep);
    }
    this.#backend = backendOf(model);
  }

  async train(): Promise<FitResult> {
    const { epochs } = this.#options;
    let aborted = false;
    while (!aborted && !this.#stoppedEarly && this.#epoch < epochs) {
      aborted = !((await this.#trainEpoch()) && (await this.#endEpoch()));
    }
    await this.#report();
    await this.#save();
    const { images, seconds } = this.#pace;
    return {
      history: this.#history,
      best: this.#best,
      steps: this.#optimizer.steps,
      aborted,
      stoppedEarly: this.#stoppedEarly && this.#epoch < epochs,
      seconds,
      imagesPerSecond: images > 0 ? images / seconds : 0,
    };
  }

  dispose(): void {
    this.#readback.dispose();
    this.#optimizer.dispose();
  }

  get #stoppedEarly(): boolean {
    return impatient(this.#best, this.#epoch, this.#stopping);
  }

  get #place(): string {
    return `epoch ${this.#epoch}, step ${this.#step}`;
  }

  /** Runs what is left of the epoch. False if it was aborted. */
  async #trainEpoch(): Promise<boolean> {
    const { signal, checkpoint } = this.#options;
    const position = { epoch: this.#epoch, startBatch: this.#step };
    const batches = withBackend(this.#backend, () => this.#loader.prefetched(position));
    try {
      while (this.#step < this.#loader.length) {
        if (signal?.aborted) return false;
        await this.#trainStep(batches);
        if (this.#readback.due || this.#step === this.#loader.length) await this.#report();
        if (checkpoint?.everySteps && this.#optimizer.steps % checkpoint.everySteps === 0) await this.#save();
        await this.#breathe();
      }
      return true;
    } finally {
      await batches.return();
    }
  }

  async #trainStep(batches: AsyncGenerator<Batch, void, undefined>): Promise<void> {
    const began = performance.now();
    const factor = this.#factor(this.#optimizer.steps);
    const batch = (await batches.next()).value!;
    try {
      this.#readback.add(withBackend(this.#backend, () => scope(() => this.#enqueue(batch, factor))));
    } finally {
      batch.dispose();
    }
    const images = this.#imagesIn(this.#step++);
    await this.#backend.flush();
    const seconds = (performance.now() - began) / 1000;
    this.#pace = longer(this.#pace, images, seconds);
    this.#epochPace = longer(this.#epochPace, images, seconds);
  }

  /** Forward, backward, update. Loss and number of correct predictions stay on the backend: what it returns. */
  #enqueue({ images, labels }: Batch, factor: number): Tensor {
    const { loss } = this.#options;
    let correct: Tensor | undefined;
    try {
      const [value, gradients] = valueAndGrad(() => {
        const output = this.#model.forward(images, { training: true, rng: this.#rng.forward });
        checkOutput(output, labels.size, this.#dataset.classes);
        // Differentiation frees everything else that is made in here.
        correct = outsideScopes(() => countCorrect(output, labels));
        return loss(output, labels);
      }, this.#parameters);
      this.#optimizer.step(this.#clip(gradients), factor);
      return concat([reshape(value, [1]), reshape(correct!, [1])]);
    } finally {
      correct?.dispose();
    }
  }

  #clip(gradients: readonly Tensor[]): readonly Tensor[] {
    const { clipValue, clipNorm } = this.#options;
    const limited = clipValue === undefined ? gradients : clipByValue(gradients, clipValue);
    return clipNorm === undefined ? limited : clipByGlobalNorm(limited, clipNorm).gradients;
  }

  #factor(step: number): number {
    const factor = this.#options.schedule?.(step) ?? 1;
    if (!(factor >= 0 && factor < Infinity)) {
      throw new RangeError(
        `fit: the schedule gives ${factor} at step ${step}, but a factor is a finite number of at least 0.`,
      );
    }
    return factor;
  }

  #imagesIn(step: number): number {
    return Math.min(this.#batchSize, this.#dataset.length - step * this.#batchSize);
  }

  /** Reads the numbers of the steps since the last report, adds them up and tells the callbacks. */
  async #report(): Promise<void> {
    const rows = await this.#readback.read();
    if (rows.length === 0) return;
    const first = this.#step - rows.length;
    const losses = rows.map(([loss, correct], i) => {
      if (!Number.isFinite(loss)) throw this.#diverged(loss!, first + i);
      const images = this.#imagesIn(first + i);
      const running = this.#running;
      this.#running = {
        loss: running.loss + loss! * images,
        correct: running.correct + correct!,
        images: running.images + images,
      };
      return loss!;
    });
    const { loss, correct, images } = this.#running;
    const { epochs } = this.#options;
    const left = (epochs - this.#epoch) * this.#loader.length - this.#step;
    const globalStep = this.#optimizer.steps;
    const progress = {
      epoch: this.#epoch + 1,
      epochs,
      step: this.#step,
      steps: this.#loader.length,
      globalStep,
      loss: loss / images,
      accuracy: correct / images,
      losses,
      learningRate: this.#optimizer.lr * this.#factor(globalStep - 1),
      imagesPerSecond: this.#pace.images / this.#pace.seconds,
      secondsLeft: (left * this.#pace.seconds) / this.#pace.steps,
    };
    for (const callbacks of this.#callbacks) await callbacks.onProgress?.(progress);
  }

  #diverged(loss: number, step: number): DivergedError {
    const ofRun = this.#epoch * this.#loader.length + step;
    const lr = this.#optimizer.lr * this.#factor(ofRun);
    return new DivergedError(
      `fit: the loss is ${loss} at epoch ${this.#epoch + 1}, step ${step + 1} of ${this.#loader.length} (step ${ofRun + 1} of the run), where the learning rate is ${lr}. ` +
        `The weights are of no more use; a checkpoint saved before is as it was. Lower the learning rate (to ${lr / 10}, say), clip the gradients (clipNorm: 1), or look for numbers in the data that are not finite.`,
    );
  }

  /** Validates and closes the epoch. False if it was aborted, which leaves the epoch open. */
  async #endEpoch(): Promise<boolean> {
    const validation = await this.#validate();
    if (validation === 'aborted') return false;
    const { loss, correct, images } = this.#running;
    const { seconds } = this.#epochPace;
    const record: EpochRecord = {
      epoch: this.#epoch + 1,
      trainLoss: loss / images,
      trainAccuracy: correct / images,
      ...(validation && { validationLoss: validation.loss, validationAccuracy: validation.accuracy }),
      ...(this.#epochPace.images === images && { seconds, imagesPerSecond: images / seconds }),
    };
    this.#history.push(record);
    this.#best = betterOf(this.#best, record, this.#stopping);
    this.#epoch++;
    this.#step = 0;
    this.#running = NOTHING;
    this.#epochPace = AT_REST;
    for (const callbacks of this.#callbacks) await callbacks.onEpoch?.(record);
    if (this.#epoch % (this.#options.checkpoint?.everyEpochs ?? 1) === 0) await this.#save();
    return true;
  }

  async #validate(): Promise<Evaluation | undefined | 'aborted'> {
    const { validate, loss, transform, workers, prefetch, signal } = this.#options;
    if (!validate) return undefined;
    const options = { loss, transform, workers, prefetch, signal, batchSize: this.#batchSize };
    try {
      return await evaluate(this.#model, validate, options);
    } catch (error) {
      if (signal?.aborted && error === signal.reason) return 'aborted';
      throw error;
    }
  }

  /** Saves a checkpoint, unless there is one of this place. */
  async #save(): Promise<void> {
    const { checkpoint } = this.#options;
    if (!checkpoint || this.#saved === this.#place) return;
    await this.#report();
    const state: RunState = {
      settings: this.#settings,
      position: { epoch: this.#epoch, step: this.#step, globalStep: this.#optimizer.steps },
      running: this.#running,
      rng: { shuffle: this.#rng.shuffle.state, forward: this.#rng.forward.state },
      history: this.#history,
      best: this.#best,
    };
    const training = { state, optimizer: this.#optimizer };
    await checkpoint.save(await encodeCheckpoint(this.#model, { architecture: checkpoint.architecture, training }));
    this.#saved = this.#place;
  }
}

/** What would else come to light only after the first epoch. */
function checkValidation(train: Dataset, validate: Dataset): void {
  const wanted = `images of shape [${train.shape.join(', ')}] in at most ${train.classes} classes`;
  const { length, shape, classes } = validate;
  if (length === 0) throw new DataError(`fit: the validation set is empty. Give at least one image, or leave it out.`);
  if (!sameShape(shape, train.shape) || classes > train.classes) {
    throw new DataError(
      `fit: the validation set has images of shape [${shape.join(', ')}] in ${classes} classes, but the training set needs ${wanted}.`,
    );
  }
}

function checkCount(option: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new RangeError(`fit: ${option} must be a whole number of at least 1, but is ${value}.`);
  }
}

function longer(pace: Pace, images: number, seconds: number): Pace {
  return { images: pace.images + images, steps: pace.steps + 1, seconds: pace.seconds + seconds };
}

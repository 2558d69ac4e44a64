/// <reference lib="esnext.disposable" preserve="true" />
import { currentBackend, tensor, withBackend } from '@receptive/tensor';
import type { Rng, Tensor } from '@receptive/tensor';
import type { Dataset } from './dataset.ts';
import { DataError } from './errors.ts';
import { recipeOf } from './recipe.ts';
import { compose, divide, stack } from './transform.ts';
import type { Images, Transform } from './transform.ts';

/** Options of a {@link DataLoader}. */
export interface DataLoaderOptions {
  /** Images in a batch. */
  readonly batchSize: number;
  /** The generator whose key decides the order; without one the order is the dataset's. */
  readonly shuffle?: Rng | false;
  /** Leaves out the last batch of an epoch if it is not full. */
  readonly dropLast?: boolean;
  /** What is done to the images, which come as numbers from 0 to 1. */
  readonly transform?: Transform;
  /** Threads that prepare batches while others are computed with, in Node; 0 by default: {@link DataLoader.prefetched} prepares them as they are asked for. */
  readonly workers?: number;
  /** Batches that each of these threads prepares ahead, 2 by default. */
  readonly prefetch?: number;
}

/** Where in a run to begin. */
export interface BatchPosition {
  /** Number of the epoch, from 0, which is the default. */
  readonly epoch?: number;
  /** Number of the batch in it, from 0, which is the default. */
  readonly startBatch?: number;
}

/** A batch before it is on a backend. */
interface HostBatch {
  readonly index: number;
  readonly images: Images;
  readonly labels: Int32Array;
}

const toBackend = ({ index, images: { data, shape }, labels }: HostBatch): Batch =>
  new Batch(index, tensor(data, { shape, dtype: 'float32' }), tensor(labels, { dtype: 'int32' }));

/** A step's worth of samples on the current backend. Its tensors are the receiver's to dispose, with {@link dispose} or `using`. */
export class Batch {
  /** Number of the batch in its epoch, from 0. */
  readonly index: number;
  /** `[n, channels, height, width]` */
  readonly images: Tensor<'float32'>;
  /** Numbers of the classes, `[n]`. */
  readonly labels: Tensor<'int32'>;

  constructor(index: number, images: Tensor<'float32'>, labels: Tensor<'int32'>) {
    this.index = index;
    this.images = images;
    this.labels = labels;
  }

  dispose(): void {
    this.images.dispose();
    this.labels.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/**
 * Cuts a dataset into batches. The order of an epoch depends on the key of `shuffle` and the epoch's number alone, so that a run can be taken up in the
 * middle of an epoch and goes on bit for bit. So it does with any number of `workers`.
 */
export class DataLoader {
  readonly dataset: Dataset;
  readonly batchSize: number;
  /** Batches in an epoch. */
  readonly length: number;
  readonly #shuffle: Rng | false;
  readonly #transform: Transform;
  readonly #workers: number;
  readonly #prefetch: number;

  /** @throws DataError if a number is not a whole one, from 1 or, of workers, from 0; or if no batch would be left. */
  constructor(dataset: Dataset, options: DataLoaderOptions) {
    const { batchSize, shuffle = false, dropLast = false, transform = compose() } = options;
    const { workers = 0, prefetch = 2 } = options;
    checkCount('batchSize', batchSize, 1);
    checkCount('workers', workers, 0);
    checkCount('prefetch', prefetch, 1);
    const batches = dataset.length / batchSize;
    this.length = dropLast ? Math.floor(batches) : Math.ceil(batches);
    if (this.length === 0) {
      throw new DataError(
        `A dataset of ${dataset.length} images has no full batch of ${batchSize}. Use more images, a smaller batchSize, or dropLast: false.`,
      );
    }
    this.dataset = dataset;
    this.batchSize = batchSize;
    this.#shuffle = shuffle;
    this.#transform = transform;
    this.#workers = workers;
    this.#prefetch = prefetch;
  }

  /**
   * The batches of epoch number `epoch`, from number `startBatch` on, made one by one on the calling thread as they are asked for.
   * @throws DataError if either is not a whole number from 0, or if `startBatch` lies beyond the epoch's end.
   */
  batches(position: BatchPosition = {}): Generator<Batch, void> {
    return this.#batches(this.#check(position));
  }

  /**
   * The same batches, bit for bit, for `for await`; they are on the backend that is current when this is called. With `workers` the next ones are being prepared
   * meanwhile: images are read, decoded and augmented, and transforms of this package done to them, on threads. What is
   * somebody's own runs on the calling thread: `get` of a dataset when its batch is told to a thread, transforms from the first such function on when the loop
   * comes to the batch.
   *
   * What is wrong with a batch is thrown when its turn comes. If the loop is left early, what was prepared is dropped and the threads are ended; at its end, they
   * idle for a few seconds, for the next loop, and do not keep the process alive.
   * @throws DataError as {@link batches}, and for workers in a browser; Error if a thread has ended.
   */
  prefetched(position: BatchPosition = {}): AsyncGenerator<Batch, void, undefined> {
    return this.#prefetched(this.#check(position), currentBackend());
  }

  #check({ epoch = 0, startBatch = 0 }: BatchPosition): Required<BatchPosition> {
    checkCount('epoch', epoch, 0);
    if (!Number.isInteger(startBatch) || startBatch < 0 || startBatch > this.length) {
      throw new DataError(
        `startBatch must be a whole number from 0 to ${this.length}, the batches of an epoch, but is ${startBatch}.`,
      );
    }
    return { epoch, startBatch };
  }

  *#batches(position: Required<BatchPosition>): Generator<Batch, void> {
    for (const batch of this.#here(position)) yield toBackend(batch);
  }

  async *#prefetched(
    position: Required<BatchPosition>,
    backend: ReturnType<typeof currentBackend>,
  ): AsyncGenerator<Batch, void, undefined> {
    for await (const batch of this.#workers > 0 ? this.#elsewhere(position) : this.#here(position))
      yield withBackend(backend, () => toBackend(batch));
  }

  /** Which samples are in which batch. */
  *#cut({ epoch, startBatch }: Required<BatchPosition>): Generator<{ index: number; samples: number[] }> {
    const order = this.#shuffle && this.#shuffle.fork(`epoch ${epoch}`).permutation(this.dataset.length);
    for (let index = startBatch; index < this.length; index++) {
      const begin = index * this.batchSize;
      const length = Math.min(this.batchSize, this.dataset.length - begin);
      yield { index, samples: Array.from({ length }, (_, i) => (order ? order[begin + i]! : begin + i)) };
    }
  }

  /** The batches, each prepared when it is asked for. */
  *#here(position: Required<BatchPosition>): Generator<HostBatch> {
    for (const { index, samples } of this.#cut(position)) {
      const all = samples.map((sample) => this.dataset.get(sample, position.epoch));
      const pixels = all.map(({ image }) => image);
      const labels = Int32Array.from(all, ({ label }) => label);
      yield { index, images: this.#transform(stack(pixels, this.dataset.shape)), labels };
    }
  }

  /** The batches, prepared on threads while those before them are in use. */
  async *#elsewhere(position: Required<BatchPosition>): AsyncGenerator<HostBatch> {
    const { openPool } = await import('#pool');
    const { told, rest } = divide(this.#transform);
    // One for each thread to be at work on, beside those that lie ready.
    const pool = openPool(this.#workers, this.#prefetch + 1);
    const prepare = async (index: number, samples: readonly number[]): Promise<HostBatch> => {
      const recipes = samples.map((sample) => recipeOf(this.dataset, sample, position.epoch));
      const labels = Int32Array.from(recipes, ({ label }) => label);
      const images = await pool.prepare({ images: recipes, shape: this.dataset.shape, transforms: told });
      return { index, images, labels };
    };
    const ahead: Promise<HostBatch>[] = [];
    const next = async (): Promise<HostBatch> => {
      const batch = await ahead.shift()!;
      return { ...batch, images: rest(batch.images) };
    };
    try {
      for (const { index, samples } of this.#cut(position)) {
        const batch = prepare(index, samples);
        batch.catch(() => {}); // If it fails, that comes to light when its turn comes, or never.
        ahead.push(batch);
        if (ahead.length > this.#workers * this.#prefetch) yield next();
      }
      while (ahead.length > 0) yield next();
    } finally {
      await (ahead.length === 0 ? pool.park() : pool.close());
    }
  }
}

function checkCount(name: string, value: number, least: number): void {
  if (!Number.isInteger(value) || value < least)
    throw new DataError(`${name} must be a whole number from ${least}, but is ${value}.`);
}

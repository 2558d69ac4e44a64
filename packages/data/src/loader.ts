/// <reference lib="esnext.disposable" preserve="true" />
import { tensor } from '@receptive/tensor';
import type { Rng, Tensor } from '@receptive/tensor';
import type { Dataset, Sample } from './dataset.ts';
import { DataError } from './errors.ts';
import { stack } from './transform.ts';
import type { Transform } from './transform.ts';

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
}

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
 * middle of an epoch and goes on bit for bit.
 */
export class DataLoader {
  readonly dataset: Dataset;
  readonly batchSize: number;
  /** Batches in an epoch. */
  readonly length: number;
  readonly #shuffle: Rng | false;
  readonly #transform: Transform;

  /** @throws DataError if the batch size is not a whole number from 1, or if no batch would be left. */
  constructor(
    dataset: Dataset,
    { batchSize, shuffle = false, dropLast = false, transform = (images) => images }: DataLoaderOptions,
  ) {
    if (!Number.isInteger(batchSize) || batchSize < 1) {
      throw new DataError(`batchSize must be a whole number from 1, but is ${batchSize}.`);
    }
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
  }

  /**
   * The batches of epoch number `epoch`, from number `startBatch` on, made one by one as they are asked for.
   * @throws DataError if either is not a whole number from 0, or if `startBatch` lies beyond the epoch's end.
   */
  batches({ epoch = 0, startBatch = 0 }: { readonly epoch?: number; readonly startBatch?: number } = {}): Generator<
    Batch,
    void
  > {
    if (!Number.isInteger(epoch) || epoch < 0)
      throw new DataError(`epoch must be a whole number from 0, but is ${epoch}.`);
    if (!Number.isInteger(startBatch) || startBatch < 0 || startBatch > this.length) {
      throw new DataError(
        `startBatch must be a whole number from 0 to ${this.length}, the batches of an epoch, but is ${startBatch}.`,
      );
    }
    return this.#batches(epoch, startBatch);
  }

  *#batches(epoch: number, startBatch: number): Generator<Batch, void> {
    const order = this.#shuffle && this.#shuffle.fork(`epoch ${epoch}`).permutation(this.dataset.length);
    for (let index = startBatch; index < this.length; index++) {
      const begin = index * this.batchSize;
      const end = Math.min(begin + this.batchSize, this.dataset.length);
      const samples = Array.from({ length: end - begin }, (_, i) =>
        this.dataset.get(order ? order[begin + i]! : begin + i),
      );
      yield this.#collate(index, samples);
    }
  }

  #collate(index: number, samples: readonly Sample[]): Batch {
    const { shape, data } = this.#transform(
      stack(
        samples.map(({ image }) => image),
        this.dataset.shape,
      ),
    );
    const labels = Int32Array.from(samples, ({ label }) => label);
    return new Batch(index, tensor(data, { shape, dtype: 'float32' }), tensor(labels, { dtype: 'int32' }));
  }
}

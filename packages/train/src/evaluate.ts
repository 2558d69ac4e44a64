import { DataLoader } from '@receptive/data';
import type { Batch, Dataset, Transform } from '@receptive/data';
import type { Module } from '@receptive/layers';
import { argmax, scope, softmax, withBackend } from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import { breather } from './breathe.ts';
import { backendOf, checkOutput } from './classification.ts';
import type { Loss } from './classification.ts';
import { DivergedError } from './errors.ts';

/** Options of {@link evaluate}. */
export interface EvaluateOptions {
  readonly loss: Loss;
  /** Images in a batch, 64 by default. */
  readonly batchSize?: number;
  /** What is done to the images before the model sees them. */
  readonly transform?: Transform | undefined;
  /** Threads that prepare the next batches meanwhile, in Node, 0 by default; see DataLoader. */
  readonly workers?: number | undefined;
  /** Batches that each of these threads prepares ahead, 2 by default. */
  readonly prefetch?: number | undefined;
  /** Ends the evaluation before the next batch: it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Is told after every batch how many images have been seen. */
  readonly onProgress?: (images: number) => void;
}

/** How well a model knows a dataset. What is listed by image comes in the dataset's order. */
export interface Evaluation {
  /** Mean over the images. */
  readonly loss: number;
  /** Share of the images whose class was found, from 0 to 1. */
  readonly accuracy: number;
  /** `confusion[label][prediction]`: how many images of class `label` were taken for class `prediction`. */
  readonly confusion: readonly (readonly number[])[];
  readonly labels: Int32Array;
  readonly predictions: Int32Array;
  /** What the model gives each class, `[images, classes]` row by row. */
  readonly probabilities: Float32Array;
  /** Numbers in a row of {@link probabilities}. */
  readonly classes: number;
}

/**
 * Runs a model over a dataset and compares. The model is not changed.
 * @throws ShapeError if the model does not give a number for each class.
 * @throws DivergedError if a loss is NaN or infinite.
 */
export async function evaluate(model: Module, dataset: Dataset, options: EvaluateOptions): Promise<Evaluation> {
  const { loss, batchSize = 64, transform, workers = 0, prefetch = 2, signal, onProgress } = options;
  const loader = new DataLoader(dataset, { batchSize, workers, prefetch, ...(transform && { transform }) });
  const backend = backendOf(model);
  const batches = withBackend(backend, () => loader.prefetched());
  const breathe = breather();
  const labels = new Int32Array(dataset.length);
  const predictions = new Int32Array(dataset.length);
  let probabilities = new Float32Array();
  let classes = 0;
  let total = 0;

  /** Enqueues what is made of a batch: its loss and, image by image, label, prediction and probabilities. */
  function enqueue({ images, labels: truth }: Batch): Tensor[] {
    const output = model.forward(images);
    checkOutput(output, truth.size, dataset.classes);
    return [loss(output, truth), truth, argmax(output, 1), softmax(output)];
  }

  let seen = 0;
  for await (const batch of batches) {
    let reads;
    try {
      signal?.throwIfAborted();
      const results = withBackend(backend, () => scope(() => enqueue(batch)));
      reads = results.map((result) => result.data());
      for (const result of results) result.dispose();
    } finally {
      batch.dispose();
    }
    const [value, truth, predicted, given] = await Promise.all(reads);
    await backend.flush();
    if (!Number.isFinite(value![0])) {
      throw new DivergedError(
        `evaluate: the loss of the batch from image ${seen} on is ${value![0]}. The model's weights or the images hold numbers that are not finite, or far too large.`,
      );
    }
    classes = given!.length / truth!.length;
    if (seen === 0) probabilities = new Float32Array(dataset.length * classes);
    labels.set(truth!, seen);
    predictions.set(predicted!, seen);
    probabilities.set(given!, seen * classes);
    total += value![0]! * truth!.length;
    seen += truth!.length;
    onProgress?.(seen);
    await breathe();
  }
  const confusion = confusionMatrix(labels, predictions, classes);
  const correct = confusion.reduce((sum, row, label) => sum + row[label]!, 0);
  const { length } = dataset;
  return { loss: total / length, accuracy: correct / length, confusion, labels, predictions, probabilities, classes };
}

/** `matrix[label][prediction]`: how many images of class `label` were taken for class `prediction`. */
export function confusionMatrix(labels: Int32Array, predictions: Int32Array, classes: number): number[][] {
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  labels.forEach((label, i) => matrix[label]![predictions[i]!]!++);
  return matrix;
}

/** An image that was taken for something else. */
export interface Mistake {
  /** Place of the image in the dataset. */
  readonly index: number;
  readonly label: number;
  readonly prediction: number;
  /** Probability that the model gave to its prediction. */
  readonly confidence: number;
}

/** The images that were taken for something else, the surest errors first; at most `count` of them. */
export function worstMistakes(evaluation: Evaluation, count = Infinity): Mistake[] {
  const { labels, predictions, probabilities, classes } = evaluation;
  const mistakes: Mistake[] = [];
  labels.forEach((label, index) => {
    const prediction = predictions[index]!;
    const confidence = probabilities[index * classes + prediction]!;
    if (prediction !== label) mistakes.push({ index, label, prediction, confidence });
  });
  return mistakes.sort((a, b) => b.confidence - a.confidence || a.index - b.index).slice(0, count);
}

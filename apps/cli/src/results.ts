import { curve, filters, mistakes } from 'receptive';
import type { Evaluation, FitResult, Module } from 'receptive';
import type { Digits } from './data.ts';
import { models } from './models.ts';
import { CHECKPOINT, SUMMARY, json } from './run-folder.ts';
import type { Run, RunFolder } from './run-folder.ts';
import type { Screen } from './screen.ts';
import { table } from './text.ts';

/** What a run comes to: summary.json. */
export interface Numbers extends Pick<Run, 'model' | 'backend' | 'epochs' | 'seed'> {
  /** That the training took, over all its parts where it was interrupted, validations included. */
  readonly seconds: number;
  /** Trained on in a second, validations left out. */
  readonly imagesPerSecond: number;
  /** Mean over the last epoch. */
  readonly trainLoss: number;
  /** Share of the test's images, from 0 to 1. */
  readonly testAccuracy: number;
}

/** All that a finished run is known by. */
interface Finished {
  readonly run: Run;
  readonly model: Module;
  readonly result: FitResult;
  readonly digits: Digits;
  readonly evaluation: Evaluation;
}

/** Writes the pictures and, last, the numbers: a folder that has these is complete. */
export async function writeResults(folder: RunFolder, finished: Finished): Promise<Numbers> {
  const { run, result, digits, evaluation } = finished;
  await folder.write('curve.svg', curve(result.history, { title: `${models[run.model].title}, seed ${run.seed}` }));
  await folder.write('filters.png', await firstFilters(finished.model));
  await folder.write('mistakes.png', mistakesOf(finished));
  const numbers: Numbers = {
    model: run.model,
    backend: run.backend,
    epochs: run.epochs,
    seconds: Number(run.seconds.toFixed(3)),
    // Nothing was left to train where a run was killed after its last epoch.
    imagesPerSecond: Math.round(result.imagesPerSecond || (run.epochs * digits.train.length) / run.seconds),
    trainLoss: result.history.at(-1)!.trainLoss,
    testAccuracy: evaluation.accuracy,
    seed: run.seed,
  };
  await folder.write(SUMMARY, json(numbers));
  return numbers;
}

/** The first layer's filters are those that see the image. */
async function firstFilters(model: Module): Promise<Uint8Array> {
  const { value } = model.parameters().find(({ shape }) => shape.length === 4)!;
  return filters({ shape: value.shape, data: await value.data() });
}

function mistakesOf({ digits: { test }, evaluation }: Finished): Uint8Array {
  const { predictions, labels, probabilities, classes } = evaluation;
  const [channels, height, width] = test.shape;
  const size = channels * height * width;
  const data = new Uint8Array(test.length * size);
  for (let i = 0; i < test.length; i++) data.set(test.get(i).image, i * size);
  return mistakes({
    images: { shape: [test.length, ...test.shape], data },
    predictions,
    truths: labels,
    confidences: Array.from(predictions, (prediction, i) => probabilities[i * classes + prediction]!),
  });
}

const files = [
  [CHECKPOINT, 'the weights, for `evaluate` and `predict`'],
  [SUMMARY, 'the numbers'],
  ['curve.svg', 'loss and accuracy, epoch by epoch'],
  ['filters.png', 'the filters of the first layer'],
  ['mistakes.png', 'the worst of the misclassified images'],
] as const;

/** Says where the results lie. */
export function printFiles(screen: Screen, folder: RunFolder): void {
  screen.print(
    ...table(
      files.map(([name, what]) => [folder.file(name), what]),
      'll',
    ),
  );
}

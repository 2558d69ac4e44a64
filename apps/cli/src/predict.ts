import { readFile } from 'node:fs/promises';
import { decodeImage, digitFromImage, digitTransform, init, scope, stackImages, tensor } from 'receptive';
import type { Module } from 'receptive';
import { loadModel } from './models.ts';
import { CHECKPOINT, checkpointAt, findRunFolders } from './run-folder.ts';
import { Screen } from './screen.ts';
import { percent } from './text.ts';

/** What stands on the command line. */
export interface PredictOptions {
  readonly images: readonly string[];
  /** A run folder, or a checkpoint; the last run's unless given. */
  readonly model?: string | undefined;
  readonly json?: true | undefined;
}

interface Guess {
  readonly digit: number;
  /** From 0 to 1. */
  readonly probability: number;
}

/** Tells the digits in pictures. */
export async function predict({ images, model: path, json }: PredictOptions): Promise<void> {
  const screen = new Screen(json ? process.stderr : process.stdout);
  const checkpoint = await checkpointAt(path ?? (await lastRun()));
  const pictures = await Promise.all(images.map(readDigit));
  await init();
  const { model } = await loadModel(checkpoint);
  const predictions = await Promise.all(
    pictures.map(async (picture, i) => {
      const [best, second] = await guesses(model, picture);
      return { image: images[i]!, ...best!, runnerUp: second! };
    }),
  );
  const { bold, dim } = screen.colors;
  for (const { image, digit, probability, runnerUp } of predictions) {
    screen.print(
      `${image}: ${bold(`${digit}`)} (${percent(probability)})${dim(`, else ${runnerUp.digit} (${percent(runnerUp.probability)})`)}`,
    );
  }
  if (json) process.stdout.write(`${JSON.stringify({ checkpoint, predictions })}\n`);
}

async function lastRun(): Promise<string> {
  const [last] = await findRunFolders((folder) => folder.has(CHECKPOINT));
  if (!last)
    throw new Error(
      'There is no model: runs/ holds no run. Train one with `receptive train`, or give a file with --model.',
    );
  return last.path;
}

/** The digit in a picture, as one of MNIST's: 28x28 pixels. */
async function readDigit(path: string): Promise<Uint8Array> {
  try {
    return digitFromImage(decodeImage(await readFile(path))).data;
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** All classes, the most probable first. */
async function guesses(model: Module, picture: Uint8Array): Promise<Guess[]> {
  const { data, shape } = digitTransform(stackImages([picture], [1, 28, 28]));
  using probabilities = scope(() => model.forward(tensor(data, { shape })).softmax());
  return Array.from(await probabilities.data(), (probability, digit) => ({ digit, probability })).sort(
    (a, b) => b.probability - a.probability,
  );
}

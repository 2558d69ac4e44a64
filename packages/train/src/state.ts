import { Rng } from '@receptive/tensor';
import type { RngState } from '@receptive/tensor';
import { CheckpointError } from './errors.ts';
import type { Settings } from './settings.ts';

/** What came of an epoch. Losses are means over the images, accuracies shares of them from 0 to 1. */
export interface EpochRecord {
  /** Counted from 1. */
  readonly epoch: number;
  readonly trainLoss: number;
  /** Over the predictions made while training, with the weights of each moment. */
  readonly trainAccuracy: number;
  /** Present where there is a validation set. */
  readonly validationLoss?: number;
  readonly validationAccuracy?: number;
  /** Seconds that the epoch's steps took, without the validation. Present if all of them ran in this call: a checkpoint keeps no times, so that equal runs leave equal files. */
  readonly seconds?: number;
  readonly imagesPerSecond?: number;
}

/** The numbers of an {@link EpochRecord} by which epochs can be compared. */
export type Metric = 'trainLoss' | 'trainAccuracy' | 'validationLoss' | 'validationAccuracy';

/** The best epoch so far. */
export interface Best {
  readonly metric: Metric;
  /** Counted from 1. */
  readonly epoch: number;
  readonly value: number;
}

/** Sums over the images of an epoch that is under way. */
export interface Running {
  readonly loss: number;
  readonly correct: number;
  readonly images: number;
}

/** Where a run stands. */
export interface Position {
  /** Epochs completed. */
  readonly epoch: number;
  /** Steps done of the epoch after them. */
  readonly step: number;
  /** Steps done of the run. */
  readonly globalStep: number;
}

/** All that a run needs to go on, besides the weights and what the optimiser remembers. */
export interface RunState {
  /** What was asked of the run and decides its course: optimiser, schedule, seed, batch size and the like. */
  readonly settings: Settings;
  readonly position: Position;
  readonly running: Running;
  /** The generators: of the order of the images, and of what layers draw (dropout). */
  readonly rng: { readonly shuffle: RngState; readonly forward: RngState };
  readonly history: readonly EpochRecord[];
  readonly best: Best | undefined;
}

const METRICS: readonly Metric[] = ['trainLoss', 'trainAccuracy', 'validationLoss', 'validationAccuracy'];

/** A run's state as text that depends on nothing but the state. */
export function stringifyState({ settings, position, running, rng, history, best }: RunState): string {
  // What is undefined, JSON leaves out.
  const records = history.map((record) => ({ ...record, seconds: undefined, imagesPerSecond: undefined }));
  return JSON.stringify({ settings, position, running, rng, history: records, best: best ?? null });
}

/**
 * The state that {@link stringifyState} wrote down.
 * @throws CheckpointError naming what is missing or of another kind.
 */
export function parseState(text: string): RunState {
  const state = object(parseJson(text, 'training'), 'the state');
  const position = object(state['position'], 'position');
  const running = object(state['running'], 'running');
  const rng = object(state['rng'], 'rng');
  const whole = (of: Fields, name: string) => number(of, name, Number.isSafeInteger);
  return {
    settings: object(state['settings'], 'settings'),
    position: {
      epoch: whole(position, 'epoch'),
      step: whole(position, 'step'),
      globalStep: whole(position, 'globalStep'),
    },
    running: {
      loss: number(running, 'loss', Number.isFinite, -Infinity),
      correct: whole(running, 'correct'),
      images: whole(running, 'images'),
    },
    rng: { shuffle: generator(rng, 'shuffle'), forward: generator(rng, 'forward') },
    history: list(state['history'], 'history').map((record, i) => epochRecord(object(record, `history[${i}]`))),
    best: state['best'] === null ? undefined : bestEpoch(object(state['best'], 'best')),
  };
}

type Fields = Record<string, unknown>;

function broken(what: string): CheckpointError {
  return new CheckpointError(`The training state in the checkpoint is broken: ${what}.`);
}

/**
 * Reads one of the checkpoint's entries of metadata.
 * @throws CheckpointError if the text is no JSON.
 */
export function parseJson(text: string, entry: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    // Refuses nesting so deep that it could not be walked.
    JSON.stringify(value);
    return value;
  } catch (error) {
    throw new CheckpointError(
      `The checkpoint's entry "${entry}" is no JSON that can be read: ${(error as Error).message}`,
    );
  }
}

function object(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw broken(`${what} is no object`);
  return value as Fields;
}

function list(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw broken(`${what} is no list`);
  return value;
}

function number(fields: Fields, name: string, kind: (value: unknown) => boolean, least = 0): number {
  const value = fields[name];
  if (!kind(value) || (value as number) < least) throw broken(`${name} is ${JSON.stringify(value)}`);
  return value as number;
}

function generator(fields: Fields, name: string): RngState {
  try {
    return new Rng(object(fields[name], name) as unknown as RngState).state;
  } catch (error) {
    throw broken(`generator ${name}: ${(error as Error).message}`);
  }
}

function epochRecord(fields: Fields): EpochRecord {
  const present = METRICS.filter((metric) => metric.startsWith('train') || metric in fields);
  const metrics = present.map((metric) => [metric, number(fields, metric, Number.isFinite, -Infinity)]);
  return { epoch: number(fields, 'epoch', Number.isSafeInteger, 1), ...Object.fromEntries(metrics) } as EpochRecord;
}

function bestEpoch(fields: Fields): Best {
  const metric = METRICS.find((name) => name === fields['metric']);
  if (!metric) throw broken(`best has the metric ${JSON.stringify(fields['metric'])}`);
  const epoch = number(fields, 'epoch', Number.isSafeInteger, 1);
  return { metric, epoch, value: number(fields, 'value', Number.isFinite, -Infinity) };
}

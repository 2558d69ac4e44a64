import type { Checkpoint, TrainingState } from './checkpoint.ts';
import { CheckpointError } from './errors.ts';
import type { Settings } from './settings.ts';

/** A run as its options make it. */
export interface Plan {
  readonly settings: Settings;
  /** Images in an epoch and in a step. */
  readonly images: number;
  readonly batchSize: number;
}

/**
 * The state in a checkpoint, if the run that `plan` describes can go on from it bit for bit.
 * @throws CheckpointError naming what differs.
 */
export function resumableState({ training }: Checkpoint, { settings, images, batchSize }: Plan): TrainingState {
  if (!training) {
    throw new CheckpointError(
      'resume: the checkpoint holds a model alone, no training. Load it by model.loadStateDict(checkpoint.weights), and begin a new run.',
    );
  }
  const saved = training.settings;
  const names = [...new Set([...Object.keys(settings), ...Object.keys(saved)])];
  const differing = names.filter((name) => JSON.stringify(settings[name]) !== JSON.stringify(saved[name]));
  if (differing.length > 0) {
    const lines = differing.map(
      (name) => `  ${name}: ${JSON.stringify(saved[name])} in the checkpoint, ${JSON.stringify(settings[name])} now`,
    );
    throw new CheckpointError(
      `resume: the checkpoint is of a run with other options:\n${lines.join('\n')}\n` +
        'Give the same ones to go on with that run, or begin a new one from its weights: model.loadStateDict(checkpoint.weights).',
    );
  }
  const { position, running, history } = training;
  const steps = Math.ceil(images / batchSize);
  const consistent =
    position.step <= steps &&
    position.globalStep === position.epoch * steps + position.step &&
    history.length === position.epoch &&
    running.images === Math.min(position.step * batchSize, images) &&
    running.correct <= running.images;
  if (!consistent) {
    throw new CheckpointError(
      `resume: the checkpoint contradicts itself: ${JSON.stringify({ position, running })} and a history of ${history.length} epochs of ${steps} steps. It was changed after it was saved.`,
    );
  }
  return training;
}

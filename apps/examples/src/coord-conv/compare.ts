import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { init } from 'receptive';
import { runExperiment, scoreOf } from './experiment.ts';
import type { Score } from './experiment.ts';
import { tasks } from './networks.ts';
import type { Recipe, TaskName } from './networks.ts';
import { drawAnswers } from './picture.ts';
import type { Split } from './task.ts';

/** One network on one split, as it is told with --json. */
export interface Result {
  readonly task: TaskName;
  readonly network: string;
  readonly split: string;
  readonly parameters: number;
  readonly steps: number;
  /** Of the training. */
  readonly seconds: number;
  readonly train: Score;
  readonly test: Score;
  /** File with the picture of the answers. */
  readonly picture: string;
}

/** Options of {@link compareNetworks}. */
export interface CompareOptions {
  readonly tasks: readonly TaskName[];
  /** What is learnt from and tested on, by name. */
  readonly splits: Readonly<Record<string, Split>>;
  readonly seed: number;
  /** Folder for the pictures. */
  readonly out: string;
  readonly maxSteps?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Is told when a training begins; what it returns is told of each step, and of the end. */
  readonly onBegin?: ((name: string) => Progress) | undefined;
}

/** Follows one training. */
export interface Progress {
  step(step: number, steps: number, loss: number): void;
  end(result?: Result): void;
}

/** Trains the networks of the tasks on the splits, one after another, and draws what they answer. */
export async function compareNetworks(options: CompareOptions): Promise<Result[]> {
  const { seed, out, maxSteps, signal, onBegin } = options;
  await init();
  const results: Result[] = [];
  for (const task of options.tasks) {
    for (const [split, places] of Object.entries(options.splits)) {
      for (const [network, recipe] of Object.entries<Recipe>(tasks[task].recipes)) {
        const progress = onBegin?.(`${task}, ${split}, ${network}`);
        let result: Result | undefined;
        try {
          const { train, test, ...counts } = await runExperiment(tasks[task], recipe, places, {
            seed,
            maxSteps,
            signal,
            onStep: (...at) => progress?.step(...at),
          });
          const picture = join(out, `${task}-${split}-${network.replaceAll(' ', '-')}.png`);
          writeFileSync(picture, drawAnswers(train, test));
          result = { task, network, split, ...counts, train: scoreOf(train), test: scoreOf(test), picture };
          results.push(result);
        } finally {
          progress?.end(result);
        }
      }
    }
  }
  return results;
}

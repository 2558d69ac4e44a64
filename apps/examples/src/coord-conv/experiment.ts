import { Rng, adam, cosine, scope, valueAndGrad, warmup } from 'receptive';
import type { Module } from 'receptive';
import type { Recipe, Task } from './networks.ts';
import type { Place, Split } from './task.ts';

/** How near answers come to the truth. */
export interface Score {
  /** Share of the answers that name the right pixel, from 0 to 1. */
  readonly exact: number;
  /** Distance from answer to truth in pixels: the mean, and the largest. */
  readonly meanError: number;
  readonly largestError: number;
}

/** Places, and what a network took them for. */
export interface Answered {
  readonly places: readonly Place[];
  readonly answers: readonly Place[];
}

/** What came of a training. */
export interface Outcome {
  readonly parameters: number;
  readonly steps: number;
  /** Of the training alone. */
  readonly seconds: number;
  readonly train: Answered;
  readonly test: Answered;
}

/** How an experiment is run. */
export interface ExperimentOptions {
  /** Decides the first weights and the order of the examples. */
  readonly seed: number;
  /** Ends the training early; the learning rate's course becomes as much shorter. */
  readonly maxSteps?: number | undefined;
  /** Ends the experiment: it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Is told after every step. */
  readonly onStep?: ((step: number, steps: number, loss: number) => void) | undefined;
}

/** Milliseconds after which the event loop gets its turn: a backend that computes at once would let no signal be heard. */
const PATIENCE = 50;
const WARMUP = 50;
const EVALUATED_AT_ONCE = 64;

/** Trains a network on the places to learn from, and asks it all. */
export async function runExperiment(
  task: Task,
  recipe: Recipe,
  split: Split,
  options: ExperimentOptions,
): Promise<Outcome> {
  const rng = new Rng(options.seed);
  const model = recipe.build().initialize(rng.fork('weights'));
  const parameters = model.parameters().reduce((sum, { value }) => sum + value.size, 0);
  const breathe = breather(options.signal);
  try {
    const started = performance.now();
    const steps = await train(model, task, recipe, split.train, rng.fork('order'), options, breathe);
    const seconds = (performance.now() - started) / 1000;
    const [learnt, tested] = [
      await ask(model, task, split.train, breathe),
      await ask(model, task, split.test, breathe),
    ];
    return { parameters, steps, seconds, train: learnt, test: tested };
  } finally {
    model.dispose();
  }
}

/** Returns the steps that were taken. */
async function train(
  model: Module,
  task: Task,
  { batchSize, epochs, lr, gathering }: Recipe,
  places: readonly Place[],
  rng: Rng,
  { maxSteps = Infinity, onStep }: ExperimentOptions,
  breathe: () => Promise<void>,
): Promise<number> {
  const perEpoch = Math.max(1, Math.floor(places.length / batchSize));
  const steps = Math.min(epochs * perEpoch, maxSteps);
  const schedule = warmup({ steps: WARMUP, after: cosine({ steps: Math.max(1, steps - WARMUP) }) });
  // Batch normalisation that takes channels which never change for noise must not make Adam follow it: eps is above what rounding leaves.
  const optimizer = adam({ lr, eps: 1e-6 }).bind(model.namedParameters());
  try {
    let order: number[] = [];
    for (let step = 0; step < steps; step++) {
      await breathe();
      if (step % perEpoch === 0) order = [...rng.permutation(places.length)];
      const start = (step % perEpoch) * batchSize;
      const batch = order.slice(start, start + batchSize).map((i) => places[i]!);
      const loss = scope(() => {
        const training = step < gathering * steps;
        const [value, gradients] = valueAndGrad(
          () => task.loss(model.forward(task.input(batch), { training, rng }), batch),
          model.parameters(),
        );
        optimizer.step(gradients, schedule(step));
        return value;
      });
      onStep?.(step + 1, steps, await loss.item());
      loss.dispose();
    }
  } finally {
    optimizer.dispose();
  }
  return steps;
}

/** What the network takes each of the places for. */
async function ask(
  model: Module,
  task: Task,
  places: readonly Place[],
  breathe: () => Promise<void>,
): Promise<Answered> {
  const answers: Place[] = [];
  for (let i = 0; i < places.length; i += EVALUATED_AT_ONCE) {
    await breathe();
    const output = scope(() => model.forward(task.input(places.slice(i, i + EVALUATED_AT_ONCE))));
    answers.push(...(await task.answers(output)));
    output.dispose();
  }
  return { places, answers };
}

/** Compares answers with the truth. */
export function scoreOf({ places, answers }: Answered): Score {
  const errors = places.map(([row, column], i) => Math.hypot(answers[i]![0] - row, answers[i]![1] - column));
  const exact = answers.filter((answer, i) => answer.every((value, axis) => Math.round(value) === places[i]![axis]));
  return {
    exact: exact.length / places.length,
    meanError: errors.reduce((sum, error) => sum + error) / places.length,
    largestError: errors.reduce((most, error) => Math.max(most, error)),
  };
}

/** Makes a function that now and then lets the event loop turn, and throws once the signal has been given. */
function breather(signal: AbortSignal | undefined): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last >= PATIENCE) {
      await new Promise((resolve) => setImmediate(resolve));
      last = performance.now();
    }
    signal?.throwIfAborted();
  };
}

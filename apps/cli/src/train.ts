import { resolve } from 'node:path';
import { evaluate, fit, init, summary } from 'receptive';
import { loadCheckpoint, saveCheckpoint } from 'receptive/node';
import { loadDigits } from './data.ts';
import { Interrupted, interruptible } from './interrupt.ts';
import { invocation } from './invocation.ts';
import { architectureOf, build, modelNames, models } from './models.ts';
import type { ModelName } from './models.ts';
import { judged, recipe } from './recipe.ts';
import { printLayers, printTest } from './report.ts';
import { printFiles, writeResults } from './results.ts';
import { CHECKPOINT, RunFolder, SUMMARY, createRunFolder, findRunFolders } from './run-folder.ts';
import type { Run } from './run-folder.ts';
import { Screen } from './screen.ts';
import { count, duration, plural } from './text.ts';
import { TrainingView } from './training-view.ts';

/** What stands on the command line. */
export interface TrainOptions extends Pick<Run, 'epochs' | 'batchSize' | 'lr' | 'seed' | 'backend'> {
  readonly model?: ModelName | undefined;
  readonly data?: string;
  readonly out?: string;
  /** A run folder, or true for the last one. */
  readonly resume?: string | true;
  readonly json?: true;
}

/** Trains a model, tests it, and leaves what came of it in a run folder. */
export async function train(options: TrainOptions): Promise<void> {
  const screen = new Screen(options.json ? process.stderr : process.stdout);
  const reopened = options.resume === undefined ? undefined : await reopen(options.resume);
  const run = reopened ? await reopened.readRun() : newRun(options);
  if (options.model && options.model !== run.model) {
    throw new Error(`The run in ${reopened!.path} trains ${run.model}, not ${options.model}.`);
  }
  const digits = await loadDigits(run.data);
  const backend = await init(run.backend);
  const architecture = architectureOf(run.model, digits.train.classes);
  const model = build(architecture).initialize(run.seed);
  const resume = (await reopened?.has(CHECKPOINT)) ? await loadCheckpoint(reopened!.file(CHECKPOINT)) : undefined;
  const folder = reopened ?? (await createRunFolder(run, options.out));

  const { title, input } = models[run.model];
  const { bold } = screen.colors;
  const [images, tests] = [digits.train.length, digits.test.length];
  screen.print(`${bold(title)} on ${digits.title}: ${count(images)} images to train on, ${count(tests)} to test`, '');
  printLayers(screen, summary(model, input));
  screen.print(
    '',
    `${plural(run.epochs, 'epoch')} in batches of ${run.batchSize}, backend ${backend.name}, seed ${run.seed}, to ${folder.path}`,
  );

  const view = new TrainingView(screen, resume?.training?.position);
  const began = performance.now();
  const soFar = (): Run => ({ ...run, seconds: run.seconds + (performance.now() - began) / 1000 });
  try {
    await interruptible(async (signal) => {
      signal.addEventListener('abort', () => view.hideBar());
      const result = await fit(model, digits.train, {
        ...recipe(run, images),
        validate: digits.test,
        callbacks: [view, { onEpoch: () => folder.writeRun(soFar()) }],
        checkpoint: { save: (bytes) => saveCheckpoint(folder.file(CHECKPOINT), bytes), architecture },
        signal,
        ...(resume && { resume }),
      });
      const trained = soFar();
      await folder.writeRun(trained);
      if (result.aborted) throw signal.reason;
      const evaluation = await evaluate(model, digits.test, { ...judged, batchSize: run.batchSize, signal });
      screen.print('', `Trained in ${duration(trained.seconds)}.`);
      printTest(screen, evaluation);
      const numbers = await writeResults(folder, { run: trained, model, result, test: digits.test, evaluation });
      screen.print('');
      printFiles(screen, folder);
      if (options.json) process.stdout.write(`${JSON.stringify(numbers)}\n`);
    });
  } catch (error) {
    view.hideBar();
    if (error instanceof Interrupted) {
      screen.print('', `Stopped ${view.place}. Go on with: ${invocation()} train --resume ${folder.path}`);
    }
    throw error;
  }
}

function newRun({ model = modelNames[0]!, data, epochs, batchSize, lr, seed, backend }: TrainOptions): Run {
  const source = data === undefined ? null : resolve(data);
  return { model, data: source, epochs, batchSize, lr, seed, backend, began: new Date().toISOString(), seconds: 0 };
}

/** @throws Error if there is no such run, or it is finished. */
async function reopen(path: string | true): Promise<RunFolder> {
  if (path === true) {
    const [last] = await findRunFolders(async (folder) => !(await folder.has(SUMMARY)));
    if (!last)
      throw new Error('There is no run to go on with: runs/ holds none that was not finished. Begin one with `train`.');
    return last;
  }
  const folder = new RunFolder(path);
  if (await folder.has(SUMMARY)) {
    throw new Error(
      `The run in ${path} is finished: there is nothing to go on with. Its results are in ${folder.file(SUMMARY)}.`,
    );
  }
  return folder;
}

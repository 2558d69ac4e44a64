import { resolve } from 'node:path';
import { DivergedError, currentBackend, evaluate, fit, init, summary } from 'receptive';
import type { Architecture, BackendName, Checkpoint, Module } from 'receptive';
import { loadCheckpoint, saveCheckpoint } from 'receptive/node';
import { loadDigits } from './data.ts';
import type { Digits } from './data.ts';
import { Interrupted, interruptible } from './interrupt.ts';
import { invocation } from './invocation.ts';
import { architectureOf, build, modelNames, models } from './models.ts';
import type { ModelName } from './models.ts';
import { defaultEpochs, judged, recipe } from './recipe.ts';
import { printLayers, printTest } from './report.ts';
import { printFiles, writeResults } from './results.ts';
import type { Numbers } from './results.ts';
import { CHECKPOINT, RunFolder, SUMMARY, createRunFolder, findRunFolders } from './run-folder.ts';
import type { Run } from './run-folder.ts';
import { Screen } from './screen.ts';
import { count, duration, plural } from './text.ts';
import { TrainingView } from './training-view.ts';

/** What stands on the command line. */
export interface TrainOptions extends Pick<Run, 'batchSize' | 'lr' | 'seed' | 'backend'> {
  readonly model?: ModelName | undefined;
  readonly data?: string | undefined;
  readonly epochs?: number | undefined;
  /** They decide how long it takes, and no bit of what comes of it. */
  readonly threads?: number | undefined;
  readonly out?: string | undefined;
  /** A run folder, or true for the last one. */
  readonly resume?: string | true | undefined;
  readonly json?: true | undefined;
}

/** All that a training begins with. */
interface Session {
  readonly run: Run;
  readonly folder: RunFolder;
  readonly digits: Digits;
  readonly architecture: Architecture;
  readonly model: Module;
  /** Where it goes on from. */
  readonly checkpoint: Checkpoint | undefined;
}

/** Trains a model, tests it, and leaves what came of it in a run folder. */
export async function train(options: TrainOptions): Promise<void> {
  const screen = new Screen(options.json ? process.stderr : process.stdout);
  const session = await prepare(options);
  const view = new TrainingView(screen, session.checkpoint?.training?.position);
  try {
    const numbers = await interruptible((signal) => {
      // Whoever sees the first line may already press Ctrl-C.
      introduce(screen, session);
      view.begin();
      return work(screen, view, session, signal);
    });
    if (options.json) process.stdout.write(`${JSON.stringify(numbers)}\n`);
  } catch (error) {
    view.hideBar();
    const { folder } = session;
    const goOn = `Go on with: ${invocation()} train --resume ${folder.path}`;
    if (error instanceof Interrupted) screen.print('', `Stopped ${view.place}. ${goOn}`);
    // What diverged would diverge again, in the same step.
    else if (!(error instanceof DivergedError) && (await folder.has(CHECKPOINT))) {
      screen.print('', `The last checkpoint is kept. ${goOn}`);
    }
    throw error;
  }
}

/** Reads all that is needed and, if nothing is wrong with it, makes the run folder. */
async function prepare(options: TrainOptions): Promise<Session> {
  const reopened = options.resume === undefined ? undefined : await reopen(options.resume);
  const run = reopened ? await reopened.readRun() : newRun(options);
  if (![undefined, run.model].includes(options.model)) {
    throw new Error(`The run to go on with trains the model ${run.model}: leave out the name, or give that one.`);
  }
  const digits = await loadDigits(run.data);
  await begin(run.backend, options.threads);
  const architecture = architectureOf(run.model, digits.train.classes);
  const model = build(architecture).initialize(run.seed);
  // A run that was ended before its first checkpoint begins anew, which is the same.
  const checkpoint = (await reopened?.has(CHECKPOINT)) ? await loadCheckpoint(reopened!.file(CHECKPOINT)) : undefined;
  const folder = reopened ?? (await createRunFolder(run, options.out));
  return { run, folder, digits, architecture, model, checkpoint };
}

/** @throws Error if threads are asked of a backend that has none to choose. */
async function begin(backend: BackendName, threads: number | undefined): Promise<void> {
  if (threads === undefined) await init(backend);
  else if (backend === 'workers') await init(backend, { threads });
  else throw new Error(`--threads is for --backend workers, but the backend is ${backend}: leave it out.`);
}

function newRun(options: TrainOptions): Run {
  const { model = modelNames[0]!, batchSize, lr, seed, backend } = options;
  const data = options.data === undefined ? null : resolve(options.data);
  const { epochs = defaultEpochs(data) } = options;
  return { model, data, epochs, batchSize, lr, seed, backend, began: new Date().toISOString(), seconds: 0 };
}

/** @throws Error if there is no such run, or it is finished. */
async function reopen(path: string | true): Promise<RunFolder> {
  if (path === true) {
    const [last] = await findRunFolders(async (folder) => !(await folder.has(SUMMARY)));
    if (!last) throw new Error('There is no run to go on with: runs/ has none that is not finished. Begin one: train');
    return last;
  }
  const folder = new RunFolder(path);
  if (await folder.has(SUMMARY)) {
    throw new Error(
      `The run in ${path} is finished, its numbers are in ${folder.file(SUMMARY)}. Begin a new one: train`,
    );
  }
  return folder;
}

function introduce(screen: Screen, { run, folder, digits, model }: Session): void {
  const { title, input } = models[run.model];
  const { train: images, test } = digits;
  const { bold } = screen.colors;
  screen.print(
    `${bold(title)} on ${digits.title}: ${count(images.length)} images to train on, ${count(test.length)} to test`,
    '',
  );
  printLayers(screen, summary(model, input));
  screen.print(
    '',
    `${plural(run.epochs, 'epoch')} in batches of ${run.batchSize}, learning rate ${run.lr}, seed ${run.seed}`,
    `Backend ${currentBackend().describe()}`,
    `Run folder ${folder.path}`,
  );
}

async function work(screen: Screen, view: TrainingView, session: Session, signal: AbortSignal): Promise<Numbers> {
  const { run, folder, digits, architecture, model, checkpoint } = session;
  const began = performance.now();
  const soFar = (): Run => ({ ...run, seconds: run.seconds + (performance.now() - began) / 1000 });
  const { images, options } = recipe(run, digits.train);
  signal.addEventListener('abort', () => view.hideBar());
  const result = await fit(model, images, {
    ...options,
    validate: digits.test,
    callbacks: [view, { onEpoch: () => folder.writeRun(soFar()) }],
    checkpoint: { save: (bytes) => saveCheckpoint(folder.file(CHECKPOINT), bytes), architecture },
    signal,
    ...(checkpoint && { resume: checkpoint }),
  });
  const trained = soFar();
  await folder.writeRun(trained);
  if (result.aborted) signal.throwIfAborted();

  const evaluation = await evaluate(model, digits.test, { ...judged, batchSize: run.batchSize, signal });
  screen.print('', `Trained in ${duration(trained.seconds)}.`);
  printTest(screen, evaluation);
  const numbers = await writeResults(folder, { run: trained, model, result, digits, evaluation });
  screen.print('');
  printFiles(screen, folder);
  return numbers;
}

import { dirname } from 'node:path';
import { evaluate as test, init } from 'receptive';
import { loadDigits } from './data.ts';
import { loadModel, models } from './models.ts';
import { judged } from './recipe.ts';
import { printTest } from './report.ts';
import { RUN, RunFolder, checkpointAt } from './run-folder.ts';
import { Screen } from './screen.ts';
import { count } from './text.ts';

/** What stands on the command line. */
export interface EvaluateOptions {
  /** A run folder, or a checkpoint. */
  readonly run: string;
  readonly data?: string | undefined;
  readonly json?: true | undefined;
}

/** Tests a model on the images that its training did not see. */
export async function evaluate({ run, data, json }: EvaluateOptions): Promise<void> {
  const screen = new Screen(json ? process.stderr : process.stdout);
  const checkpoint = await checkpointAt(run);
  await init();
  const { model, name } = await loadModel(checkpoint);
  const digits = await loadDigits(data ?? (await dataOf(new RunFolder(dirname(checkpoint)))));
  const { title } = models[name];
  const { length } = digits.test;
  screen.print(
    `${screen.colors.bold(title)} of ${checkpoint}, tested on ${count(length)} images of ${digits.title}`,
    '',
  );
  const evaluation = await test(model, digits.test, judged);
  printTest(screen, evaluation);
  if (json) {
    const { loss, accuracy, confusion } = evaluation;
    const numbers = { model: name, checkpoint, images: length, testLoss: loss, testAccuracy: accuracy, confusion };
    process.stdout.write(`${JSON.stringify(numbers)}\n`);
  }
}

/** What the run was given: its test's images are those that it did not learn from. */
async function dataOf(folder: RunFolder): Promise<string | null> {
  return (await folder.has(RUN)) ? (await folder.readRun()).data : null;
}

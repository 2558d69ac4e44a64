import { Command, Option } from '@commander-js/extra-typings';
import { makeFolder, wholeFrom } from '../options.ts';
import { progressBar, untilInterrupted } from '../terminal.ts';
import { compareNetworks } from './compare.ts';
import type { Progress, Result } from './compare.ts';
import { splits } from './task.ts';

const taskNames = ['classification', 'regression'] as const;
const splitNames = ['uniform', 'quadrant'] as const;
const all = 'both';

/** `example coordconv`. */
export const coordConv = new Command('coordconv')
  .summary('teach networks where things are')
  .description(
    'Teaches networks to name places on a canvas: to find the pixel of two coordinates, and the coordinates of a square. A convolution knows what it sees, ' +
      'but not where; CoordConv, which sees coordinates as well, learns it for all places from a part of them. Each network is trained on 80 % of ' +
      'the places drawn at random (uniform), and on three quadrants (quadrant), and tested on the others. See the README for the networks.',
  )
  .addOption(new Option('--task <name>', 'what is learnt').choices([...taskNames, all]).default(all))
  .addOption(new Option('--split <name>', 'how places are divided').choices([...splitNames, all]).default(all))
  .addOption(
    new Option('--seed <n>', 'decides the first weights, the order of the examples and the uniform split')
      .argParser(wholeFrom(0))
      .default(1),
  )
  .addOption(new Option('--out <dir>', 'folder for the pictures').default('runs/coordconv'))
  .addOption(new Option('--steps <n>', 'train for so many steps at most').argParser(wholeFrom(1)))
  .addOption(
    new Option('--json', 'print the results as JSON, alone on standard output; all else goes to standard error'),
  )
  .action(async ({ task, split, seed, out, steps, json }) => {
    const say = (...lines: readonly string[]): void =>
      void (json ? process.stderr : process.stdout).write(`${lines.join('\n')}\n`);
    const named = split === all ? splitNames : [split];
    const results: Result[] = [];
    const started = performance.now();
    makeFolder(out);
    const interrupted = await untilInterrupted(async (signal) => {
      await compareNetworks({
        tasks: task === all ? taskNames : [task],
        splits: Object.fromEntries(named.map((name) => [name, splits[name](seed)])),
        seed,
        out,
        maxSteps: steps,
        signal,
        onBegin: (name) => follow(name, say, results),
      });
    });
    const seconds = (performance.now() - started) / 1000;
    if (results.length > 0) say('', ...table(results), '');
    say(`${duration(seconds)} in all. Pictures are in ${out}: places learnt on the left, tested on the right.`);
    if (json) process.stdout.write(`${JSON.stringify({ seed, seconds, interrupted, results }, null, 2)}\n`);
    if (interrupted) say('Interrupted.');
  });

/** Shows how a training goes: by a bar on a terminal, else by a line at the end. */
function follow(name: string, say: (line: string) => void, results: Result[]): Progress {
  const bar = progressBar(`{bar}  {value}/{total} steps  {eta_formatted} left  loss {loss}  ${name}`);
  const live = process.stderr.isTTY;
  return {
    step(step, steps, loss) {
      if (!live) return;
      const shown = { loss: loss.toPrecision(3) };
      if (step === 1) bar.start(steps, step, shown);
      else bar.update(step, shown);
    },
    end(result) {
      if (live) bar.stop();
      if (!result) return;
      results.push(result);
      say(`${name}: ${summaryOf(result)} on test, ${duration(result.seconds)}`);
    },
  };
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
const duration = (seconds: number): string =>
  seconds < 60 ? `${seconds.toFixed(1)} s` : `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;

function summaryOf({ task, test }: Result): string {
  return task === 'classification' ? `${percent(test.exact)} exact` : `${test.meanError.toFixed(3)} pixels`;
}

const columns: readonly {
  readonly title: string;
  readonly right: boolean;
  readonly cell: (result: Result) => string;
}[] = [
  { title: 'task', right: false, cell: ({ task }) => task },
  { title: 'split', right: false, cell: ({ split }) => split },
  { title: 'network', right: false, cell: ({ network }) => network },
  { title: 'parameters', right: true, cell: ({ parameters }) => parameters.toLocaleString('en-US') },
  { title: 'steps', right: true, cell: ({ steps }) => steps.toLocaleString('en-US') },
  { title: 'time', right: true, cell: ({ seconds }) => duration(seconds) },
  { title: 'exact: train', right: true, cell: ({ train }) => percent(train.exact) },
  { title: 'test', right: true, cell: ({ test }) => percent(test.exact) },
  { title: 'mean error: train', right: true, cell: ({ train }) => train.meanError.toFixed(3) },
  { title: 'test', right: true, cell: ({ test }) => test.meanError.toFixed(3) },
  { title: 'largest', right: true, cell: ({ test }) => test.largestError.toFixed(2) },
];

/** The results as lines of text, with a line of titles; errors are in pixels. */
function table(results: readonly Result[]): string[] {
  const rows = [columns.map(({ title }) => title), ...results.map((result) => columns.map(({ cell }) => cell(result)))];
  const widths = columns.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows.map((row) =>
    row
      .map((cell, i) => (columns[i]!.right ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd(),
  );
}

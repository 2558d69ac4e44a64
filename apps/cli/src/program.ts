import { readFileSync } from 'node:fs';
import { Argument, Command, Option } from '@commander-js/extra-typings';
import { backends } from 'receptive';
import { evaluate } from './evaluate.ts';
import { modelNames } from './models.ts';
import { positiveInteger, positiveNumber, wholeNumber } from './options.ts';
import { predict } from './predict.ts';
import { summarize } from './summarize.ts';
import { train } from './train.ts';

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };

const data = () => new Option('--data <dir>', "folder with MNIST's four IDX files, gzipped or not");
const json = () =>
  new Option('--json', 'print the result as JSON, alone on standard output; all else goes to standard error');

const trainCommand = new Command('train')
  .summary('train a model on handwritten digits')
  .description(
    'Trains a model on handwritten digits and tests it. Weights, numbers and pictures go to a run folder.\n\n' +
      'Without --data it learns from 9,000 of the 10,000 digits that are bundled with the program, and is tested on the ' +
      'other 1,000. After each epoch it is validated on the images of the test; nothing is chosen by that.\n\n' +
      'Ctrl-C ends the training after the step under way. --resume goes on from there, bit for bit as if it had not ended.',
  )
  .addArgument(new Argument('[model]', `what to train (default: ${modelNames[0]})`).choices(modelNames))
  .addOption(data())
  .addOption(
    new Option('--epochs <n>', 'passes over the images (default: 20, or 10 with --data)').argParser(positiveInteger),
  )
  .addOption(new Option('--batch-size <n>', 'images in a step').argParser(positiveInteger).default(64))
  .addOption(
    new Option('--lr <x>', 'highest learning rate: it rises to it for a tenth of the steps, then falls along a cosine')
      .argParser(positiveNumber)
      .default(0.07),
  )
  .addOption(
    new Option('--seed <n>', 'decides the first weights and the order of the images').argParser(wholeNumber).default(1),
  )
  .addOption(new Option('--backend <name>', 'what computes').choices(backends).default(backends[0]!))
  .addOption(
    new Option('--threads <n>', 'how many threads the backend workers has (default: one for each core)').argParser(
      positiveInteger,
    ),
  )
  .addOption(new Option('--out <dir>', 'the run folder, new or empty (default: a new one in runs/)'))
  .addOption(
    new Option(
      '--resume [run]',
      'go on with the run in this folder (default: the last one in runs/ that was not finished)',
    ).conflicts(['data', 'epochs', 'batchSize', 'lr', 'seed', 'backend', 'out']),
  )
  .addOption(json())
  .addHelpText(
    'after',
    examples(
      ['receptive train', 'LeNet-5 on the bundled digits'],
      ['receptive train --data mnist --epochs 5', 'on the files in the folder mnist'],
      ['receptive train --resume', 'go on with what Ctrl-C ended'],
      ['receptive train --json > result.json', 'keep the numbers'],
    ),
  )
  .action((model, options) => train({ model, ...options }));

const evaluateCommand = new Command('evaluate')
  .summary('test a model again')
  .description(
    'Tests a model on images that its training did not see: those of --data, else those of the run, else the bundled ones.',
  )
  .argument('<run>', 'a run folder, or a model.safetensors')
  .addOption(data())
  .addOption(json())
  .addHelpText(
    'after',
    examples(
      ['receptive evaluate runs/lenet5-20250131-142501', 'on the data of that run'],
      ['receptive evaluate model.safetensors --data mnist', 'on other data'],
    ),
  )
  .action((run, options) => evaluate({ run, ...options }));

const predictCommand = new Command('predict')
  .summary('tell the digit in a picture')
  .description(
    'Tells which digit a picture shows, how probable that is, and what comes second. ' +
      'A picture is a PNG or a JPEG of any size with one digit, dark on light or light on dark.',
  )
  .argument('<image...>', 'PNG or JPEG files')
  .addOption(new Option('--model <file>', 'a run folder, or a model.safetensors (default: the last run in runs/)'))
  .addOption(json())
  .addHelpText(
    'after',
    examples(
      ['receptive predict digit.png', 'by the model trained last'],
      ['receptive predict a.png b.jpg --model runs/best', 'by that one'],
    ),
  )
  .action((images, options) => predict({ images, ...options }));

const summaryCommand = new Command('summary')
  .summary('list the layers of a model')
  .description(
    'Lists the layers of a model: the volumes that go in and come out, kernel and stride, filters, parameters, ' +
      'multiply-adds, computations (parameters times positions of the output) and receptive field.',
  )
  .addArgument(new Argument('<model>', 'what to list').choices(modelNames))
  .addOption(new Option('--classes <n>', 'what it tells apart').argParser(positiveInteger).default(10))
  .addOption(json())
  .addHelpText('after', examples(['receptive summary lenet5 --classes 26', 'LeNet-5 for letters']))
  .action((model, options) => summarize({ model, ...options }));

/** The command line. Its actions reject with what goes wrong; a command line that is not understood is reported, and ends the program. */
export const program = new Command('receptive')
  .description('Trains convolutional networks and asks them what they see.')
  .version(manifest.version)
  .option('--debug', 'show where in the program an error arose')
  .addHelpText(
    'after',
    examples(
      ['receptive train', 'train LeNet-5 on handwritten digits'],
      ['receptive predict digit.png', 'ask it which digit that is'],
      ['receptive summary lenet5', 'list its layers'],
    ),
  );
for (const command of [trainCommand, evaluateCommand, predictCommand, summaryCommand]) program.addCommand(command);

function examples(...lines: readonly (readonly [command: string, meaning: string])[]): string {
  const width = Math.max(...lines.map(([command]) => command.length));
  return ['', 'Examples:', ...lines.map(([command, meaning]) => `  ${command.padEnd(width)}  ${meaning}`)].join('\n');
}

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, Option } from '@commander-js/extra-typings';
import { init } from 'receptive';
import { makeFolder, wholeFrom } from '../options.ts';
import { progressBar, untilInterrupted } from '../terminal.ts';
import { bundledDigits } from './digits.ts';
import { experiment } from './experiment.ts';

/** Shows where a deformable convolution looks. */
export const deformable = new Command('deformable')
  .summary('where a deformable convolution looks')
  .description(
    'Trains two small networks on digits of all sizes and turned by up to 45 degrees. They differ in two layers, convolutions or deformable ones, and tell a ' +
      'digit by what one place sees through these. Prints the accuracy of both on other digits, and draws where they look.',
  )
  .addOption(new Option('--epochs <n>', 'passes over the 9,000 digits').argParser(wholeFrom(1)).default(6))
  .addOption(
    new Option('--seed <n>', 'decides the first weights and how digits are drawn').argParser(wholeFrom(0)).default(1),
  )
  .addOption(new Option('--out <dir>', 'folder for the picture').default('runs/deformable'))
  .action(async ({ epochs, seed, out }) => {
    makeFolder(out);
    const bar = progressBar('{bar}  epoch {epoch}/{epochs}  accuracy {accuracy} %  {left} s left  {name}');
    const interrupted = await untilInterrupted(async (signal) => {
      await init('cpu');
      const png = await experiment(await bundledDigits(), {
        epochs,
        seed,
        signal,
        onProgress(name, { epoch, step, steps, accuracy, secondsLeft }) {
          const values = { name, epoch, epochs, accuracy: (100 * accuracy).toFixed(1), left: Math.ceil(secondsLeft) };
          if (!bar.isActive) bar.start(epochs * steps, 0, values);
          bar.update((epoch - 1) * steps + step, values);
        },
        onTrained(name, parameters, accuracy) {
          bar.stop();
          const count = parameters.toLocaleString('en');
          console.log(
            `${name.padEnd(12)} ${count.padStart(6)} parameters  test accuracy ${(100 * accuracy).toFixed(1)} %`,
          );
        },
      });
      const picture = join(out, 'deformable.png');
      writeFileSync(picture, png);
      console.log(`Where they look: ${picture}`);
    }).finally(() => bar.stop());
    if (interrupted) console.log('Interrupted.');
  });

import { writeFile } from 'node:fs/promises';
import { Command, Option } from '@commander-js/extra-typings';
import cliProgress from 'cli-progress';
import { init } from 'receptive';
import { wholeFrom } from '../options.ts';
import { bundledDigits } from './digits.ts';
import { experiment } from './experiment.ts';

/** What a shell reports for a program that Ctrl-C ended. */
const INTERRUPTED = 130;

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
  .addOption(new Option('--out <file>', 'the picture, a PNG').default('deformable.png'))
  .action(async ({ epochs, seed, out }) => {
    const bar = new cliProgress.SingleBar({
      format: '{name} {bar} epoch {epoch}/{epochs}  accuracy {accuracy} %  {left} s left',
      barsize: 30,
      hideCursor: true,
      clearOnComplete: true,
      gracefulExit: false, // an interruption is handled here
    });
    const controller = new AbortController();
    // The first Ctrl-C ends the step under way, the second the program.
    const stop = (): void => controller.abort();
    process.once('SIGINT', stop);
    try {
      await init('cpu');
      const png = await experiment(await bundledDigits(), {
        epochs,
        seed,
        signal: controller.signal,
        onProgress(name, { epoch, step, steps, accuracy, secondsLeft }) {
          const shown = { name: name.padEnd(12), epoch, epochs, accuracy: (100 * accuracy).toFixed(1) };
          const values = { ...shown, left: Math.ceil(secondsLeft) };
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
      await writeFile(out, png);
      console.log(`Where they look: ${out}`);
    } catch (error) {
      bar.stop();
      if (!controller.signal.aborted) throw error;
      console.log('Stopped.');
      process.exitCode = INTERRUPTED;
    } finally {
      process.off('SIGINT', stop);
    }
  });

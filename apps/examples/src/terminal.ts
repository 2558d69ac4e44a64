import { constants } from 'node:os';
import cliProgress from 'cli-progress';

/** A progress bar; what matters least stands last, for a narrow terminal cuts it off. */
export function progressBar(format: string): cliProgress.SingleBar {
  return new cliProgress.SingleBar({
    format,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 24,
    clearOnComplete: true,
    hideCursor: true,
    gracefulExit: false, // an interruption is the command's to handle
  });
}

/**
 * Runs `work`, whose signal the first Ctrl-C or SIGTERM aborts; the second ends the program at once. Returns whether there was one; the program then ends
 * with the code that shells expect of it.
 */
export async function untilInterrupted(work: (signal: AbortSignal) => Promise<void>): Promise<boolean> {
  const controller = new AbortController();
  const interrupt = (name: NodeJS.Signals): void => {
    process.exitCode = 128 + constants.signals[name];
    if (controller.signal.aborted) process.exit();
    controller.abort();
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  try {
    await work(controller.signal);
  } catch (error) {
    if (!controller.signal.aborted) throw error;
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
  return controller.signal.aborted;
}

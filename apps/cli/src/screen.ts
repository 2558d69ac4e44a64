import type { WriteStream } from 'node:tty';
import cliProgress from 'cli-progress';
import picocolors from 'picocolors';

/** A bar that is being shown. */
export interface Bar {
  /** How far it is, and what stands beside it: the first notes are the last to be left out where the terminal is narrow. */
  update(value: number, notes: readonly string[]): void;
  /** Takes it away. */
  stop(): void;
}

const NARROWEST_BAR = 6;
const WIDEST_BAR = 30;

/**
 * Where the program talks to a person. A terminal gets colours and a line that is redrawn; a pipe or a file gets plain lines alone, without a control
 * character in them.
 */
export class Screen {
  readonly colors: ReturnType<typeof picocolors.createColors>;
  readonly #stream: WriteStream;
  readonly #live: boolean;

  constructor(stream: WriteStream, { NO_COLOR, TERM } = process.env) {
    this.#stream = stream;
    // What is no terminal has no isTTY at all, and undefined would leave colours to be guessed from the environment.
    this.#live = 'isTTY' in stream && stream.isTTY && TERM !== 'dumb';
    this.colors = picocolors.createColors(this.#live && !NO_COLOR); // https://no-color.org: set to something
  }

  /** How long a line may be; a file has room for any. */
  get columns(): number {
    return this.#live ? this.#stream.columns : Infinity;
  }

  /** Prints lines. */
  print(...lines: readonly string[]): void {
    this.#stream.write(`${lines.join('\n')}\n`);
  }

  /** Shows a bar that counts to `total`, with a label before it; on anything but a terminal, nothing. */
  bar(label: string, total: number): Bar {
    if (!this.#live) return { update() {}, stop() {} };
    const bar = new cliProgress.SingleBar({
      stream: this.#stream,
      format: (options, { progress }, { notes }: { notes: readonly string[] }) =>
        this.#barLine(label, notes, (barsize) => cliProgress.Format.BarFormat(progress, { ...options, barsize })),
      barCompleteChar: '█',
      barIncompleteChar: '░',
      barsize: WIDEST_BAR,
      clearOnComplete: true,
      hideCursor: true,
      gracefulExit: false, // an interruption is the command's to handle
    });
    bar.start(total, 0, { notes: [] });
    return {
      update: (value, notes) => bar.update(value, { notes }),
      stop: () => bar.stop(),
    };
  }

  #barLine(label: string, notes: readonly string[], bar: (width: number) => string): string {
    const kept = [...notes];
    const room = (): number => this.columns - 1 - [label, '', ...kept].join('  ').length;
    while (kept.length > 0 && room() < NARROWEST_BAR) kept.pop();
    return [label, this.colors.cyan(bar(Math.max(0, Math.min(room(), WIDEST_BAR)))), ...kept].join('  ');
  }
}

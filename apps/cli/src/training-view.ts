import type { EpochRecord, FitCallbacks, Position, Progress } from 'receptive';
import type { Bar, Screen } from './screen.ts';
import { count, duration, percent } from './text.ts';

const columns: readonly { readonly title: string; readonly cell: (record: EpochRecord) => string }[] = [
  { title: ' epoch', cell: ({ epoch }) => `${epoch}` },
  { title: 'train loss', cell: ({ trainLoss }) => trainLoss.toFixed(4) },
  { title: 'accuracy', cell: ({ trainAccuracy }) => percent(trainAccuracy) },
  { title: 'validation loss', cell: ({ validationLoss }) => validationLoss!.toFixed(4) },
  { title: 'accuracy', cell: ({ validationAccuracy }) => percent(validationAccuracy!) },
  // What was begun before an interruption has no time of its own.
  { title: 'images/s', cell: ({ imagesPerSecond }) => (imagesPerSecond ? count(imagesPerSecond) : '') },
  { title: 'seconds', cell: ({ seconds }) => seconds?.toFixed(1) ?? '' },
];

/** Shows how a training goes: a line for each epoch that has ended, and a bar for the one under way. */
export class TrainingView implements FitCallbacks {
  readonly #screen: Screen;
  readonly #resumed: boolean;
  #bar: Bar | undefined;
  #place: string;

  constructor(screen: Screen, from: Position | undefined) {
    this.#screen = screen;
    this.#resumed = from !== undefined;
    this.#place = from ? placeOf(from.epoch, from.step) : 'before the first step';
  }

  /** Says where it goes on, and heads the lines of the epochs. */
  begin(): void {
    if (this.#resumed) this.#screen.print(`Going on ${this.#place}.`);
    this.#screen.print('', this.#screen.colors.dim(columns.map(({ title }) => title).join('  ')));
  }

  /** How far it has come, for people. */
  get place(): string {
    return this.#place;
  }

  readonly onProgress = ({ epoch, epochs, step, steps, ...progress }: Progress): void => {
    this.#place = placeOf(epoch - 1, step);
    this.#bar ??= this.#screen.bar(`epoch ${epoch}/${epochs}`, steps);
    this.#bar.update(step, [
      `loss ${progress.loss.toFixed(4)}`,
      `accuracy ${percent(progress.accuracy, 1)}`,
      `${duration(progress.secondsLeft)} left`,
      `${count(progress.imagesPerSecond)} images/s`,
    ]);
  };

  readonly onEpoch = (record: EpochRecord): void => {
    this.hideBar();
    this.#place = placeOf(record.epoch, 0);
    this.#screen.print(columns.map(({ title, cell }) => cell(record).padStart(title.length)).join('  '));
  };

  hideBar(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }
}

function placeOf(epochs: number, step: number): string {
  const parts = [...(epochs > 0 ? [`epoch ${epochs}`] : []), ...(step > 0 ? [`step ${step}`] : [])];
  return `after ${parts.join(', ')}`;
}

import { Rng, adam, cosine, crossEntropy, evaluate, fit, stackImages, tensor, warmup } from 'receptive';
import type { Colour, Dataset, Progress, Sequential } from 'receptive';
import type { Digits, Variant } from './digits.ts';
import { SIDE, drawn, varied } from './digits.ts';
import { network } from './network.ts';
import { picture } from './picture.ts';
import type { Look, Series } from './picture.ts';
import { placesSeen } from './places.ts';

/** Networks that differ in two layers, as they are called and drawn. */
export const contenders: readonly { readonly name: string; readonly deformable: boolean; readonly colour: Colour }[] = [
  { name: 'convolution', deformable: false, colour: [37, 99, 235] },
  { name: 'deformable', deformable: true, colour: [220, 38, 38] },
];

/** What is shown of one digit, side by side, and under which title. */
const variants: readonly (readonly [title: string, variant: Variant])[] = [
  ['55%', { scale: 0.55, turn: 0 }],
  ['90%', { scale: 0.9, turn: 0 }],
  ['140%', { scale: 1.4, turn: 0 }],
  ['110% turned', { scale: 1.1, turn: -40 }],
  ['110% turned', { scale: 1.1, turn: 40 }],
];

/** The digits shown: the first of each class among those to test on. */
const SHOWN = [2, 3, 7];

/** What the experiment needs. */
export interface ExperimentOptions {
  readonly epochs: number;
  readonly seed: number;
  /** Is told how the training of the network so called goes. */
  readonly onProgress: (name: string, progress: Progress) => void;
  /** Is told what came of it. */
  readonly onTrained: (name: string, parameters: number, accuracy: number) => void;
  /** Ends it after the step under way: it rejects with the signal's reason. */
  readonly signal: AbortSignal;
}

/** Trains both networks on scaled and turned digits, tests them on others, and draws where they look. Returns the picture, a PNG. */
export async function experiment({ train, test }: Digits, options: ExperimentOptions): Promise<Uint8Array> {
  const series: Series[] = [];
  for (const { name, deformable, colour } of contenders) {
    const model = network(deformable).initialize(options.seed);
    await trainOn(train, model, name, options);
    const { accuracy } = await evaluate(model, varied(test), { loss: crossEntropy, signal: options.signal });
    const parameters = model.parameters().reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    options.onTrained(name, parameters, accuracy);
    const rows: (readonly Look[])[] = [];
    for (const label of SHOWN) rows.push(await looksAt(model, firstOf(test, label)));
    series.push({ name, colour, rows });
    model.dispose();
  }
  return picture(
    series,
    variants.map(([title]) => title),
  );
}

async function trainOn(train: Dataset, model: Sequential, name: string, options: ExperimentOptions): Promise<void> {
  const { epochs, seed, onProgress, signal } = options;
  const batchSize = 32;
  const steps = epochs * Math.ceil(train.length / batchSize);
  const rising = Math.ceil(steps / 20);
  let epoch = 0;
  await fit(
    model,
    varied(train, new Rng(seed).fork('variants'), () => epoch),
    {
      loss: crossEntropy,
      optimizer: adam({ lr: 3e-3 }),
      schedule: warmup({ steps: rising, after: cosine({ steps: Math.max(1, steps - rising) }) }),
      epochs,
      batchSize,
      seed,
      signal,
      callbacks: {
        onProgress: (progress) => onProgress(name, progress),
        onEpoch: (record) => {
          epoch = record.epoch;
        },
      },
    },
  );
  signal.throwIfAborted();
}

/** Where the model looks in each variant of a digit. */
async function looksAt(model: Sequential, digit: Uint8Array): Promise<Look[]> {
  const pictures = variants.map(([, variant]) => drawn(digit, variant));
  const { data, shape } = stackImages(pictures, [1, SIDE, SIDE]);
  using images = tensor(data, { shape });
  const places = await placesSeen(model, images);
  return pictures.map((each, i) => ({ digit: each, places: places[i]! }));
}

/** @throws Error if there is none. */
function firstOf(dataset: Dataset, label: number): Uint8Array {
  for (let i = 0; i < dataset.length; i++) {
    const sample = dataset.get(i);
    if (sample.label === label) return sample.image;
  }
  throw new Error(`There is no ${label} among the digits to test on.`);
}

import { Rng, cosine, crossEntropy, digitTransform, sgd, warmup } from 'receptive';
import type { Dataset, FitOptions, Loss } from 'receptive';
import { augmented } from './augment.ts';
import type { Run } from './run-folder.ts';

const loss: Loss = (logits, labels) => crossEntropy(logits, labels, { labelSmoothing: 0.05 });

/** How a model is judged, and what images are turned into before it sees them: the same in training and in tests. */
export const judged = { loss, transform: digitTransform } as const;

/** The few bundled digits are looked at more often than the many of MNIST. */
export const defaultEpochs = (data: string | null): number => (data === null ? 20 : 10);

/** What a run trains on and how; `epoch` says how many epochs have ended. */
export function recipe(
  { epochs, batchSize, lr, seed }: Run,
  images: Dataset,
  epoch: () => number,
): { readonly images: Dataset; readonly options: FitOptions } {
  const steps = epochs * Math.ceil(images.length / batchSize);
  const rising = Math.ceil(steps / 10);
  return {
    images: augmented(images, new Rng(seed).fork('augment'), epoch),
    options: {
      ...judged,
      epochs,
      batchSize,
      seed,
      optimizer: sgd({ lr, momentum: 0.9, weightDecay: 5e-4 }),
      schedule: warmup({ steps: rising, after: cosine({ steps: Math.max(1, steps - rising) }) }),
    },
  };
}

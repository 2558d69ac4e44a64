import { Rng, augment, cosine, crossEntropy, digitTransform, randomAffine, sgd, warmup } from 'receptive';
import type { Dataset, FitOptions, Loss } from 'receptive';
import type { Run } from './run-folder.ts';

const loss: Loss = (logits, labels) => crossEntropy(logits, labels, { labelSmoothing: 0.05 });

/** How a model is judged, and what images are turned into before it sees them: the same in training and in tests. */
export const judged = { loss, transform: digitTransform } as const;

/** The few bundled digits are looked at more often than the many of MNIST. */
export const defaultEpochs = (data: string | null): number => (data === null ? 20 : 10);

/** Within these a digit still looks like one that somebody wrote. */
const distortion = randomAffine({ degrees: 8, stretch: 0.1, shift: 1.5 });

/** What a run trains on and how. */
export function recipe(
  { epochs, batchSize, lr, seed }: Run,
  images: Dataset,
): { readonly images: Dataset; readonly options: FitOptions } {
  const steps = epochs * Math.ceil(images.length / batchSize);
  const rising = Math.ceil(steps / 10);
  return {
    images: augment(images, new Rng(seed).fork('augment'), distortion),
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

import { cosine, crossEntropy, digitTransform, sgd, warmup } from 'receptive';
import type { FitOptions } from 'receptive';
import type { Run } from './run-folder.ts';

/** How a model is judged, and what its images are turned into first: the same in training, in tests and in predictions. */
export const judged = { loss: crossEntropy, transform: digitTransform } as const;

const MOMENTUM = 0.9;
const WEIGHT_DECAY = 5e-4;

/** How a run trains on so many images. */
export function recipe({ epochs, batchSize, lr, seed }: Run, images: number) {
  const steps = epochs * Math.ceil(images / batchSize);
  const rising = Math.ceil(steps / 10);
  return {
    ...judged,
    epochs,
    batchSize,
    seed,
    optimizer: sgd({ lr, momentum: MOMENTUM, weightDecay: WEIGHT_DECAY }),
    schedule: warmup({ steps: rising, after: cosine({ steps: Math.max(1, steps - rising) }) }),
  } satisfies FitOptions;
}

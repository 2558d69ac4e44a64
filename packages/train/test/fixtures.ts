import { imageDataset } from '@receptive/data';
import type { Dataset } from '@receptive/data';
import { Dropout, Flatten, Linear, Sequential, Tanh, crossEntropy } from '@receptive/layers';
import { Rng } from '@receptive/tensor';
import { cosine, sgd, warmup } from '@receptive/train';
import type { FitOptions } from '@receptive/train';

/** Noisy 1x4x4 images of three classes: class c has a bright row c. */
export function stripes(length: number, seed = 1): Dataset {
  const images = Uint8Array.from(new Rng(seed).bits(length * 16), (word) => word % 100);
  const labels = Array.from({ length }, (_, i) => (i * 7) % 3);
  labels.forEach((label, i) => {
    for (let column = 0; column < 4; column++) images[i * 16 + label * 4 + column]! += 150;
  });
  return imageDataset(images, labels, { shape: [1, 4, 4], classes: 3 });
}

/** A small network with everything that has to be right for a run to be continued: dropout draws random numbers. */
export function network({ seed = 1, hidden = 6, dropout = 0.25, classes = 3 } = {}): Sequential {
  return new Sequential({
    flatten: new Flatten(),
    hidden: new Linear(16, hidden),
    tanh: new Tanh(),
    dropout: new Dropout(dropout),
    output: new Linear(hidden, classes),
  }).initialize(seed);
}

/** Options in which every kind of state is at work. 20 images in batches of 8 are 3 steps an epoch. */
export function demanding(): FitOptions {
  return {
    loss: crossEntropy,
    optimizer: sgd({ lr: 0.3, momentum: 0.9, dampening: 0.1, weightDecay: 1e-3 }),
    schedule: warmup({ steps: 2, after: cosine({ steps: 10 }) }),
    epochs: 4,
    batchSize: 8,
    seed: 7,
    clipNorm: 1,
    validate: stripes(9, 2),
  };
}

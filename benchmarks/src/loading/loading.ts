/** What is measured of loading images, by the names that choose it. */
export const loadings = ['loader_images', 'loader_train'] as const;

/** Where batches are prepared: on the calling thread as they are asked for, on one or two threads meanwhile, or before the clock runs. */
export const places = {
  here: { workers: 0 },
  '1 thread': { workers: 1 },
  '2 threads': { workers: 2 },
  beforehand: { workers: 0 },
} as const;

/** Images in a batch, and in the folder that they come from. */
export const batchSize = 8;
export const images = 96;

/** How long a batch takes that is prepared somewhere: by itself or, in training, with the step that it is for. */
export interface Loading {
  readonly workload: (typeof loadings)[number];
  readonly prepared: keyof typeof places;
  /** Images in a batch. */
  readonly images: number;
  /** Milliseconds: the median over the rounds, the fastest and the slowest. */
  readonly ms: number;
  readonly min: number;
  readonly max: number;
}

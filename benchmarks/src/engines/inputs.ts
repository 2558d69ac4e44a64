import { Rng } from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import { lenet5 } from '@receptive/zoo';
import { batch, convolutions } from '../workloads.ts';

/** The model every engine runs: the same weights from the same seed. */
export const model = (): ReturnType<typeof lenet5> =>
  lenet5({ classes: 10, activation: 'relu', pooling: 'max', seed: 1 });

/** The tensor called `name`, the same for every engine. */
export function input(name: string, shape: readonly number[]): Tensor {
  return new Rng(1).fork(name).uniform(shape, -1, 1);
}

/** Images for LeNet-5. */
export const images = (n: number = batch): Tensor => input('images', [n, 1, 32, 32]);

/** The shapes of the convolution that has gradients: input and output, and weights. */
const { channels, filters, size, kernel } = convolutions.conv3x3_64_56;
export const imageShape = [1, channels, size, size] as const;
export const weightShape = [filters, channels, kernel, kernel] as const;

/** How networks are trained: by SGD with momentum on the mean cross-entropy. */
export const training = {
  labels: (n: number, classes: number): number[] => Array.from({ length: n }, (_, i) => i % classes),
  momentum: 0.9,
  /** So small that the weights stay what they are, however often a step is timed. */
  lr: 1e-3,
  /** Enough for a wrong gradient or optimizer to show in the weights, by which engines are compared. */
  visible: { lr: 0.1, steps: 3 },
};

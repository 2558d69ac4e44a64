import type { Sequential } from '@receptive/layers';
import { Rng } from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import { lenet5 } from '@receptive/zoo';
import { batch, convolutions } from '../workloads.ts';

/** The model every engine runs: the same weights from the same seed. */
export const model = (): ReturnType<typeof lenet5> =>
  lenet5({ classes: 10, activation: 'relu', pooling: 'max', seed: 1 });

/**
 * Gives a large network weights as an initialiser would, uniform and as large as He's, and small biases, from a generator that is quick: every process makes them,
 * and VGG-16 has 138 million.
 */
export function weighted(net: Sequential): Sequential {
  let bits = 1;
  const entries = Array.from(net.stateDict(), ([key, { shape }]) => {
    const size = shape.reduce((product, length) => product * length, 1);
    const bound = shape.length > 1 ? Math.sqrt(6 / (size / shape[0]!)) : 0.1;
    const data = new Float32Array(size);
    for (let i = 0; i < size; i++) {
      // Marsaglia's xorshift of 32 bits.
      bits ^= bits << 13;
      bits ^= bits >>> 17;
      bits ^= bits << 5;
      data[i] = (bound * bits) / 2 ** 31;
    }
    return [key, { shape, dtype: 'float32', data }] as const;
  });
  net.loadStateDict(new Map(entries));
  return net;
}

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

import { Rng } from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import { lenet5 } from '@receptive/zoo';
import { batch } from '../workloads.ts';

/** The model every engine runs: the same weights from the same seed. */
export const model = (): ReturnType<typeof lenet5> =>
  lenet5({ classes: 10, activation: 'relu', pooling: 'max', seed: 1 });

/** The tensor called `name`, the same for every engine. */
export function input(name: string, shape: readonly number[]): Tensor {
  return new Rng(1).fork(name).uniform(shape, -1, 1);
}

/** Images for LeNet-5. */
export const images = (n: number = batch): Tensor => input('images', [n, 1, 32, 32]);

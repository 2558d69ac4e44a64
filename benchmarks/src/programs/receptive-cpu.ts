// What somebody writes who only classifies with Receptive.
import { cpu } from '@receptive/backend-cpu';
import { setBackend, tensor } from '@receptive/tensor';
import { lenet5, vgg16 } from '@receptive/zoo';
import type { Open } from './program.ts';

export const open: Open = async ({ network, weight }) => {
  setBackend(await cpu());
  const [net, shape] =
    network === 'lenet5'
      ? ([lenet5({ activation: 'relu' }), [1, 1, 32, 32]] as const)
      : ([vgg16(), [1, 3, 224, 224]] as const);
  for (const [i, key] of [...net.stateDict().keys()].entries())
    net.loadStateDict(new Map([[key, { dtype: 'float32', ...weight(i) }]]), { strict: false });
  return async (image) => (await net.forward(tensor(image, { shape })).data()) as Float32Array;
};

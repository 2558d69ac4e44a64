import { workers } from '@receptive/backend-workers';
import { setBackend } from '@receptive/tensor';
import { crossEntropy } from '@receptive/layers';
import { adam, evaluate, fit } from '@receptive/train';
import { toRange } from '@receptive/data';
import { lenet5 } from '@receptive/zoo';
import { SIDE, names, pictures } from './shapes.js';

/** Trains a network and tries it. Says what comes of it by calling `report` with parts of it, which can be sent from a worker. */
export async function learn(report) {
  const backend = await workers();
  setBackend(backend);
  report({ backend: backend.describe() });

  const settings = { loss: crossEntropy, batchSize: 64, transform: toRange(-1, 1) };
  const model = lenet5({ classes: names.length, activation: 'relu' });
  const epochs = 12;
  const start = performance.now();
  await fit(model, pictures(1024), {
    ...settings,
    optimizer: adam({ lr: 0.003 }),
    epochs,
    callbacks: {
      onProgress({ epoch, step, steps, loss, accuracy, imagesPerSecond }) {
        report({ learning: { done: (epoch - 1 + step / steps) / epochs, loss, accuracy, imagesPerSecond } });
      },
    },
  });
  const seconds = (performance.now() - start) / 1000;

  const fresh = pictures(256);
  const { accuracy, predictions } = await evaluate(model, fresh, settings);
  const tried = Array.from({ length: 32 }, (_, i) => {
    const { image, label } = fresh.get(i);
    return { pixels: image.slice(), side: SIDE, is: names[label], seen: names[predictions[i]] };
  });
  backend.dispose();
  report({ result: { seconds, accuracy, tried } });
}

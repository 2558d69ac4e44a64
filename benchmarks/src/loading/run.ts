// A process in which images are loaded: `run.js WORKLOAD PREPARED FOLDER`. It sends the milliseconds that a batch takes, in an epoch after one that warms up.
import { cpu } from '@receptive/backend-cpu';
import { DataLoader, augment, imageDataset, normalize, randomCrop, randomHorizontalFlip } from '@receptive/data';
import type { Dataset } from '@receptive/data';
import { imageFolder } from '@receptive/data/node';
import { Conv2d, Flatten, Linear, MaxPool2d, ReLU, Sequential, crossEntropy } from '@receptive/layers';
import { Rng, setBackend } from '@receptive/tensor';
import { fit, sgd } from '@receptive/train';
import { batchSize, places } from './loading.ts';
import type { Loading } from './loading.ts';

const [workload, prepared, folder] = process.argv.slice(2) as [Loading['workload'], Loading['prepared'], string];
process.once('disconnect', () => process.exit(1));
setBackend(await cpu());

const { workers } = places[prepared];
const transform = normalize({ mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] });

/** The images of `folder`, brought to `size` pixels and cropped at random to `crop`; at once, or when they are asked for. */
async function dataset(size: number, crop: number): Promise<Dataset> {
  const files = await imageFolder(folder, { size });
  const random = augment(files, new Rng(1), randomCrop(crop), randomHorizontalFlip());
  if (prepared !== 'beforehand') return random;
  const samples = Array.from({ length: random.length }, (_, i) => random.get(i));
  const { shape, classes } = random;
  const labels = samples.map(({ label }) => label);
  return imageDataset(Buffer.concat(samples.map(({ image }) => image)), labels, { shape, classes });
}

const workloads: Readonly<Record<Loading['workload'], () => Promise<number>>> = {
  /** Batches that nobody computes with, as ImageNet's are prepared. */
  async loader_images() {
    const loader = new DataLoader(await dataset(256, 224), { batchSize, shuffle: new Rng(1), transform, workers });
    let ms = 0;
    for (const epoch of [0, 1]) {
      const start = performance.now();
      for await (const batch of loader.prefetched({ epoch })) batch.dispose();
      ms = performance.now() - start;
    }
    return ms / loader.length;
  },

  /** Steps of a small network, which takes about as long for an image as it takes to decode one. */
  async loader_train() {
    const images = await dataset(72, 64);
    const block = (from: number, to: number) => [new Conv2d(from, to, 3, { padding: 1 }), new ReLU(), new MaxPool2d(2)];
    const model = new Sequential([
      ...block(3, 64),
      ...block(64, 128),
      ...block(128, 128),
      new Flatten(),
      new Linear(128 * 8 * 8, images.classes),
    ]).initialize(1);
    const optimizer = sgd({ lr: 0.01, momentum: 0.9 });
    const { history } = await fit(model, images, {
      loss: crossEntropy,
      optimizer,
      epochs: 2,
      batchSize,
      transform,
      workers,
    });
    return (1000 * history.at(-1)!.seconds!) / Math.ceil(images.length / batchSize);
  },
};

const ms = await workloads[workload]();
process.send!(ms, () => process.exit(0));

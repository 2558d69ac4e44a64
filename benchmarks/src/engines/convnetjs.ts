import { cpu } from '@receptive/backend-cpu';
import { withBackend } from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import type { Engine, Prepared } from '../engine.ts';
import { peerVersion, requirePeer } from '../peers.ts';
import { trainings } from './computations.ts';
import type { Training } from './computations.ts';
import { training } from './inputs.ts';

// The peers are installed apart, so their types are not at hand: this is what is used of them.
interface Vol {
  w: Float64Array;
}
interface Layer {
  readonly layer_type: string;
  /** Where it learns: a volume for each filter, or for each unit. */
  readonly filters?: readonly Vol[];
  readonly biases?: Vol;
}
interface Net {
  readonly layers: readonly Layer[];
  makeLayers(layers: readonly object[]): void;
}
interface Library {
  readonly Net: new () => Net;
  readonly Vol: new (width: number, height: number, depth: number, value: number) => Vol;
  readonly Trainer: new (net: Net, options: object) => { train(x: Vol, label: number): unknown };
}

/** LeNet-5 in its layers. A ReLU is a layer of its own, made for the one before it; the last dense layer comes with the softmax. */
const layers = [
  { type: 'input', out_sx: 32, out_sy: 32, out_depth: 1 },
  { type: 'conv', sx: 5, filters: 6, activation: 'relu' },
  { type: 'pool', sx: 2, stride: 2 },
  { type: 'conv', sx: 5, filters: 16, activation: 'relu' },
  { type: 'pool', sx: 2, stride: 2 },
  { type: 'fc', num_neurons: 120, activation: 'relu' },
  { type: 'fc', num_neurons: 84, activation: 'relu' },
  { type: 'softmax', num_classes: 10 },
];

/**
 * For the elements of one of its volumes, which lie with their channels last, where ours of the same filter lie, channels first.
 * The first dense layer sees 16 maps of 5 by 5, which lie in its order too.
 */
function places(channels: number, size: number): Int32Array {
  const from = new Int32Array(channels * size ** 2);
  for (let c = 0; c < channels; c++) for (let i = 0; i < size ** 2; i++) from[i * channels + c] = c * size ** 2 + i;
  return from;
}
const orders = [places(1, 5), places(6, 5), places(16, 5), places(120, 1), places(84, 1)];

/** ConvNetJS, which trains image by image, in float64, and changes weights after each batch. */
export async function start(): Promise<Engine> {
  const library = requirePeer('convnetjs') as Library;
  const numbers = await cpu();
  const prepare = ({ net, images }: Training): Prepared => {
    const weights = net.parameters().map(({ value }) => value.dataSync() as Float32Array);
    const batch = split(library, images);
    const labels = training.labels(batch.length, 10);
    const trainer = (lr: number) => {
      const own = new library.Net();
      own.makeLayers(layers);
      const learning = own.layers.filter(({ filters }) => filters);
      exchange(learning, (i, place, volume, at) => {
        volume[at] = weights[i]![place]!;
      });
      const options = { method: 'sgd', learning_rate: lr, momentum: training.momentum, batch_size: batch.length };
      const made = new library.Trainer(own, options);
      return { learning, step: () => batch.forEach((image, i) => void made.train(image, labels[i]!)) };
    };
    return {
      run: trainer(training.lr).step,
      output: async () => {
        const { learning, step } = trainer(training.visible.lr);
        for (let i = 0; i < training.visible.steps; i++) step();
        const offsets: number[] = [];
        weights.reduce((offset, { length }, i) => (offsets[i] = offset) + length, 0);
        const all = new Float32Array(weights.reduce((sum, { length }) => sum + length, 0));
        exchange(learning, (i, place, volume, at) => {
          all[offsets[i]! + place] = volume[at]!;
        });
        return all;
      },
    };
  };
  return {
    describe: `ConvNetJS ${peerVersion('convnetjs')}, JavaScript`,
    workloads: { lenet5_b64_train: () => withBackend(numbers, () => prepare(trainings['lenet5_b64_train']!())) },
  };
}

/** Goes through all that learns: for each element of a volume, which of our parameters it is, and where in that it lies. */
function exchange(
  learning: readonly Layer[],
  visit: (parameter: number, place: number, volume: Float64Array, at: number) => void,
): void {
  for (const [i, { filters, biases }] of learning.entries()) {
    const order = orders[i]!;
    for (const [f, { w }] of filters!.entries())
      for (let at = 0; at < w.length; at++) visit(2 * i, f * order.length + order[at]!, w, at);
    for (let at = 0; at < biases!.w.length; at++) visit(2 * i + 1, at, biases!.w, at);
  }
}

/** Images with one channel, whose order is the same. */
function split({ Vol: Volume }: Library, images: Tensor): Vol[] {
  const [count, , height, width] = images.shape;
  const data = images.dataSync();
  return Array.from({ length: count! }, (_, i) => {
    const volume = new Volume(width!, height!, 1, 0);
    volume.w.set(data.subarray(i * height! * width!, (i + 1) * height! * width!));
    return volume;
  });
}

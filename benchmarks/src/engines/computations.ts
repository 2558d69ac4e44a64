// What engines compute that take a computation over from Receptive, op by op; Receptive itself runs it as it is.
import type { Sequential } from '@receptive/layers';
import {
  batchNorm,
  conv2d,
  convTranspose2d,
  deformConv2d,
  localResponseNorm,
  matmul,
  maxPool2d,
  square,
} from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import { alexnet, vgg16, zfnet } from '@receptive/zoo';
import { convolutions, inferences, movements, networks } from '../workloads.ts';
import type { Convolution } from '../workloads.ts';
import { images, input, model, weighted } from './inputs.ts';

/** A function of tensors, and what it is given. What else it uses is its weights, which do not change. */
export interface Computation {
  readonly inputs: readonly Tensor[];
  readonly f: (...inputs: readonly Tensor[]) => Tensor;
}

function product(n: number): Computation {
  return { inputs: [input('a', [n, n]), input('b', [n, n])], f: (a, b) => matmul(a, b) };
}

function convolution(row: Convolution): Computation {
  const { kind, channels, filters, size, kernel, stride = 1, padding, groups = 1 } = row;
  const x = input('x', [1, channels, size, size]);
  const options = { stride, padding, groups };
  if (kind === 'transposed') {
    const w = input('w', [channels, filters / groups, kernel, kernel]);
    return { inputs: [x], f: (image) => convTranspose2d(image, w, null, options) };
  }
  const w = input('w', [filters, channels / groups, kernel, kernel]);
  if (kind === 'plain') return { inputs: [x], f: (image) => conv2d(image, w, null, options) };
  const offset = input('offset', [1, 2 * kernel ** 2, size, size]);
  return { inputs: [x, offset], f: (image, offsets) => deformConv2d(image, offsets, w, null, options) };
}

/** For so many channels, what moves more than it computes. */
const moving: Readonly<Record<keyof typeof movements, (channels: number) => Computation['f']>> = {
  batchnorm(channels) {
    const vector = (name: string): Tensor => input(name, [channels]);
    const statistics = { mean: vector('mean'), variance: square(vector('deviation')) };
    const options = { statistics, weight: vector('weight'), bias: vector('bias') };
    return (x) => batchNorm(x, options);
  },
  // With the usual alpha, numbers as small as these would stay almost as they are, whatever was computed.
  lrn: () => (x) => localResponseNorm(x, { alpha: 1 }),
  maxpool: () => (x) => maxPool2d(x, 2),
};

function movement(name: keyof typeof movements): Computation {
  const { shape } = movements[name];
  return { inputs: [input('x', shape)], f: moving[name](shape[1]) };
}

const models: Readonly<Record<keyof typeof networks, () => Sequential>> = {
  lenet5: model,
  alexnet: () => weighted(alexnet()),
  zfnet: () => weighted(zfnet({ wide: true })),
  vgg16: () => weighted(vgg16()),
};

/** The large networks, which are timed at several sizes of batches in one process. */
const made = new Map<string, Sequential>();

function modelOf(network: keyof typeof networks): Sequential {
  const net = made.get(network) ?? models[network]();
  if (network !== 'lenet5') made.set(network, net);
  return net;
}

function inference(name: keyof typeof inferences): Computation {
  const { network, images: count } = inferences[name];
  const net = modelOf(network);
  return { inputs: [input('images', [count, ...networks[network].image])], f: (x) => net.forward(x) };
}

/** A network to be trained on a batch of images, without dropout: what is dropped would differ from engine to engine. */
export interface Training {
  readonly net: Sequential;
  readonly images: Tensor;
  readonly classes: number;
}

/** The trainings, by the names of their workloads. */
export const trainings: Readonly<Record<string, () => Training>> = {
  lenet5_b64_train: () => ({ net: model(), images: images(), classes: 10 }),
  alexnet_b4_train: () => ({
    net: models.alexnet(),
    images: input('images', [4, ...networks.alexnet.image]),
    classes: 1000,
  }),
};

/** Of the workloads that a table names, how to make the computations. */
function each<T extends object>(table: T, make: (name: keyof T) => Computation): Record<string, () => Computation> {
  return Object.fromEntries(Object.keys(table).map((name) => [name, () => make(name as keyof T)]));
}

/** The computations, by the names of their workloads, each made when it is called for, on the backend of then. */
export const computations: Readonly<Record<string, () => Computation>> = {
  matmul_512: () => product(512),
  matmul_1024: () => product(1024),
  ...each(convolutions, (name) => convolution(convolutions[name])),
  ...each(movements, movement),
  ...each(inferences, inference),
};

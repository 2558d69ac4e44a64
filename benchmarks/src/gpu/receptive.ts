import type { GpuOptions } from '@receptive/backend-gpu';
import { Conv2d, Dropout, Flatten, Linear, MaxPool2d, ReLU, Sequential } from '@receptive/layers';
import type { Module } from '@receptive/layers';
import { scope } from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import type { Engine, Prepared } from '../engine.ts';
import { input } from '../engines/inputs.ts';
import { start as receptive } from '../engines/receptive-gpu.ts';
import { pure, square, train } from '../engines/receptive.ts';
import type { Layer, Network } from './networks.ts';
import type { GpuWorkload } from './workloads.ts';

function layer(spec: Layer): Module {
  switch (spec[0]) {
    case 'conv':
      return new Conv2d(spec[1], spec[2], spec[3], { stride: spec[4], padding: spec[5] });
    case 'pool':
      return new MaxPool2d(spec[1], { stride: spec[2] });
    case 'linear':
      return new Linear(spec[1], spec[2]);
    case 'dropout':
      return new Dropout(spec[1]);
    case 'relu':
      return new ReLU();
    default:
      return new Flatten();
  }
}

/** The network with the weights that every engine starts from. */
export const build = ({ layers }: Network): Sequential => new Sequential(layers.map(layer)).initialize(1);

/** A batch for a network. */
export const images = (batch: number, { size }: Network): Tensor => input('images', [batch, 3, size, size]);

function prepare(workload: GpuWorkload): Prepared {
  if (workload.kind === 'matmul') return square(workload.n);
  const { kind, batch, network } = workload;
  const x = images(batch, network);
  if (kind === 'training') {
    const { run, output } = train(() => build(network), x, network.classes);
    // What is dropped differs from library to library.
    return network.layers.some(([name]) => name === 'dropout') ? { run } : { run, output: output! };
  }
  const net = build(network);
  return pure(() => scope(() => net.forward(x)));
}

/** Receptive on a GPU, with the workloads for a real one. */
export async function start(options: GpuOptions, workloads: readonly GpuWorkload[]): Promise<Engine> {
  return {
    ...(await receptive(options)),
    workloads: Object.fromEntries(workloads.map((workload) => [workload.name, () => prepare(workload)])),
  };
}

import { valueAndGrad } from '@receptive/autograd';
import { cpu } from '@receptive/backend-cpu';
import { bestFlavour, compileKernels, instantiateKernels } from '@receptive/kernels';
import { crossEntropy } from '@receptive/layers';
import {
  add,
  conv2d,
  matmul,
  convInputGradient,
  convWeightGradient,
  scope,
  setBackend,
  tensor,
} from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import { sgd } from '@receptive/train';
import type { Engine, Prepared } from '../engine.ts';
import { batch, peakRounds } from '../workloads.ts';
import { images, input, model } from './inputs.ts';

/** A computation whose result is freed. */
function pure(f: () => Tensor): Prepared {
  return {
    run: () => f().dispose(),
    output: async () => (await f().data()) as Float32Array,
  };
}

function square(n: number): Prepared {
  const [a, b] = [input('a', [n, n]), input('b', [n, n])];
  return pure(() => matmul(a, b));
}

const geometry = {
  kernel: [3, 3],
  stride: [1, 1],
  dilation: [1, 1],
  padding: [
    [1, 1],
    [1, 1],
  ],
  groups: 1,
} as const;

const imageShape = [1, 64, 56, 56];
const weightShape = [64, 64, 3, 3];

function inference(n: number): Prepared {
  const [net, x] = [model(), images(n)];
  return pure(() => scope(() => net.forward(x)));
}

function training(): Prepared {
  const [net, x] = [model(), images()];
  const labels = tensor(Int32Array.from({ length: batch }, (_, i) => i % 10));
  const parameters = net.parameters();
  const optimizer = sgd({ lr: 1e-3, momentum: 0.9 }).bind(net.namedParameters());
  return {
    run: () =>
      scope(() => {
        const [, gradients] = valueAndGrad(() => crossEntropy(net.forward(x, { training: true }), labels), parameters);
        optimizer.step(gradients);
      }),
  };
}

/** Multiply-adds in registers, by the same instructions that the kernels use. */
async function peak(): Promise<Prepared> {
  const memory = new WebAssembly.Memory({ initial: 16, maximum: 65536 });
  const { kernels, base } = instantiateKernels(await compileKernels(bestFlavour()), memory);
  const compute = kernels['peak']!;
  return { run: () => compute(base, peakRounds, base + 64) };
}

/** Receptive on one thread. */
export async function start(): Promise<Engine> {
  const backend = await cpu();
  setBackend(backend);
  return {
    describe: backend.describe(),
    workloads: {
      peak,
      add_tiny: () => {
        const [a, b] = [input('a', [4]), input('b', [4])];
        return pure(() => add(a, b));
      },
      matmul_512: () => square(512),
      matmul_1024: () => square(1024),
      conv3x3_64_56: () => {
        const [x, w] = [input('x', imageShape), input('w', weightShape)];
        return pure(() => conv2d(x, w, null, { padding: 1 }));
      },
      conv3x3_64_56_input_gradient: () => {
        const [g, w] = [input('x', imageShape), input('w', weightShape)];
        return pure(() => convInputGradient(g, w, geometry, imageShape));
      },
      conv3x3_64_56_weight_gradient: () => {
        const [x, g] = [input('x', imageShape), input('g', imageShape)];
        return pure(() => convWeightGradient(x, g, geometry, weightShape));
      },
      lenet5_b1: () => inference(1),
      lenet5_b64: () => inference(batch),
      lenet5_b64_train: training,
    },
  };
}

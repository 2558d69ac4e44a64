import { valueAndGrad } from '@receptive/autograd';
import { compile } from '@receptive/graph';
import type { Backend } from '@receptive/backend';
import { crossEntropy } from '@receptive/layers';
import type { ForwardContext, Sequential } from '@receptive/layers';
import { Rng, add, convInputGradient, convWeightGradient, matmul, scope, setBackend, tensor } from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import { sgd } from '@receptive/train';
import type { Engine, Prepared } from '../engine.ts';
import { inferences } from '../workloads.ts';
import { computations, trainings } from './computations.ts';
import type { Computation, Training } from './computations.ts';
import { imageShape, input, training, weightShape } from './inputs.ts';

/** A computation whose result is freed. */
export function pure(f: () => Tensor): Prepared {
  return {
    run: () => f().dispose(),
    output: async () => {
      const result = f();
      const data = (await result.data()) as Float32Array;
      result.dispose();
      return data;
    },
  };
}

/** The product of two `n` by `n` matrices. */
export function square(n: number): Prepared {
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

/** A computation as it is. */
export function eager({ f, inputs }: Computation): Prepared {
  return pure(() => scope(() => f(...inputs)));
}

/** The inference of a network, compiled for its one input. */
function compiled({ f, inputs }: Computation): Prepared {
  const [x] = inputs as readonly [Tensor];
  const network = compile(f, x.shape);
  return pure(() => network.forward(x));
}

function trainer(
  { net, images: x, classes }: Training,
  lr: number,
  context: ForwardContext,
): { readonly step: () => void; readonly weights: () => Tensor[] } {
  const labels = tensor(Int32Array.from(training.labels(x.shape[0]!, classes)));
  const parameters = net.parameters();
  const optimizer = sgd({ lr, momentum: training.momentum }).bind(net.namedParameters());
  return {
    step: () =>
      scope(() => {
        const [, gradients] = valueAndGrad(() => crossEntropy(net.forward(x, context), labels), parameters);
        optimizer.step(gradients);
      }),
    weights: () => parameters.map(({ value }) => value),
  };
}

/** Steps of training on one batch, with dropout if there is some. Their result is the weights after a few of them, of another network that `make` makes. */
export function train(make: () => Sequential, x: Tensor, classes: number): Prepared {
  return trained(() => ({ net: make(), images: x, classes }), { training: true, rng: new Rng(1) });
}

function trained(make: () => Training, context: ForwardContext = {}): Prepared {
  return {
    run: trainer(make(), training.lr, context).step,
    async output() {
      const other = trainer(make(), training.visible.lr, context);
      for (let i = 0; i < training.visible.steps; i++) other.step();
      const weights = await Promise.all(other.weights().map((weight) => weight.data()));
      const all = new Float32Array(weights.reduce((sum, { length: count }) => sum + count, 0));
      let offset = 0;
      for (const weight of weights) {
        all.set(weight, offset);
        offset += weight.length;
      }
      return all;
    },
  };
}

/** Receptive on `backend`. */
export function receptive(backend: Backend): Engine {
  return {
    describe: backend.describe(),
    begin: () => setBackend(backend),
    workloads: {
      add_tiny: () => {
        const [a, b] = [input('a', [4]), input('b', [4])];
        return pure(() => add(a, b));
      },
      conv3x3_64_56_input_gradient: () => {
        const [g, w] = [input('x', imageShape), input('w', weightShape)];
        return pure(() => convInputGradient(g, w, geometry, imageShape));
      },
      conv3x3_64_56_weight_gradient: () => {
        const [x, g] = [input('x', imageShape), input('g', imageShape)];
        return pure(() => convWeightGradient(x, g, geometry, weightShape));
      },
      ...Object.fromEntries(
        Object.entries(computations).map(([name, make]) => [
          name,
          () => (name in inferences ? compiled(make()) : eager(make())),
        ]),
      ),
      ...Object.fromEntries(Object.entries(trainings).map(([name, make]) => [name, () => trained(make)])),
    },
  };
}

import { cpu } from '@receptive/backend-cpu';
import { withBackend } from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import type { Engine, Prepared } from '../engine.ts';
import { computations, trainings } from './computations.ts';
import type { Computation, Training } from './computations.ts';
import { imageShape, input, training, weightShape } from './inputs.ts';
import { record } from './recording.ts';
import { fromHwio, fromNhwc, toHwio, toNhwc, translate } from './tfjs-network.ts';
import type { Tf, TfTensor } from './tfjs-network.ts';

/** Kernels that a backend has to have for what is not in all of them. */
const needs: Readonly<Record<string, string>> = {
  conv3x3_64_56_weight_gradient: 'Conv2DBackpropFilter',
  lenet5_b64_train: 'Conv2DBackpropFilter',
};

/**
 * TensorFlow.js on one of its backends, in its own NHWC layout.
 * @throws Error if the backend does not start.
 */
export async function tfjs(tf: Tf, backend: string, name: string): Promise<Engine> {
  const started = await tf.setBackend(backend).catch(() => false);
  if (!started) throw new Error(`The ${name} backend of TensorFlow.js did not start.`);
  await tf.ready();

  const give = (x: Tensor): TfTensor => {
    const tensor = tf.tensor(x.dataSync(), x.shape);
    return x.shape.length === 4 ? tf.transpose(tensor, toNhwc) : tensor;
  };
  const ours = (y: TfTensor): TfTensor => (y.shape.length === 4 ? tf.transpose(y, fromNhwc) : y);

  const pure = (f: () => TfTensor, layout = ours): Prepared => ({
    run: () => tf.tidy(f).dispose(),
    output: async () => {
      const result = tf.tidy(() => layout(f()));
      const data = await result.data();
      result.dispose();
      return data;
    },
  });

  const prepare = (computation: Computation): Prepared => {
    const { forward } = translate(tf, record(computation), false);
    const inputs = computation.inputs.map(give);
    return pure(() => forward(...inputs));
  };

  const train = ({ net, images, classes }: Training): Prepared => {
    const recording = record({ inputs: [images], f: (x) => net.forward(x) });
    const x = give(images);
    const labels = tf.oneHot(tf.tensor1d(training.labels(images.shape[0]!, classes), 'int32'), classes);
    const trainer = (lr: number) => {
      const { forward, weights } = translate(tf, recording, true);
      const variables = Array.from(weights.values(), ({ tensor }) => tensor);
      const optimizer = tf.train.momentum(lr, training.momentum);
      return {
        step: () =>
          tf.tidy(() => optimizer.minimize(() => tf.losses.softmaxCrossEntropy(labels, forward(x)), false, variables)),
        /** In Receptive's order and layout, one after the other. */
        weights: () => tf.concat(net.parameters().map(({ value }) => tf.reshape(weights.get(value.id)!.back(), [-1]))),
      };
    };
    const [timed, other] = [trainer(training.lr), trainer(training.visible.lr)];
    return {
      run: timed.step,
      output: async () => {
        for (let i = 0; i < training.visible.steps; i++) other.step();
        return tf.tidy(other.weights).data();
      },
    };
  };

  const hwio = (w: Tensor): TfTensor => tf.transpose(tf.tensor(w.dataSync(), w.shape), toHwio);
  const workloads: Record<string, () => Prepared> = {
    add_tiny: () => {
      const [a, b] = [give(input('a', [4])), give(input('b', [4]))];
      return pure(() => tf.add(a, b));
    },
    conv3x3_64_56_input_gradient: () => {
      const [g, w] = [give(input('x', imageShape)), hwio(input('w', weightShape))];
      return pure(() => tf.conv2dTranspose(g, w, [1, 56, 56, 64], 1, 'same'));
    },
    conv3x3_64_56_weight_gradient: () => {
      const [x, dy] = [give(input('x', imageShape)), give(input('g', imageShape))];
      const attributes = { strides: [1, 1], pad: 'same', dataFormat: 'NHWC', filterShape: [3, 3, 64, 64] };
      return pure(
        () => tf.engine().runKernel('Conv2DBackpropFilter', { x, dy }, attributes),
        (y) => tf.transpose(y, fromHwio),
      );
    },
    ...Object.fromEntries(Object.entries(computations).map(([workload, make]) => [workload, () => prepare(make())])),
    ...Object.fromEntries(Object.entries(trainings).map(([workload, make]) => [workload, () => train(make())])),
  };
  const lacks = {
    deformable3x3_64_56: 'it has no such convolution',
    ...Object.fromEntries(
      Object.entries(needs).flatMap(([workload, kernel]) =>
        tf.getKernel(kernel, backend) ? [] : [[workload, `its ${name} backend has no kernel ${kernel}`]],
      ),
    ),
  };
  // Inputs and weights are made on our backend: only their numbers are wanted.
  const numbers = await cpu();
  return {
    describe: `TensorFlow.js ${tf.version_core}, ${name}`,
    begin: () => tf.setBackend(backend),
    workloads: Object.fromEntries(
      Object.entries(workloads).flatMap(([workload, make]) =>
        workload in lacks ? [] : [[workload, () => withBackend(numbers, make)]],
      ),
    ),
    lacks,
  };
}

/** The same on a GPU, which computes after an op has returned. */
export async function tfjsGpu(tf: Tf, backend: 'webgpu' | 'webgl', name: string): Promise<Engine> {
  const engine = await tfjs(tf, backend, name);
  // It would compute what is small without the GPU, and waiting for that is waiting for nothing.
  tf.env().set(`${backend.toUpperCase()}_CPU_FORWARD`, false);
  const one = tf.tensor([1], [1]);
  return {
    ...engine,
    // A device works in order: with a number computed after all else, all else is done.
    finish: async () => {
      const last = tf.add(one, one);
      await last.data();
      last.dispose();
    },
  };
}

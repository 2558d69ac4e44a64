import { reference } from '@receptive/backend/reference';
import { withBackend } from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import type { Engine, Prepared } from '../engine.ts';
import { batch } from '../workloads.ts';
import { images, imageShape, input, model, training, weightShape } from './inputs.ts';

// The peers are installed apart, so their types are not at hand: this is what is used of them.
interface TfTensor {
  readonly shape: number[];
  data(): Promise<Float32Array>;
  dispose(): void;
}
type Padding = number | 'same' | 'valid';
export interface Tf {
  readonly version_core: string;
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  tensor(data: ArrayLike<number>, shape: readonly number[]): TfTensor;
  variable(initial: TfTensor): TfTensor;
  tidy<T>(f: () => T): T;
  add(a: TfTensor, b: TfTensor): TfTensor;
  matMul(a: TfTensor, b: TfTensor, transposeA?: boolean, transposeB?: boolean): TfTensor;
  conv2d(x: TfTensor, filter: TfTensor, strides: number, pad: Padding): TfTensor;
  conv2dTranspose(
    gradient: TfTensor,
    filter: TfTensor,
    shape: readonly number[],
    strides: number,
    pad: Padding,
  ): TfTensor;
  maxPool(x: TfTensor, size: number, strides: number, pad: Padding): TfTensor;
  relu(x: TfTensor): TfTensor;
  reshape(x: TfTensor, shape: readonly number[]): TfTensor;
  transpose(x: TfTensor, axes: readonly number[]): TfTensor;
  concat(xs: readonly TfTensor[]): TfTensor;
  oneHot(labels: TfTensor, depth: number): TfTensor;
  tensor1d(data: readonly number[], dtype: 'int32'): TfTensor;
  readonly losses: { softmaxCrossEntropy(labels: TfTensor, logits: TfTensor): TfTensor };
  readonly train: {
    momentum(
      lr: number,
      momentum: number,
    ): { minimize(f: () => TfTensor, returnCost: false, variables: readonly TfTensor[]): void };
  };
  env(): { set(flag: string, value: boolean): void };
  getKernel(name: string, backend: string): object | undefined;
  engine(): { runKernel(name: string, inputs: object, attributes: object): TfTensor };
}

const toNhwc = [0, 2, 3, 1];
const fromNhwc = [0, 3, 1, 2];
const toHwio = [2, 3, 1, 0];
const fromHwio = [3, 2, 0, 1];

/**
 * TensorFlow.js on one of its backends, in its own NHWC layout.
 * @throws Error if the backend does not start.
 */
export async function tfjs(tf: Tf, backend: string, name: string): Promise<Engine> {
  const started = await tf.setBackend(backend).catch(() => false);
  if (!started) throw new Error(`The ${name} backend of TensorFlow.js did not start.`);
  await tf.ready();

  const give = (x: Tensor): TfTensor => tf.tensor(x.dataSync(), x.shape);
  const nhwc = (x: Tensor): TfTensor => tf.transpose(give(x), toNhwc);
  const hwio = (x: Tensor): TfTensor => tf.transpose(give(x), toHwio);

  const pure = (f: () => TfTensor, layout = (y: TfTensor): TfTensor => y): Prepared => ({
    run: () => tf.tidy(f).dispose(),
    output: async () => {
      const result = tf.tidy(() => layout(f()));
      const data = await result.data();
      result.dispose();
      return data;
    },
  });

  const square = (n: number): Prepared => {
    const [a, b] = [give(input('a', [n, n])), give(input('b', [n, n]))];
    return pure(() => tf.matMul(a, b));
  };

  const lenet5 = () => {
    const [w1, b1, w2, b2, w3, b3, w4, b4, w5, b5] = [...model().stateDict().values()].map(({ value }) =>
      give(value),
    ) as [TfTensor, TfTensor, TfTensor, TfTensor, TfTensor, TfTensor, TfTensor, TfTensor, TfTensor, TfTensor];
    // The first dense layer's columns follow its NCHW input; here they are put in the order of NHWC.
    const dense = tf.reshape(tf.transpose(tf.reshape(w3, [120, 16, 5, 5]), toNhwc), [120, 400]);
    const variables = [tf.transpose(w1, toHwio), b1, tf.transpose(w2, toHwio), b2, dense, b3, w4, b4, w5, b5].map(
      (weight) => tf.variable(weight),
    );
    const [f1, c1, f2, c2, d1, c3, d2, c4, d3, c5] = variables as [
      TfTensor,
      TfTensor,
      TfTensor,
      TfTensor,
      TfTensor,
      TfTensor,
      TfTensor,
      TfTensor,
      TfTensor,
      TfTensor,
    ];
    const stage = (y: TfTensor, f: TfTensor, b: TfTensor): TfTensor =>
      tf.maxPool(tf.relu(tf.add(tf.conv2d(y, f, 1, 'valid'), b)), 2, 2, 'valid');
    const linear = (y: TfTensor, w: TfTensor, b: TfTensor): TfTensor => tf.add(tf.matMul(y, w, false, true), b);
    return {
      variables,
      forward: (x: TfTensor): TfTensor => {
        const features = tf.reshape(stage(stage(x, f1, c1), f2, c2), [-1, 400]);
        return linear(tf.relu(linear(tf.relu(linear(features, d1, c3)), d2, c4)), d3, c5);
      },
      /** The weights in Receptive's layout, one after the other. */
      weights: (): TfTensor =>
        tf.concat(
          [
            tf.transpose(f1, fromHwio),
            c1,
            tf.transpose(f2, fromHwio),
            c2,
            tf.transpose(tf.reshape(d1, [120, 5, 5, 16]), fromNhwc),
            ...variables.slice(5),
          ].map((weight) => tf.reshape(weight, [-1])),
        ),
    };
  };

  const inference = (n: number): Prepared => {
    const [{ forward }, x] = [lenet5(), nhwc(images(n))];
    return pure(() => forward(x));
  };

  const trainer = (lr: number) => {
    const [{ variables, forward, weights }, x] = [lenet5(), nhwc(images())];
    const labels = tf.oneHot(tf.tensor1d(training.labels(batch, 10), 'int32'), 10);
    const optimizer = tf.train.momentum(lr, training.momentum);
    return {
      step: () =>
        tf.tidy(() => optimizer.minimize(() => tf.losses.softmaxCrossEntropy(labels, forward(x)), false, variables)),
      weights,
    };
  };

  const train = (): Prepared => {
    const [{ step }, other] = [trainer(training.lr), trainer(training.visible.lr)];
    return {
      run: step,
      output: async () => {
        for (let i = 0; i < training.visible.steps; i++) other.step();
        return tf.tidy(other.weights).data();
      },
    };
  };

  const gradients = {
    conv3x3_64_56_input_gradient: () => {
      const [g, w] = [nhwc(input('x', imageShape)), hwio(input('w', weightShape))];
      return pure(
        () => tf.conv2dTranspose(g, w, [1, 56, 56, 64], 1, 'same'),
        (y) => tf.transpose(y, fromNhwc),
      );
    },
    conv3x3_64_56_weight_gradient: () => {
      const [x, dy] = [nhwc(input('x', imageShape)), nhwc(input('g', imageShape))];
      const attributes = { strides: [1, 1], pad: 'same', dataFormat: 'NHWC', filterShape: [3, 3, 64, 64] };
      return pure(
        () => tf.engine().runKernel('Conv2DBackpropFilter', { x, dy }, attributes),
        (y) => tf.transpose(y, fromHwio),
      );
    },
    lenet5_b64_train: train,
  };

  const workloads: Record<string, () => Prepared> = {
    add_tiny: () => {
      const [a, b] = [give(input('a', [4])), give(input('b', [4]))];
      return pure(() => tf.add(a, b));
    },
    matmul_512: () => square(512),
    matmul_1024: () => square(1024),
    conv3x3_64_56: () => {
      const [x, w] = [nhwc(input('x', imageShape)), hwio(input('w', weightShape))];
      return pure(
        () => tf.conv2d(x, w, 1, 'same'),
        (y) => tf.transpose(y, fromNhwc),
      );
    },
    lenet5_b1: () => inference(1),
    lenet5_b64: () => inference(batch),
    // Its WebAssembly backend cannot train: it lacks the weights' gradient.
    ...(tf.getKernel('Conv2DBackpropFilter', backend) && gradients),
  };
  // Inputs and weights are made on the reference backend: only their numbers are wanted.
  const numbers = reference();
  return {
    describe: `TensorFlow.js ${tf.version_core}, ${name}`,
    begin: () => tf.setBackend(backend),
    workloads: Object.fromEntries(
      Object.entries(workloads).map(([workload, prepare]) => [workload, () => withBackend(numbers, prepare)]),
    ),
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

import { dirname, join } from 'node:path';
import { setBackend } from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import { reference } from '@receptive/backend/reference';
import type { Engine, Prepared } from '../engine.ts';
import { requirePeer } from '../peers.ts';
import { batch } from '../workloads.ts';
import { images, input, model } from './inputs.ts';

// The peers are installed apart, so their types are not at hand: this is what is used of them.
interface TfTensor {
  readonly shape: number[];
  data(): Promise<Float32Array>;
  dispose(): void;
}
interface Tf {
  readonly version_core: string;
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  tensor(data: Float32Array, shape: readonly number[]): TfTensor;
  tidy<T>(f: () => T): T;
  add(a: TfTensor, b: TfTensor): TfTensor;
  matMul(a: TfTensor, b: TfTensor, transposeA?: boolean, transposeB?: boolean): TfTensor;
  conv2d(x: TfTensor, filter: TfTensor, strides: number, pad: number | 'same' | 'valid'): TfTensor;
  maxPool(x: TfTensor, size: number, strides: number, pad: 'valid'): TfTensor;
  relu(x: TfTensor): TfTensor;
  reshape(x: TfTensor, shape: readonly number[]): TfTensor;
  transpose(x: TfTensor, axes: readonly number[]): TfTensor;
}

/** TensorFlow.js on its WebAssembly backend, one thread, in its own NHWC layout. */
export async function start(): Promise<Engine> {
  const tf = requirePeer('@tensorflow/tfjs-core') as Tf;
  const wasm = requirePeer('@tensorflow/tfjs-backend-wasm') as { setWasmPaths(prefix: string): void };
  wasm.setWasmPaths(join(dirname(requirePeer.resolve('@tensorflow/tfjs-backend-wasm')), '/'));
  if (!(await tf.setBackend('wasm'))) throw new Error('The WebAssembly backend of TensorFlow.js did not start.');
  await tf.ready();
  // Inputs and weights are made on the reference backend: only their numbers are wanted.
  setBackend(reference());

  const give = (x: Tensor): TfTensor => tf.tensor(x.dataSync() as Float32Array, x.shape);
  const nhwc = (x: TfTensor): TfTensor => tf.transpose(x, [0, 2, 3, 1]);
  const hwio = (x: TfTensor): TfTensor => tf.transpose(x, [2, 3, 1, 0]);

  // TensorFlow.js computes when an op is called, so a result need not be read for the work to be done.
  const pure = (f: () => TfTensor, layout = (y: TfTensor): TfTensor => y): Prepared => ({
    run: () => tf.tidy(f).dispose(),
    output: () => tf.tidy(() => layout(f())).data(),
  });

  const square = (n: number): Prepared => {
    const [a, b] = [give(input('a', [n, n])), give(input('b', [n, n]))];
    return pure(() => tf.matMul(a, b));
  };

  const lenet5 = (n: number): Prepared => {
    const state = model().stateDict();
    const [x, ...weights] = [nhwc(give(images(n))), ...[...state.values()].map((variable) => give(variable.value))] as [
      TfTensor,
      ...TfTensor[],
    ];
    const [w1, b1, w2, b2, w3, b3, w4, b4, w5, b5] = weights as [
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
    const [f1, f2] = [hwio(w1), hwio(w2)];
    // The first dense layer's columns follow its NCHW input; here they are put in the order of NHWC.
    const dense = tf.reshape(tf.transpose(tf.reshape(w3, [120, 16, 5, 5]), [0, 2, 3, 1]), [120, 400]);
    const stage = (y: TfTensor, f: TfTensor, b: TfTensor): TfTensor =>
      tf.maxPool(tf.relu(tf.add(tf.conv2d(y, f, 1, 'valid'), b)), 2, 2, 'valid');
    const linear = (y: TfTensor, w: TfTensor, b: TfTensor): TfTensor => tf.add(tf.matMul(y, w, false, true), b);
    return pure(() => {
      const features = tf.reshape(stage(stage(x, f1, b1), f2, b2), [n, 400]);
      return linear(tf.relu(linear(tf.relu(linear(features, dense, b3)), w4, b4)), w5, b5);
    });
  };

  return {
    describe: `TensorFlow.js ${tf.version_core}, WebAssembly`,
    workloads: {
      add_tiny: () => {
        const [a, b] = [give(input('a', [4])), give(input('b', [4]))];
        return pure(() => tf.add(a, b));
      },
      matmul_512: () => square(512),
      matmul_1024: () => square(1024),
      conv3x3_64_56: () => {
        const [x, w] = [nhwc(give(input('x', [1, 64, 56, 56]))), hwio(give(input('w', [64, 64, 3, 3])))];
        return pure(
          () => tf.conv2d(x, w, 1, 'same'),
          (y) => tf.transpose(y, [0, 3, 1, 2]),
        );
      },
      lenet5_b1: () => lenet5(1),
      lenet5_b64: () => lenet5(batch),
    },
  };
}

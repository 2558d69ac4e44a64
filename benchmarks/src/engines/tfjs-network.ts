// A recorded computation in TensorFlow.js's words and its layout: channels last.
import type { Window } from '@receptive/backend';
import { permute, reshape, scope, tensor as tensorOf } from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import { say } from './recording.ts';
import type { Dictionary, Recording, Step, Value } from './recording.ts';

// The peers are installed apart, so their types are not at hand: this is what is used of them.
export interface TfTensor {
  readonly shape: number[];
  data(): Promise<Float32Array>;
  dispose(): void;
}
type Padding = number | 'same' | 'valid';
interface FusedConv {
  readonly x: TfTensor;
  readonly filter: TfTensor;
  readonly strides: number | readonly number[];
  readonly pad: Padding;
  readonly dimRoundingMode: 'floor';
  readonly bias?: TfTensor;
  readonly activation?: 'relu' | 'linear';
}
interface FusedMatMul {
  readonly a: TfTensor;
  readonly b: TfTensor;
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  readonly bias?: TfTensor;
  readonly activation?: 'relu' | 'linear';
}
type Pooling = (
  x: TfTensor,
  size: readonly number[],
  strides: readonly number[],
  pad: Padding,
  rounding: 'floor',
) => TfTensor;
export interface Tf {
  readonly version_core: string;
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  tensor(data: ArrayLike<number>, shape: readonly number[]): TfTensor;
  variable(initial: TfTensor): TfTensor;
  tidy<T>(f: () => T): T;
  add(a: TfTensor, b: TfTensor): TfTensor;
  conv2dTranspose(
    x: TfTensor,
    filter: TfTensor,
    shape: readonly number[],
    strides: number | readonly number[],
    pad: Padding,
  ): TfTensor;
  readonly maxPool: Pooling;
  readonly avgPool: Pooling;
  batchNorm(x: TfTensor, mean: TfTensor, variance: TfTensor, offset: TfTensor, scale: TfTensor, eps: number): TfTensor;
  localResponseNormalization(x: TfTensor, radius: number, bias: number, alpha: number, beta: number): TfTensor;
  relu(x: TfTensor): TfTensor;
  reshape(x: TfTensor, shape: readonly number[]): TfTensor;
  transpose(x: TfTensor, axes: readonly number[]): TfTensor;
  concat(xs: readonly TfTensor[]): TfTensor;
  oneHot(labels: TfTensor, depth: number): TfTensor;
  tensor1d(data: readonly number[], dtype: 'int32'): TfTensor;
  readonly fused: {
    conv2d(options: FusedConv): TfTensor;
    depthwiseConv2d(options: FusedConv): TfTensor;
    matMul(options: FusedMatMul): TfTensor;
  };
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

export const toNhwc = [0, 2, 3, 1];
export const fromNhwc = [0, 3, 1, 2];
export const toHwio = [2, 3, 1, 0];
export const fromHwio = [3, 2, 0, 1];

/** How a weight lies there: the way from ours, which we go, as its own transposition is slow in JavaScript; and the way back. */
interface Layout {
  readonly to: (weight: Tensor) => Tensor;
  readonly back: (weight: TfTensor) => TfTensor;
}

/** A weight as it lies there, with the way back. */
interface Weight {
  readonly tensor: TfTensor;
  readonly back: () => TfTensor;
}

/** A recorded computation on `tf`. */
export interface Network {
  /** Takes and gives tensors in its layout; within a tidy. */
  readonly forward: (...inputs: readonly TfTensor[]) => TfTensor;
  /** The weights, by the ids of ours. */
  readonly weights: ReadonlyMap<number, Weight>;
}

/** A step, ready to be run: takes values by what is known of them, and makes one. */
type Ready = (get: (value: Value) => TfTensor) => TfTensor;

/** It pads all sides alike. */
const padOf = ({ padding }: Pick<Window, 'padding'>): number => padding[0]![0];

/**
 * Translates a recording. A bias and a ReLU after a convolution or a product become part of it, for which the library has kernels. Weights are brought into its
 * layout once; they are variables if they are to be trained.
 * It knows the ops of the benchmarks as these use them; what it computes is compared with what we do.
 * @throws Error if there is an op among them that is not known here.
 */
export function translate(tf: Tf, { inputs, constants, steps, output }: Recording, trained: boolean): Network {
  const weights = new Map<number, Weight>();
  // Images that were put in a row: the weights that meet the row are reordered, as its elements have another order.
  const rows = new Map<number, readonly number[]>();
  const users = new Map<number, Step[]>();
  for (const step of steps) for (const { id } of step.inputs) users.set(id, [...(users.get(id) ?? []), step]);
  const merged = new Set<Step>();

  const asIs: Layout = { to: (weight) => weight, back: (weight) => weight };
  const transposed = (to: readonly number[], back: readonly number[]): Layout => ({
    to: (weight) => permute(weight, to),
    back: (weight) => tf.transpose(weight, back),
  });
  const hwio = transposed(toHwio, fromHwio);

  /** Lays a weight as it is wanted; what is no weight stays. */
  const lay = (value: Value, layout: Layout = asIs): void => {
    const constant = constants.get(value.id);
    if (!constant || weights.has(value.id)) return;
    const { data, shape } = scope(() => {
      const own = layout.to(tensorOf(constant.data, { shape: constant.shape }));
      return { data: own.dataSync(), shape: own.shape };
    });
    const laid = tf.tensor(data, shape);
    const tensor = trained ? tf.variable(laid) : laid;
    weights.set(value.id, { tensor, back: () => layout.back(tensor) });
  };

  /** The step that alone uses what `step` makes, if it is `op`; it is merged into the step. */
  const merge = (step: Step, op: Step['op'], fits: (next: Step) => boolean = () => true): Step | undefined => {
    const [next, ...others] = users.get(step.output.id) ?? [];
    if (!next || next.op !== op || others.length > 0 || !fits(next)) return undefined;
    merged.add(next);
    return next;
  };

  const pool = (
    kernel: Tf['maxPool'],
    { inputs: [x], attributes: { window } }: Step<'maxPool'> | Step<'avgPool'>,
  ): { readonly ready: Ready } => {
    const pad = padOf(window);
    return { ready: (get) => kernel(get(x!), window.kernel, window.stride, pad, 'floor') };
  };

  const dictionary: Dictionary<{ readonly ready: Ready; readonly output?: Value }> = {
    conv(step) {
      const [x, w, bias] = step.inputs;
      const { stride, groups } = step.attributes.geometry;
      const depthwise = groups > 1;
      lay(w!, depthwise ? transposed([2, 3, 0, 1], [2, 3, 0, 1]) : hwio);
      if (bias) lay(bias);
      const relu = merge(step, 'relu');
      const kernel = depthwise ? 'depthwiseConv2d' : 'conv2d';
      const options = {
        strides: stride,
        pad: padOf(step.attributes.geometry),
        dimRoundingMode: 'floor',
        activation: relu ? 'relu' : 'linear',
      } as const;
      return {
        ready: (get) => tf.fused[kernel]({ x: get(x!), filter: get(w!), ...(bias && { bias: get(bias) }), ...options }),
        output: (relu ?? step).output,
      };
    },
    convInputGradient({ inputs: [x, w], attributes: { geometry, inputShape } }) {
      lay(w!, hwio);
      const shape = toNhwc.map((axis) => inputShape[axis]!);
      return { ready: (get) => tf.conv2dTranspose(get(x!), get(w!), shape, geometry.stride, padOf(geometry)) };
    },
    matmul(step) {
      const [a, b] = step.inputs;
      const { transposeA, transposeB } = step.attributes;
      const image = rows.get(a!.id);
      // Its kernel for products is slow where one is transposed: weights are, once, before.
      const turn = transposeB && constants.has(b!.id);
      if (turn) {
        const [units] = b!.shape;
        lay(b!, {
          to: (w) => reshape(permute(reshape(w, [units!, ...(image ?? [-1, 1, 1])]), toHwio), [-1, units!]),
          back(w) {
            const [c, h, width] = image ?? [b!.shape[1]!, 1, 1];
            return tf.reshape(tf.transpose(tf.reshape(w, [h!, width!, c!, units!]), fromHwio), b!.shape);
          },
        });
      }
      const add = merge(step, 'add', ({ inputs: [, bias] }) => constants.get(bias!.id)?.shape.length === 1);
      const bias = add?.inputs[1];
      if (bias) lay(bias);
      const relu = merge(add ?? step, 'relu');
      const options = {
        transposeA,
        transposeB: transposeB && !turn,
        activation: relu ? 'relu' : 'linear',
      } as const;
      return {
        ready: (get) => tf.fused.matMul({ a: get(a!), b: get(b!), ...(bias && { bias: get(bias) }), ...options }),
        output: (relu ?? add ?? step).output,
      };
    },
    add: ({ inputs: [a, b] }) => ({ ready: (get) => tf.add(get(a!), get(b!)) }),
    relu: ({ inputs: [x] }) => ({ ready: (get) => tf.relu(get(x!)) }),
    reshape({ inputs: [x], output: row }) {
      const [, ...image] = x!.shape;
      rows.set(row.id, image);
      return { ready: (get) => tf.reshape(get(x!), row.shape) };
    },
    maxPool: (step) => pool(tf.maxPool, step),
    avgPool: (step) => pool(tf.avgPool, step),
    batchNorm({ inputs: [x, mean, variance, scale, offset], attributes: { eps } }) {
      for (const vector of [mean, variance, scale, offset]) lay(vector!);
      return {
        ready: (get) => tf.batchNorm(get(x!), get(mean!), get(variance!), get(offset!), get(scale!), eps),
      };
    },
    localResponseNorm: ({ inputs: [x], attributes: { size, alpha, beta, k } }) => ({
      ready: (get) => tf.localResponseNormalization(get(x!), (size - 1) / 2, k, alpha, beta),
    }),
  };

  const ready: (readonly [id: number, ready: Ready])[] = [];
  for (const step of steps) {
    if (merged.has(step)) continue;
    const said = say(dictionary, step, 'TensorFlow.js');
    ready.push([(said.output ?? step.output).id, said.ready]);
  }
  return {
    weights,
    forward(...given) {
      const values = new Map(inputs.map(({ id }, i) => [id, given[i]!]));
      const get = ({ id }: Value): TfTensor => values.get(id) ?? weights.get(id)!.tensor;
      for (const [id, compute] of ready) values.set(id, compute(get));
      return values.get(output.id)!;
    },
  };
}

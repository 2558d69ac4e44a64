import { sameShape, sizeOf } from '@receptive/backend';
import { cpu } from '@receptive/backend-cpu';
import { encode } from '@receptive/onnx';
import type { ElementType, TensorValue } from '@receptive/onnx';
import { withBackend } from '@receptive/tensor';
import type { Engine, Prepared } from '../engine.ts';
import { computations } from './computations.ts';
import type { Computation } from './computations.ts';
import { toOnnx } from './onnx.ts';

// The peers are installed apart, so their types are not at hand: this is what is used of them.
interface OrtTensor {
  readonly type: ElementType;
  readonly dims: readonly number[];
  readonly data: TensorValue['data'];
}
type Values = Readonly<Record<string, OrtTensor>>;

/** The library, which is the same for Node and for the web. */
export interface Ort {
  readonly env: {
    readonly versions: { readonly node?: string; readonly web?: string };
    readonly wasm: { numThreads?: number };
  };
  readonly Tensor: new (type: ElementType, data: TensorValue['data'], dims: readonly number[]) => OrtTensor;
  readonly InferenceSession: {
    create(
      model: Uint8Array,
      options: object,
    ): Promise<{ run(feeds: Values, fetches?: Values): Promise<Values>; release(): Promise<void> }>;
  };
}

/** What is not the same for Node and for the web. */
interface Flavour {
  readonly describe: string;
  readonly writes: boolean;
  /** Options that choose what runs the model, and its threads. */
  readonly provider: object;
}

/** How often a computation is done in a row, where it takes what it gives, beside once. */
const CHAIN = 5;

/** The computation, `times` in a row: what it gives is its first input the next time. */
function repeated({ f, inputs }: Computation, times: number): Computation {
  return {
    inputs,
    f: (...[first, ...others]) => {
      let y = first!;
      for (let i = 0; i < times; i++) y = f(y, ...others);
      return y;
    },
  };
}

/**
 * onnxruntime with all its optimisations. Where it `writes` results into tensors that it is given, it is given some, so that nothing is copied. What it does on entering and leaving
 * a graph, such as bringing images into its own layout, is no part of an op within a network: one that takes what it gives is measured in a row of five,
 * less a row of one.
 */
export async function ort({ Tensor, InferenceSession }: Ort, { describe, writes, provider }: Flavour): Promise<Engine> {
  const options = { graphOptimizationLevel: 'all', executionMode: 'sequential', logSeverityLevel: 3, ...provider };
  // Weights and inputs are made on our backend: only their numbers are wanted.
  const numbers = await cpu();

  const open = async (computation: Computation) => {
    const { model, names, output, shape } = withBackend(numbers, () => toOnnx(computation));
    const session = await InferenceSession.create(encode(model), options);
    const feeds = Object.fromEntries(
      computation.inputs.map((x, i) => [names[i]!, new Tensor('float32', x.dataSync() as Float32Array, x.shape)]),
    );
    const run = writes
      ? session.run.bind(session, feeds, { [output]: new Tensor('float32', new Float32Array(sizeOf(shape)), shape) })
      : session.run.bind(session, feeds);
    const compute = async (): Promise<Float32Array> => (await run())[output]!.data as Float32Array;
    return { run: async () => void (await compute()), output: async () => (await compute()).slice(), shape };
  };

  const prepare = async (make: () => Computation): Promise<Prepared> => {
    const computation = withBackend(numbers, make);
    const once = await open(computation);
    if (!sameShape(once.shape, computation.inputs[0]!.shape)) return once;
    const chain = await open(repeated(computation, CHAIN));
    return { run: chain.run, overhead: once.run, times: CHAIN - 1, output: once.output };
  };

  return {
    describe,
    workloads: Object.fromEntries(Object.entries(computations).map(([name, make]) => [name, () => prepare(make)])),
  };
}

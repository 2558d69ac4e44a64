import { cpu } from '@receptive/backend-cpu';
import { sameShape, sizeOf } from '@receptive/backend';
import { encode } from '@receptive/onnx';
import { withBackend } from '@receptive/tensor';
import type { Engine, Prepared } from '../engine.ts';
import { requirePeer } from '../peers.ts';
import { computations } from './computations.ts';
import type { Computation } from './computations.ts';
import { toOnnx } from './onnx.ts';

// The peers are installed apart, so their types are not at hand: this is what is used of them.
interface OrtTensor {
  readonly data: Float32Array;
}
type Values = Readonly<Record<string, OrtTensor>>;
interface Ort {
  readonly env: { readonly versions: { readonly node?: string; readonly common: string } };
  readonly Tensor: new (type: 'float32', data: Float32Array, dims: readonly number[]) => OrtTensor;
  readonly InferenceSession: {
    create(model: Uint8Array, options: object): Promise<{ run(feeds: Values, fetches: Values): Promise<Values> }>;
  };
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
 * onnxruntime for Node, native, on so many threads, with all its optimisations. It writes its results where they are wanted, so that nothing is copied. What it
 * does on entering and leaving a graph, such as bringing images into its own layout, is no part of an op within a network: one that takes what it gives is
 * measured in a row of five, less a row of one.
 */
export async function start(threads: number): Promise<Engine> {
  const { Tensor, InferenceSession, env } = requirePeer('onnxruntime-node') as Ort;
  const options = {
    executionProviders: ['cpu'],
    graphOptimizationLevel: 'all',
    executionMode: 'sequential',
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  };
  // Weights and inputs are made on our backend: only their numbers are wanted.
  const numbers = await cpu();

  const open = async (computation: Computation) => {
    const { model, names, output, shape } = withBackend(numbers, () => toOnnx(computation));
    const session = await InferenceSession.create(encode(model), options);
    const feeds = Object.fromEntries(
      computation.inputs.map((x, i) => [names[i]!, new Tensor('float32', x.dataSync() as Float32Array, x.shape)]),
    );
    const result = new Float32Array(sizeOf(shape));
    const fetches = { [output]: new Tensor('float32', result, shape) };
    const run = async (): Promise<void> => {
      await session.run(feeds, fetches);
    };
    return { run, result, shape };
  };

  const prepare = async (make: () => Computation): Promise<Prepared> => {
    const computation = withBackend(numbers, make);
    const once = await open(computation);
    const output = async (): Promise<Float32Array> => {
      await once.run();
      return once.result.slice();
    };
    if (!sameShape(once.shape, computation.inputs[0]!.shape)) return { run: once.run, output };
    const chain = await open(repeated(computation, CHAIN));
    return { run: chain.run, overhead: once.run, times: CHAIN - 1, output };
  };

  return {
    describe: `onnxruntime-node ${env.versions.node ?? env.versions.common}, native, ${threads === 1 ? 'one thread' : `${threads} threads`}`,
    workloads: Object.fromEntries(Object.entries(computations).map(([name, make]) => [name, () => prepare(make)])),
  };
}

// onnxruntime, as it is installed among the peers: runs a node of ONNX by itself.
import type { DType } from '@receptive/backend';
import { typedArray } from '@receptive/backend';
import type { OnnxInput, OnnxNode, Value } from '@receptive/conformance';
import { encode } from '@receptive/onnx';
import type { Attribute, Model, TensorValue } from '@receptive/onnx';
import { test } from 'vitest';
import type { Ort } from '../src/engines/ort.ts';
import { hasPeer, requirePeer } from '../src/peers.ts';

/** onnxruntime, or why there is none. */
function load(): Ort | string {
  if (!hasPeer('onnxruntime-node'))
    return 'it is not installed. Install it: `npx -y pnpm@12.21.0 install --frozen-lockfile` in benchmarks/peers';
  try {
    return requirePeer('onnxruntime-node') as Ort;
  } catch (error) {
    return `it cannot be loaded on this system: ${(error as Error).message}`;
  }
}
const ort = load();

/** Declares tests that run onnxruntime; where there is none, one that is skipped stands for them. */
export const withOnnxruntime: (declare: () => void) => void =
  typeof ort === 'object' ? (declare) => declare() : () => test('all tests with onnxruntime', ({ skip }) => skip(ort));

/** On one thread, without messages, and without a rewriting of the graph: the kernel of the operator itself is asked. */
const options = {
  executionProviders: ['cpu'],
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  graphOptimizationLevel: 'disabled',
  logSeverityLevel: 4,
};

/** onnxruntime has no kernel for this, or is known to compute something else. */
export class Incomparable extends Error {
  override readonly name = 'Incomparable';
}

/** What onnxruntime computes by a model: its outputs by their names. */
export async function runModel(model: Model, feeds: Readonly<Record<string, TensorValue>>) {
  const { InferenceSession, Tensor } = ort as Ort;
  const tensors = Object.entries(feeds).map(([name, { type, data, shape }]) => [name, new Tensor(type, data, shape)]);
  const session = await InferenceSession.create(encode(model), options);
  try {
    return await session.run(Object.fromEntries(tensors) as Record<string, InstanceType<Ort['Tensor']>>);
  } finally {
    await session.release();
  }
}

/**
 * What onnxruntime makes of a node, in our element type `dtype`.
 * @throws Incomparable where it has no kernel for this.
 */
export async function runNode(node: OnnxNode, inputs: readonly Value[], dtype: DType): Promise<Value> {
  const { model, feeds } = modelOf(node, inputs, dtype);
  try {
    const { data, dims } = (await runModel(model, feeds))['result']!;
    const own = typedArray(dtype, data.length);
    own.set(Array.from(data as ArrayLike<number | bigint>, Number));
    return { shape: [...dims], dtype, data: own };
  } catch (error) {
    // So it says of an operator, or an element type, that it has no kernel for. A kernel's refusal of parameters fails the test: each has its own words.
    const lacking = String(error).includes('Could not find an implementation');
    throw lacking ? new Incomparable(`no kernel of ${node.op}`, { cause: error }) : error;
  }
}

/** A model of one node, and the tensors to give it: the case's inputs are those of the graph, constants are initialisers. */
function modelOf(node: OnnxNode, inputs: readonly Value[], dtype: DType) {
  const feeds: Record<string, TensorValue> = {};
  const initializers: Record<string, TensorValue> = {};
  const names = (node.inputs ?? inputs.map((_, i) => i)).map((input, i) => {
    if (input === null) return '';
    const isConstant = typeof input === 'object' && !('input' in input);
    (isConstant ? initializers : feeds)[`input${i}`] = tensorOf(input, inputs);
    return `input${i}`;
  });
  const attributes = [
    ...attributesOf(node.ints, 'int', 'ints'),
    ...attributesOf(node.floats, 'float', 'floats'),
    ...attributesOf(node.strings, 'string', 'strings'),
  ];
  const model: Model = {
    irVersion: 10,
    opsets: { '': 22 },
    graph: {
      name: node.op,
      inputs: Object.entries(feeds).map(([name, { type, shape }]) => ({ name, type, shape })),
      outputs: [{ name: 'result', type: node.result ?? dtype }],
      initializers,
      nodes: [
        {
          op: node.op,
          inputs: names,
          outputs: ['result'],
          attributes: Object.fromEntries(attributes) as Record<string, Attribute>,
        },
      ],
    },
  };
  return { model, feeds };
}

function tensorOf(input: NonNullable<OnnxInput>, inputs: readonly Value[]): TensorValue {
  if (typeof input === 'number') return plain(inputs[input]!);
  if ('input' in input) return converted(inputs[input.input]!, input.as);
  if ('dtype' in input) return plain(input);
  return { type: 'int64', shape: [input.length], data: BigInt64Array.from(input, BigInt) };
}

function plain({ shape, dtype, data }: Value): TensorValue {
  return { type: dtype, shape, data } as TensorValue;
}

function converted({ shape, data }: Value, type: 'int64' | 'bool'): TensorValue {
  return type === 'bool'
    ? { type, shape, data: Uint8Array.from(data, (it) => Number(it !== 0)) }
    : { type, shape, data: BigInt64Array.from(data, BigInt) };
}

function attributesOf(values: Readonly<Record<string, unknown>> | undefined, one: string, many: string) {
  return Object.entries(values ?? {}).map(([name, value]) => [
    name,
    { type: Array.isArray(value) ? many : one, value },
  ]);
}

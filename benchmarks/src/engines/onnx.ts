// A computation as an ONNX model, made of the ops that it dispatches. It knows the ops of the benchmarks, and no others.
import type { Window } from '@receptive/backend';
import type { Attribute, Model, Node, TensorValue } from '@receptive/onnx';
import type { Computation } from './computations.ts';
import { record, say } from './recording.ts';
import type { Dictionary, Recording, Step, Value } from './recording.ts';

/** An op in ONNX's words. Attributes that are whole numbers, or lists of them, and such that are not. */
interface Words {
  readonly op: string;
  readonly ints?: Readonly<Record<string, number | readonly number[]>>;
  readonly floats?: Readonly<Record<string, number>>;
  /** Which of the op's inputs the node takes, in its order, null where it takes none; those of the op unless told. */
  readonly order?: readonly (number | null)[];
  /** A list of whole numbers that follows the inputs. */
  readonly last?: readonly number[];
}

const window = ({ kernel, stride, dilation, padding }: Window): Readonly<Record<string, readonly number[]>> => ({
  kernel_shape: kernel,
  strides: stride,
  dilations: dilation,
  pads: [0, 1].flatMap((side) => padding.map((pair) => pair[side]!)),
});

const words: Dictionary<Words> = {
  add: () => ({ op: 'Add' }),
  relu: () => ({ op: 'Relu' }),
  tanh: () => ({ op: 'Tanh' }),
  reshape: ({ attributes: { shape } }) => ({ op: 'Reshape', last: shape }),
  // Dense layers are Gemm, which alone reads transposed matrices as they lie.
  matmul: ({ attributes: { transposeA, transposeB } }) =>
    transposeA || transposeB
      ? { op: 'Gemm', ints: { transA: Number(transposeA), transB: Number(transposeB) } }
      : { op: 'MatMul' },
  conv: ({ attributes: { geometry } }) => ({ op: 'Conv', ints: { ...window(geometry), group: geometry.groups } }),
  convInputGradient({ attributes: { geometry, inputShape }, inputs: [x] }) {
    const { kernel, stride, dilation, padding, groups } = geometry;
    const least = kernel.map(
      (length, i) =>
        (x!.shape[i + 2]! - 1) * stride[i]! + dilation[i]! * (length - 1) + 1 - padding[i]![0] - padding[i]![1],
    );
    const extra = least.map((length, i) => inputShape[i + 2]! - length);
    return { op: 'ConvTranspose', ints: { ...window(geometry), group: groups, output_padding: extra } };
  },
  deformConv: ({ attributes: { geometry, offsetGroups }, inputs }) => ({
    op: 'DeformConv',
    ints: { ...window(geometry), group: geometry.groups, offset_group: offsetGroups },
    order: [0, 2, 1, ...(inputs.length > 3 ? [null, 3] : [])],
  }),
  maxPool: ({ attributes: { window: over } }) => ({ op: 'MaxPool', ints: window(over) }),
  avgPool: ({ attributes: { window: over, countPadding } }) => ({
    op: 'AveragePool',
    ints: { ...window(over), count_include_pad: Number(countPadding) },
  }),
  batchNorm: ({ attributes: { eps } }) => ({
    op: 'BatchNormalization',
    floats: { epsilon: eps },
    order: [0, 3, 4, 1, 2],
  }),
  // ONNX divides alpha by the size.
  localResponseNorm: ({ attributes: { size, alpha, beta, k } }) => ({
    op: 'LRN',
    ints: { size },
    floats: { alpha: alpha * size, beta, bias: k },
  }),
};

/** A node for a step. A list of whole numbers that follows the inputs becomes one of the `initializers`. */
function nodeOf(step: Step, initializers: Record<string, TensorValue>): Node {
  const { op, ints = {}, floats = {}, order, last } = say(words, step, 'ONNX');
  const names = step.inputs.map(nameOf);
  const output = nameOf(step.output);
  const inputs = order ? order.map((i) => (i === null ? '' : names[i]!)) : names;
  if (last) {
    inputs.push(`${output}_last`);
    initializers[`${output}_last`] = { type: 'int64', shape: [last.length], data: BigInt64Array.from(last, BigInt) };
  }
  const attributes: [string, Attribute][] = [
    ...Object.entries(ints).map(([name, value]): [string, Attribute] => [
      name,
      typeof value === 'number' ? { type: 'int', value } : { type: 'ints', value },
    ]),
    ...Object.entries(floats).map(([name, value]): [string, Attribute] => [name, { type: 'float', value }]),
  ];
  return { op, inputs, outputs: [output], attributes: Object.fromEntries(attributes) };
}

/** A Gemm adds the bias itself: the one that came last with it, if what is added to it is a bias. */
function withBias(gemm: Node | undefined, { op, inputs, output }: Step, { constants }: Recording): Node | undefined {
  const [product, bias] = inputs;
  if (op !== 'add' || gemm?.op !== 'Gemm' || gemm.inputs.length !== 2) return undefined;
  if (gemm.outputs[0] !== nameOf(product!) || constants.get(bias!.id)?.shape.length !== 1) return undefined;
  return { ...gemm, inputs: [...gemm.inputs, nameOf(bias!)], outputs: [nameOf(output)] };
}

const nameOf = ({ id }: Value): string => `t${id}`;

/** A model, which takes inputs by `names` and gives `output`. */
interface Written {
  readonly model: Model;
  readonly names: readonly string[];
  readonly output: string;
  readonly shape: readonly number[];
}

/**
 * The computation as a model.
 * @throws Error if there is an op among it that is not known here.
 */
export const toOnnx = (computation: Computation): Written => modelOf(record(computation));

/** What was recorded as a model. */
export function modelOf(recording: Recording): Written {
  const initializers: Record<string, TensorValue> = {};
  for (const constant of recording.constants.values()) {
    const { shape, dtype: type, data } = constant;
    initializers[nameOf(constant)] = { type, shape, data } as TensorValue;
  }
  const nodes: Node[] = [];
  for (const step of recording.steps) {
    const gemm = withBias(nodes.at(-1), step, recording);
    if (gemm) nodes.pop();
    nodes.push(gemm ?? nodeOf(step, initializers));
  }
  const described = (value: Value) => ({ name: nameOf(value), type: value.dtype, shape: value.shape });
  const graph = {
    name: 'computation',
    inputs: recording.inputs.map(described),
    outputs: [described(recording.output)],
    initializers,
    nodes,
  };
  return {
    model: { irVersion: 10, opsets: { '': 22 }, graph },
    names: recording.inputs.map(nameOf),
    output: nameOf(recording.output),
    shape: recording.output.shape,
  };
}

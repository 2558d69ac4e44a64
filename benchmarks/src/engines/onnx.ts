// A computation as an ONNX model, made of the ops that it dispatches. It knows the ops of the benchmarks, and no others.
import type { Window } from '@receptive/backend';
import type { Attribute, Graph, Model, Node, TensorValue } from '@receptive/onnx';
import { listen, scope } from '@receptive/tensor';
import type { AttributesOf, Dispatched, OpName, Tensor } from '@receptive/tensor';
import type { Computation } from './computations.ts';

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

const words: { readonly [N in OpName]?: (attributes: AttributesOf<N>, dispatched: Dispatched) => Words } = {
  add: () => ({ op: 'Add' }),
  relu: () => ({ op: 'Relu' }),
  tanh: () => ({ op: 'Tanh' }),
  reshape: ({ shape }) => ({ op: 'Reshape', last: shape }),
  // Dense layers are Gemm, which alone reads transposed matrices as they lie.
  matmul: ({ transposeA, transposeB }) =>
    transposeA || transposeB
      ? { op: 'Gemm', ints: { transA: Number(transposeA), transB: Number(transposeB) } }
      : { op: 'MatMul' },
  conv: ({ geometry }) => ({ op: 'Conv', ints: { ...window(geometry), group: geometry.groups } }),
  convInputGradient({ geometry, inputShape }, { inputs: [x] }) {
    const { kernel, stride, dilation, padding, groups } = geometry;
    const least = kernel.map(
      (length, i) =>
        (x!.shape[i + 2]! - 1) * stride[i]! + dilation[i]! * (length - 1) + 1 - padding[i]![0] - padding[i]![1],
    );
    const extra = least.map((length, i) => inputShape[i + 2]! - length);
    return { op: 'ConvTranspose', ints: { ...window(geometry), group: groups, output_padding: extra } };
  },
  deformConv: ({ geometry, offsetGroups }, { inputs }) => ({
    op: 'DeformConv',
    ints: { ...window(geometry), group: geometry.groups, offset_group: offsetGroups },
    order: [0, 2, 1, ...(inputs.length > 3 ? [null, 3] : [])],
  }),
  maxPool: ({ window: over }) => ({ op: 'MaxPool', ints: window(over) }),
  avgPool: ({ window: over, countPadding }) => ({
    op: 'AveragePool',
    ints: { ...window(over), count_include_pad: Number(countPadding) },
  }),
  batchNorm: ({ eps }) => ({ op: 'BatchNormalization', floats: { epsilon: eps }, order: [0, 3, 4, 1, 2] }),
  // ONNX divides alpha by the size.
  localResponseNorm: ({ size, alpha, beta, k }) => ({
    op: 'LRN',
    ints: { size },
    floats: { alpha: alpha * size, beta, bias: k },
  }),
};

/** Nodes and constants of what has been dispatched so far; values have the names of their tensors. */
class Recorder {
  readonly nodes: Node[] = [];
  readonly initializers: Record<string, TensorValue> = {};
  readonly #made = new Set<string>();

  constructor(inputs: readonly Tensor[]) {
    for (const input of inputs) this.#made.add(nameOf(input));
  }

  readonly listener = (dispatched: Dispatched): void => {
    const { op, inputs, outputs, attributes } = dispatched;
    const word = words[op.name as OpName] as ((attributes: unknown, dispatched: Dispatched) => Words) | undefined;
    if (!word) throw new Error(`The benchmarks do not know how ${op.name} is said in ONNX. Add it to engines/onnx.ts.`);
    const names = inputs.map((input) => this.#value(input));
    const output = nameOf(outputs[0]!);
    this.#made.add(output);
    if (op.name === 'add' && this.#tookBias(names, output)) return;
    const { op: kind, ints = {}, floats = {}, order, last } = word(attributes, dispatched);
    const taken = order ? order.map((i) => (i === null ? '' : names[i]!)) : names;
    if (last) {
      this.initializers[`${output}_last`] = {
        type: 'int64',
        shape: [last.length],
        data: BigInt64Array.from(last, BigInt),
      };
      taken.push(`${output}_last`);
    }
    const all: [string, Attribute][] = [
      ...Object.entries(ints).map(([name, value]): [string, Attribute] => [
        name,
        typeof value === 'number' ? { type: 'int', value } : { type: 'ints', value },
      ]),
      ...Object.entries(floats).map(([name, value]): [string, Attribute] => [name, { type: 'float', value }]),
    ];
    this.nodes.push({ op: kind, inputs: taken, outputs: [output], attributes: Object.fromEntries(all) });
  };

  /** A Gemm adds the bias itself: one that was made last takes it in. */
  #tookBias([product, bias]: readonly string[], output: string): boolean {
    const gemm = this.nodes.at(-1);
    if (gemm?.op !== 'Gemm' || gemm.inputs.length !== 2 || gemm.outputs[0] !== product) return false;
    if (this.initializers[bias!]?.shape.length !== 1) return false;
    this.nodes[this.nodes.length - 1] = { ...gemm, inputs: [...gemm.inputs, bias!], outputs: [output] };
    return true;
  }

  /** The name of a value. What is neither given nor made is a constant: a weight. */
  #value(tensor: Tensor): string {
    const name = nameOf(tensor);
    if (!this.#made.has(name)) {
      this.#made.add(name);
      this.initializers[name] = { type: tensor.dtype, shape: tensor.shape, data: tensor.dataSync() } as TensorValue;
    }
    return name;
  }
}

/** A clone of a tensor is the same value. */
const nameOf = ({ id }: Tensor): string => `t${id}`;

/**
 * The computation as a model, which takes `inputs` by those names and gives `output`. It runs once, and what is dispatched meanwhile becomes nodes.
 * @throws Error if there is an op among it that is not known here.
 */
export function toOnnx({ f, inputs }: Computation): {
  readonly model: Model;
  readonly names: readonly string[];
  readonly output: string;
  readonly shape: readonly number[];
} {
  const recorder = new Recorder(inputs);
  return scope(() => {
    const result = listen(recorder.listener, () => f(...inputs));
    const names = inputs.map(nameOf);
    const output = nameOf(result);
    const graph: Graph = {
      name: 'computation',
      inputs: inputs.map(({ shape, dtype }, i) => ({ name: names[i]!, type: dtype, shape })),
      outputs: [{ name: output, type: result.dtype, shape: result.shape }],
      initializers: recorder.initializers,
      nodes: recorder.nodes,
    };
    return { model: { irVersion: 10, opsets: { '': 22 }, graph }, names, output, shape: result.shape };
  });
}

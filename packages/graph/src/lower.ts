import type { DType, Operand, Shape, Storage } from '@receptive/backend';
import { sizeOf, stridesOf } from '@receptive/backend';
import type { AnyOp, Dispatched, Keeper, Tensor, TensorType, Variable } from '@receptive/tensor';
import { dispatch, listen, scope, variableOf } from '@receptive/tensor';
import type { Graph, Value } from './graph.ts';

/** Memory that the kernels of a schedule read and write. Where it lies is decided later, and may change from run to run. */
export class Memory {
  storage: Storage | undefined;
  /** Names the contents where these stay from run to run. */
  id: number | undefined;
  readonly dtype: DType;
  readonly size: number;

  constructor({ dtype, shape }: TensorType) {
    this.dtype = dtype;
    this.size = sizeOf(shape);
  }

  /** Takes the place and the name of a tensor's contents. */
  bind({ storage, id }: Tensor): void {
    this.storage = storage;
    this.id = id;
  }
}

/** What a kernel reads or writes: memory under a shape. */
class View implements Operand {
  readonly memory: Memory;
  readonly shape: Shape;
  readonly dtype: DType;

  constructor(memory: Memory, { shape, dtype }: TensorType) {
    this.memory = memory;
    this.shape = shape;
    this.dtype = dtype;
  }

  get storage(): Storage {
    return this.memory.storage!;
  }

  get id(): number | undefined {
    return this.memory.id;
  }
}

/** One kernel call. */
export interface Step {
  readonly op: AnyOp;
  readonly attributes: unknown;
  readonly inputs: readonly View[];
  readonly outputs: readonly View[];
}

/** Kernel calls in order: what remains of a graph for one backend. */
export interface Schedule {
  readonly input: Memory;
  readonly output: Memory;
  /** What the steps read that is not theirs: where the values of variables lie. */
  readonly variables: ReadonlyMap<Variable, Memory>;
  /** What follows from variables alone, and the tensors that hold it: to be computed again when one of them changes. */
  readonly prologue: readonly Step[];
  readonly derived: readonly { readonly memory: Memory; readonly tensor: Tensor }[];
  readonly steps: readonly Step[];
}

/**
 * Runs a graph on `input` and writes down the kernels that its ops come to: views vanish, ops without a kernel are the ops they are composed of, and what
 * depends on nothing is computed for good. `keeper` holds what the schedule reads and does not write.
 */
export function lower(graph: Graph, input: Tensor, keeper: Keeper): Schedule {
  const memories = new Map<object, Memory>();
  const origin = new Map<Memory, 'input' | 'steps' | 'prologue' | 'constant'>();
  const variables = new Map<Variable, Memory>();
  const derived: { memory: Memory; tensor: Tensor }[] = [];
  const prologue: Step[] = [];
  const steps: Step[] = [];

  const remember = (tensor: Tensor, from: 'input' | 'steps' | 'prologue' | 'constant'): Memory => {
    const memory = new Memory(tensor);
    memories.set(tensor.shared, memory);
    origin.set(memory, from);
    return memory;
  };
  const read = (tensor: Tensor): View => {
    let memory = memories.get(tensor.shared);
    if (!memory) {
      const variable = variableOf(tensor);
      memory = remember(tensor, variable ? 'prologue' : 'constant');
      memory.bind(tensor);
      if (variable) variables.set(variable, memory);
      else keeper.keep(() => tensor.clone());
    }
    return new View(memory, tensor);
  };
  const note = ({ op, inputs, outputs, attributes }: Dispatched): void => {
    // A view's output is its input's memory.
    if (op.alias) return inputs.forEach(read);
    const views = inputs.map(read);
    const from = views.map(({ memory }) => origin.get(memory));
    const kind = from.some((one) => one === 'input' || one === 'steps')
      ? 'steps'
      : from.includes('prologue')
        ? 'prologue'
        : 'constant';
    const to = outputs.map((output) => {
      const memory = remember(output, kind);
      if (kind === 'steps') return new View(memory, output);
      const tensor = keeper.keep(() => output.clone());
      memory.bind(tensor);
      if (kind === 'prologue') derived.push({ memory, tensor });
      return new View(memory, output);
    });
    const step = { op, attributes, inputs: views, outputs: to };
    if (kind === 'steps') steps.push(step);
    if (kind === 'prologue') prologue.push(step);
  };

  const own = remember(input, 'input');
  return scope(() => {
    // Values that share memory now may part: each is known by memory of its own.
    const standIns = new Map<Tensor | Variable, Tensor>();
    for (const { constant } of graph.nodes.flatMap(({ inputs }) => inputs)) {
      if (!constant || standIns.has(constant)) continue;
      const value = presentOf(constant);
      const standIn = memories.has(value.shared) ? dispatch(copyOp, [value], undefined)[0]! : value;
      standIns.set(constant, standIn);
      const memory = remember(standIn, constant === value ? 'constant' : 'prologue');
      memory.bind(value);
      if (constant === value) keeper.keep(() => value.clone());
      else variables.set(constant as Variable, memory);
    }
    const tensors = new Map<Value, Tensor>([[graph.inputs[0]!, input]]);
    const uses = new Map<Value, number>();
    for (const value of [...graph.nodes.flatMap(({ inputs }) => inputs), ...graph.outputs])
      uses.set(value, (uses.get(value) ?? 0) + 1);
    const tensorOf = (value: Value): Tensor => {
      const { constant } = value;
      if (constant) return standIns.get(constant) ?? presentOf(constant);
      return tensors.get(value)!;
    };
    for (const { op, attributes, inputs, outputs } of graph.nodes) {
      const made = listen<readonly Tensor[]>(note, () => dispatch(op, inputs.map(tensorOf), attributes), 'kernels');
      outputs.forEach((value, i) => tensors.set(value, made[i]!));
      for (const value of [...inputs, ...outputs]) {
        const left = (uses.get(value) ?? 0) - (inputs.includes(value) ? 1 : 0);
        uses.set(value, left);
        if (left <= 0 && tensors.get(value) !== input) tensors.get(value)?.dispose();
      }
    }
    let output = read(tensorOf(graph.outputs[0]!));
    if (origin.get(output.memory) !== 'steps') {
      const copy = new View(new Memory(output), output);
      steps.push({ op: copyOp, attributes: undefined, inputs: [output], outputs: [copy] });
      output = copy;
    }
    return { input: own, output: output.memory, variables, prologue, derived, steps };
  });
}

/** The tensor that a constant is at present. */
function presentOf(constant: Tensor | Variable): Tensor {
  return 'value' in constant ? constant.value : constant;
}

/** Of what shares memory, and where a graph returns its input, or what does not depend on it. */
const copyOp: AnyOp = {
  name: 'copy',
  infer: ([x]) => [x!],
  run: (kernels, [x], [y]) => kernels.copyView(x!, y!, { offset: 0, strides: stridesOf(x!.shape) }),
};

import type { DType, Shape } from '@receptive/backend';
import type { AnyOp, Tensor, Variable } from '@receptive/tensor';

/** A tensor that a graph takes, makes or knows. Two values are the same if they are the same object. */
export interface Value {
  readonly shape: Shape;
  readonly dtype: DType;
  /** What the graph knows from the start: a variable, whose value may change, or a tensor. */
  readonly constant?: Tensor | Variable;
}

/** One op of a graph. */
export interface Node {
  readonly op: AnyOp;
  readonly attributes: unknown;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
}

/** Ops in an order in which they can run. */
export interface Graph {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly nodes: readonly Node[];
}

/** The nodes that read each value. */
export function readersOf(nodes: readonly Node[]): ReadonlyMap<Value, readonly Node[]> {
  const readers = new Map<Value, Node[]>();
  for (const node of nodes) {
    for (const input of new Set(node.inputs)) {
      const list = readers.get(input);
      if (list) list.push(node);
      else readers.set(input, [node]);
    }
  }
  return readers;
}

/** The values that do not depend on the graph's inputs, of those that nodes read or make. */
export function constantsOf({ nodes }: Graph): ReadonlySet<Value> {
  const constants = new Set<Value>();
  const isConstant = (value: Value): boolean => value.constant !== undefined || constants.has(value);
  for (const { inputs, outputs } of nodes) {
    for (const input of inputs) if (isConstant(input)) constants.add(input);
    if (inputs.every(isConstant)) for (const output of outputs) constants.add(output);
  }
  return constants;
}

/** The graph without the nodes that its outputs do not depend on. */
export function pruned(graph: Graph): Graph {
  const needed = new Set(graph.outputs);
  const nodes: Node[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((output) => needed.has(output))) continue;
    for (const input of node.inputs) needed.add(input);
    nodes.unshift(node);
  }
  return { ...graph, nodes };
}

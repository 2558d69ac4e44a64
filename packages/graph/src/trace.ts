import type { Dispatched, Keeper, Tensor, Variable } from '@receptive/tensor';
import { listen, scope, variableOf } from '@receptive/tensor';
import type { Graph, Node, Value } from './graph.ts';

/**
 * Runs `f` on `inputs` and writes down the ops it dispatches. Tensors that `f` neither is given nor makes are the graph's constants: `keeper` holds them, and
 * variables are known as such. What `f` decides by other means than ops, such as reading an element, is decided for good.
 * @throws BackendError if `f` returns a promise.
 */
export function trace(
  f: (...inputs: readonly Tensor[]) => readonly Tensor[],
  inputs: readonly Tensor[],
  keeper: Keeper,
): Graph {
  const values = new Map<number, Value>();
  const variables = new Map<Variable, Value>();
  const nodes: Node[] = [];

  const made = ({ id, shape, dtype }: Tensor): Value => {
    const value: Value = { shape, dtype };
    values.set(id, value);
    return value;
  };
  const read = (tensor: Tensor): Value => {
    const { id, shape, dtype } = tensor;
    const variable = variableOf(tensor);
    // A tensor that was cloned of a variable's value goes by the same id.
    const known = variable ? variables.get(variable) : values.get(id);
    if (known) return known;
    const value: Value = { shape, dtype, constant: variable ?? keeper.keep(() => tensor.clone()) };
    if (variable) variables.set(variable, value);
    else values.set(id, value);
    return value;
  };
  const note = ({ op, inputs: from, outputs: to, attributes }: Dispatched): void => {
    nodes.push({ op, attributes, inputs: from.map(read), outputs: to.map(made) });
  };

  const given = inputs.map(made);
  const outputs = scope(() => listen(note, () => f(...inputs), 'forward').map(read));
  return { inputs: given, outputs, nodes };
}

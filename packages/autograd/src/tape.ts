import { isFloat, sameShape } from '@receptive/backend';
import type { Dispatched, OpName, Tensor } from '@receptive/tensor';
import { Keeper, add, fullLike, listen, reshape, scope, sum } from '@receptive/tensor';
import { rules } from './rules.ts';

/** An op that ran, with handles of the tape's own on what its rule may need. */
interface Node extends Dispatched {
  /** The handles on values that no earlier op had to do with: walking back, none needs them after this one. */
  readonly first: readonly Tensor[];
}

/** Remembers the ops that lead from some tensors to a result, and walks them backwards. Used once. */
export class Tape {
  readonly #nodes: Node[] = [];
  readonly #keeper = new Keeper();
  /** One handle for each value, by its id. */
  readonly #handles = new Map<number, Tensor>();
  /** Ids of the values that depend on what is differentiated for. */
  readonly #tracked: Set<number>;

  constructor(sources: readonly Tensor[]) {
    this.#tracked = new Set(sources.map((source) => source.id));
  }

  /** Runs `f` and remembers its ops. */
  record<T>(f: () => T): T {
    return listen((dispatched) => this.#note(dispatched), f);
  }

  #note({ op, inputs, outputs, attributes }: Dispatched): void {
    const result = outputs[0]!;
    if (
      rules[op.name as OpName] === 'nondifferentiable' ||
      !isFloat(result.dtype) ||
      !inputs.some(({ id }) => this.#tracked.has(id))
    )
      return;
    this.#tracked.add(result.id);
    this.#keeper.keep(() => {
      const first: Tensor[] = [];
      const handle = (tensor: Tensor): Tensor => this.#handles.get(tensor.id) ?? this.#hold(tensor, first);
      this.#nodes.push({ op, inputs: inputs.map(handle), outputs: outputs.map(handle), attributes, first });
    });
  }

  #hold(tensor: Tensor, first: Tensor[]): Tensor {
    const handle = tensor.clone();
    this.#handles.set(tensor.id, handle);
    first.push(handle);
    return handle;
  }

  /** Gradients of `result` with respect to `sources`, weighted by `gradient`; zeros for a source on which it does not depend. */
  backward(result: Tensor, gradient: Tensor, sources: readonly Tensor[]): Tensor[] {
    const wanted = new Set(sources.map((source) => source.id));
    const gradients = new Map<number, Tensor>([[result.id, this.#keeper.keep(() => gradient.clone())]]);
    for (let node = this.#nodes.pop(); node; node = this.#nodes.pop()) {
      const { id } = node.outputs[0]!;
      const g = gradients.get(id);
      if (g) this.#distribute(node, g, gradients);
      for (const handle of node.first) handle.dispose();
      // A value's gradient is complete, and of no more use, once the op that made the value has passed it on.
      if (g && !wanted.has(id)) {
        gradients.delete(id);
        g.dispose();
      }
    }
    return sources.map((source) => gradients.get(source.id)?.clone() ?? fullLike(source, 0));
  }

  #distribute(node: Node, g: Tensor, gradients: Map<number, Tensor>): void {
    scope(() => {
      const thunks = gradientsOf(node, g);
      for (const [i, input] of node.inputs.entries()) {
        const thunk = this.#tracked.has(input.id) ? thunks[i] : null;
        if (thunk) this.#accumulate(gradients, input, thunk());
      }
    });
  }

  #accumulate(gradients: Map<number, Tensor>, input: Tensor, contribution: Tensor): void {
    const fitted = sumTo(contribution, input);
    const before = gradients.get(input.id);
    gradients.set(
      input.id,
      this.#keeper.keep(() => (before ? add(before, fitted) : fitted.clone())),
    );
    before?.dispose();
  }

  /** Lets go of everything that is still held. */
  release(): void {
    this.#nodes.length = 0;
    this.#keeper.release();
  }
}

/** A rule as the tape calls it: all ops pass through one loop, and the table has paired each name with the rule of its inputs and attributes. */
type AnyRule = (
  gradient: Tensor,
  inputs: readonly Tensor[],
  attributes: unknown,
  outputs: readonly Tensor[],
) => readonly ((() => Tensor) | null)[];

function gradientsOf({ op, inputs, outputs, attributes }: Node, g: Tensor): readonly ((() => Tensor) | null)[] {
  if (!(op.name in rules))
    throw new TypeError(`${op.name} has no derivative: it is for inference. Differentiate what it was made of.`);
  const rule = rules[op.name as OpName];
  if (rule !== 'composition') return (rule as unknown as AnyRule)(g, inputs, attributes, outputs);
  const tape = new Tape(inputs);
  try {
    const [result] = tape.record(() => op.compose!(inputs, attributes)) as readonly [Tensor];
    const gradients = tape.backward(result, g, inputs);
    return inputs.map(({ dtype }, i) => (isFloat(dtype) ? () => gradients[i]! : null));
  } finally {
    tape.release();
  }
}

/** Undoes broadcasting: sums over the axes along which `input` was repeated. */
function sumTo(gradient: Tensor, input: Tensor): Tensor {
  if (sameShape(gradient.shape, input.shape)) return gradient;
  const missing = gradient.rank - input.rank;
  const repeated = gradient.shape.flatMap((length, axis) =>
    axis < missing || (input.shape[axis - missing] === 1 && length !== 1) ? [axis] : [],
  );
  const total = sum(gradient, repeated);
  return sameShape(total.shape, input.shape) ? total : reshape(total, input.shape);
}

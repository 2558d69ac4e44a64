import { isFloat, sameShape } from '@receptive/backend';
import type { AnyOp, Dispatched, OpName, Tensor } from '@receptive/tensor';
import { Keeper, add, fullLike, listen, reshape, scope, sum } from '@receptive/tensor';
import { rules } from './rules.ts';

/** An op that ran, with handles of the tape's own on what its rule may need. */
interface Node {
  readonly op: AnyOp;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly attributes: unknown;
}

/** Remembers the ops that lead from some tensors to a result, and walks them backwards. Used once. */
export class Tape {
  readonly #nodes: Node[] = [];
  readonly #keeper = new Keeper();
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
    this.#keeper.keep(() =>
      this.#nodes.push({ op, inputs: inputs.map(handle), outputs: outputs.map(handle), attributes }),
    );
  }

  /** Gradients of `result` with respect to `sources`, weighted by `gradient`; zeros for a source on which it does not depend. */
  backward(result: Tensor, gradient: Tensor, sources: readonly Tensor[]): Tensor[] {
    const wanted = new Set(sources.map((source) => source.id));
    const gradients = new Map<number, Tensor>([[result.id, this.#keeper.keep(() => gradient.clone())]]);
    for (let node = this.#nodes.pop(); node; node = this.#nodes.pop()) {
      const { id } = node.outputs[0]!;
      const g = gradients.get(id);
      if (g) this.#distribute(node, g, gradients);
      for (const tensor of [...node.inputs, ...node.outputs]) tensor.dispose();
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
      node.inputs.forEach((input, i) => {
        const thunk = thunks[i];
        if (!thunk || !this.#tracked.has(input.id)) return;
        this.#keeper.keep(() => scope(() => this.#accumulate(gradients, input, thunk())));
      });
    });
  }

  #accumulate(gradients: Map<number, Tensor>, input: Tensor, contribution: Tensor): Tensor {
    const fitted = sumTo(contribution, input);
    const before = gradients.get(input.id);
    const total = before ? add(before, fitted) : fitted.clone();
    before?.dispose();
    gradients.set(input.id, total);
    return total;
  }

  /** Lets go of everything that is still held. */
  release(): void {
    this.#nodes.length = 0;
    this.#keeper.release();
  }
}

/** A handle of one's own on a tensor. */
function handle(tensor: Tensor): Tensor {
  return tensor.clone();
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
  return reshape(sum(gradient, repeated), input.shape);
}

import type { ActivationName, Backend } from '@receptive/backend';
import type { AttributesOf, Keeper, OpName, Tensor } from '@receptive/tensor';
import { add, mul, ops, reshape, rsqrt, scope, sub, withBackend, zeros } from '@receptive/tensor';
import type { Graph, Node, Value } from './graph.ts';
import { constantsOf, pruned, readersOf } from './graph.ts';
import { trace } from './trace.ts';

// Each rule looks at a node and at the only node that reads what it makes, and puts other nodes in place of the two.

/** The attributes of a node of the op called `name`; undefined for any other node. */
function attributesOf<N extends OpName>(node: Node, name: N): AttributesOf<N> | undefined {
  return node.op === (ops[name] as Node['op']) ? (node.attributes as AttributesOf<N>) : undefined;
}

interface Place {
  readonly isConstant: (value: Value) => boolean;
  readonly backend: Backend;
  readonly keeper: Keeper;
}

type Rule = (node: Node, reader: Node, place: Place) => readonly Node[] | undefined;

/**
 * Nodes that compute `f` of constants. The ops are found by running `f` on zeros of their shapes: the values are those of the time when the nodes run.
 */
function computing(
  f: (...inputs: readonly Tensor[]) => readonly Tensor[],
  inputs: readonly Value[],
  { backend, keeper }: Place,
): Graph {
  return withBackend(backend, () =>
    scope(() => {
      const standIns = inputs.map(({ shape, dtype }) => zeros(shape, { dtype }));
      const graph = trace(f, standIns, keeper);
      const actual = new Map(graph.inputs.map((value, i) => [value, inputs[i]!]));
      const replaced = (value: Value): Value => actual.get(value) ?? value;
      return {
        inputs,
        outputs: graph.outputs.map(replaced),
        nodes: graph.nodes.map((node) => ({ ...node, inputs: node.inputs.map(replaced) })),
      };
    }),
  );
}

/**
 * Batch normalisation of a convolution by given statistics is another convolution: with `s = weight / sqrt(variance + eps)`, of weights `w * s` and of a bias
 * `(b - mean) * s + bias`.
 */
const foldBatchNorm: Rule = (conv, norm, place) => {
  const geometry = attributesOf(conv, 'conv')?.geometry;
  const eps = attributesOf(norm, 'batchNorm')?.eps;
  if (!geometry || eps === undefined || norm.inputs[0] !== conv.outputs[0]) return undefined;
  const [x, weight, bias] = conv.inputs;
  const known = [weight!, ...norm.inputs.slice(1), ...(bias ? [bias] : [])];
  if (!known.every(place.isConstant)) return undefined;
  const isAffine = norm.inputs.length > 3;
  const folded = computing(
    (w, mean, variance, ...rest) => {
      const [gamma, beta] = isAffine ? rest : [];
      const b = rest[isAffine ? 2 : 0];
      const scale = rsqrt(add(variance, eps));
      const s = gamma ? mul(gamma, scale) : scale;
      const shift = mul(b ? sub(b, mean) : mul(mean, -1), s);
      return [mul(w, reshape(s, [-1, ...w.shape.slice(1).map(() => 1)])), beta ? add(shift, beta) : shift];
    },
    known,
    place,
  );
  return [
    ...folded.nodes,
    { op: ops.conv, attributes: conv.attributes, inputs: [x!, ...folded.outputs], outputs: norm.outputs },
  ];
};

const activations: ReadonlySet<string> = new Set<ActivationName>(['relu', 'tanh', 'sigmoid']);

/** A convolution and its activation are one op, where the backend has a kernel for it. */
const fuseActivation: Rule = (conv, activation, { backend }) => {
  const attributes = attributesOf(conv, 'conv');
  if (!attributes || !activations.has(activation.op.name) || !backend.kernels.convActivation) return undefined;
  return [
    {
      op: ops.convActivation,
      attributes: { ...attributes, activation: activation.op.name as ActivationName },
      inputs: conv.inputs,
      outputs: activation.outputs,
    },
  ];
};

/** In this order: a normalisation stands between a convolution and its activation. */
const rules: readonly Rule[] = [foldBatchNorm, fuseActivation];

/** The same computation in fewer passes. */
export function fuse(graph: Graph, backend: Backend, keeper: Keeper): Graph {
  return withoutPlaces(rules.reduce((current, rule) => apply(rule, pruned(current), backend, keeper), pruned(graph)));
}

/** Max pooling tells where the maxima lie, because its gradient has to know: here only somebody who asked for it does. */
function withoutPlaces(graph: Graph): Graph {
  const readers = readersOf(graph.nodes);
  const isRead = (value: Value): boolean => readers.has(value) || graph.outputs.includes(value);
  return {
    ...graph,
    nodes: graph.nodes.map((node) => {
      const attributes = attributesOf(node, 'maxPool');
      const [y, indices] = node.outputs;
      if (!attributes || isRead(indices!)) return node;
      return { op: ops.maxPoolValues, attributes, inputs: node.inputs, outputs: [y!] };
    }),
  };
}

function apply(rule: Rule, graph: Graph, backend: Backend, keeper: Keeper): Graph {
  const constants = constantsOf(graph);
  const isConstant = (value: Value): boolean => constants.has(value);
  const readers = readersOf(graph.nodes);
  // What replaces two nodes stands where the second was, when all that either reads is there.
  const replaced = new Map<Node, readonly Node[]>();
  for (const node of graph.nodes) {
    const [reader, another] = node.outputs.flatMap((output) => readers.get(output) ?? []);
    if (!reader || another || node.outputs.some((output) => graph.outputs.includes(output))) continue;
    const nodes = rule(node, reader, { isConstant, backend, keeper });
    if (nodes) replaced.set(node, []).set(reader, nodes);
  }
  return { ...graph, nodes: graph.nodes.flatMap((node) => replaced.get(node) ?? [node]) };
}

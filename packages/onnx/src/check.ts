import { OnnxError } from './error.ts';
import type { Graph, Model, Node } from './model.ts';

/** Throws where the standard's rules for a model, its graph and the names in it are broken: https://onnx.ai/onnx/repo-docs/IR.html */
export function checkModel({ irVersion, opsets, graph }: Model): void {
  const versions = { irVersion, ...opsets };
  for (const [name, version] of Object.entries(versions)) {
    if (!Number.isSafeInteger(version) || version < 1)
      throw new OnnxError(`The version of ${quote(name)} is ${version}, but versions are whole numbers from 1.`);
  }
  if (!graph.name) throw new OnnxError('The graph has no name. Give it one: it names the model in messages.');
  for (const node of graph.nodes) {
    if (!node.op) throw new OnnxError(`${describe(node)} names no operator.`);
    const domain = node.domain ?? '';
    if (!Object.hasOwn(opsets, domain)) {
      throw new OnnxError(
        `${describe(node)} is of the operator set ${quote(domain)}, which the model does not import. Add its version to opsets.`,
      );
    }
  }
  checkNames(graph);
}

/** Every value is named, made once, and made before it is used. */
function checkNames({ inputs, initializers, nodes, outputs }: Graph): void {
  const known = new Set<string>();
  const make = (name: string, what: string): void => {
    if (!name) throw new OnnxError(`${what} has no name.`);
    if (known.has(name))
      throw new OnnxError(`${what} is called ${quote(name)}, as is a value before it. Names are unique.`);
    known.add(name);
  };
  inputs.forEach(({ name }, i) => make(name, `Input ${i} of the graph`));
  // An initialiser that is also an input is that input's default.
  const isInput = new Set(known);
  for (const name of Object.keys(initializers)) if (!isInput.has(name)) make(name, 'An initializer');
  for (const node of nodes) {
    const unknown = node.inputs.find((name) => name && !known.has(name));
    if (unknown !== undefined) {
      throw new OnnxError(
        `${describe(node)} takes ${quote(unknown)}, which no input, initializer or node before it makes. Nodes follow what they depend on.`,
      );
    }
    if (!node.outputs.some(Boolean)) throw new OnnxError(`${describe(node)} makes nothing: it has no named output.`);
    node.outputs.forEach((name, i) => name && make(name, `Output ${i} of ${describe(node)}`));
  }
  if (outputs.length === 0) throw new OnnxError('The graph has no outputs.');
  const unknown = outputs.find(({ name }) => !known.has(name));
  if (unknown) throw new OnnxError(`The graph's output ${quote(unknown.name)} is made by nothing in it.`);
  if (new Set(outputs.map(({ name }) => name)).size < outputs.length)
    throw new OnnxError("Two of the graph's outputs are the same value. Put an Identity between.");
}

function describe({ op, name, outputs }: Node): string {
  return `Node ${quote(name ?? outputs.find(Boolean) ?? '')} (${op || 'no operator'})`;
}

/** A name as messages show it. */
export function quote(name: string): string {
  return JSON.stringify(name.length > 60 ? `${name.slice(0, 60)}...` : name);
}

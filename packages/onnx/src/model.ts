import type { Shape } from '@receptive/backend';

/** The elements of a tensor, row by row, by their type. Those of `bool` are 0 and 1. */
export interface Elements {
  readonly float32: Float32Array;
  readonly float64: Float64Array;
  readonly int32: Int32Array;
  readonly int64: BigInt64Array;
  readonly uint8: Uint8Array;
  readonly bool: Uint8Array;
  readonly string: readonly string[];
}

/** The name of an element type. */
export type ElementType = keyof Elements;

/** The contents of a tensor. */
export type TensorValue = {
  [T in ElementType]: { readonly type: T; readonly shape: Shape; readonly data: Elements[T] };
}[ElementType];

/** What an attribute may hold. */
export interface AttributeValues {
  readonly int: number;
  readonly float: number;
  readonly string: string;
  readonly tensor: TensorValue;
  readonly ints: readonly number[];
  readonly floats: readonly number[];
  readonly strings: readonly string[];
}

/** A parameter of a node, known before the graph is run. */
export type Attribute = {
  [T in keyof AttributeValues]: { readonly type: T; readonly value: AttributeValues[T] };
}[keyof AttributeValues];

/** One call of an operator. */
export interface Node {
  /** The operator: `Conv`. */
  readonly op: string;
  /** The operator set it is from; that of ONNX itself is `''`, which it is unless told. */
  readonly domain?: string;
  /** Names the node where an engine complains of it. */
  readonly name?: string;
  /** Names of values; `''` for an optional input that is left out. */
  readonly inputs: readonly string[];
  /** Names that the results get; `''` for an optional output that is not wanted. */
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

/** What is known of a value before the graph is run. */
export interface ValueInfo {
  readonly name: string;
  readonly type: ElementType;
  /** Lengths; the name of a length that is not fixed (`'batch'`); `null` for one without a name. Left out where not even the rank is known. */
  readonly shape?: readonly (number | string | null)[];
}

/** A computation: nodes that follow what they depend on, and values known by their names, each made once. */
export interface Graph {
  readonly name: string;
  readonly nodes: readonly Node[];
  /** Constants, weights above all, by their names. One that is also an input is that input's default. */
  readonly initializers: Readonly<Record<string, TensorValue>>;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
}

/** What an ONNX file holds. */
export interface Model {
  /** The version of the file format: 10 goes with operator sets 21 and 22. */
  readonly irVersion: number;
  /** Versions of the operator sets that the nodes are from, by their domains: `{ '': 22 }`. */
  readonly opsets: Readonly<Record<string, number>>;
  /** The program that made the model. */
  readonly producer?: { readonly name: string; readonly version?: string };
  readonly graph: Graph;
}

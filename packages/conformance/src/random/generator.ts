import type { Tensor } from '@receptive/tensor';
import type { Input } from '../case.ts';
import type { Value } from '../run.ts';
import type { Tolerance } from '../tolerance.ts';
import type { Draw } from './draw.ts';

/**
 * An input of a node: one of the case's inputs by its number, which goes in with its own element type or another; a constant; whole numbers, which are a vector of
 * int64, as ONNX takes axes, pads and sizes; or `null` for an optional input that is left out.
 */
export type OnnxInput =
  | number
  | { readonly input: number; readonly as: 'int64' | 'bool' }
  | Value
  | readonly number[]
  | null;

/** The same computation as a node of an ONNX graph, for a comparison with an engine of other hands. */
export interface OnnxNode {
  /** The operator, of the default domain in operator set 22: `Conv`. */
  readonly op: string;
  /** The node's inputs: the case's inputs in their order, unless told. */
  readonly inputs?: readonly OnnxInput[];
  readonly ints?: Readonly<Record<string, number | readonly number[]>>;
  readonly floats?: Readonly<Record<string, number | readonly number[]>>;
  readonly strings?: Readonly<Record<string, string>>;
  /** The element type of the node's result, where it is not that of the function's. */
  readonly result?: 'int64' | 'bool';
}

/** One call of a function, with parameters drawn over all that it takes. */
export interface RandomCase {
  /** What was drawn, to be read where the case fails. */
  readonly description: string;
  readonly inputs: readonly Input[];
  /** Calls the function as a user does. */
  readonly f: (...inputs: Tensor[]) => Tensor;
  /** How near the reference the result must come, where that is not the function's tolerance. */
  readonly tolerance?: Tolerance;
  /** Left out where ONNX has no such operator, or not with these parameters. */
  readonly onnx?: OnnxNode;
}

/** How random cases of one function are made. */
export interface Generator {
  /** How near the reference its results must come, as for the cases of an op, unless a call has a tolerance of its own. */
  readonly tolerance: Tolerance;
  /** Why there is no derivative to test, where there is none. */
  readonly nondifferentiable?: string;
  /** Draws a case: small, for every element of it is moved when gradients are checked; and at least ten steps of 1e-5 away from kinks. */
  draw(draw: Draw): RandomCase;
}

/** Generators by the names of the functions. */
export type Generators = Readonly<Record<string, Generator>>;

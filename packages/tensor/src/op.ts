import type { Backend, DType, Kernels, Operand, OptionalKernels, Shape } from '@receptive/backend';
import type { Tensor } from './tensor.ts';

/** What is known of a tensor without its elements. */
export interface TensorType {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** A list with as many entries, named and optional alike, as the list of names `L`. */
export type Each<L extends readonly unknown[], T> = { readonly [K in keyof L]: T };

/**
 * An operation, declared once. It has a kernel call (`run`), a default composition of other ops (`compose`), or both: then the kernel is optional, and
 * backends without it run the composition.
 *
 * `A` is the type of its attributes; `I` and `O` list its inputs and outputs, by labelled tuples such as `[x: 0, weight: 0, bias?: 0]`.
 */
export interface Op<
  A,
  I extends readonly unknown[] = readonly unknown[],
  O extends readonly unknown[] = readonly unknown[],
> {
  readonly name: string;
  /**
   * Types of the outputs, the differentiable one first, auxiliary ones (such as indices) after it. All errors a caller can make are raised here, naming
   * what was given, what was expected and the remedy. Left out only where the composition decides.
   */
  infer?(inputs: Each<I, TensorType>, attributes: A): Each<O, TensorType>;
  /** The optional kernel that `run` calls. */
  readonly fused?: keyof OptionalKernels;
  run?(kernels: Required<Kernels>, inputs: Each<I, Operand>, outputs: Each<O, Operand>, attributes: A): void;
  compose?(inputs: Each<I, Tensor>, attributes: A): Each<O, Tensor>;
  /** Each element of the output follows from the inputs' at its own place alone (after broadcasting). What elements see of a model's input passes through. */
  readonly pointwise?: true;
  /**
   * The op stands for its composition, and only says how that is differentiated. The composition ends in values of its own. Attributes are functions that may
   * close over tensors: the op cannot run again elsewhere, but what it is composed of can.
   */
  readonly transparent?: true;
  /** The output is the input's memory under another shape; nothing runs. */
  readonly alias?: true;
  /** Number of the input whose memory each output may take over, where the caller gives it up. */
  readonly donors?: readonly number[];
}

/** An op of any attributes, inputs and outputs. Whoever reads them knows the op by its name. */
export type AnyOp = Op<unknown>;

/** Whether `backend` runs `op` by a kernel of its own. */
export function hasKernel(op: AnyOp, backend: Backend): boolean {
  return op.run !== undefined && (op.fused === undefined || backend.kernels[op.fused] !== undefined);
}

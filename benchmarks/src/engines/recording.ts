// What a computation dispatches, for engines that take it over: op by op, in their own words.
import type { DType } from '@receptive/backend';
import { listen, scope } from '@receptive/tensor';
import type { AttributesOf, OpName, Tensor } from '@receptive/tensor';
import type { Computation } from './computations.ts';

/** What is given, made on the way, or a weight. */
export interface Value {
  readonly id: number;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** A value that is neither given nor made: a weight. */
interface Constant extends Value {
  readonly data: ReturnType<Tensor['dataSync']>;
}

/** An op that makes `output`, the first of its outputs: networks at inference use no other. */
export interface Step<N extends OpName = OpName> {
  readonly op: N;
  readonly inputs: readonly Value[];
  readonly output: Value;
  readonly attributes: AttributesOf<N>;
}

/** A computation as data. */
export interface Recording {
  readonly inputs: readonly Value[];
  readonly constants: ReadonlyMap<number, Constant>;
  readonly steps: readonly Step[];
  readonly output: Value;
}

/** How an engine says the ops that it knows; `Said` is a function of a step. */
export type Dictionary<Said> = {
  readonly [N in OpName]?: (step: Step<N>) => Said;
};

/** Runs the computation once, on the backend of its inputs, and notes what is dispatched meanwhile. */
export function record({ f, inputs }: Computation): Recording {
  const constants = new Map<number, Constant>();
  const steps: Step[] = [];
  const made = new Set(inputs.map(({ id }) => id));
  // A clone of a tensor is the same value.
  const value = ({ id, shape, dtype }: Tensor): Value => ({ id, shape, dtype });
  return scope(() => {
    const result = listen(
      ({ op, inputs: taken, outputs, attributes }) => {
        for (const tensor of taken) {
          if (made.has(tensor.id) || constants.has(tensor.id)) continue;
          constants.set(tensor.id, { ...value(tensor), data: tensor.dataSync() });
        }
        const output = value(outputs[0]!);
        made.add(output.id);
        steps.push({ op: op.name, inputs: taken.map(value), output, attributes } as Step);
      },
      () => f(...inputs),
    );
    return { inputs: inputs.map(value), constants, steps, output: value(result) };
  });
}

/**
 * What a step is in an engine's words.
 * @throws Error naming the op, if the dictionary has no entry for it.
 */
export function say<Said>(dictionary: Dictionary<Said>, step: Step, language: string): Said {
  const entry = dictionary[step.op] as ((step: Step) => Said) | undefined;
  if (!entry) throw new Error(`The benchmarks do not know how ${step.op} is said in ${language}.`);
  return entry(step);
}

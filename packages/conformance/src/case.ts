import type { DType, Shape } from '@receptive/backend';
import { isFloat, sizeOf, typedArray } from '@receptive/backend';
import type { AttributesOf, Each, InputsOf, OpName } from '@receptive/tensor';
import { Rng } from '@receptive/tensor';
import type { Value } from './run.ts';
import type { Tolerance } from './tolerance.ts';

/** One input of a case: a shape, and how its elements are made. */
export interface Input {
  readonly shape: Shape;
  /** `'any'` is the element type in which the case is run. */
  readonly dtype: DType | 'any';
  /** Element number `i`, of `unit` uniform in [0, 1). */
  readonly element: (unit: number, i: number, dtype: DType) => number;
}

/** One call of an op, run in each of `dtypes` (the floats, unless told) that the backend has. */
export interface Case<N extends OpName> {
  readonly name: string;
  readonly inputs: Each<InputsOf<N>, Input>;
  readonly attributes: AttributesOf<N>;
  readonly dtypes?: readonly DType[];
  /** How near the reference the result must come, where that is not the op's tolerance. */
  readonly tolerance?: Tolerance;
}

/** The cases of an op, and how near the reference its results must come unless a case has a tolerance of its own. */
export interface OpCases<N extends OpName> {
  readonly tolerance: Tolerance;
  readonly cases: readonly Case<N>[];
}

/** Element types with which an op for all of them is tried. */
export const allDTypes: readonly DType[] = ['float32', 'float64', 'int32', 'uint8'];

/** Numbers of either sign in [-2, 2), or small whole numbers in integer types. */
export function numbers(shape: Shape): Input {
  return {
    shape,
    dtype: 'any',
    element: (unit, _, dtype) => {
      if (isFloat(dtype)) return 4 * unit - 2;
      return dtype === 'uint8' ? Math.floor(10 * unit) : Math.floor(19 * unit) - 9;
    },
  };
}

/** Numbers in `[low, high)`. */
export function uniform(shape: Shape, low: number, high: number): Input {
  return { shape, dtype: 'any', element: (unit) => low + (high - low) * unit };
}

/** Whole numbers from `low` up to, not including, `high`. */
export function whole(shape: Shape, low: number, high: number, dtype: DType | 'any' = 'any'): Input {
  return { shape, dtype, element: (unit) => low + Math.floor((high - low) * unit) };
}

/** The elements themselves, row by row: a vector, unless told. */
export function given(values: readonly number[], shape: Shape = [values.length], dtype: DType | 'any' = 'any'): Input {
  return { shape, dtype, element: (_, i) => values[i]! };
}

/** The inputs' elements, which depend on `seed` and the element type alone. */
export function makeInputs(inputs: readonly Input[], dtype: DType, seed: string): Value[] {
  return inputs.map((input, number) => {
    const own = input.dtype === 'any' ? dtype : input.dtype;
    const data = typedArray(own, sizeOf(input.shape));
    const bits = new Rng(0).fork(`${seed}/${number}`).bits(data.length);
    for (let i = 0; i < data.length; i++) data[i] = input.element(bits[i]! / 2 ** 32, i, own);
    return { shape: input.shape, dtype: own, data };
  });
}

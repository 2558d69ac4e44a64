import type { DType } from '@receptive/backend';
import { isFloat, typedArray } from '@receptive/backend';
import type { Value } from './run.ts';

/**
 * How near the reference a result must come: `|got - reference| <= c * eps * scale`, with eps the distance from 1 to the next number of the type
 * (2^-23 in float32). The scale, for each element, is
 * - `result`: the reference's magnitude;
 * - `products`: the sum of the magnitudes of all products that were added up for it: the op, computed from the inputs' magnitudes;
 * - `inputs`: 1 and the magnitudes of the inputs at its place and of the result;
 * - `largest`: 1 and the largest finite magnitude in the reference's result.
 *
 * Results that are moved or chosen, not computed, have c = 0: they are equal. So are integers, whatever the family.
 */
export interface Tolerance {
  readonly c: number;
  readonly scale: 'result' | 'products' | 'inputs' | 'largest';
}

/** Elements are moved, compared, chosen or rounded to whole numbers. */
export const exact: Tolerance = { c: 0, scale: 'result' };
/** One arithmetic operation; IEEE 754 rounds within half an eps, but some devices divide less exactly. */
export const arithmetic: Tolerance = { c: 3, scale: 'result' };
/** A function that is computed by an approximation. */
export const approximation: Tolerance = { c: 16, scale: 'result' };
/** A function that loses relative, not absolute, accuracy where it crosses zero; and formulas of a few steps. */
export const formula: Tolerance = { c: 16, scale: 'inputs' };
/** Sums of products, in any order and blocking. */
export const sums: Tolerance = { c: 16, scale: 'products' };
/** Convolutions: by Winograd's minimal filtering a result is cut out of the sums of a whole tile, which at an edge are of more products than its own. */
export const convolutions: Tolerance = { c: 64, scale: 'products' };

/** That of an op's gradients: of sums again those of sums, otherwise those of a formula of a few steps, in which elements may come together. */
export function gradientTolerance(tolerance: Tolerance): Tolerance {
  return tolerance.scale === 'products' ? tolerance : { c: 64, scale: 'largest' };
}

/** The scale of each element of each result; `remake` computes the results from the inputs' magnitudes. */
export async function scalesOf(
  { scale }: Tolerance,
  inputs: readonly Value[],
  results: readonly Value[],
  remake: () => Promise<readonly Value[]>,
): Promise<readonly ArrayLike<number>[]> {
  if (scale === 'products') return (await remake()).map(({ data }) => data);
  return results.map(({ data }) => {
    const sizes = Float64Array.from(data, Math.abs);
    if (scale === 'result') return sizes;
    if (scale === 'largest') return sizes.fill(1 + sizes.filter(Number.isFinite).reduce((a, b) => Math.max(a, b), 0));
    const alike = inputs.filter((input) => input.data.length === data.length);
    return sizes.map((size, i) => alike.reduce((total, input) => total + Math.abs(input.data[i]!), 1 + size));
  });
}

const epsilons = { float32: 2 ** -23, float64: 2 ** -52 };
/** Results below the least normal number may be flushed to zero. */
const leastNormal = { float32: 2 ** -126, float64: 2 ** -1022 };

/**
 * Throws, naming the worst element, if `got` is not as near to `want` as `c * eps * scale[i]` asks. NaN and infinities must be met, judged in got's type.
 */
export function expectNear(got: Value, want: Value, scale: ArrayLike<number>, c: number): void {
  expectSameType(got, want.shape, got.dtype);
  const rounded = typedArray(got.dtype, want.data.length);
  rounded.set(want.data);
  let worst = { excess: 1, i: -1 };
  for (let i = 0; i < rounded.length; i++) {
    const excess = excessOf(got.data[i]!, want.data[i]!, rounded[i]!, got.dtype, c * scale[i]!);
    // A NaN among the excesses would slip through any comparison.
    if (!(excess <= worst.excess)) worst = { excess, i };
  }
  if (worst.i < 0) return;
  throw new Error(
    `element ${worst.i} of ${got.dtype} [${got.shape.join(', ')}] is ${got.data[worst.i]}, but the reference has ${want.data[worst.i]}: ` +
      (c === 0
        ? 'they must be equal.'
        : `${worst.excess.toPrecision(3)} times the tolerance of ${c} eps * ${scale[worst.i]}.`),
  );
}

/** The error as a multiple of what is allowed. */
function excessOf(got: number, want: number, rounded: number, dtype: DType, allowance: number): number {
  if (got === rounded || (Number.isNaN(got) && Number.isNaN(rounded))) return 0;
  if (!isFloat(dtype) || allowance === 0 || !Number.isFinite(rounded) || !Number.isFinite(got)) return Infinity;
  const type = dtype as 'float32' | 'float64';
  return Math.abs(got - want) / (allowance * epsilons[type] + leastNormal[type]);
}

/** Throws if `value` has another shape or type. */
function expectSameType(value: Value, shape: readonly number[], dtype: DType): void {
  if (value.dtype !== dtype || value.shape.join() !== shape.join()) {
    throw new Error(`the result is ${value.dtype} [${value.shape.join(', ')}], not ${dtype} [${shape.join(', ')}].`);
  }
}

/** Throws if two results differ in any bit but those of a NaN. */
export function expectSameBits(got: Value, want: Value, what: string): void {
  const i = got.data.findIndex((value, k) => !Object.is(value, want.data[k]));
  if (i >= 0) throw new Error(`${what}: element ${i} is ${got.data[i]}, and was ${want.data[i]}.`);
}

import type { ConvGeometry, DType } from '@receptive/backend';
import { isFloat, sizeOf, typedArray } from '@receptive/backend';
import type { Value } from './run.ts';
import { magnitudes } from './run.ts';

/**
 * How near the reference a result must come: `|got - reference| <= c * eps * scale`, with eps the distance from 1 to the next number of the type
 * (2^-23 in float32). The scale, for each element, is
 * - `result`: the reference's magnitude;
 * - `products`: the sum of the magnitudes of all products that were added up for it: the op, computed from the inputs' magnitudes;
 * - `planes`: the same for inputs and results that are, all over a plane, as large as at its largest place (a plane is what follows the first two axes);
 * - `inputs`: 1 and the magnitudes of the inputs at its place and of the result;
 * - `largest`: 1 and the largest finite magnitude in the reference's result.
 *
 * Results that are moved or chosen, not computed, have c = 0: they are equal. So are integers, whatever the family.
 */
export interface Tolerance {
  readonly c: number;
  readonly scale: 'result' | 'products' | 'planes' | 'inputs' | 'largest';
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
/**
 * Sums of products that are cut out of those of whole tiles: Winograd's minimal filtering, in which a result comes of `A^T [(G g G^T) * (B^T d B)] A`. Its error is
 * measured by the products of the magnitudes of all that (Barabasz et al., Error analysis and improving the accuracy of Winograd convolution for deep neural networks,
 * arXiv:1803.10986, theorem 1), which also take in what lies around the window. Of 2 x 2 and 4 x 4 outputs and kernels of 3 x 3 and 5 x 5 they come to at most 7 (F(2, 3)),
 * 133 (F(2, 5)), 256 (F(4, 3)) and 301 (F(4, 5)) times what a window of the largest elements has, in the weights' gradients to 413 times: an eps for each.
 */
export const tiles: Tolerance = { c: 512, scale: 'planes' };

/** A convolution, or a gradient of one: a backend may take tiles where they are made for the kernel, unless it is told what else to take. */
export function convolutions({
  kernel,
  stride,
  dilation,
  algorithm,
}: Omit<ConvGeometry, 'padding' | 'groups'>): Tolerance {
  const fits = ['3,3', '5,5'].includes(kernel.join()) && Math.max(...stride, ...dilation) === 1;
  return fits && algorithm !== 'direct' && algorithm !== 'gemm' ? tiles : sums;
}

/** That of an op's gradients: of sums again those of sums, otherwise those of a formula of a few steps, in which elements may come together. */
export function gradientTolerance(tolerance: Tolerance): Tolerance {
  return tolerance.scale === 'products' || tolerance.scale === 'planes' ? tolerance : { c: 64, scale: 'largest' };
}

/** The scale of each element of each result; `remake` computes the results from other inputs. */
export async function scalesOf(
  { scale }: Tolerance,
  inputs: readonly Value[],
  results: readonly Value[],
  remake: (inputs: readonly Value[]) => Promise<readonly Value[]>,
): Promise<readonly ArrayLike<number>[]> {
  if (scale === 'products') return (await remake(inputs.map(magnitudes))).map(({ data }) => data);
  if (scale === 'planes') {
    return (await remake(inputs.map(magnitudes).map(levelled))).map((value) => levelled(value).data);
  }
  return results.map(({ data }) => {
    const sizes = Float64Array.from(data, Math.abs);
    if (scale === 'result') return sizes;
    if (scale === 'largest') return sizes.fill(1 + sizes.filter(Number.isFinite).reduce((a, b) => Math.max(a, b), 0));
    const alike = inputs.filter((input) => input.data.length === data.length);
    return sizes.map((size, i) => alike.reduce((total, input) => total + Math.abs(input.data[i]!), 1 + size));
  });
}

/** Planes that are everywhere as large as at their largest place. What has no planes stays as it is. */
function levelled(value: Value): Value {
  const { shape, dtype } = value;
  if (shape.length < 3) return value;
  const data = Float64Array.from(value.data);
  const plane = sizeOf(shape.slice(2));
  for (let at = 0; at < data.length; at += plane) data.fill(Math.max(...data.subarray(at, at + plane)), at, at + plane);
  return { shape, dtype, data };
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

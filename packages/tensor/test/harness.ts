import type { Backend, DType, Kernels, OptionalKernels, Shape } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import { Rng, tensor, withBackend } from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import { expect } from 'vitest';

const optional: Record<keyof OptionalKernels, true> = {
  conv: true,
  convActivation: true,
  convInputGradient: true,
  convWeightGradient: true,
  maxPool: true,
  maxPoolGradient: true,
  avgPool: true,
  avgPoolGradient: true,
  sumPool: true,
  sumPoolGradient: true,
  activationGradient: true,
  blend: true,
  curve: true,
  curveGradient: true,
  sample: true,
  sampleInputGradient: true,
  samplePointsGradient: true,
  deformConv: true,
  deformColumns: true,
  deformColumnsInputGradient: true,
  deformColumnsOffsetGradient: true,
  deformColumnsMaskGradient: true,
  softmax: true,
  logSoftmax: true,
  softmaxGradient: true,
  logSoftmaxGradient: true,
  softmaxCrossEntropy: true,
  softmaxCrossEntropyGradient: true,
  batchNorm: true,
  standardize: true,
  standardizeGradient: true,
  localResponseNorm: true,
  localResponseNormGradient: true,
  uniform: true,
  sgdStep: true,
  adamStep: true,
};

/** The same backend with the kernels that every backend must have, and no others. */
export function primitivesOnly(backend: Backend): Backend {
  const required = Object.entries(backend.kernels).filter(([name]) => !(name in optional));
  return { ...backend, name: 'primitives', kernels: Object.fromEntries(required) as Partial<Kernels> as Kernels };
}

/** A function that throws an error of this message. */
export function failing(message: string): () => never {
  return () => {
    throw new Error(message);
  };
}

/** The same backend with fewer dtypes. */
export function withDtypes(backend: Backend, ...dtypes: DType[]): Backend {
  return { ...backend, name: 'narrow', dtypes: new Set(dtypes) };
}

/** The same elements on another backend. */
export function moved(backend: Backend, x: Tensor): Tensor {
  return withBackend(backend, () => tensor(x.dataSync(), { shape: x.shape }));
}

/** Normal numbers in float64 on the current backend, the same for the same seed. */
export function random(shape: Shape, seed = 1): Tensor<'float64'> {
  const values = new Rng(seed).normal([sizeOf(shape)]);
  const wide = tensor(values.dataSync(), { shape, dtype: 'float64' });
  values.dispose();
  return wide;
}

/** The numbers of a tensor on a backend that reads synchronously. */
export function numbersOf(x: Tensor): number[] {
  return [...x.dataSync()];
}

/** Compares shapes exactly, and numbers up to the rounding of a few float64 operations. */
export function expectClose(actual: Tensor, expected: Tensor): void {
  expect(actual.shape).toEqual(expected.shape);
  expect(actual.dtype).toBe(expected.dtype);
  const wanted = numbersOf(expected);
  numbersOf(actual).forEach((value, i) =>
    expect(Math.abs(value - wanted[i]!)).toBeLessThan(1e-12 * (1 + Math.abs(wanted[i]!))),
  );
}

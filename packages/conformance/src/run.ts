import type { Backend, DType, OptionalKernels, Shape, TypedArray } from '@receptive/backend';
import { isFloat } from '@receptive/backend';
import type { Tensor } from '@receptive/tensor';
import { scope, tensor, withBackend } from '@receptive/tensor';

/** The contents of a tensor, on no backend. */
export interface Value {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly data: TypedArray;
}

/** Uploads `inputs`, computes with `f`, and reads back what it returns, followed by the inputs themselves. Frees everything. */
export async function compute(
  backend: Backend,
  inputs: readonly Value[],
  f: (inputs: readonly Tensor[]) => readonly Tensor[],
): Promise<{ readonly outputs: readonly Value[]; readonly inputsAfter: readonly Value[] }> {
  const { uploaded, results } = withBackend(backend, () =>
    scope(() => {
      const tensors = inputs.map(({ shape, dtype, data }) => tensor(data, { shape, dtype }));
      return { uploaded: tensors, results: f(tensors) };
    }),
  );
  const all = [...results, ...uploaded];
  try {
    const values = await Promise.all(all.map(async (x) => ({ shape: x.shape, dtype: x.dtype, data: await x.data() })));
    return { outputs: values.slice(0, results.length), inputsAfter: values.slice(results.length) };
  } finally {
    for (const x of all) x.dispose();
  }
}

/** The same numbers in float64 if they are floats. */
export function upcast({ shape, dtype, data }: Value): Value {
  return dtype === 'float32' ? { shape, dtype: 'float64', data: Float64Array.from(data) } : { shape, dtype, data };
}

/** The magnitudes of the numbers, in float64, if they are floats. */
export function magnitudes(value: Value): Value {
  return isFloat(value.dtype) ? { ...value, dtype: 'float64', data: Float64Array.from(value.data, Math.abs) } : value;
}

/** The same backend, but for one optional kernel that it now lacks. */
export function withoutKernel(backend: Backend, kernel: keyof OptionalKernels): Backend {
  return replaced(backend, 'kernels', replaced(backend.kernels, kernel, undefined));
}

/** `target` but for one property. Methods are called on the target itself, whose private fields a stand-in does not have. */
function replaced<T extends object, K extends keyof T>(target: T, name: K, value: T[K] | undefined): T {
  return new Proxy(target, {
    get(_, key) {
      if (key === name) return value;
      const own: unknown = Reflect.get(target, key, target);
      return typeof own === 'function' ? (own.bind(target) as unknown) : own;
    },
  });
}

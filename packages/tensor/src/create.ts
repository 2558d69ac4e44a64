import type { Backend, DType, DTypeArrays, Shape, TypedArray } from '@receptive/backend';
import { dtypeOf, isFloat, sizeOf, typedArray } from '@receptive/backend';
import { currentBackend, withBackend } from './current.ts';
import { checkType, dispatch } from './dispatch.ts';
import { DTypeError, ShapeError, formatShape } from './errors.ts';
import { unnest } from './nested.ts';
import type { Nested } from './nested.ts';
import type { Op } from './op.ts';
import { fits } from './ops/check.ts';
import { SharedStorage } from './storage.ts';
import { Tensor } from './tensor.ts';

/** @internal Uploads `data` as a tensor on `backend`. */
export function fromArray<D extends DType>(backend: Backend, data: DTypeArrays[D], shape: Shape, dtype: D): Tensor<D> {
  checkType('tensor', backend, { shape, dtype });
  const shared = new SharedStorage(backend, dtype, data.length);
  backend.write(shared.storage, data);
  return new Tensor(shared, shape, dtype);
}

/** The dtype of data for which none is named: a typed array's own, else float32. */
export type NaturalDType<A> = A extends TypedArray
  ? { [D in DType]: A extends DTypeArrays[D] ? D : never }[DType]
  : 'float32';

/**
 * A tensor on the current backend, from nested lists (whose nesting gives the shape) or from a flat or typed array and a shape. The dtype is the typed
 * array's, else float32.
 * @throws ShapeError if the lists are ragged or empty, or the shape does not hold as many elements as the data.
 * @throws DTypeError if the backend has no such dtype, or an integer dtype cannot hold one of the numbers.
 */
export function tensor<A extends Nested | TypedArray, D extends DType = NaturalDType<A>>(
  data: A,
  options?: { readonly shape?: Shape; readonly dtype?: D },
): Tensor<D> {
  const { shape: natural, values } = ArrayBuffer.isView(data) ? flat(data) : unnest(data);
  const shape = [...(options?.shape ?? natural)];
  if (sizeOf(shape) !== values.length) {
    throw new ShapeError(
      `tensor: shape ${formatShape(shape)} holds ${sizeOf(shape)} elements, but the data has ${values.length}.`,
    );
  }
  const found = ArrayBuffer.isView(values) ? dtypeOf(values) : undefined;
  const dtype = (options?.dtype ?? found ?? 'float32') as D;
  const array = found === dtype ? (values as DTypeArrays[D]) : convert(values, dtype);
  return fromArray(currentBackend(), array, shape, dtype);
}

function flat(data: ArrayBufferView): { shape: number[]; values: TypedArray } {
  if (!dtypeOf(data)) {
    throw new DTypeError(
      `tensor: cannot be made of a ${data.constructor.name}. Use a Float32Array, Float64Array, Int32Array or Uint8Array.`,
    );
  }
  const values = data as TypedArray;
  return { shape: [values.length], values };
}

function convert<D extends DType>(values: ArrayLike<number>, dtype: D): DTypeArrays[D] {
  const array = typedArray(dtype, values.length);
  array.set(values);
  if (!isFloat(dtype)) {
    for (let i = 0; i < values.length; i++) if (array[i] !== values[i]) fits('tensor', values[i]!, dtype);
  }
  return array;
}

/** Where and as what a new tensor is made: float32 by default. */
export interface CreateOptions<D extends DType> {
  readonly dtype?: D;
}

/** The op behind {@link full}, {@link zeros} and {@link ones}. */
export const fill: Op<{ readonly shape: Shape; readonly value: number; readonly dtype: DType }, [], [out: 0]> = {
  name: 'fill',
  infer(_, { shape, value, dtype }) {
    fits('fill', value, dtype);
    return [{ shape, dtype }];
  },
  run: (kernels, _, [out], { value }) => kernels.fill(out, value),
};

/**
 * A tensor of `shape` on the current backend, every element `value`.
 * @throws DTypeError if the backend has no such dtype, or an integer dtype cannot hold the value.
 */
export function full<D extends DType = 'float32'>(shape: Shape, value: number, options?: CreateOptions<D>): Tensor<D> {
  const dtype = options?.dtype ?? 'float32';
  return dispatch(fill, [], { shape: [...shape], value, dtype })[0] as Tensor<D>;
}

/** A tensor of zeros on the current backend. */
export function zeros<D extends DType = 'float32'>(shape: Shape, options?: CreateOptions<D>): Tensor<D> {
  return full(shape, 0, options);
}

/** A tensor of ones on the current backend. */
export function ones<D extends DType = 'float32'>(shape: Shape, options?: CreateOptions<D>): Tensor<D> {
  return full(shape, 1, options);
}

/** A constant of the shape, type and backend of `like`. */
export function fullLike<D extends DType>(like: Tensor<D>, value: number): Tensor<D> {
  return withBackend(like.backend, () => full(like.shape, value, { dtype: like.dtype }));
}

/** A scalar of the type and backend of `like`. */
export function scalarLike<D extends DType>(like: Tensor<D>, value: number): Tensor<D> {
  return withBackend(like.backend, () => full([], value, { dtype: like.dtype }));
}

/**
 * The whole numbers from `start` up to, not including, `end`: a vector, int32 by default.
 * @throws RangeError unless both are whole and `start < end`.
 */
export function arange<D extends DType = 'int32'>(
  start: number,
  end: number,
  { dtype = 'int32' as D }: CreateOptions<D> = {},
): Tensor<D> {
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start >= end) {
    throw new RangeError(`arange: needs whole numbers start < end, but was given ${start} and ${end}.`);
  }
  return tensor(
    Float64Array.from({ length: end - start }, (_, i) => start + i),
    { dtype },
  );
}

/** The identity matrix `[n, n]`. */
export function eye<D extends DType = 'float32'>(
  n: number,
  { dtype = 'float32' as D }: CreateOptions<D> = {},
): Tensor<D> {
  const values = typedArray(dtype, n * n);
  for (let i = 0; i < n; i++) values[i * (n + 1)] = 1;
  return fromArray(currentBackend(), values, [n, n], dtype);
}

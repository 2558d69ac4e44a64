import type { Backend, DType, DTypeArrays, Shape, TypedArray } from '@receptive/backend';
import { dtypeOf, sizeOf, typedArray } from '@receptive/backend';
import { currentBackend, withBackend } from './current.ts';
import { checkShape, dispatch } from './dispatch.ts';
import { DTypeError, ShapeError, formatShape } from './errors.ts';
import type { Op } from './op.ts';
import { SharedStorage } from './storage.ts';
import { Tensor } from './tensor.ts';

/** @internal Uploads `data` as a tensor on `backend`. */
export function fromArray<D extends DType>(backend: Backend, data: DTypeArrays[D], shape: Shape, dtype: D): Tensor<D> {
  if (!backend.dtypes.has(dtype)) {
    throw new DTypeError(
      `tensor: the ${backend.name} backend has no ${dtype}, only ${[...backend.dtypes].join(', ')}. Make it float32, or use a backend that has it (the float64 reference).`,
    );
  }
  const shared = new SharedStorage(backend, dtype, data.length);
  backend.write(shared.storage, data);
  return new Tensor(shared, shape, dtype);
}

/** Numbers as a user writes them down: a scalar, or lists nested as deep as the tensor has axes. */
export type Nested = number | readonly Nested[];

/**
 * A tensor on the current backend, from nested lists (whose nesting gives the shape) or from a flat or typed array and a shape. The dtype is the typed
 * array's, else float32.
 * @throws ShapeError if the lists are ragged or the shape does not hold as many elements as the data.
 * @throws DTypeError if the backend has no such dtype.
 */
export function tensor<D extends DType = 'float32'>(
  data: Nested | TypedArray,
  options?: { readonly shape?: Shape; readonly dtype?: D },
): Tensor<D> {
  const typed = ArrayBuffer.isView(data) ? data : undefined;
  const found = typed && dtypeOf(typed);
  if (typed && !found)
    throw new DTypeError(
      `tensor: cannot be made of a ${typed.constructor.name}. Use a Float32Array, Float64Array, Int32Array or Uint8Array.`,
    );
  const nested = typed ? undefined : (data as Nested);
  const natural = typed ? [typed.length] : nestedShape(nested!);
  const shape = options?.shape ?? natural;
  checkShape('tensor', shape);
  if (sizeOf(shape) !== sizeOf(natural)) {
    throw new ShapeError(
      `tensor: shape ${formatShape(shape)} holds ${sizeOf(shape)} elements, but the data has ${sizeOf(natural)}.`,
    );
  }
  const dtype = (options?.dtype ?? found ?? 'float32') as D;
  if (typed && found === dtype) return fromArray(currentBackend(), typed as DTypeArrays[D], [...shape], dtype);
  const converted = typedArray(dtype, sizeOf(shape));
  converted.set(typed ?? flatten(nested!));
  return fromArray(currentBackend(), converted, [...shape], dtype);
}

function nestedShape(data: Nested): number[] {
  if (typeof data === 'number') return [];
  const [first] = data;
  if (first === undefined)
    throw new ShapeError('tensor: an empty list has no shape a tensor can have. Give at least one element.');
  const inner = nestedShape(first);
  const ragged = data.findIndex((item) => formatShape(nestedShape(item)) !== formatShape(inner));
  if (ragged > 0) {
    throw new ShapeError(
      `tensor: the lists are ragged: item 0 has shape ${formatShape(inner)}, item ${ragged} has ${formatShape(nestedShape(data[ragged]!))}.`,
    );
  }
  return [data.length, ...inner];
}

function flatten(data: Nested): number[] {
  if (typeof data === 'number') return [data];
  return data.flatMap(flatten);
}

/** Where and as what a new tensor is made: float32 by default. */
export interface CreateOptions<D extends DType> {
  readonly dtype?: D;
}

/** The op behind {@link full}, {@link zeros} and {@link ones}. */
export const fill: Op<{ readonly shape: Shape; readonly value: number; readonly dtype: DType }, [], [out: 0]> = {
  name: 'fill',
  infer: (_, { shape, dtype }) => [{ shape, dtype }],
  run: (kernels, _, [out], { value }) => kernels.fill(out, value),
};

/** A tensor of `shape` on the current backend, every element `value`. */
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

/** The whole numbers from `start` up to, not including, `end`: a vector, int32 by default. */
export function arange<D extends DType = 'int32'>(start: number, end: number, options?: CreateOptions<D>): Tensor<D> {
  const values = typedArray(options?.dtype ?? ('int32' as D), Math.max(0, end - start));
  for (let i = 0; i < values.length; i++) values[i] = start + i;
  return tensor(values, { dtype: options?.dtype ?? ('int32' as D) });
}

/** The identity matrix `[n, n]`. */
export function eye<D extends DType = 'float32'>(n: number, options?: CreateOptions<D>): Tensor<D> {
  const values = typedArray(options?.dtype ?? ('float32' as D), n * n);
  for (let i = 0; i < n; i++) values[i * (n + 1)] = 1;
  return tensor(values, { shape: [n, n], dtype: options?.dtype ?? ('float32' as D) });
}

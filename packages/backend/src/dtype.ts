/** Element types a tensor can have. `float64` exists only on backends that declare it (the reference does). */
export type DType = 'float32' | 'float64' | 'int32' | 'uint8';

/** The typed array in which the elements of each {@link DType} travel between JavaScript and a backend. */
export interface DTypeArrays {
  float32: Float32Array;
  float64: Float64Array;
  int32: Int32Array;
  uint8: Uint8Array;
}

/** Any of the typed arrays that carry tensor elements. */
export type TypedArray = DTypeArrays[DType];

const constructors = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  uint8: Uint8Array,
} as const;

/** A zero-filled typed array of `length` elements of `dtype`. */
export function typedArray<D extends DType>(dtype: D, length: number): DTypeArrays[D] {
  return new constructors[dtype](length) as DTypeArrays[D];
}

/** Bytes one element of `dtype` takes. */
export function bytesPerElement(dtype: DType): number {
  return constructors[dtype].BYTES_PER_ELEMENT;
}

/** The {@link DType} whose elements `array` holds, or undefined for an array no tensor can be made of. */
export function dtypeOf(array: ArrayBufferView): DType | undefined {
  return (Object.keys(constructors) as DType[]).find((dtype) => array instanceof constructors[dtype]);
}

/** True for the element types that have fractions, and therefore derivatives. */
export function isFloat(dtype: DType): boolean {
  return dtype === 'float32' || dtype === 'float64';
}

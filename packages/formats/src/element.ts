import type { DType, TypedArray } from '@receptive/backend';

/** How one of the format's element types becomes elements of a tensor. Typed arrays and the format are both little-endian. */
export interface Element {
  readonly bytes: number;
  readonly dtype: DType;
  /** Elements of `dtype` from the stored bytes, which are aligned to the element and may be taken over without a copy. */
  decode(stored: Uint8Array): TypedArray;
}

const over = <A>(View: new (buffer: ArrayBufferLike, offset: number, length: number) => A, bytes: number) => {
  return (stored: Uint8Array) => new View(stored.buffer, stored.byteOffset, stored.length / bytes);
};
const uint8 = over(Uint8Array, 1);
const uint16 = over(Uint16Array, 2);
const int64 = over(BigInt64Array, 8);

/** The element types that are read, by the name they have in a file. */
export const elements: ReadonlyMap<string, Element> = new Map<string, Element>([
  ['F64', { bytes: 8, dtype: 'float64', decode: over(Float64Array, 8) }],
  ['F32', { bytes: 4, dtype: 'float32', decode: over(Float32Array, 4) }],
  ['F16', { bytes: 2, dtype: 'float32', decode: (stored) => Float32Array.from(uint16(stored), float16) }],
  ['BF16', { bytes: 2, dtype: 'float32', decode: bfloat16 }],
  ['I64', { bytes: 8, dtype: 'int32', decode: (stored) => Int32Array.from(int64(stored), int32) }],
  ['I32', { bytes: 4, dtype: 'int32', decode: over(Int32Array, 4) }],
  ['U8', { bytes: 1, dtype: 'uint8', decode: uint8 }],
  ['BOOL', { bytes: 1, dtype: 'uint8', decode: (stored) => uint8(stored).map(boolean) }],
]);

/** IEEE 754 binary16: one bit of sign, five of exponent (bias 15), ten of fraction. */
function float16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -24 * fraction);
}

/** bfloat16 is the upper half of a float32. */
function bfloat16(stored: Uint8Array): Float32Array {
  const bits = Uint32Array.from(uint16(stored), (half) => half << 16);
  return new Float32Array(bits.buffer);
}

function int32(value: bigint): number {
  if (BigInt.asIntN(32, value) !== value) throw new RangeError(`${value} does not fit into int32`);
  return Number(value);
}

function boolean(byte: number): number {
  if (byte > 1) throw new RangeError(`${byte} is neither 0 (false) nor 1 (true)`);
  return byte;
}

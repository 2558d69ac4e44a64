import { dtypeOf, sizeOf } from '@receptive/backend';
import type { DType, Shape, TypedArray } from '@receptive/backend';
import { elements } from './element.ts';
import type { Element } from './element.ts';
import { parseStrictJson } from './json.ts';

/** A tensor as it is given to {@link writeSafetensors}. */
export interface SafetensorsEntry {
  readonly shape: Shape;
  /** The elements, row by row. */
  readonly data: TypedArray;
  /** Stores int32 elements as 64-bit integers, the type that PyTorch keeps counters in (`num_batches_tracked`). */
  readonly as?: 'I64';
}

/** A tensor as {@link readSafetensors} finds it. */
export interface SafetensorsTensor {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly data: TypedArray;
}

/** What a safetensors file holds. */
export interface SafetensorsFile {
  /** By name, in the order in which they lie in the file. */
  readonly tensors: Map<string, SafetensorsTensor>;
  readonly metadata: Record<string, string>;
}

/** Bytes are no safetensors file that can be read, or tensors cannot be written as one. */
export class SafetensorsError extends Error {
  override readonly name = 'SafetensorsError';
}

// https://github.com/huggingface/safetensors#format: eight bytes of header length, little-endian; the header, a JSON object that may be padded with
// spaces; the tensors' bytes, each of them belonging to exactly one tensor.
const PREFIX = 8;
const MAX_HEADER = 100_000_000;
const METADATA = '__metadata__';
const DEPTH = 3; // { name: { shape: [...] } }
const STORED: Readonly<Record<DType, string>> = { float64: 'F64', float32: 'F32', int32: 'I32', uint8: 'U8' };

interface Slot {
  readonly name: string;
  readonly shape: Shape;
  readonly element: Element;
  readonly begin: number;
  readonly end: number;
}

/**
 * Reads a safetensors file. F16 and BF16 become float32, I64 becomes int32 if every value fits, BOOL becomes uint8. A tensor that needs no conversion
 * shares its memory with `bytes` where it is aligned there.
 * @throws SafetensorsError for anything the format does not allow and for element types that have no tensor, naming the tensor. Nothing is allocated by
 * a number from the file before it was compared with the file's size.
 */
export function readSafetensors(bytes: Uint8Array | ArrayBuffer): SafetensorsFile {
  // A Node Buffer is seen as a plain Uint8Array: its slice() would not copy.
  const file = ArrayBuffer.isView(bytes)
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
    : new Uint8Array(bytes);
  const headerEnd = PREFIX + headerLength(file);
  const { slots, metadata } = parseHeader(file.subarray(PREFIX, headerEnd));
  const body = file.subarray(headerEnd);
  checkLayout(slots, body.length);
  const tensors = new Map(
    slots.map((slot) => [slot.name, { shape: slot.shape, dtype: slot.element.dtype, data: decode(slot, body) }]),
  );
  return { tensors, metadata };
}

function headerLength(file: Uint8Array): number {
  if (file.length < PREFIX) {
    throw new SafetensorsError(
      `A safetensors file begins with an 8-byte header length, but this one has ${file.length} bytes. It may be truncated.`,
    );
  }
  const length = new DataView(file.buffer, file.byteOffset).getBigUint64(0, true);
  const available = Math.min(MAX_HEADER, file.length - PREFIX);
  if (length > available) {
    throw new SafetensorsError(
      `The header length is ${length} bytes, but at most ${available} are possible (a file of ${file.length} bytes, a limit of ${MAX_HEADER}). ` +
        'The file is truncated, or it is no safetensors file.',
    );
  }
  if (file[PREFIX] !== 0x7b || length < 2n)
    throw new SafetensorsError('The header does not begin with `{`. This is no safetensors file.');
  return Number(length);
}

function parseHeader(bytes: Uint8Array): { slots: Slot[]; metadata: Record<string, string> } {
  let header: unknown;
  try {
    header = parseStrictJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes), DEPTH);
  } catch (error) {
    throw new SafetensorsError(`The header is not valid JSON: ${(error as Error).message}`, { cause: error });
  }
  const slots: Slot[] = [];
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(header as object)) {
    if (name === METADATA) metadata = checkMetadata(value);
    else slots.push(parseSlot(name, value));
  }
  slots.sort((a, b) => a.begin - b.begin || a.end - b.end);
  return { slots, metadata };
}

function checkMetadata(value: unknown): Record<string, string> {
  if (!isObject(value) || !Object.values(value).every((text) => typeof text === 'string')) {
    throw new SafetensorsError(`${METADATA} must map strings to strings, but is ${abridged(value)}.`);
  }
  return value as Record<string, string>;
}

function parseSlot(name: string, value: unknown): Slot {
  const { dtype, shape, data_offsets: offsets } = isObject(value) ? value : {};
  const element = elements.get(dtype as string);
  if (!element)
    throw broken(name, `has dtype ${abridged(dtype)}, but only ${[...elements.keys()].join(', ')} can be read`);
  if (!isLengths(shape) || !Number.isSafeInteger(sizeOf(shape) * element.bytes)) {
    throw broken(
      name,
      `has shape ${abridged(shape)}, but a shape is a list of whole numbers from 0 whose product is below 2^53`,
    );
  }
  if (!isLengths(offsets) || offsets.length !== 2) {
    throw broken(name, `has data_offsets ${abridged(offsets)}, but they are two whole numbers, [begin, end]`);
  }
  const [begin, end] = offsets as [number, number];
  if (end - begin !== sizeOf(shape) * element.bytes) {
    throw broken(
      name,
      `has ${end - begin} bytes of data, but ${abridged(dtype)} of shape [${shape.join(', ')}] takes ${sizeOf(shape) * element.bytes}`,
    );
  }
  return { name, shape, element, begin, end };
}

/** Each byte of the data must belong to exactly one tensor. The slots come in the order of their offsets. */
function checkLayout(slots: readonly Slot[], length: number): void {
  let position = 0;
  for (const { name, begin, end } of slots) {
    if (begin < position)
      throw broken(name, `begins at byte ${begin} of the data, inside another tensor, which ends at ${position}`);
    if (begin > position)
      throw broken(name, `begins at byte ${begin} of the data, but bytes ${position} to ${begin} belong to no tensor`);
    if (end > length)
      throw broken(name, `ends at byte ${end} of the data, but the file holds ${length}. It may be truncated`);
    position = end;
  }
  if (position < length)
    throw new SafetensorsError(`The last ${length - position} bytes of the file belong to no tensor.`);
}

function decode({ name, element, begin, end }: Slot, body: Uint8Array): TypedArray {
  const stored = body.subarray(begin, end);
  try {
    return element.decode(stored.byteOffset % element.bytes === 0 ? stored : stored.slice());
  } catch (error) {
    throw broken(name, `cannot be read: ${(error as Error).message}`);
  }
}

/**
 * The bytes of a safetensors file. The same tensors and metadata give the same bytes, in whatever order they come: tensors lie by falling element size, so
 * that all are aligned, and then by name. int32 is stored as I32, or as I64 where the entry says so.
 * @throws SafetensorsError if an entry's shape does not fit its data, its elements have no type in the format, or its name is reserved.
 */
export function writeSafetensors(
  entries: Iterable<readonly [name: string, entry: SafetensorsEntry]>,
  metadata: Record<string, string> = {},
): Uint8Array {
  const parts = [...entries].map(([name, entry]) => encode(name, entry));
  parts.sort((a, b) => b.elementBytes - a.elementBytes || compare(a.name, b.name));
  const strings = Object.entries(metadata).sort(([a], [b]) => compare(a, b));
  const header: [string, unknown][] = strings.length > 0 ? [[METADATA, Object.fromEntries(strings)]] : [];
  let position = 0;
  for (const { name, dtype, shape, bytes } of parts) {
    header.push([name, { dtype, shape, data_offsets: [position, (position += bytes.length)] }]);
  }
  const names = new Set(header.map(([name]) => name));
  if (names.size < header.length)
    throw new SafetensorsError('Two entries have the same name. Every tensor needs one of its own.');
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const padded = Math.ceil(json.length / PREFIX) * PREFIX;
  if (padded > MAX_HEADER)
    throw new SafetensorsError(
      `The header would take ${padded} bytes, more than the ${MAX_HEADER} that the format allows.`,
    );
  const file = new Uint8Array(PREFIX + padded + position).fill(0x20, PREFIX, PREFIX + padded);
  new DataView(file.buffer).setBigUint64(0, BigInt(padded), true);
  file.set(json, PREFIX);
  let offset = PREFIX + padded;
  for (const { bytes } of parts) {
    file.set(bytes, offset);
    offset += bytes.length;
  }
  return file;
}

function encode(name: string, { shape, data, as }: SafetensorsEntry) {
  const found = dtypeOf(data);
  if (name === METADATA) throw broken(name, 'has a name that the format reserves for metadata');
  if (!found)
    throw broken(name, `holds a ${data.constructor.name}, but only ${Object.keys(STORED).join(', ')} can be written`);
  if (as && found !== 'int32') throw broken(name, `is to be stored as I64, but holds ${found}, not int32`);
  if (!isLengths(shape) || sizeOf(shape) !== data.length) {
    throw broken(name, `has shape [${shape.join(', ')}], which is ${sizeOf(shape)} elements, but holds ${data.length}`);
  }
  const stored = as ? BigInt64Array.from(data, BigInt) : data;
  const bytes = new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
  return { name, dtype: as ?? STORED[found], shape, bytes, elementBytes: stored.BYTES_PER_ELEMENT };
}

/** By code unit, so that the order does not depend on the place where it runs. */
function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isLengths(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((length) => Number.isSafeInteger(length) && length >= 0);
}

function abridged(value: unknown): string {
  const text = JSON.stringify(value) ?? 'missing';
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}

function broken(name: string, what: string): SafetensorsError {
  return new SafetensorsError(`Tensor ${abridged(name)} ${what}.`);
}

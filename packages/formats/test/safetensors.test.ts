import type { TypedArray } from '@receptive/backend';
import { describe, expect, test } from 'vitest';
import { readSafetensors, SafetensorsError, writeSafetensors } from '@receptive/formats';
import type { SafetensorsEntry } from '@receptive/formats';
import { fileOf } from './file.ts';

const entries: [string, SafetensorsEntry][] = [
  ['features.0.weight', { shape: [2, 1, 1, 2], data: Float32Array.of(1, -0, NaN, Infinity) }],
  ['double', { shape: [1], data: Float64Array.of(0.1) }],
  ['labels', { shape: [3], data: Int32Array.of(-1, 0, 2 ** 31 - 1) }],
  ['mask', { shape: [1, 3], data: Uint8Array.of(0, 1, 255) }],
  ['num_batches_tracked', { shape: [], data: Int32Array.of(-7), as: 'I64' }],
  ['empty', { shape: [0, 3], data: new Float32Array(0) }],
];

const byteView = (array: TypedArray) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

describe('round trip', () => {
  test.each(entries)('%s comes back bit for bit', (name, { shape, data }) => {
    const { tensors } = readSafetensors(writeSafetensors(entries));
    const read = tensors.get(name)!;
    expect(read.shape).toEqual(shape);
    expect(read.data.constructor).toBe(data.constructor);
    expect(byteView(read.data)).toEqual(byteView(data));
  });

  test('metadata comes back', () => {
    const metadata = { epoch: '3', 'a "quoted" key': 'Ünïcode\n' };
    expect(readSafetensors(writeSafetensors([], metadata)).metadata).toEqual(metadata);
    expect(readSafetensors(writeSafetensors(entries)).metadata).toEqual({});
  });

  test('a name or key that objects inherit is a name like any other', () => {
    const one = { shape: [1], data: Uint8Array.of(5) };
    const metadata = JSON.parse('{"__proto__": "x", "constructor": "y"}') as Record<string, string>;
    const file = readSafetensors(
      writeSafetensors(
        [
          ['__proto__', one],
          ['toString', one],
        ],
        metadata,
      ),
    );
    expect([...file.tensors.keys()]).toEqual(['__proto__', 'toString']);
    expect(Object.entries(file.metadata)).toEqual(Object.entries(metadata));
  });

  test('the same content gives the same bytes, in whatever order it comes', () => {
    const forwards = writeSafetensors(entries, { a: '1', b: '2' });
    const backwards = writeSafetensors([...entries].reverse(), { b: '2', a: '1' });
    expect(backwards).toEqual(forwards);
  });
});

describe('bytes', () => {
  // By hand from the format's description: the header's length, 112 = 0x70; the header, 105 bytes and 7 spaces; the data.
  const golden = Uint8Array.from(
    [
      [0x70, 0, 0, 0, 0, 0, 0, 0],
      ...new TextEncoder().encode(
        '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[],"data_offsets":[8,9]}}',
      ),
      [0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20],
      [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0], // 1, -2
      [7],
    ].flat(),
  );

  test('are those of the format', () => {
    const written = writeSafetensors([
      ['b', { shape: [], data: Uint8Array.of(7) }],
      ['a', { shape: [2], data: Float32Array.of(1, -2) }],
    ]);
    expect(written).toEqual(golden);
    const { tensors } = readSafetensors(golden);
    expect([...tensors]).toEqual([
      ['a', { shape: [2], dtype: 'float32', data: Float32Array.of(1, -2) }],
      ['b', { shape: [], dtype: 'uint8', data: Uint8Array.of(7) }],
    ]);
  });

  test('may lie anywhere: data that is not aligned is copied, aligned data is not', () => {
    const shifted = new Uint8Array(golden.length + 1);
    shifted.set(golden, 1);
    expect(readSafetensors(shifted.subarray(1)).tensors.get('a')!.data).toEqual(Float32Array.of(1, -2));
    expect(readSafetensors(Buffer.from(shifted.buffer, 1)).tensors.get('a')!.data).toEqual(Float32Array.of(1, -2));
    expect(readSafetensors(golden).tensors.get('a')!.data.buffer).toBe(golden.buffer);
    expect(readSafetensors(golden.buffer).tensors.get('a')!.data).toEqual(Float32Array.of(1, -2));
  });

  test('every tensor is aligned, whatever the names', () => {
    const written = writeSafetensors([
      ['a', { shape: [1], data: Uint8Array.of(1) }],
      ['b', { shape: [1], data: Float32Array.of(1) }],
      ['c', { shape: [1], data: Float64Array.of(1) }],
    ]);
    const { tensors } = readSafetensors(written);
    expect([...tensors.keys()]).toEqual(['c', 'b', 'a']);
    for (const { data } of tensors.values()) expect(data.buffer).toBe(written.buffer);
  });
});

const readAs = (dtype: string, stored: Uint8Array | Uint16Array | BigInt64Array) => {
  const slot = { dtype, shape: [stored.length], data_offsets: [0, stored.byteLength] };
  return readSafetensors(fileOf({ x: slot }, new Uint8Array(stored.buffer))).tensors.get('x')!.data;
};

describe('element types without a typed array of their own', () => {
  // IEEE 754 binary16 by its definition: (-1)^sign 2^(exponent - 15) (1 + fraction / 1024), subnormal below 2^-14.
  test.each<[number, number]>([
    [0x3c00, 1],
    [0xc000, -2],
    [0x7bff, 65504],
    [0x0001, 2 ** -24],
    [0x03ff, 2 ** -24 * 1023],
    [0x0400, 2 ** -14],
    [0x3555, 0.333251953125],
    [0x8000, -0],
    [0x7c00, Infinity],
    [0xfc00, -Infinity],
    [0x7e00, NaN],
  ])('F16 becomes float32: %i is %d', (bits, value) => {
    expect(readAs('F16', Uint16Array.of(bits))).toEqual(Float32Array.of(value));
  });

  test('BF16 becomes float32', () => {
    const upperHalves = Uint16Array.of(0x3f80, 0xc000, 0x4049, 0x7f80);
    expect(readAs('BF16', upperHalves)).toEqual(Float32Array.of(1, -2, 3.140625, Infinity));
  });

  test('I64 becomes int32 where it fits and is refused where not', () => {
    expect(readAs('I64', BigInt64Array.of(-(2n ** 31n)))).toEqual(Int32Array.of(-(2 ** 31)));
    expect(() => readAs('I64', BigInt64Array.of(2n ** 31n))).toThrow(
      /Tensor "x" cannot be read: 2147483648 does not fit into int32/,
    );
  });

  test('BOOL becomes uint8 and holds nothing but 0 and 1', () => {
    expect(readAs('BOOL', Uint8Array.of(0, 1))).toEqual(Uint8Array.of(0, 1));
    expect(() => readAs('BOOL', Uint8Array.of(0, 2))).toThrow(/Tensor "x" cannot be read: 2 is neither 0/);
  });
});

describe('what cannot be written', () => {
  const data = Float32Array.of(1, 2);
  test.each<[string, [string, SafetensorsEntry][], RegExp]>([
    [
      'a shape of another size',
      [['w', { shape: [3], data }]],
      /Tensor "w" has shape \[3\], which is 3 elements, but holds 2/,
    ],
    ['a shape that is none', [['w', { shape: [-1, -2], data }]], /Tensor "w" has shape \[-1, -2\]/],
    ['the reserved name', [['__metadata__', { shape: [2], data }]], /reserves/],
    ['I64 of floats', [['w', { shape: [2], data, as: 'I64' }]], /Tensor "w" is to be stored as I64, but holds float32/],
    [
      'an array of another kind',
      [['w', { shape: [1], data: Int8Array.of(1) as never }]],
      /Tensor "w" holds a Int8Array/,
    ],
    [
      'two tensors of one name',
      [
        ['w', { shape: [2], data }],
        ['w', { shape: [2], data }],
      ],
      /same name/,
    ],
  ])('%s', (_, list, message) => {
    expect(() => writeSafetensors(list)).toThrow(SafetensorsError);
    expect(() => writeSafetensors(list)).toThrow(message);
  });
});

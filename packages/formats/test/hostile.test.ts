import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readSafetensors, SafetensorsError, writeSafetensors } from '@receptive/formats';
import { fileOf } from './file.ts';

const bytes = (count: number) => new Uint8Array(count);
const slot = (begin: number, end: number, more: object = {}) => ({
  dtype: 'U8',
  shape: [end - begin],
  data_offsets: [begin, end],
  ...more,
});
const withLength = (length: bigint, rest: Uint8Array) => {
  const file = new Uint8Array(8 + rest.length);
  new DataView(file.buffer).setBigUint64(0, length, true);
  file.set(rest, 8);
  return file;
};
const brace = new TextEncoder().encode('{}');

describe('a hostile file is refused, and the refusal names what is wrong', () => {
  test.each<[string, Uint8Array, RegExp]>([
    ['empty', bytes(0), /8-byte header length, but this one has 0 bytes/],
    ['shorter than the header length', bytes(7), /has 7 bytes/],
    [
      'a header longer than the file',
      withLength(1000n, brace),
      /header length is 1000 bytes, but at most 2 are possible/,
    ],
    ['a header of 2^64 - 1 bytes', withLength(2n ** 64n - 1n, brace), /header length is 18446744073709551615 bytes/],
    ['a header of no bytes', withLength(0n, brace), /does not begin with `{`/],
    ['another kind of file', withLength(2n, new TextEncoder().encode('PK')), /does not begin with `{`/],
    ['a header that begins with a space', fileOf(' {}'), /does not begin with `{`/],
    ['invalid UTF-8', withLength(4n, Uint8Array.of(0x7b, 0xff, 0xff, 0x7d)), /not valid JSON/],
    ['JSON cut short', fileOf('{"a":'), /not valid JSON/],
    ['a string that never ends', fileOf('{"a\\'), /not valid JSON/],
    ['padding by zero bytes', fileOf('{}\0'), /not valid JSON/],
    ['a tensor that occurs twice', fileOf('{"a":{},"a":{}}'), /not valid JSON: the key "a" occurs twice/],
    ['one that occurs twice in another spelling', fileOf('{"a" :{},"\\u0061":{}}'), /the key "a" occurs twice/],
    ['a property that occurs twice', fileOf('{"a":{"dtype":"U8","dtype":"F32"}}'), /the key "dtype" occurs twice/],
    ['lists in lists', fileOf(`{"a":${'['.repeat(1e5)}${']'.repeat(1e5)}}`), /nested deeper than 3 levels/],
    ['metadata that is a list', fileOf({ __metadata__: [] }), /__metadata__ must map strings to strings, but is \[\]/],
    ['metadata of numbers', fileOf({ __metadata__: { a: 1 } }), /__metadata__ must map strings to strings/],
    ['a tensor that is null', fileOf({ a: null }), /Tensor "a" has dtype missing/],
    ['a tensor that is a list', fileOf({ a: [1, 2] }), /Tensor "a" has dtype missing/],
    ['no dtype', fileOf({ a: { shape: [1], data_offsets: [0, 1] } }), /Tensor "a" has dtype missing/],
    [
      'an unknown dtype',
      fileOf({ a: slot(0, 1, { dtype: 'F8_E5M2' }) }, bytes(1)),
      /has dtype "F8_E5M2", but only F64, F32/,
    ],
    [
      'a dtype that objects inherit',
      fileOf({ a: slot(0, 1, { dtype: 'constructor' }) }, bytes(1)),
      /has dtype "constructor"/,
    ],
    ['no shape', fileOf({ a: slot(0, 1, { shape: undefined }) }, bytes(1)), /has shape missing/],
    ['a negative length', fileOf({ a: slot(0, 1, { shape: [-1, -1] }) }, bytes(1)), /has shape \[-1,-1\]/],
    ['half a length', fileOf({ a: slot(0, 1, { shape: [0.5, 2] }) }, bytes(1)), /has shape \[0.5,2\]/],
    ['a length in words', fileOf({ a: slot(0, 1, { shape: ['1'] }) }, bytes(1)), /has shape \["1"\]/],
    [
      'a length beyond all numbers',
      fileOf('{"a":{"dtype":"U8","shape":[1e999],"data_offsets":[0,0]}}'),
      /has shape \[null\]/,
    ],
    [
      'a product of lengths beyond 2^53',
      fileOf({ a: slot(0, 1, { shape: [2 ** 40, 2 ** 40] }) }, bytes(1)),
      /below 2\^53/,
    ],
    [
      'a product that is no number',
      fileOf({ a: slot(0, 0, { shape: [...Array(99).fill(2 ** 52), 0] }) }),
      /below 2\^53/,
    ],
    ['no offsets', fileOf({ a: slot(0, 1, { data_offsets: undefined }) }, bytes(1)), /has data_offsets missing/],
    ['three offsets', fileOf({ a: slot(0, 1, { data_offsets: [0, 1, 2] }) }, bytes(1)), /has data_offsets \[0,1,2\]/],
    ['offsets from behind', fileOf({ a: slot(0, 1, { data_offsets: [1, 0] }) }, bytes(1)), /has -1 bytes of data/],
    ['a negative offset', fileOf({ a: slot(0, 1, { data_offsets: [-1, 0] }) }, bytes(1)), /has data_offsets \[-1,0\]/],
    [
      'fewer bytes than the shape takes',
      fileOf({ a: slot(0, 7, { dtype: 'F32', shape: [2] }) }, bytes(7)),
      /has 7 bytes of data, but "F32" of shape \[2\] takes 8/,
    ],
    [
      'data beyond the end',
      fileOf({ a: slot(0, 9) }, bytes(8)),
      /Tensor "a" ends at byte 9 of the data, but the file holds 8/,
    ],
    ['data far beyond the end', fileOf({ a: slot(0, 2 ** 50) }, bytes(8)), /ends at byte 1125899906842624/],
    [
      'two tensors in one place',
      fileOf({ a: slot(0, 4), b: slot(0, 4) }, bytes(4)),
      /Tensor "b" begins at byte 0 .* inside another tensor/,
    ],
    ['tensors that overlap', fileOf({ a: slot(0, 4), b: slot(3, 6) }, bytes(6)), /Tensor "b" begins at byte 3/],
    ['a hole', fileOf({ a: slot(0, 4), b: slot(5, 6) }, bytes(6)), /bytes 4 to 5 belong to no tensor/],
    ['a hole at the start', fileOf({ a: slot(1, 2) }, bytes(2)), /bytes 0 to 1 belong to no tensor/],
    ['bytes left over', fileOf({ a: slot(0, 4) }, bytes(6)), /last 2 bytes of the file belong to no tensor/],
  ])('%s', (_, file, message) => {
    expect(() => readSafetensors(file)).toThrow(SafetensorsError);
    expect(() => readSafetensors(file)).toThrow(message);
  });
});

const valid = writeSafetensors(
  [
    ['a', { shape: [2, 3], data: new Float32Array(6) }],
    ['b', { shape: [], data: Int32Array.of(1), as: 'I64' }],
    ['c', { shape: [5], data: new Uint8Array(5) }],
  ],
  { key: 'value' },
);

/** Reads, or throws the one error that a caller expects; whatever is read takes no more memory than the file. */
function readsOrRefuses(file: Uint8Array): void {
  try {
    const { tensors } = readSafetensors(file);
    const bytesRead = [...tensors.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
    expect(bytesRead).toBeLessThanOrEqual(2 * file.length);
  } catch (error) {
    expect(error).toBeInstanceOf(SafetensorsError);
  }
}

describe('any file is read or refused', () => {
  test('bytes changed', () => {
    const change = fc.tuple(fc.nat(valid.length - 1), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
        const file = valid.slice();
        for (const [at, byte] of changes) file[at] = byte;
        readsOrRefuses(file);
      }),
      { numRuns: 2000 },
    );
  });

  test('digits of the header changed', () => {
    const header = new TextDecoder().decode(valid.subarray(8)).replace(/\}\s*[^}]*$/, '}');
    const numbers = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(-1, 0, 2 ** 31, 2 ** 53, 1e300, 1.5));
    fc.assert(
      fc.property(fc.array(fc.option(numbers), { minLength: 12, maxLength: 12 }), (replacements) => {
        let i = 0;
        const changed = header.replace(/(?<=[[,])\d+(?=[\],])/g, (digits) => String(replacements[i++ % 12] ?? digits));
        readsOrRefuses(fileOf(changed, bytes(37)));
      }),
      { numRuns: 1000 },
    );
  });

  test('cut short', () => {
    for (let length = 0; length < valid.length; length++) {
      expect(() => readSafetensors(valid.subarray(0, length)), `${length} bytes`).toThrow(SafetensorsError);
    }
  });

  test('noise', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), readsOrRefuses));
    fc.assert(fc.property(fc.json(), (json) => readsOrRefuses(fileOf(json))));
  });
});

import { describe, expect, test } from 'vitest';
import { expectNear, expectSameBits } from '../src/tolerance.ts';

const float32 = (...values: number[]) =>
  ({ shape: [values.length], dtype: 'float32', data: Float32Array.from(values) }) as const;
const float64 = (...values: number[]) =>
  ({ shape: [values.length], dtype: 'float64', data: Float64Array.from(values) }) as const;
const int32 = (value: number) => ({ shape: [1], dtype: 'int32', data: Int32Array.of(value) }) as const;
const eps = 2 ** -23;

describe('expectNear', () => {
  test('allows c eps times the scale, and not more', () => {
    expect(() => expectNear(float32(1 + 4 * eps), float64(1), [1], 4)).not.toThrow();
    expect(() => expectNear(float32(1 + 5 * eps), float64(1), [1], 4)).toThrow('1.25 times the tolerance of 4 eps * 1');
    expect(() => expectNear(float32(5 * eps), float64(0), [2], 4)).not.toThrow();
  });

  test('with c = 0 asks for the reference, rounded', () => {
    expect(() => expectNear(float32(0.1), float64(0.1), [1], 0)).not.toThrow();
    expect(() => expectNear(float32(0.1 + eps), float64(0.1), [1], 0)).toThrow('they must be equal');
  });

  test('asks for NaN and infinities where they are', () => {
    const wanted = float64(NaN, Infinity, 1e39, -Infinity);
    expect(() => expectNear(float32(NaN, Infinity, Infinity, -Infinity), wanted, [1, 1, 1, 1], 16)).not.toThrow();
    expect(() => expectNear(float32(NaN), float64(1), [1], 16)).toThrow('element 0');
    expect(() => expectNear(float32(1), float64(NaN), [1], 16)).toThrow('element 0');
    expect(() => expectNear(float32(3e38), float64(Infinity), [1], 16)).toThrow('element 0');
    expect(() => expectNear(float32(1), float64(2), [NaN], 16)).toThrow('element 0');
    expect(() => expectNear(float32(1), float64(2), [Infinity], 16)).not.toThrow();
  });

  test('lets subnormal numbers be flushed to zero', () => {
    expect(() => expectNear(float32(0), float64(2 ** -127), [2 ** -127], 1)).not.toThrow();
    expect(() => expectNear(float32(0), float64(2 ** -124), [2 ** -124], 1)).toThrow('element 0');
  });

  test('names the worst element, and another shape', () => {
    expect(() => expectNear(float32(1, 2, 4, 8), float64(1, 3, 9, 8), [1, 1, 1, 1], 1)).toThrow(
      'element 2 of float32 [4] is 4',
    );
    expect(() => expectNear(float32(1, 2), float64(1), [1], 1)).toThrow('float32 [2], not float32 [1]');
  });

  test('holds integers to be equal', () => {
    expect(() => expectNear(int32(3), int32(4), [100], 16)).toThrow('element 0');
    expect(() => expectNear(int32(4), int32(4), [100], 16)).not.toThrow();
  });
});

test('expectSameBits tells zeros apart, not kinds of NaN', () => {
  expect(() => expectSameBits(float32(NaN, 1), float32(NaN, 1), 'again')).not.toThrow();
  expect(() => expectSameBits(float32(0), float32(-0), 'again')).toThrow('again: element 0 is 0');
});

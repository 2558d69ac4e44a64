import { philox } from '@receptive/backend';
import { reference } from '@receptive/backend/reference';
import { shapes } from '@receptive/backend/shape';
import { Rng, ShapeError, setBackend, withBackend } from '@receptive/tensor';
import { describe, expect, test } from 'vitest';
import { float32AtLeast, float32AtMost, float32Below } from '../src/float32.ts';
import { numbersOf } from './harness.ts';

setBackend(reference());

const hex = (words: Uint32Array): string[] => Array.from(words, (word) => word.toString(16).padStart(8, '0'));

describe('Philox4x32-10', () => {
  // The known answers that Random123 publishes (kat_vectors, philox4x32 10); the third is made of the digits of pi.
  test.each<[string, [number, number, number, number], [number, number], string]>([
    ['zeros', [0, 0, 0, 0], [0, 0], '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    [
      'ones',
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      '408f276d 41c83b0e a20bc7c6 6d5451fd',
    ],
    [
      'pi',
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      'd16cfe09 94fdcceb 5001e420 24126ea1',
    ],
  ])('gives the known answer for %s', (_, counter, key, answer) => {
    expect(hex(philox(key, counter, new Uint32Array(4))).join(' ')).toBe(answer);
  });

  test('counts the blocks up, with a carry into the second word', () => {
    const both = philox([1, 2], [0xffffffff, 5, 3, 4], new Uint32Array(8));
    expect(both.slice(0, 4)).toEqual(philox([1, 2], [0xffffffff, 5, 3, 4], new Uint32Array(4)));
    expect(both.slice(4)).toEqual(philox([1, 2], [0, 6, 3, 4], new Uint32Array(4)));
  });

  test('a seed is the key, low word first, and the counter starts at zero', () => {
    expect(hex(new Rng(0).bits(4)).join(' ')).toBe('6627e8d5 e169c58d bc57ac4c 9b00dbd8');
    expect(new Rng(2 ** 32 * 3 + 7).state).toEqual({ key: [7, 3], counter: 0 });
  });
});

describe('the bits', () => {
  test('do not depend on how draws are cut, as long as each is whole blocks of four', () => {
    const whole = new Rng(5).bits(48);
    const [rng, pieces] = [new Rng(5), [4, 12, 32]];
    expect(pieces.flatMap((n) => [...rng.bits(n)])).toEqual([...whole]);
  });

  test('of a draw that ends inside a block are not used by the next: the counter goes up by whole blocks', () => {
    const rng = new Rng(5);
    const whole = new Rng(5).bits(32);
    expect(rng.bits(10)).toEqual(whole.slice(0, 10));
    expect(rng.state.counter).toBe(3);
    expect(rng.bits(6)).toEqual(whole.slice(12, 18));
    expect(rng.state.counter).toBe(5);
  });

  test('do not depend on the backend', () => {
    const draws = [reference(), reference()].map((backend) =>
      withBackend(backend, () => {
        const rng = new Rng(9);
        return [rng.uniform([5]), rng.normal([5]), rng.truncatedNormal([5]), rng.bernoulli([5], 0.5)].map(numbersOf);
      }),
    );
    expect(draws[0]).toEqual(draws[1]);
    const rng = new Rng(9);
    withBackend(shapes(), () => rng.uniform([5]));
    expect(rng.state.counter).toBe(2);
  });

  test('are none for none, and refused for what is no number of words', () => {
    expect(new Rng(1).bits(0)).toEqual(new Uint32Array(0));
    expect(() => new Rng(1).bits(-1)).toThrow(RangeError);
    expect(() => new Rng(1).bits(1.5)).toThrow('bits: needs a whole number of at least 0, but is 1.5');
  });
});

describe('the state', () => {
  test('goes through JSON and on where it was', () => {
    const rng = new Rng(123456789012345);
    rng.normal([7]);
    const saved = JSON.parse(JSON.stringify(rng.state)) as typeof rng.state;
    expect(new Rng(saved).bits(9)).toEqual(rng.bits(9));
  });

  test('counts beyond 32 bits', () => {
    const rng = new Rng({ key: [1, 2], counter: 2 ** 32 - 1 });
    const words = rng.bits(8);
    expect(rng.state.counter).toBe(2 ** 32 + 1);
    expect(words.slice(4)).toEqual(philox([1, 2], [0, 1, 0, 0], new Uint32Array(4)));
    expect(new Rng({ key: [1, 2], counter: 2 ** 32 }).bits(4)).toEqual(words.slice(4));
  });

  test('cannot be changed from outside', () => {
    const rng = new Rng(1);
    (rng.state.key as unknown as number[])[0] = 99;
    expect(rng.state.key).toEqual([1, 0]);
    const copy = rng.clone();
    copy.bits(4);
    expect(rng.state.counter).toBe(0);
  });

  test.each([
    -1,
    0.5,
    2 ** 53,
    Number.NaN,
    { key: [1], counter: 0 },
    { key: [1, 2 ** 32], counter: 0 },
    { key: 'ab', counter: 0 },
    { key: [1, 2], counter: -1 },
    { key: [1, 2] },
    {},
    null,
    undefined,
    '7',
  ])('%j is refused', (seed) => {
    expect(() => new Rng(seed as unknown as number)).toThrow(RangeError);
    expect(() => new Rng(seed as unknown as number)).toThrow('the seed must be a whole number from 0 to 2^53 - 1');
  });
});

describe('fork', () => {
  test('depends on the key and the name, not on what was drawn, and changes nothing', () => {
    const rng = new Rng(1);
    const before = rng.fork('dropout').bits(4);
    rng.bits(100);
    const { state } = rng;
    expect(rng.fork('dropout').bits(4)).toEqual(before);
    expect(rng.state).toEqual(state);
  });

  test('gives other numbers than its parent, than other names, and than other parents', () => {
    const [a, b] = [new Rng(1), new Rng(2)];
    const streams = [a, b, a.fork(''), a.fork('x'), a.fork('y'), a.fork('xy'), a.fork('x').fork('y'), b.fork('x')];
    expect(new Set(streams.map((rng) => hex(rng.bits(4)).join())).size).toBe(streams.length);
  });

  test('gives many names many keys', () => {
    const rng = new Rng(0);
    const keys = Array.from({ length: 20_000 }, (_, i) => rng.fork(`features.${i}.weight`).state.key.join());
    expect(new Set(keys).size).toBe(keys.length);
  });

  test('gives streams that are not correlated', () => {
    const n = 20_000;
    const [a, b] = ['a', 'b'].map((name) => numbersOf(new Rng(3).fork(name).normal([n])));
    const correlation = a!.reduce((sum, x, i) => sum + x * b![i]!, 0) / n;
    // Five standard errors.
    expect(Math.abs(correlation)).toBeLessThan(5 / Math.sqrt(n));
  });
});

test('a shape no tensor can have is refused by every draw', () => {
  expect(() => new Rng(1).uniform([0])).toThrow(ShapeError);
  expect(() => new Rng(1).normal([2, 0])).toThrow(ShapeError);
});

test('the float32 numbers beside a double', () => {
  const tiny = 2 ** -149;
  expect([float32AtLeast(0), float32AtMost(0), float32Below(0)]).toEqual([0, 0, -tiny]);
  expect([float32AtLeast(1), float32AtMost(1), float32Below(1)]).toEqual([1, 1, 1 - 2 ** -24]);
  expect(float32Below(-1)).toBe(-1 - 2 ** -23);
  expect(float32Below(tiny)).toBe(0);
  for (const x of [0.1, 0.7, -0.1, -0.7, 1e-50, -1e-50, 1e30]) {
    const [above, below] = [float32AtLeast(x), float32AtMost(x)];
    expect(above).toBeGreaterThan(x);
    expect(below).toBeLessThan(x);
    expect([Math.fround(above), Math.fround(below), float32Below(above)]).toEqual([above, below, below]);
  }
});

import type { Backend, Storage, Window } from '@receptive/backend';
import type { GpuOptions } from '@receptive/backend-gpu';
import { gpu } from '@receptive/backend-gpu';
import type { Tensor } from '@receptive/tensor';
import {
  Rng,
  add,
  concat,
  div,
  erf,
  full,
  mul,
  neg,
  pad,
  pow,
  scatterAdd,
  scope,
  sigmoid,
  slice,
  softplus,
  sub,
  tanh,
  tensor,
  withBackend,
} from '@receptive/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Device } from '../src/device.ts';
import { openDevice } from '../src/open.ts';
import { script } from '../src/program.ts';

/** Declares tests of what goes wrong without a word where floats count, loops are cut short, or literals stand for infinities. */
export function numbers(name: string, options: GpuOptions): void {
  describe(`whole numbers on ${name}`, () => {
    let device: Device;
    beforeAll(async () => (device = await openDevice({ mode: 'auto', software: false, dawn: [], ...options })));
    afterAll(() => device.dispose());

    for (const [operation, want] of [
      ['div', (i: number, d: number) => Math.floor(i / d)],
      ['rem', (i: number, d: number) => i % d],
    ] as const) {
      it(`${operation} is exact up to 2^31`, async () => {
        const pairs = dividends();
        // A float holds half a whole number; the difference to what is wanted is then 0, or at least 1, in floats too.
        const reads = ['i', 'd', 'want'];
        const halves = reads.flatMap((read) => [`${read}High`, `${read}Low`]);
        const [i, d, wanted] = reads.map(
          (read) => `(whole(${read}High[this.thread.x]) * 65536 + whole(${read}Low[this.thread.x]))`,
        );
        const difference = script(operation, { reads: halves }, `return ${operation}(${i}, ${d}) - ${wanted};`);
        const columns = [pairs.map(([a]) => a), pairs.map(([, b]) => b), pairs.map(([a, b]) => want(a, b))];
        const memories = columns.flatMap((column) => [
          device.upload(Float32Array.from(column, (value) => Math.floor(value / 65536))),
          device.upload(Float32Array.from(column, (value) => value % 65536)),
        ]);
        const out = device.run({ program: difference, reads: memories, values: [], length: pairs.length });
        const differences = await device.read(out, pairs.length);
        const wrong = pairs.filter((_, k) => differences[k] !== 0);
        expect(wrong.slice(0, 5)).toEqual([]);
        for (const memory of [...memories, out]) device.release(memory);
      });
    }
  });

  describe(`numbers on ${name}`, () => {
    let backend: Backend;
    beforeAll(async () => void (backend = await gpu(options)));
    afterAll(() => backend.dispose());

    /** What `f` makes on the backend, as an array. */
    async function computed(f: () => Tensor): Promise<number[]> {
      return [...(await withBackend(backend, () => scope(f)).data())];
    }

    it('places beyond 2^24 are exact', async () => {
      // Above 2^24 floats know even numbers only: an index that has been one reads its neighbour.
      const rows = Math.ceil(2 ** 24 / 3) + 4;
      const sums = (): Tensor => add(full([rows, 1], 10), tensor([1, 2, 3]));
      expect(await computed(() => slice(sums(), [rows - 3, 0], [rows, 3]))).toEqual([
        11, 12, 13, 11, 12, 13, 11, 12, 13,
      ]);
      // Sixteen million elements are slow where the GPU is emulated.
    }, 60_000);

    it('a loop goes as far as its argument says', async () => {
      // gpu.js ends loops after 1000 rounds unless told.
      const count = 3000;
      const x = (): Tensor => scatterAdd(full([count], 1), tensor(new Int32Array(count)), 0, 2);
      expect(await computed(x)).toEqual([count, 0]);
    });

    it('concatenates more tensors than a kernel can read', async () => {
      for (const count of [7, 8, 15, 60]) {
        const list = Array.from({ length: count }, (_, i) => [i, -i, i / 2].slice(0, 1 + (i % 3)));
        const x = (): Tensor =>
          concat(
            list.map((values) => tensor([...values, ...values], { shape: [2, values.length] })),
            1,
          );
        expect(await computed(x)).toEqual([...list.flat(), ...list.flat()]);
      }
    });

    it('infinities, NaN and -0 are what they are when they are given as numbers', async () => {
      for (const value of [Infinity, -Infinity, NaN, -0]) {
        expect(await computed(() => full([2], value))).toEqual([value, value]);
        expect(await computed(() => pad(tensor([1]), [[1, 1]], { value }))).toEqual([value, 1, value]);
      }
    });

    it('a result stays when its kernel runs again', async () => {
      const [first, second] = withBackend(backend, () => [neg(tensor([1, 2])), neg(tensor([3, 4]))] as const);
      expect([...(await first.data()), ...(await second.data())]).toEqual([-1, -2, -3, -4]);
    });

    it('int32 divides exactly up to 2^24', async () => {
      const pairs = dividends().map(([i, d]) => [i % 2 ** 24, 1 + (d % 2 ** 24)] as const);
      const a = Int32Array.from(pairs, ([i], k) => (k % 2 ? -i : i));
      const b = Int32Array.from(pairs, ([, d], k) => (k % 3 ? -d : d));
      // Adding 0 makes -0 0.
      const want = Array.from(a, (i, k) => Math.trunc(i / b[k]!) + 0);
      expect(await computed(() => div(tensor(a), tensor(b)))).toEqual(want);
    });

    it("powers are JavaScript's", async () => {
      const bases = [0, -0, 0.5, -0.5, 1, -1, 2, -2, 3, Infinity, -Infinity, NaN];
      const exponents = [0, 0.5, -0.5, 1, -1, 2, -2, 3, -3, 15, 2.5, 2 ** 24, -(2 ** 24), Infinity, -Infinity, NaN];
      const got = await computed(() => pow(tensor(bases, { shape: [bases.length, 1] }), tensor(exponents)));
      bases.forEach((base, i) =>
        exponents.forEach((exponent, k) => {
          const [power, want] = [got[i * exponents.length + k]!, base ** exponent];
          // Whole powers are exact, infinities and NaN too.
          const near = Math.abs(power - want) <= 1e-6 * Math.abs(want) && !Number.isInteger(want);
          // Adding 0 makes -0 0.
          if (!near) expect(power + 0, `${base} ** ${exponent}`).toBe(want + 0);
        }),
      );
    });

    it('functions that level off do so however large their argument is', async () => {
      // tanh of a large number is NaN where it is computed as a quotient of exponentials.
      const x = [-Infinity, -3e38, -1e4, -100, -20, 20, 100, 1e4, 3e38, Infinity];
      const signs = x.map(Math.sign);
      const steps = x.map((value) => (value > 0 ? 1 : 0));
      expect(await computed(() => tanh(tensor(x)))).toEqual(signs);
      expect(await computed(() => erf(tensor(x)))).toEqual(signs);
      const levels = await computed(() => sigmoid(tensor(x)));
      levels.forEach((level, i) => expect(Math.abs(level - steps[i]!), `${x[i]}`).toBeLessThan(3e-9));
      expect(await computed(() => softplus(neg(tensor(x.slice(0, 4)))))).toEqual(
        x.slice(0, 4).map((value) => Math.fround(-value)),
      );
    });

    it('a window over more places than a float counts is refused', () => {
      const operand = (length: number) =>
        ({ storage: backend.allocate('float32', length), shape: [1, 1, length], dtype: 'float32' }) as const;
      const length = 2 ** 24 + 1;
      const [x, out] = [operand(length), operand(length - 1)];
      const window: Window = { kernel: [2], stride: [1], dilation: [1], padding: [[0, 0]] };
      expect(() => backend.kernels.avgPool!(x, out, window, true)).toThrow(
        /slide over 16777217 places .* at most 16777216.*smaller batches/,
      );
      for (const { storage } of [x, out]) backend.free(storage);
    });

    it('bytes wrap around', async () => {
      const all = Uint8Array.from({ length: 256 }, (_, i) => i);
      const each = (f: (a: number, b: number) => number): number[] => [
        ...Uint8Array.from({ length: 2 ** 16 }, (_, i) => f(i >> 8, i & 255)),
      ];
      const operands = (): [Tensor, Tensor] => [tensor(all, { shape: [256, 1] }), tensor(all)];
      expect(await computed(() => add(...operands()))).toEqual(each((a, b) => a + b));
      expect(await computed(() => sub(...operands()))).toEqual(each((a, b) => a - b));
      expect(await computed(() => mul(...operands()))).toEqual(each((a, b) => a * b));
      expect(await computed(() => div(...operands()))).toEqual(each((a, b) => a / b));
      expect(await computed(() => scatterAdd(tensor(all), tensor(new Int32Array(256)), 0, 1))).toEqual([32640 % 256]);
    });

    it('an optimiser that writes where it reads takes each value once', async () => {
      // The backend's own kernel, with outputs on their inputs: the parameter must move by the new velocity, and that by the old parameter.
      const store = (...values: number[]): Storage => {
        const storage = backend.allocate('float32', values.length);
        backend.write(storage, Float32Array.from(values));
        return storage;
      };
      const operand = (storage: Storage) => ({ storage, shape: [1], dtype: 'float32' }) as const;
      const [parameter, gradient, velocity] = [operand(store(1)), operand(store(2)), operand(store(4))];
      for (const [nesterov, p, v] of [
        // v = 0.5 * 4 + (2 + 1 * 1), p = 1 - 0.125 * v
        [false, 0.375, 5],
        // v = 0.5 * 5 + (2 + 0.375), p = 0.375 - 0.125 * (2 + 0.375 + 0.5 * v)
        [true, -0.2265625, 4.875],
      ] as const) {
        const step = { lr: 0.125, momentum: 0.5, dampening: 0, weightDecay: 1, nesterov };
        backend.kernels.sgdStep!({ parameter, gradient, velocity }, { parameter, velocity }, step);
        expect([...(await backend.read(parameter.storage, 'float32', 1))]).toEqual([p]);
        expect([...(await backend.read(velocity.storage, 'float32', 1))]).toEqual([v]);
      }
      for (const { storage } of [parameter, gradient, velocity]) backend.free(storage);
    });
  });
}

/** Whole numbers below 2^31 and divisors: of all sizes, near multiples of the divisor, where a quotient that is a little off rounds to another one. */
function dividends(): (readonly [i: number, d: number])[] {
  const most = 2 ** 31 - 1;
  const bits = new Rng(0).bits(90_000);
  const edges = [0, 1, 2, 3, 7, 255, 2 ** 12, 2 ** 16 + 1, 2 ** 23, 2 ** 24 + 1, 2 ** 30, most - 1, most];
  const random = Array.from({ length: bits.length / 3 }, (_, k) => {
    const [i, d, size] = [bits[3 * k]! >>> 1, bits[3 * k + 1]! >>> 1, bits[3 * k + 2]!];
    return [i, 1 + (d >>> (size % 31))] as const;
  });
  const pairs = [...edges.flatMap((i) => edges.filter((d) => d > 0).map((d) => [i, d] as const)), ...random];
  return pairs.flatMap(([i, d]) => {
    const multiple = i - (i % d);
    return [i, multiple, multiple - 1, multiple + 1].filter((n) => n >= 0 && n <= most).map((n) => [n, d] as const);
  });
}

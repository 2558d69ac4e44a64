import type { Backend, DType, Operand, RequiredKernels, Storage, TypedArray } from '@receptive/backend';
import { bytesPerElement, dtypeOf, typedArray } from '@receptive/backend';
import type { Tensor } from '@receptive/tensor';
import { DTypeError, Parameter, adamStep, ones, sgdStep, tensor, withBackend } from '@receptive/tensor';
import { expect } from 'vitest';
import type { Declare, Registry } from './registry.ts';

type Make = () => Promise<Backend> | Backend;

/** Declares the tests of all that is not arithmetic. */
export function testBehaviour(registry: Registry, backend: Backend, make: Make): void {
  testIdentity(registry.group('backend'), backend, make);
  testMemory(registry.group('memory'), backend);
  testTransfer(registry.group('transfer'), backend);
  testSteps(registry.group('in place'), backend);
}

const required: { readonly [K in keyof RequiredKernels]: true } = {
  fill: true,
  cast: true,
  unary: true,
  binary: true,
  compare: true,
  where: true,
  copyView: true,
  concat: true,
  pad: true,
  reduce: true,
  argReduce: true,
  matmul: true,
  gather: true,
  scatterAdd: true,
  im2col: true,
  col2im: true,
};

/** Numbers that a copy could spoil, of each type. */
const contents: { readonly [D in DType]: readonly number[] } = {
  float32: [0, -0, 1.5, -1.5, 2 ** -149, 2 ** -126, 3.4028234663852886e38, Infinity, -Infinity, NaN, 16777217],
  float64: [0, -0, 0.1, Number.MIN_VALUE, Number.MAX_VALUE, Infinity, -Infinity, NaN, 2 ** 53 - 1],
  int32: [0, 1, -1, 2147483647, -2147483648],
  uint8: [0, 1, 127, 128, 255],
};

/** `length` elements that go round the contents of their type. */
function filled(dtype: DType, length: number): TypedArray {
  const array = typedArray(dtype, length);
  for (let i = 0; i < length; i++) array[i] = contents[dtype][i % contents[dtype].length]!;
  return array;
}

/** A new storage that holds `data`. */
function store(backend: Backend, data: TypedArray): Storage {
  const storage = backend.allocate(dtypeOf(data)!, data.length);
  backend.write(storage, data);
  return storage;
}

/** Small storages whose contents are known. */
function guards(backend: Backend): Storage[] {
  return Array.from({ length: 3 }, () => store(backend, filled('uint8', 16)));
}

/** Enqueues a kernel that makes all elements of `out` the same. */
function overwrite(backend: Backend, out: Operand, value: number): void {
  backend.kernels.fill(out, value);
}

function testIdentity(test: Declare, backend: Backend, make: Make): void {
  test('says what it is', () => {
    expect(backend.name).not.toBe('');
    expect(backend.describe()).toMatch(/^.+$/);
  });

  test('has float32, int32 and uint8', () => {
    expect([...backend.dtypes]).toEqual(expect.arrayContaining(['float32', 'int32', 'uint8']));
  });

  test('has every required kernel', () => {
    const names = Object.keys(required) as (keyof RequiredKernels)[];
    expect(names.filter((name) => typeof backend.kernels[name] !== 'function')).toEqual([]);
  });

  test('refuses element types it has not', () => {
    const all: readonly DType[] = ['float32', 'float64', 'int32', 'uint8'];
    for (const dtype of all.filter((each) => !backend.dtypes.has(each))) {
      expect(() => withBackend(backend, () => tensor([1], { dtype }))).toThrow(DTypeError);
      expect(() => withBackend(backend, () => ones([1], { dtype }))).toThrow(DTypeError);
    }
  });

  test('does not depend on another one, which is given up', async () => {
    const storage = store(backend, Float32Array.of(2));
    const other = await make();
    store(other, Float32Array.of(1));
    other.dispose();
    expect(await backend.read(storage, 'float32', 1)).toEqual(Float32Array.of(2));
    backend.free(storage);
  });

  test('once given up, does not mind what is freed late', async () => {
    const other = await make();
    const storage = other.allocate('float32', 1);
    other.dispose();
    expect(() => other.free(storage)).not.toThrow();
  });

  test('refuses what is freed, foreign, too short or of a backend that is given up, and says so', async () => {
    const [own, other] = [await make(), await make()];
    const freed = own.allocate('float32', 1);
    own.free(freed);
    expect(() => own.write(freed, new Float32Array(1))).toThrow('has been freed');
    expect(() => own.free(freed)).toThrow('has been freed');
    expect(() => own.free(other.allocate('float32', 1))).toThrow('another backend');
    const short = own.allocate('float32', 1);
    await expect(own.read(short, 'float32', 2)).rejects.toThrow('2 float32');
    own.dispose();
    other.dispose();
    expect(() => own.allocate('float32', 1)).toThrow('disposed');
    await expect(own.read(short, 'float32', 1)).rejects.toThrow(/disposed|freed/);
  });
}

function testMemory(test: Declare, backend: Backend): void {
  test('is counted when it is allocated and when it is freed', () => {
    const before = backend.memory();
    const storages = [...backend.dtypes].map((dtype, i) => {
      const { bytes } = backend.memory();
      const storage = backend.allocate(dtype, 1000 + i);
      // A backend may round up.
      expect(backend.memory().bytes - bytes).toBeGreaterThanOrEqual((1000 + i) * bytesPerElement(dtype));
      return storage;
    });
    expect(backend.memory().storages - before.storages).toBe(storages.length);
    for (const storage of storages) backend.free(storage);
    expect(backend.memory()).toEqual(before);
  });

  test('is used again once it is freed', () => {
    const before = backend.memory();
    // 4.3 GB in all, more than 32 bits can address.
    for (let i = 0; i < 520; i++) backend.free(backend.allocate('float32', 2 ** 21 + (i % 7)));
    expect(backend.memory()).toEqual(before);
  });

  test('freed in any order leaves the rest as it was', async () => {
    const sizes = [1, 1000, 3, 7000, 17, 4096, 2];
    const storages = sizes.map((size) => store(backend, filled('float32', size)));
    for (const i of [1, 4, 3]) backend.free(storages[i]!);
    const later = store(backend, filled('int32', 5000));
    for (const i of [0, 2, 5, 6]) {
      expect(await backend.read(storages[i]!, 'float32', sizes[i]!)).toEqual(filled('float32', sizes[i]!));
      backend.free(storages[i]!);
    }
    expect(await backend.read(later, 'int32', 5000)).toEqual(filled('int32', 5000));
    backend.free(later);
  });

  test('that is not there is refused, and the backend goes on', async () => {
    const before = backend.memory();
    expect(() => backend.allocate('float32', 2 ** 46)).toThrow(/\d/);
    expect(backend.memory()).toEqual(before);
    const storage = store(backend, Float32Array.of(5));
    expect(await backend.read(storage, 'float32', 1)).toEqual(Float32Array.of(5));
    backend.free(storage);
  });

  test('is written by a kernel in its output alone', async () => {
    for (const length of [1, 2, 3, 5, 7, 13, 31, 33, 65]) {
      const x = store(backend, filled('float32', length));
      // Some of the guards are likely to lie beside the output.
      const before = guards(backend);
      const y = backend.allocate('float32', length);
      const after = guards(backend);
      const operand = (storage: Storage): Operand => ({ storage, shape: [length], dtype: 'float32' });
      overwrite(backend, operand(y), 1);
      backend.kernels.unary('exp', operand(x), operand(y));
      for (const each of [...before, ...after]) {
        expect(await backend.read(each, 'uint8', 16)).toEqual(filled('uint8', 16));
        backend.free(each);
      }
      expect(await backend.read(x, 'float32', length)).toEqual(filled('float32', length));
      backend.free(x);
      backend.free(y);
    }
  });
}

function testTransfer(test: Declare, backend: Backend): void {
  for (const dtype of backend.dtypes) {
    test(`gives back what was written, ${dtype}`, async () => {
      for (const length of [1, 2, 3, 17, 1037]) {
        const storage = store(backend, filled(dtype, length));
        expect(await backend.read(storage, dtype, length)).toEqual(filled(dtype, length));
        expect(await backend.read(storage, dtype, 1)).toEqual(filled(dtype, 1));
        expect(backend.readSync?.(storage, dtype, length) ?? filled(dtype, length)).toEqual(filled(dtype, length));
        backend.free(storage);
      }
    });
  }

  test('a read that was asked for first gives the old value', async () => {
    const storage = store(backend, Int32Array.of(1, 2));
    const first = backend.read(storage, 'int32', 2);
    backend.write(storage, Int32Array.of(3, 4));
    const second = backend.read(storage, 'int32', 2);
    overwrite(backend, { storage, shape: [2], dtype: 'int32' }, 9);
    const third = backend.read(storage, 'int32', 2);
    expect(await Promise.all([first, second, third])).toEqual([
      Int32Array.of(1, 2),
      Int32Array.of(3, 4),
      Int32Array.of(9, 9),
    ]);
    backend.free(storage);
  });

  test('a storage may be freed, and its memory used again, while it is being read', async () => {
    const storage = store(backend, Float32Array.of(1, 2));
    const reading = backend.read(storage, 'float32', 2);
    backend.free(storage);
    const other = store(backend, Float32Array.of(7, 7));
    expect(await reading).toEqual(Float32Array.of(1, 2));
    backend.free(other);
  });

  test('what is read and what was written are copies', async () => {
    const data = Float32Array.of(1, 2);
    const storage = store(backend, data);
    data[0] = 9;
    const first = await backend.read(storage, 'float32', 2);
    expect(first).toEqual(Float32Array.of(1, 2));
    first[1] = 9;
    expect(await backend.read(storage, 'float32', 2)).toEqual(Float32Array.of(1, 2));
    backend.free(storage);
  });

  test('many reads at once', async () => {
    const storages = Array.from({ length: 50 }, (_, i) => store(backend, Int32Array.of(i)));
    const values = await Promise.all(storages.map((storage) => backend.read(storage, 'int32', 1)));
    expect(values).toEqual(storages.map((_, i) => Int32Array.of(i)));
    for (const storage of storages) backend.free(storage);
  });

  test('flush waits for all that was asked for', async () => {
    const storage = store(backend, Float32Array.of(0));
    for (let i = 0; i < 100; i++) overwrite(backend, { storage, shape: [1], dtype: 'float32' }, i);
    await backend.flush();
    expect(await backend.read(storage, 'float32', 1)).toEqual(Float32Array.of(99));
    backend.free(storage);
  });
}

function testSteps(test: Declare, backend: Backend): void {
  /**
   * Runs `step` on variables of the values in `from`; they must come to hold those in `to`, and stay where they are if the backend has the kernel. Its
   * composition makes new tensors.
   */
  async function testStep(
    kernel: 'sgdStep' | 'adamStep',
    from: readonly (readonly number[])[],
    slope: readonly number[],
    step: (variables: readonly Parameter[], gradient: Tensor) => void,
    to: readonly (readonly number[])[],
  ): Promise<void> {
    const before = backend.memory();
    const variables = from.map((values) => new Parameter([values.length], () => tensor(values)));
    withBackend(backend, () => {
      const places = variables.map(({ value }) => value.storage);
      const gradient = tensor(slope);
      step(variables, gradient);
      gradient.dispose();
      const stays = backend.kernels[kernel] !== undefined;
      variables.forEach(({ value }, i) => expect(value.storage === places[i] || !stays).toBe(true));
    });
    for (const [i, variable] of variables.entries()) {
      const values: readonly number[] = [...(await variable.value.data())];
      values.forEach((value, k) => expect(value).toBeCloseTo(to[i]![k]!, 6));
      variable.dispose();
    }
    await backend.flush();
    expect(backend.memory()).toEqual(before);
  }

  test('SGD with momentum', async () => {
    const options = { lr: 0.1, momentum: 0.9, dampening: 0, weightDecay: 0, nesterov: false };
    const parameter = [1, -2];
    const velocity = [4, 0];
    await testStep(
      'sgdStep',
      [parameter, velocity],
      [2, 1],
      ([p, v], gradient) => sgdStep(p!, gradient, v, options),
      // v = 0.9 * 4 + 2 and 0 + 1; p = 1 - 0.1 * 5.6 and -2 - 0.1 * 1.
      [
        [0.44, -2.1],
        [5.6, 1],
      ],
    );
  });

  test('Adam', async () => {
    const options = { lr: 0.1, beta1: 0.9, beta2: 0.99, eps: 1, weightDecay: 0, decoupled: false, step: 1 };
    const parameter = [1, 1];
    const moment = [0, 0];
    await testStep(
      'adamStep',
      [parameter, moment, moment],
      [2, -3],
      ([p, mean, variance], gradient) => adamStep(p!, gradient, mean!, variance!, options),
      // A first step's corrected moments are the gradient and its square: p = 1 - 0.1 * 2 / (2 + 1) and 1 + 0.1 * 3 / (3 + 1).
      [
        [1 - 0.2 / 3, 1.075],
        [0.2, -0.3],
        [0.04, 0.09],
      ],
    );
  });
}

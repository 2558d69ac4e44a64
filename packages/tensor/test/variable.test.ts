import { reference } from '@receptive/backend/reference';
import { shapes } from '@receptive/backend/shape';
import {
  BackendError,
  Buffer,
  DTypeError,
  DisposedError,
  Parameter,
  Rng,
  ShapeError,
  listen,
  relu,
  scope,
  setBackend,
  tensor,
  withBackend,
  withPlaceholders,
  zeros,
} from '@receptive/tensor';
import type { Initializer } from '@receptive/tensor';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { numbersOf } from './harness.ts';

let backend = reference();
beforeEach(() => {
  backend = reference();
  setBackend(backend);
});

const normal: Initializer = (shape, rng) => rng.normal(shape);
const zero: Initializer = (shape) => zeros(shape);

describe('a lazy variable', () => {
  test('allocates nothing until it is used', () => {
    const w = new Parameter([1000, 1000], normal);
    expect(w).toMatchObject({ shape: [1000, 1000], dtype: 'float32', version: 0, materialized: false });
    expect(backend.memory().storages).toBe(0);
  });

  test('makes its value on first use and keeps it', () => {
    const initializer = vi.fn<Initializer>(normal);
    const w = new Parameter([2], initializer);
    const { value } = w;
    expect(w.materialized).toBe(true);
    expect(w.value).toBe(value);
    expect(initializer).toHaveBeenCalledTimes(1);
    expect(w.version).toBe(0);
  });

  test('never makes a value when one is loaded first', () => {
    const initializer = vi.fn<Initializer>(normal);
    const w = new Parameter([2], initializer);
    w.assign(tensor([1, 2]));
    expect(numbersOf(w.value)).toEqual([1, 2]);
    expect(initializer).not.toHaveBeenCalled();
    expect(backend.memory().storages).toBe(1);
  });

  test('holds only its value, whatever its initialiser made on the way', () => {
    const w = new Parameter([2], (shape, rng) => rng.normal(shape).mul(2).add(1));
    scope(() => void w.value);
    expect(backend.memory().storages).toBe(1);
  });

  test('is made outside the scope and unheard by the listeners of its first use', () => {
    const w = new Parameter([2], zero);
    const names: string[] = [];
    listen(
      ({ op }) => names.push(op.name),
      () => scope(() => void relu(w.value)),
    );
    expect(names).toEqual(['relu']);
    expect(numbersOf(w.value)).toEqual([0, 0]);
  });

  test('keeps a value of its own where the initialiser returns a tensor of somebody else', () => {
    const pretrained = tensor([1, 2]);
    const [a, b] = [new Parameter([2], () => pretrained), new Parameter([2], () => pretrained)];
    expect(new Set([a.value.id, b.value.id, pretrained.id]).size).toBe(3);
    a.dispose();
    expect(numbersOf(b.value)).toEqual([1, 2]);
    expect(numbersOf(pretrained)).toEqual([1, 2]);
  });

  test('refuses an initialiser that makes another shape, and keeps nothing of it', () => {
    const w = new Parameter([2], () => zeros([3]));
    expect(() => w.value).toThrow(ShapeError);
    expect(() => w.value).toThrow('initialiser: the variable has shape [2], but the tensor [3]');
    expect(backend.memory().storages).toBe(0);
  });

  test('can be made anew after it was disposed, with the same values', () => {
    const w = new Parameter([4], normal);
    const first = numbersOf(w.value);
    w.dispose();
    expect(backend.memory().storages).toBe(0);
    expect(w.materialized).toBe(false);
    expect(numbersOf(w.value)).toEqual(first);
  });

  test('draws from its key, so that the order of first use does not matter', () => {
    const [first, second, firstAgain, secondAgain] = ['x', 'y', 'x', 'y'].map((name) => {
      const w = new Parameter([4], normal);
      w.seed(new Rng(1).fork(name));
      return w;
    }) as [Parameter, Parameter, Parameter, Parameter];
    const forth = [numbersOf(first.value), numbersOf(second.value)];
    const back = [numbersOf(secondAgain.value), numbersOf(firstAgain.value)];
    expect(forth).toEqual(back.reverse());
    expect(forth[0]).not.toEqual(forth[1]);
  });

  test('without a key draws other numbers than its neighbour', () => {
    const [a, b] = [new Parameter([4], normal), new Parameter([4], normal)];
    expect(numbersOf(a.value)).not.toEqual(numbersOf(b.value));
  });

  test('seed() forgets a value that was made, and leaves the generator it was given alone', () => {
    const [w, rng] = [new Parameter([4], normal), new Rng(3)];
    const before = numbersOf(w.value);
    w.seed(rng);
    const after = numbersOf(w.value);
    expect(after).not.toEqual(before);
    expect(after).toEqual(numbersOf(new Rng(3).normal([4])));
    expect(rng.state.counter).toBe(0);
  });
});

describe('assign', () => {
  test('refuses another shape, type or backend, and says which', () => {
    const w = new Parameter([2], zero);
    expect(() => w.assign(zeros([3]))).toThrow('assign: the variable has shape [2], but the tensor [3]');
    void w.value;
    expect(() => w.assign(zeros([2], { dtype: 'int32' }))).toThrow(DTypeError);
    expect(() => w.assign(zeros([2], { dtype: 'int32' }))).toThrow(
      'assign: the variable is float32, but the tensor is int32. Convert it with cast()',
    );
    const elsewhere = withBackend(reference(), () => zeros([2]));
    expect(() => w.assign(elsewhere)).toThrow(BackendError);
    expect(w.version).toBe(0);
  });

  test('of its own value changes nothing but the version', () => {
    const w = new Parameter([2], () => tensor([1, 2]));
    w.assign(w.value);
    expect(numbersOf(w.value)).toEqual([1, 2]);
    expect(w.version).toBe(1);
  });

  test('of one tensor to two variables gives two values', () => {
    const [a, b, x] = [new Parameter([1], zero), new Parameter([1], zero), tensor([5])];
    a.assign(x);
    b.assign(x);
    expect(new Set([a.value.id, b.value.id, x.id]).size).toBe(3);
  });
});

describe('to', () => {
  test('moves the value and bumps the version; the old handle ends', async () => {
    const other = reference();
    const w = new Buffer([2], () => tensor([1, 2]));
    expect(w.backend).toBe(backend);
    const before = w.value;
    await w.to(other);
    expect(w.backend).toBe(other);
    expect(w.value.backend).toBe(other);
    expect(numbersOf(w.value)).toEqual([1, 2]);
    expect(w.version).toBe(1);
    expect(before.disposed).toBe(true);
    expect(backend.memory().storages).toBe(0);
  });

  test('moves the place where the value will be made', async () => {
    const other = reference();
    const w = new Parameter([2], zero);
    await w.to(other);
    expect(w.materialized).toBe(false);
    expect(w.backend).toBe(other);
    expect(w.value.backend).toBe(other);
  });

  test('refuses a write in between, and keeps it', async () => {
    const w = new Parameter([1], () => tensor([1]));
    void w.value;
    const other = reference();
    const moving = w.to(other);
    w.assign(tensor([2]));
    await expect(moving).rejects.toThrow('written to while it was being moved');
    expect(numbersOf(w.value)).toEqual([2]);
    expect(w.value.backend).toBe(backend);
    expect(other.memory().storages).toBe(0);
  });
});

describe('withPlaceholders', () => {
  test('lets variables stand for their shapes and types, and allocates nothing', () => {
    const w = new Parameter([3, 2], normal);
    const steps = new Buffer([], () => zeros([], { dtype: 'int32' }));
    void steps.value;
    const [a, b] = withPlaceholders(shapes(), () => [zeros([4, 3]).matmul(w.value), steps.value]);
    expect(a.shape).toEqual([4, 2]);
    expect(b.dtype).toBe('int32');
    expect(w.materialized).toBe(false);
    expect(backend.memory().storages).toBe(1);
  });

  test('refuses writes, and ends also after an exception', () => {
    const w = new Parameter([1], zero);
    expect(() => withPlaceholders(shapes(), () => w.assign(zeros([1])))).toThrow(
      'assign: inside withPlaceholders variables stand for their shapes alone and cannot be written to',
    );
    expect(numbersOf(w.value)).toEqual([0]);
    expect(w.version).toBe(0);
  });

  test('are not heard by listeners', () => {
    const w = new Parameter([1], zero);
    const names: string[] = [];
    withPlaceholders(shapes(), () =>
      listen(
        ({ op }) => names.push(op.name),
        () => relu(w.value),
      ),
    );
    expect(names).toEqual(['relu']);
  });
});

test('a variable disposed of frees its memory, and its handle says how to keep one', () => {
  const w = new Parameter([2], zero);
  const { value } = w;
  w.dispose();
  w.dispose();
  expect(() => value.add(1)).toThrow(DisposedError);
  expect(() => value.add(1)).toThrow(
    'keep a handle of your own with clone(). The value of a Parameter or Buffer ends with',
  );
  expect(backend.memory().storages).toBe(0);
});

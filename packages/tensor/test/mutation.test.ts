import type { Shape } from '@receptive/backend';
import { reference } from '@receptive/backend/reference';
import {
  Buffer,
  DisposedError,
  Parameter,
  adamStep,
  ops,
  scope,
  setBackend,
  sgdStep,
  tensor,
  zeros,
} from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { numbersOf, primitivesOnly } from './harness.ts';

// One test for each sentence of the model of values and mutation.

let backend = reference();
beforeEach(() => {
  backend = reference();
  setBackend(backend);
});

/** A parameter of two weights, 1 and 2. */
function weights(): Parameter {
  return new Parameter([2], () => tensor([1, 2]));
}

const plain = { lr: 1, momentum: 0, dampening: 0, weightDecay: 0, nesterov: false };

const zero = (shape: Shape): Tensor => zeros(shape);

/** Takes 10 from each weight. */
function step(parameter: Parameter): void {
  const gradient = tensor([10, 10]);
  sgdStep(parameter, gradient, undefined, plain);
  gradient.dispose();
}

describe('tensors are immutable handles on reference-counted storage', () => {
  test('a view and a clone share the storage with what they were made from', () => {
    const x = tensor([1, 2]);
    const [view, copy] = [x.reshape(2, 1), x.clone()];
    expect(backend.memory().storages).toBe(1);
    expect(view.storage).toBe(x.storage);
    expect(copy.storage).toBe(x.storage);
  });

  test('a clone is the same value, a view another', () => {
    const x = tensor([1, 2]);
    expect(x.clone().id).toBe(x.id);
    expect(x.reshape(2, 1).id).not.toBe(x.id);
  });

  test('the last handle to be disposed frees the storage, in any order', () => {
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
      [1, 0, 2],
    ]) {
      const x = tensor([1, 2]);
      const handles = [x, x.reshape(2, 1), x.clone()];
      for (const i of order) {
        expect(backend.memory().storages).toBe(1);
        handles[i]!.dispose();
      }
      expect(backend.memory().storages).toBe(0);
    }
  });

  test('disposing a handle never invalidates another', () => {
    const x = tensor([1, 2]);
    const [view, copy] = [x.reshape(2, 1), x.clone()];
    x.dispose();
    expect(numbersOf(view)).toEqual([1, 2]);
    view.dispose();
    expect(numbersOf(copy)).toEqual([1, 2]);
  });

  test('disposing twice is harmless, also to other handles', () => {
    const x = tensor([1, 2]);
    const copy = x.clone();
    x.dispose();
    x.dispose();
    expect(numbersOf(copy)).toEqual([1, 2]);
  });

  test('no op writes into its inputs', () => {
    const x = tensor([1, 2]);
    x.add(1).mul(x).neg();
    expect(numbersOf(x)).toEqual([1, 2]);
  });

  test('reading holds the storage: disposing meanwhile is safe', async () => {
    const read = vi.spyOn(backend, 'read').mockImplementation(async (storage, dtype, length) => {
      await Promise.resolve();
      return backend.readSync!(storage, dtype, length);
    });
    const x = tensor([1, 2]);
    const reading = x.data();
    x.dispose();
    expect(backend.memory().storages).toBe(1);
    expect(await reading).toEqual(Float32Array.of(1, 2));
    expect(read).toHaveBeenCalledTimes(1);
    expect(backend.memory().storages).toBe(0);
  });

  test('a read that fails lets the storage go as well', async () => {
    vi.spyOn(backend, 'read').mockRejectedValue(new Error('device lost'));
    const x = tensor([1, 2]);
    const reading = x.data();
    x.dispose();
    await expect(reading).rejects.toThrow('device lost');
    expect(backend.memory().storages).toBe(0);
  });
});

describe('only Parameter and Buffer change', () => {
  test('assign and the step of an optimiser are the only ops that write into memory they did not allocate', () => {
    const donating = Object.entries(ops).filter(([, op]) => 'donors' in op);
    expect(donating.map(([name]) => name)).toEqual([
      'sgdStep',
      'adamStep',
      'adagradStep',
      'rmspropStep',
      'adadeltaStep',
      'nadamStep',
    ]);
  });

  test.each([Parameter, Buffer])('%o: each write bumps the version, reading does not', (Kind) => {
    const w = new Kind([2], () => tensor([1, 2]));
    void w.value;
    expect(w.version).toBe(0);
    w.assign(tensor([3, 4]));
    expect(w.version).toBe(1);
    step(w as Parameter);
    expect(w.version).toBe(2);
    expect(numbersOf(w.value)).toEqual([-7, -6]);
    expect(w.version).toBe(2);
  });

  test("a step bumps the versions of the optimiser's own buffers too", () => {
    const [w, mean, variance] = [weights(), new Buffer([2], zero), new Buffer([2], zero)];
    adamStep(w, tensor([1, 1]), mean, variance, {
      lr: 0.1,
      beta1: 0.9,
      beta2: 0.999,
      eps: 0,
      weightDecay: 0,
      decoupled: false,
      step: 1,
    });
    expect([w.version, mean.version, variance.version]).toEqual([1, 1, 1]);
    // The first step of Adam has length lr whatever the gradient: the bias corrections cancel.
    expect(numbersOf(w.value).map((x) => x.toFixed(6))).toEqual(['0.900000', '1.900000']);
  });

  test('a write inside a scope lives on outside it', () => {
    const w = weights();
    scope(() => {
      w.assign(tensor([3, 4]));
    });
    expect(numbersOf(w.value)).toEqual([3, 4]);
    scope(() => step(w));
    expect(numbersOf(w.value)).toEqual([-7, -6]);
    expect(backend.memory().storages).toBe(1);
  });

  test('the handle from before a write is disposed, with an error that says so', () => {
    const w = weights();
    for (const write of [() => w.assign(tensor([3, 4])), () => step(w)]) {
      const before = w.value;
      write();
      expect(before.disposed).toBe(true);
      expect(() => before.add(1)).toThrow(DisposedError);
      expect(() => before.add(1)).toThrow('The value of a Parameter or Buffer ends with the next write to it');
      expect(w.value.disposed).toBe(false);
    }
  });

  test("assign shares the tensor, and leaves the caller's handle to the caller", () => {
    const [w, x] = [weights(), tensor([3, 4])];
    w.assign(x);
    expect(w.value.storage).toBe(x.storage);
    x.dispose();
    expect(numbersOf(w.value)).toEqual([3, 4]);
  });
});

describe.each([
  ['with a fused kernel', (): void => {}],
  ['by a composition', (): void => setBackend(primitivesOnly(backend))],
])('a step %s', (_, prepare) => {
  beforeEach(prepare);

  test('leaves alone what somebody else still holds: a clone, as a tape makes', () => {
    const w = weights();
    const old = w.value.clone();
    step(w);
    expect(numbersOf(w.value)).toEqual([-9, -8]);
    expect(numbersOf(old)).toEqual([1, 2]);
    expect(w.value.storage).not.toBe(old.storage);
  });

  test('leaves a view of the value alone', () => {
    const w = weights();
    const row = w.value.reshape(1, 2);
    step(w);
    expect(numbersOf(row)).toEqual([1, 2]);
  });

  test('leaves a tensor that was assigned alone', () => {
    const [w, x] = [weights(), tensor([3, 4])];
    w.assign(x);
    step(w);
    expect(numbersOf(x)).toEqual([3, 4]);
    expect(numbersOf(w.value)).toEqual([-7, -6]);
  });

  test('may have the parameter itself as its gradient', () => {
    const w = weights();
    sgdStep(w, w.value, undefined, { ...plain, lr: 0.5 });
    expect(numbersOf(w.value)).toEqual([0.5, 1]);
  });

  test('keeps the memory flat over a thousand steps', () => {
    const [w, v] = [weights(), new Buffer([2], zero)];
    for (let i = 0; i < 1000; i++) {
      scope(() => sgdStep(w, w.value.mul(0.001), v, { ...plain, momentum: 0.9 }));
    }
    expect(backend.memory()).toEqual({ bytes: 16, storages: 2 });
  });
});

test('a fused step writes in place where nobody else holds the old value', () => {
  const w = weights();
  const { storage } = w.value;
  const allocate = vi.spyOn(backend, 'allocate');
  sgdStep(w, tensor([10, 10]), undefined, plain);
  expect(w.value.storage).toBe(storage);
  // The gradient alone.
  expect(allocate).toHaveBeenCalledTimes(1);
  expect(numbersOf(w.value)).toEqual([-9, -8]);
});

test('a step that fails leaves the variable as it was', () => {
  const w = weights();
  expect(() => sgdStep(w, tensor([1, 2, 3]), undefined, plain)).toThrow(
    'the gradient or velocity must have shape [2], but has [3]',
  );
  expect(() => sgdStep(w, tensor(Float64Array.of(1, 2)), undefined, plain)).toThrow('all inputs need one dtype');
  expect(numbersOf(w.value)).toEqual([1, 2]);
  expect(w.version).toBe(0);
});

import { describe, expect, test } from 'vitest';
import { dtypeOf, isFloat } from '@receptive/backend';
import { reference } from '@receptive/backend/reference';
import { shapes } from '@receptive/backend/shape';
import { elements, kernels, operand } from './harness.ts';

describe('the reference accounts for memory', () => {
  test('exactly', () => {
    const backend = reference();
    const a = backend.allocate('float32', 3);
    const b = backend.allocate('uint8', 5);
    expect(backend.memory()).toEqual({ bytes: 17, storages: 2 });
    backend.free(a);
    expect(backend.memory()).toEqual({ bytes: 5, storages: 1 });
    backend.free(b);
    expect(backend.memory()).toEqual({ bytes: 0, storages: 0 });
  });

  test('refuses what was freed, is foreign, has another dtype or is too short', async () => {
    const backend = reference();
    const kept = backend.allocate('float32', 2);
    const gone = backend.allocate('float32', 2);
    backend.free(gone);
    expect(() => backend.free(gone)).toThrow('is freed that has been freed');
    expect(() => backend.free({})).toThrow("is freed that is another backend's");
    const lost = { storage: gone, shape: [2], dtype: 'float32' } as const;
    expect(() => backend.kernels.unary('neg', lost, lost)).toThrow('has been freed');
    expect(() => reference().readSync!(kept, 'float32', 2)).toThrow("is used that is another backend's");
    expect(() => backend.write(kept, new Int32Array(2))).toThrow('2 float32 elements is used as 2 int32');
    await expect(backend.read(kept, 'float32', 3)).rejects.toThrow('2 float32 elements is used as 3 float32');
    backend.dispose();
    expect(backend.memory()).toEqual({ bytes: 0, storages: 0 });
    expect(() => backend.write(kept, new Float32Array(2))).toThrow('has been freed');
    expect(() => backend.free(kept)).not.toThrow();
  });

  test('names what was asked for when there is not that much', () => {
    expect(() => reference().allocate('float64', 2 ** 50)).toThrow(`${2 ** 50} float64 elements (${2 ** 53} bytes)`);
  });

  test('shows what was never written', () => {
    const backend = reference();
    expect(backend.readSync!(backend.allocate('float32', 1), 'float32', 1)).toEqual(Float32Array.of(NaN));
  });
});

test('a read is taken when it is asked for', async () => {
  const backend = reference();
  const storage = backend.allocate('int32', 1);
  backend.write(storage, Int32Array.of(1));
  const promise = backend.read(storage, 'int32', 1);
  backend.write(storage, Int32Array.of(2));
  expect(await promise).toEqual(Int32Array.of(1));
});

describe('optimiser steps, by hand', () => {
  const sgd = { lr: 0.1, momentum: 0.9, dampening: 0, weightDecay: 0, nesterov: false };

  function sgdStep(options: Partial<typeof sgd>, start?: number): number[] {
    const [p, velocity] = [operand([1], [1]), start === undefined ? undefined : operand([1], [start])];
    const inputs = { parameter: p, gradient: operand([1], [2]), velocity };
    // In place, as the training loop does it.
    kernels.sgdStep(inputs, { parameter: p, velocity }, { ...sgd, ...options });
    return [p, ...(velocity ? [velocity] : [])].flatMap(elements);
  }

  test('SGD', () => {
    // 1 - 0.1 * 2
    expect(sgdStep({ momentum: 0 })[0]).toBeCloseTo(0.8, 15);
    // v = 0.9 * 4 + 2 = 5.6; 1 - 0.56
    expect(sgdStep({}, 4)).toEqual([expect.closeTo(0.44, 15), expect.closeTo(5.6, 15)]);
    // v = 3.6 + 0.5 * 2 = 4.6
    expect(sgdStep({ dampening: 0.5 }, 4)).toEqual([expect.closeTo(0.54, 15), expect.closeTo(4.6, 15)]);
    // Slope 2 + 0.5 * 1 = 2.5; v = 6.1; Nesterov's step 2.5 + 0.9 * 6.1 = 7.99
    expect(sgdStep({ weightDecay: 0.5, nesterov: true }, 4)).toEqual([
      expect.closeTo(0.201, 15),
      expect.closeTo(6.1, 15),
    ]);
  });

  const adam = { lr: 0.1, beta1: 0.9, beta2: 0.99, eps: 0.5, weightDecay: 0, decoupled: false, step: 1 };

  function adamStep(options: Partial<typeof adam>): number[] {
    const state = { parameter: operand([1], [1]), mean: operand([1], [0]), variance: operand([1], [0]) };
    kernels.adamStep({ ...state, gradient: operand([1], [2]) }, state, { ...adam, ...options });
    return [state.parameter, state.mean, state.variance].flatMap(elements);
  }

  test('Adam', () => {
    // The first step's corrected mean is the gradient 2, and the root of the corrected variance its magnitude 2: 1 - 0.1 * 2 / 2.5.
    const [p, mean, variance] = adamStep({});
    expect(p).toBeCloseTo(0.92, 15);
    expect(mean).toBeCloseTo(0.2, 15);
    expect(variance).toBeCloseTo(0.04, 15);
    // Decay joins the gradient, 2 + 1 * 1: 1 - 0.1 * 3 / 3.5.
    expect(adamStep({ weightDecay: 1 })[0]).toBeCloseTo(1 - 0.3 / 3.5, 15);
    // Decoupled, it shrinks the parameter: 0.9 - 0.08.
    expect(adamStep({ weightDecay: 1, decoupled: true })[0]).toBeCloseTo(0.82, 15);
    // At step 2 the same mean is divided by 1 - 0.81 and the variance by 1 - 0.9801.
    expect(adamStep({ step: 2 })[0]).toBeCloseTo(1 - (0.1 * (0.2 / 0.19)) / (Math.sqrt(0.04 / 0.0199) + 0.5), 14);
  });
});

describe('the shape backend', () => {
  test('has every kernel the reference has, and computes and holds nothing', () => {
    const backend = shapes();
    expect(Object.keys(backend.kernels).sort()).toEqual(Object.keys(reference().kernels).sort());
    const storage = backend.allocate('float32', 1e15);
    for (const kernel of Object.values(backend.kernels) as (() => void)[]) expect(kernel()).toBeUndefined();
    expect(backend.memory()).toEqual({ bytes: 0, storages: 0 });
    backend.free(storage);
  });

  test('cannot be read', async () => {
    const backend = shapes();
    await expect(backend.read(backend.allocate('float32', 1), 'float32', 1)).rejects.toThrow('holds no numbers');
    expect(() => backend.readSync!({}, 'float32', 1)).toThrow('holds no numbers');
  });
});

test('dtypes are told from arrays', () => {
  expect(dtypeOf(new Float32Array(1))).toBe('float32');
  expect(dtypeOf(new Uint8Array(1))).toBe('uint8');
  expect(dtypeOf(new Int16Array(1))).toBeUndefined();
  expect(isFloat('float64')).toBe(true);
  expect(isFloat('int32')).toBe(false);
});

import type { Backend, DType, Storage } from '@receptive/backend';
import { reference } from '@receptive/backend/reference';
import {
  avgPool2d,
  cast,
  clamp,
  conv2d,
  customDerivative,
  indexSelect,
  maxPool2d,
  maxPool2dWithIndices,
  oneHot,
  setBackend,
  softmax,
  split,
  stack,
  stopGradient,
  tensor,
  variance,
  zeros,
} from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import { beforeEach, describe, expect, test } from 'vitest';
import { failing, primitivesOnly } from './harness.ts';

let backend = reference();
beforeEach(() => {
  backend = reference();
  setBackend(backend);
});

/** The present backend, where a kernel throws after the outputs have been allocated. */
function without(kernel: 'maxPool' | 'binary'): Backend {
  return { ...backend, kernels: { ...backend.kernels, [kernel]: failing('device lost') } };
}

describe('memory', () => {
  test('a kernel that throws leaves none of its outputs behind', () => {
    setBackend(without('maxPool'));
    const x = zeros([1, 1, 2, 2]);
    // Outside every scope, where nothing else would free them.
    expect(() => maxPool2dWithIndices(x, 2)).toThrow('device lost');
    expect(backend.memory().storages).toBe(1);
  });

  test('a composition that throws midway leaves nothing behind', () => {
    setBackend(primitivesOnly(without('binary')));
    const x = zeros([2, 2]);
    expect(() => softmax(x)).toThrow('device lost');
    expect(backend.memory().storages).toBe(1);
  });

  test('memory that runs out at the second output gives the first one back', () => {
    let left = 2;
    const allocate = (dtype: DType, length: number): Storage => {
      if (left-- === 0) throw new Error('out of memory');
      return backend.allocate(dtype, length);
    };
    setBackend({ ...backend, allocate });
    const x = zeros([1, 1, 2, 2]);
    expect(() => maxPool2dWithIndices(x, 2)).toThrow('out of memory');
    expect(backend.memory().storages).toBe(1);
  });

  const functions: [string, (x: Tensor) => Tensor | Tensor[]][] = [
    ['add of a number', (x) => x.add(1)],
    ['mean', (x) => x.mean()],
    ['variance', (x) => variance(x, [0, 2])],
    ['max over several axes', (x) => x.max([0, 3], { keepDims: true })],
    ['a sum of uint8', (x) => x.cast('uint8').sum()],
    ['clamp', (x) => clamp(x, 0, 1)],
    ['softmax along another axis', (x) => softmax(x, 1)],
    ['logSoftmax', (x) => x.logSoftmax()],
    ['conv2d', (x) => conv2d(x, x, zeros([2]))],
    ['conv2d with the kernel turned round', (x) => conv2d(x, x, null, { flipKernel: true })],
    ['maxPool2d', (x) => maxPool2d(x, 2)],
    ['avgPool2d', (x) => avgPool2d(x, 2, { countIncludePad: false })],
    ['indexSelect', (x) => indexSelect(x, tensor(Int32Array.of(1, 0)), 2)],
    ['oneHot', (x) => oneHot(x.cast('int32'), 3)],
    ['stack', (x) => stack([x, x])],
    ['split', (x) => split(x, [1, 1])],
  ];

  // The functions also make what they are given: one uint8, int32 or bias.
  const given: Record<string, number> = { 'a sum of uint8': 1, conv2d: 1, indexSelect: 1, oneHot: 1 };

  describe.each([
    ['with fused kernels', (all: Backend): Backend => all],
    ['by compositions', primitivesOnly],
  ])('%s', (_, on) => {
    test.each(functions)('%s leaves nothing behind but its result', (name, f) => {
      setBackend(on(backend));
      const x = zeros([2, 2, 4, 4]);
      const results = [f(x)].flat();
      expect(backend.memory().storages).toBe(1 + results.length + (given[name] ?? 0));
      // A temporary that shares the memory of x would keep it.
      x.dispose();
      for (const result of results) result.dispose();
      expect(backend.memory().storages).toBe(given[name] ?? 0);
    });
  });
});

describe('what an op gives', () => {
  const identities: [string, (x: Tensor) => Tensor][] = [
    ['stopGradient', stopGradient],
    ['reshape', (x) => x.reshape(2)],
    [
      'a custom function that returns its input',
      (x) => customDerivative({ forward: (y) => y, backward: (g) => [g] }, x),
    ],
    [
      'a custom function that returns a clone',
      (x) => customDerivative({ forward: (y) => cast(y, y.dtype), backward: (g) => [g] }, x),
    ],
  ];

  test.each(identities)('%s is a handle and a value of its own', (_, identity) => {
    const x = tensor([1, 2]);
    const y = identity(x);
    expect(y.id).not.toBe(x.id);
    y.dispose();
    expect(x.dataSync()).toEqual(Float32Array.of(1, 2));
    const z = identity(x);
    x.dispose();
    expect(z.dataSync()).toEqual(Float32Array.of(1, 2));
    z.dispose();
    expect(backend.memory().storages).toBe(0);
  });

  test('disposing the output of a custom function does not dispose a tensor that it merely returns', () => {
    const constant = tensor([3]);
    const y = customDerivative({ forward: () => constant, backward: () => [null] }, zeros([1]));
    y.dispose();
    expect(constant.dataSync()).toEqual(Float32Array.of(3));
  });

  test('a custom function may be an object that uses itself', () => {
    const double = {
      factor: 2,
      forward(x: Tensor) {
        return x.mul(this.factor);
      },
      backward: (g: Tensor) => [g],
    };
    expect(customDerivative(double, tensor([4])).dataSync()).toEqual(Float32Array.of(8));
  });
});

import { reference } from '@receptive/backend/reference';
import { setBackend, tensor } from '@receptive/tensor';
import { allFinite, clipByGlobalNorm, clipByValue } from '@receptive/train';
import { beforeEach, describe, expect, test } from 'vitest';

const backend = reference();
beforeEach(() => setBackend(backend));

describe('clipByGlobalNorm', () => {
  test('scales all gradients so that their common norm is the limit', () => {
    // 2^2 + 3^2 + 6^2 = 7^2
    const { gradients, norm } = clipByGlobalNorm([tensor([2, 3]), tensor([[6]])], 3.5);
    expect(norm.dataSync()[0]).toBe(7);
    expect(gradients.map(({ shape }) => shape)).toEqual([[2], [1, 1]]);
    const values = gradients.flatMap((gradient) => [...gradient.dataSync()]);
    [1, 1.5, 3].forEach((value, i) => expect(values[i]).toBeCloseTo(value, 5));
  });

  test('leaves smaller ones as they are, bit for bit', () => {
    const { gradients } = clipByGlobalNorm([tensor([0.1, 0.2])], 1);
    expect(gradients[0]!.dataSync()).toEqual(Float32Array.of(0.1, 0.2));
  });

  test('leaves zeros zero, and shows a NaN', () => {
    expect([...clipByGlobalNorm([tensor([0, 0])], 1).gradients[0]!.dataSync()]).toEqual([0, 0]);
    expect([...clipByGlobalNorm([tensor([NaN]), tensor([1])], 1).gradients[1]!.dataSync()]).toEqual([NaN]);
  });

  test('leaves nothing behind but what it returns', () => {
    const before = backend.memory().storages;
    const gradients = [tensor([2, 3]), tensor([6])];
    const clipped = clipByGlobalNorm(gradients, 1);
    for (const made of [...gradients, ...clipped.gradients, clipped.norm]) made.dispose();
    expect(backend.memory().storages).toBe(before);
  });
});

test('clipByValue limits each element', () => {
  expect([...clipByValue([tensor([-3, -0.5, 0, 2])], 1)[0]!.dataSync()]).toEqual([-1, -0.5, 0, 1]);
});

test.each([
  [
    'finite numbers',
    [
      [1, -2],
      [3e38, -3e38, 0],
    ],
    1,
  ],
  [
    'a NaN',
    [
      [1, 2],
      [3, NaN, 4],
    ],
    0,
  ],
  ['an infinity', [[1, -Infinity], [3]], 0],
  ['infinities that would cancel', [[Infinity, -Infinity]], 0],
])('allFinite of %s', (_, lists, expected) => {
  expect([...allFinite(lists.map((list) => tensor(list))).dataSync()]).toEqual([expected]);
});

test.each([
  [() => clipByGlobalNorm([], 1), /clipByGlobalNorm: was given no tensors/],
  [() => clipByGlobalNorm([tensor([1])], 0), /maxNorm must be/],
  [() => clipByValue([tensor([1])], -1), /limit must be/],
  [() => allFinite([]), /allFinite: was given no tensors/],
])('%s is refused', (call, message) => {
  expect(call).toThrow(message);
});

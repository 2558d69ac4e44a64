import { grad, gradCheck } from '@receptive/autograd';
import { reference } from '@receptive/backend/reference';
import { huber, l1, smoothL1 } from '@receptive/layers';
import { setBackend, tensor } from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import { expect, test } from 'vitest';
import { numbers } from './harness.ts';

setBackend(reference());

const doubles = (...data: number[]): Tensor => tensor(Float64Array.from(data));
const elements = (x: Tensor): number[] => [...x.dataSync()];
const none = { reduction: 'none' } as const;

test('l1 by hand, and its gradient, which is 0 where nothing is to do', () => {
  const [x, y] = [doubles(1, 5, -2), doubles(1, 2, 2)];
  expect(elements(l1(x, y, none))).toEqual([0, 3, 4]);
  expect(elements(l1(x, y))[0]).toBeCloseTo(7 / 3, 12);
  expect(elements(l1(x, y, { reduction: 'sum' }))).toEqual([7]);
  expect(elements(grad(() => l1(x, y, { reduction: 'sum' }), [x])[0])).toEqual([0, 1, -1]);
});

test('huber by hand: a parabola up to delta, and a line from there', () => {
  const [x, zero] = [doubles(-3, -2, -1, 0, 0.5, 2, 4), doubles(0, 0, 0, 0, 0, 0, 0)];
  // delta * (d - delta / 2) and d^2 / 2
  expect(elements(huber(x, zero, { ...none, delta: 2 }))).toEqual([4, 2, 0.5, 0, 0.125, 2, 6]);
  expect(elements(huber(x, zero, none))).toEqual([2.5, 1.5, 0.5, 0, 0.125, 1.5, 3.5]);
  expect(elements(huber(zero, x, { delta: 2 }))[0]).toBeCloseTo(14.625 / 7, 12);
  const slopes = grad(() => huber(x, zero, { delta: 2, reduction: 'sum' }), [x])[0];
  expect(elements(slopes)).toEqual([-2, -2, -1, 0, 0.5, 2, 2]);
});

test('smoothL1 by hand: huber over beta, and l1 for a beta of 0', () => {
  const [x, zero] = [doubles(-3, -0.5, 0.25, 1), doubles(0, 0, 0, 0)];
  expect(elements(smoothL1(x, zero, { ...none, beta: 0.5 }))).toEqual([2.75, 0.25, 0.0625, 0.75]);
  expect(elements(smoothL1(x, zero, none))).toEqual([2.5, 0.125, 0.03125, 0.5]);
  expect(elements(smoothL1(x, zero, { beta: 0, reduction: 'sum' }))).toEqual([4.75]);
});

test('the pull of an outlier is bounded, up to infinity', () => {
  const [x, zero] = [doubles(Infinity, -1e300), doubles(0, 0)];
  for (const f of [huber, smoothL1, l1]) {
    expect(elements(f(x, zero, none))[0]).toBe(Infinity);
    expect(elements(grad(() => f(x, zero, { reduction: 'sum' }), [x])[0])).toEqual([1, -1]);
  }
});

test('gradients', () => {
  const y = numbers([2, 3], 2);
  gradCheck((x) => l1(x, y), [[2, 3]]);
  gradCheck((x, target) => huber(x, target, { delta: 0.3 }), [[2, 3], y]);
  gradCheck((x, target) => smoothL1(x, target, { beta: 0.3, reduction: 'none' }), [[2, 3], y]);
});

test('what does not fit', () => {
  const [x, y] = [doubles(1, 2), doubles(1)];
  expect(() => l1(x, y)).toThrow('l1: both inputs need one shape, but were given [2] and [1]');
  expect(() => huber(x, y)).toThrow('huber: both inputs need one shape');
  expect(() => smoothL1(x, tensor([1, 2]))).toThrow('smoothL1: both inputs need one float dtype');
  expect(() => huber(x, x, { delta: 0 })).toThrow('huber: delta must be a finite number above 0, but is 0');
  expect(() => l1(x, x, { reduction: 'average' as 'mean' })).toThrow(
    'A loss\'s reduction must be one of mean, sum, none, but is "average".',
  );
  expect(() => smoothL1(x, x, { beta: -1 })).toThrow('smoothL1: beta must be a finite number of at least 0, but is -1');
});

import { grad, gradCheck } from '@receptive/autograd';
import { reference } from '@receptive/backend/reference';
import { binaryCrossEntropy, binaryCrossEntropyWithLogits, klDivergence } from '@receptive/layers';
import { add, log, logSoftmax, mul, setBackend, sigmoid, softmax, tensor } from '@receptive/tensor';
import type { Nested, Tensor } from '@receptive/tensor';
import { describe, expect, test } from 'vitest';
import { numbers } from './harness.ts';

setBackend(reference());

const doubles = (data: Nested): Tensor => tensor(data, { dtype: 'float64' });
const elements = (x: Tensor): number[] => [...x.dataSync()];
const close = (...values: number[]): unknown[] => values.map((value) => expect.closeTo(value, 12));
const none = { reduction: 'none' } as const;

describe('binaryCrossEntropy', () => {
  test('by hand', () => {
    const [p, y] = [doubles([0.5, 0.8, 0.25]), doubles([1, 0, 0.5])];
    const losses = [Math.log(2), Math.log(5), -0.5 * Math.log(0.25) - 0.5 * Math.log(0.75)];
    expect(elements(binaryCrossEntropy(p, y, none))).toEqual(close(...losses));
    expect(elements(binaryCrossEntropy(p, y))).toEqual(close(losses.reduce((a, b) => a + b) / 3));
  });

  test('of a sigmoid is that of its logits', () => {
    const [x, y] = [numbers([3, 4]), add(mul(numbers([3, 4], 2), 0.5), 0.5)];
    expect(elements(binaryCrossEntropy(sigmoid(x), y, none))).toEqual(
      close(...elements(binaryCrossEntropyWithLogits(x, y, none))),
    );
  });

  test('certainty costs nothing, or 100, and makes no NaN', () => {
    for (const dtype of ['float32', 'float64'] as const) {
      const [p, y] = [tensor([0, 1, 0, 1, 0], { dtype }), tensor([0, 1, 1, 0, 0.5], { dtype })];
      expect(elements(binaryCrossEntropy(p, y, none)).map((value) => value + 0)).toEqual([0, 0, 100, 100, 50]);
      const slopes = elements(grad(() => binaryCrossEntropy(p, y, { reduction: 'sum' }), [p])[0]);
      // (p - y) / (p (1 - p)), without the half that is infinite.
      expect(slopes.map((value) => value + 0)).toEqual([1, -1, 0, 0, 0.5]);
    }
    expect(elements(binaryCrossEntropy(doubles([1e-60]), doubles([1])))).toEqual([100]);
    expect(elements(binaryCrossEntropy(doubles([-0.5]), doubles([1])))).toEqual([NaN]);
  });

  test('keeps the digits of small probabilities', () => {
    expect(elements(binaryCrossEntropy(doubles([1e-20]), doubles([0])))[0]! / 1e-20).toBeCloseTo(1, 12);
  });

  test('gradients', () => {
    gradCheck((x, y) => binaryCrossEntropy(sigmoid(x), y), [[2, 3], numbers([2, 3])]);
  });

  test('what does not fit', () => {
    expect(() => binaryCrossEntropy(doubles([1]), doubles([1, 1]))).toThrow('both inputs need one shape');
    expect(() => binaryCrossEntropy(doubles([1]), tensor([1]))).toThrow('one float dtype');
  });
});

describe('klDivergence', () => {
  const p = [0.5, 0.5];
  const q = [0.9, 0.1];
  const terms = p.map((each, i) => each * Math.log(each / q[i]!));

  test('by hand: of 0.9 and 0.1 from a fair coin it is 0.5108 nats', () => {
    const [logs, targets] = [log(doubles([q, q])), doubles([p, p])];
    expect(elements(klDivergence(logs, targets, none))).toEqual(close(...terms, ...terms));
    expect(elements(klDivergence(logs, targets, { reduction: 'batchmean' }))).toEqual(close(terms[0]! + terms[1]!));
    expect(terms[0]! + terms[1]!).toBeCloseTo(0.5108, 4);
    expect(elements(klDivergence(logs, targets, { reduction: 'sum' }))).toEqual(close(2 * (terms[0]! + terms[1]!)));
    expect(elements(klDivergence(logs, targets))).toEqual(close((terms[0]! + terms[1]!) / 2));
  });

  test('takes logarithms of the targets too', () => {
    const [logs, targets] = [log(doubles(q)), log(doubles(p))];
    expect(elements(klDivergence(logs, targets, { ...none, logTarget: true }))).toEqual(close(...terms));
  });

  test('what the target never does costs nothing, whatever the model thinks of it', () => {
    const logs = doubles([Math.log(0.5), -Infinity, Math.log(0.5)]);
    const targets = doubles([1, 0, 0]);
    for (const [target, logTarget] of [
      [targets, false],
      [log(targets), true],
    ] as const) {
      expect(elements(klDivergence(logs, target, { ...none, logTarget }))).toEqual(close(Math.log(2), 0, 0));
      const [own, other] = grad(() => klDivergence(logs, target, { logTarget, reduction: 'sum' }), [logs, target]);
      expect(elements(own).map((value) => value + 0)).toEqual([-1, 0, 0]);
      expect(elements(other)).toEqual(close(1 + Math.log(2), 0, 0));
    }
  });

  test('gradients', () => {
    gradCheck(
      (x, y) => klDivergence(logSoftmax(x), softmax(y), { reduction: 'batchmean' }),
      [
        [2, 3],
        [2, 3],
      ],
    );
    gradCheck(
      (x, y) => klDivergence(logSoftmax(x), logSoftmax(y), { logTarget: true }),
      [
        [2, 3],
        [2, 3],
      ],
    );
  });

  test('what does not fit', () => {
    expect(() => klDivergence(doubles([1]), doubles([1, 1]))).toThrow('klDivergence: both inputs need one shape');
    expect(() => klDivergence(doubles([1]), doubles([1]), { reduction: 'batchMean' as 'mean' })).toThrow(
      'A loss\'s reduction must be one of mean, sum, none, batchmean, but is "batchMean".',
    );
  });
});

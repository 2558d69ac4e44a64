import { grad, gradCheck } from '@receptive/autograd';
import { reference } from '@receptive/backend/reference';
import { RbfOutput, rbfLoss, summary } from '@receptive/layers';
import { Parameter, setBackend, sum, tensor } from '@receptive/tensor';
import type { Nested, Tensor } from '@receptive/tensor';
import { describe, expect, test } from 'vitest';
import { nested, numbers } from './harness.ts';

setBackend(reference());

const doubles = (data: Nested): Tensor => tensor(data, { dtype: 'float64' });
const labels = (data: Nested): Tensor => tensor(data, { dtype: 'int32' });
const elements = (x: Tensor): number[] => [...x.dataSync()];

const codes = [
  [1, 1, 1],
  [1, -1, -1],
];

describe('RbfOutput', () => {
  test('gives squared distances to the codes', () => {
    const layer = new RbfOutput(codes);
    expect(
      nested(
        layer.forward(
          tensor([
            [1, -1, 1],
            [0.5, 1, 1],
          ]),
        ),
      ),
    ).toEqual([
      [4, 4],
      [0.25, 8.25],
    ]);
    expect(layer.forward(tensor([1, 1, 1])).shape).toEqual([2]);
  });

  test('keeps its codes, unless it is to learn them', () => {
    expect(new RbfOutput(codes).parameters()).toEqual([]);
    const learned = new RbfOutput(codes, { learnable: true });
    expect(learned.weight).toBeInstanceOf(Parameter);
    for (const layer of [new RbfOutput(codes), learned]) {
      expect([...layer.stateDict().keys()]).toEqual(['weight']);
      expect(nested(layer.weight.value)).toEqual(codes);
    }
    expect(summary(learned, [3]).layers[0]).toMatchObject({ parameters: 6, output: [2] });
  });

  test('gradients with respect to features and codes', () => {
    const layer = new RbfOutput(codes, { learnable: true });
    layer.weight.assign(doubles(codes));
    gradCheck((x) => layer.forward(x), [[2, 3]], { second: true });
    // -2 (x - w)
    const slopes = grad(() => sum(layer.forward(doubles([0.5, 2, 2]))), layer.parameters());
    expect(nested(slopes[0]!)).toEqual([
      [1, -2, -2],
      [1, -6, -6],
    ]);
  });

  test('what does not fit', () => {
    expect(() => new RbfOutput([])).toThrow('but was given lengths []');
    expect(() => new RbfOutput([[1, 1], [1]])).toThrow('but was given lengths [2, 1]');
    expect(() => new RbfOutput(codes).forward(tensor([[1, 2]]))).toThrow('takes 3 features along the last axis');
  });
});

describe('rbfLoss', () => {
  /** Equation 9 of LeCun et al., for one pattern. */
  const equation9 = (y: readonly number[], d: number, j: number): number =>
    y[d]! + Math.log(Math.exp(-j) + y.reduce((total, each) => total + Math.exp(-each), 0));

  test('by hand: two codes at a distance of 4, j = 1', () => {
    expect(elements(rbfLoss(doubles([[4, 4]]), labels([0]), { j: 1 }))[0]).toBeCloseTo(
      4 + Math.log(Math.exp(-1) + 2 * Math.exp(-4)),
      12,
    );
  });

  test('is equation 9, averaged over the patterns', () => {
    const [y, classes] = [numbers([4, 3]).mul(3).add(4), [2, 0, 1, 1]];
    const wanted = (nested(y) as number[][]).map((row, i) => equation9(row, classes[i]!, 0.5));
    expect(elements(rbfLoss(y, labels(classes), { j: 0.5, reduction: 'none' }))).toEqual(
      wanted.map((value) => expect.closeTo(value, 12)),
    );
    expect(elements(rbfLoss(y, labels(classes), { j: 0.5 }))[0]).toBeCloseTo(wanted.reduce((a, b) => a + b) / 4, 12);
    gradCheck((x) => rbfLoss(x, labels(classes), { j: 0.5 }), [[4, 3]], { second: true });
  });

  test('large distances do not underflow to log 0', () => {
    expect(elements(rbfLoss(tensor([[2000, 3000]]), labels([0]), { j: 5 }))).toEqual([1995]);
    expect(elements(rbfLoss(tensor([[2000, 3000]]), labels([1]), { j: 4000 }))).toEqual([1000]);
  });

  test('what does not fit', () => {
    const y = doubles([[1, 2]]);
    expect(() => rbfLoss(y, labels([0]), { j: 0 })).toThrow('rbfLoss: j must be a finite number above 0, but is 0');
    expect(() => rbfLoss(y, labels([0]), {} as { j: number })).toThrow('j must be');
    expect(() => rbfLoss(doubles([1, 2]), labels([0]), { j: 1 })).toThrow('needs distances [N, C]');
    expect(() => rbfLoss(y, labels([0, 1]), { j: 1 })).toThrow('need class indices [1]');
    expect(elements(rbfLoss(y, labels([3]), { j: 1 }))).toEqual([NaN]);
  });
});

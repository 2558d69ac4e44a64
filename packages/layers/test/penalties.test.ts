import { grad, gradCheck, valueAndGrad } from '@receptive/autograd';
import { reference } from '@receptive/backend/reference';
import { Linear, Sequential, Tanh, gradientPenalty, l1Penalty, l2Penalty } from '@receptive/layers';
import { add, matmul, mul, scope, setBackend, sub, sum, tanh, tensor } from '@receptive/tensor';
import type { Nested, Tensor } from '@receptive/tensor';
import { describe, expect, test } from 'vitest';
import { nested, numbers } from './harness.ts';

setBackend(reference());

const doubles = (data: Nested): Tensor => tensor(data, { dtype: 'float64' });
const elements = (x: Tensor): number[] => [...x.dataSync()];

describe('l1Penalty and l2Penalty', () => {
  const weights = [
    doubles([
      [1, -2],
      [0, 3],
    ]),
    doubles([-4]),
  ] as const;

  test('by hand', () => {
    expect(elements(l1Penalty(weights, 0.5))).toEqual([5]);
    expect(elements(l2Penalty(weights, 0.5))).toEqual([15]);
  });

  test('gradients: the sign of a weight, and the weight twice', () => {
    expect(grad(() => l1Penalty(weights, 0.5), weights).map(nested)).toEqual([
      [
        [0.5, -0.5],
        [0, 0.5],
      ],
      [-0.5],
    ]);
    expect(grad(() => l2Penalty(weights, 0.5), weights).map(nested)).toEqual([
      [
        [1, -2],
        [0, 3],
      ],
      [-4],
    ]);
  });

  test('take the parameters of a model', () => {
    const model = new Linear(1, 2);
    model.weight.assign(tensor([[3], [-1]]));
    model.bias!.assign(tensor([0, 0.5]));
    expect(elements(l1Penalty(model.parameters(), 2))).toEqual([9]);
  });

  test('refuse nothing, and no number', () => {
    expect(() => l1Penalty([], 1)).toThrow('l1Penalty: needs at least one parameter');
    expect(() => l2Penalty(weights, NaN)).toThrow('l2Penalty: the factor must be a finite number, but is NaN');
  });
});

describe('gradientPenalty', () => {
  test('of a line is what its slope is off 1, squared: (5 - 1)^2', () => {
    const w = doubles([[3], [4]]);
    const critic = (x: Tensor): Tensor => matmul(x, w);
    expect(elements(gradientPenalty(critic, numbers([6, 2])))).toEqual([16]);
    expect(elements(gradientPenalty(critic, numbers([6, 2]), { target: 0 }))).toEqual([25]);
    // 2 (|w| - 1) w / |w|
    const [slope] = grad(() => gradientPenalty(critic, numbers([6, 2])), [w]);
    expect(elements(slope)).toEqual([4.8, 6.4].map((value) => expect.closeTo(value, 12)));
  });

  test('of images, over all axes but the first, averaged over the samples', () => {
    const x = doubles([[[1, 2]], [[2, 0]]]); // [2, 1, 2]
    // The gradients of the sum of squares are 2 x: of norms sqrt(20) and 4.
    const critic = (each: Tensor): Tensor => sum(mul(each, each), [1, 2]);
    expect(elements(gradientPenalty(critic, x))[0]).toBeCloseTo(((Math.sqrt(20) - 1) ** 2 + 9) / 2, 12);
  });

  test('its gradient, and that of it, agree with differences', () => {
    const f = (x: Tensor, w: Tensor, v: Tensor): Tensor =>
      gradientPenalty((each) => matmul(tanh(matmul(each, w)), v), x);
    gradCheck(
      f,
      [
        [3, 2],
        [2, 4],
        [4, 1],
      ],
      { second: true, tolerance: 1e-5, eps: 1e-5 },
    );
  });

  test('where there is no slope, it is target^2, and its gradient no NaN', () => {
    const w = doubles([[0], [0]]);
    const [value, [slope]] = valueAndGrad(() => gradientPenalty((x) => matmul(x, w), numbers([3, 2])), [w]);
    expect([...elements(value), ...elements(slope)]).toEqual([1, 0, 0]);
  });

  test('training with it brings a critic to slopes of 1', () => {
    const critic = new Sequential([new Linear(2, 16), new Tanh(), new Linear(16, 1)]).initialize(3);
    const parameters = critic.parameters();
    const x = tensor(Float32Array.from(elements(numbers([32, 2]))), { shape: [32, 2] });
    const step = (): number =>
      scope(() => {
        const [penalty, slopes] = valueAndGrad(() => gradientPenalty((each) => critic.forward(each), x), parameters);
        parameters.forEach((parameter, i) => parameter.assign(sub(parameter.value, mul(slopes[i]!, 0.1))));
        return elements(penalty)[0]!;
      });
    const first = step();
    for (let i = 0; i < 60; i++) step();
    expect(first).toBeGreaterThan(0.3);
    expect(step()).toBeLessThan(first / 50);
  });

  test('refuses a scalar', () => {
    expect(() => gradientPenalty((x) => add(x, 1), doubles(1))).toThrow('needs samples along the first axis');
  });
});

import { reference } from '@receptive/backend/reference';
import {
  Parameter,
  Tensor,
  add,
  cast,
  clamp,
  customDerivative,
  conv2d,
  full,
  gather,
  greater,
  lpPool1d,
  max,
  maxPool2d,
  maximum,
  mean,
  minimum,
  mul,
  pow,
  relu,
  reshape,
  round,
  setBackend,
  slice,
  square,
  stopGradient,
  sum,
  tensor,
  withBackend,
} from '@receptive/tensor';
import { beforeEach, describe, expect, it } from 'vitest';
import { grad, gradCheck, valueAndGrad } from '../src/index.ts';

let backend = reference();

beforeEach(() => {
  backend = reference();
  setBackend(backend);
});

const values = (x: Tensor): number[] => [...x.dataSync()];

describe('valueAndGrad', () => {
  it('gives the value and one gradient for each source, in order', () => {
    const [a, b] = [tensor([2, 3]), tensor([5, 7])];
    const [value, [da, db]] = valueAndGrad(() => sum(mul(square(a), b)), [a, b]);
    expect(values(value)).toEqual([4 * 5 + 9 * 7]);
    expect(values(da)).toEqual([20, 42]);
    expect(values(db)).toEqual([4, 9]);
  });

  it('sums over all uses of a value', () => {
    const x = tensor([3]);
    // x^2 + 5x, with x used three times.
    expect(values(grad(() => sum(add(mul(x, x), mul(x, 5))), [x])[0])).toEqual([11]);
  });

  it('gives zeros for what the function does not depend on', () => {
    const [x, y] = [tensor([1, 2]), tensor([[1], [2]])];
    const [, [, dy]] = valueAndGrad(() => sum(x), [x, y]);
    expect(dy.shape).toEqual([2, 1]);
    expect(values(dy)).toEqual([0, 0]);
  });

  it('differentiates for parameters, and for a function that returns its own source', () => {
    const p = new Parameter([], () => full([], 3));
    const [value, [dp]] = valueAndGrad(() => p.value, [p]);
    expect([values(value), values(dp)]).toEqual([[3], [1]]);
    value.dispose();
    expect(values(p.value)).toEqual([3]);
  });

  it('frees everything but the value and the gradients', () => {
    const x = tensor([
      [1, 2],
      [3, 4],
    ]);
    const before = backend.memory().storages;
    const [value, [dx]] = valueAndGrad(() => mean(square(relu(x).matmul(x))), [x]);
    expect(backend.memory().storages).toBe(before + 2);
    value.dispose();
    dx.dispose();
    expect(backend.memory().storages).toBe(before);
  });

  it('frees everything when the function throws', () => {
    const x = tensor([1, 2]);
    const before = backend.memory().storages;
    expect(() =>
      valueAndGrad(() => {
        square(x);
        throw new Error('stop');
      }, [x]),
    ).toThrow('stop');
    expect(() => valueAndGrad(() => square(x), [x])).toThrow('must return one number, but returned shape [2]');
    expect(backend.memory().storages).toBe(before);
  });

  it('refuses integers, promises and what is not a tensor', () => {
    const [x, labels] = [tensor([1]), tensor([1], { dtype: 'int32' })];
    expect(() => grad(() => sum(x), [labels])).toThrow('only floats have gradients');
    expect(() => grad(() => sum(labels), [x])).toThrow('must return a float');
    expect(() => grad((() => 3) as never, [x])).toThrow('must return a tensor, but returned number');
    expect(() => grad((async () => sum(x)) as never, [x])).toThrow('valueAndGrad takes a synchronous function');
  });
});

describe('what carries no gradient', () => {
  it('stopGradient makes a constant', () => {
    const x = tensor([3]);
    expect(values(grad(() => sum(mul(stopGradient(x), x)), [x])[0])).toEqual([3]);
  });

  it('comparisons, rounding and integers are constants', () => {
    const x = tensor([1.4, -2.2]);
    expect(values(grad(() => sum(add(round(x), cast(greater(x, 0), 'float32'))), [x])[0])).toEqual([0, 0]);
  });
});

describe('custom derivatives', () => {
  // Bengio et al. 2013: the step's derivative is zero almost everywhere; the estimator passes the gradient straight through.
  const straightThrough = (x: Tensor): Tensor => customDerivative({ forward: round, backward: (g) => [g] }, x);

  it('the straight-through estimator rounds forwards and is the identity backwards', () => {
    const x = tensor([0.4, 1.6]);
    const [value, [dx]] = valueAndGrad(() => sum(mul(straightThrough(x), tensor([3, 5]))), [x]);
    expect(values(value)).toEqual([10]);
    expect(values(dx)).toEqual([3, 5]);
  });

  it('gives null for an input without a gradient', () => {
    const [x, y] = [tensor([2]), tensor([3])];
    const product = (): Tensor =>
      sum(customDerivative({ forward: (a, b) => mul(a, b), backward: (g, [, b]) => [mul(g, b!), null] }, x, y));
    expect(grad(product, [x, y]).map(values)).toEqual([[3], [0]]);
  });
});

describe('second derivatives', () => {
  it('of x^3 is 6x', () => {
    const x = tensor([2, -1]);
    const second = grad(() => sum(grad(() => sum(pow(x, 3)), [x])[0]), [x])[0];
    expect(values(second)).toEqual([12, -6]);
  });

  it('of a norm with p between 1 and 2 are 0 at an element of 0, where they are infinite', () => {
    const x = reshape(tensor([0, 1, 1]), [1, 1, 3]);
    const second = (i: number): number[] =>
      values(grad(() => sum(slice(grad(() => sum(lpPool1d(x, 1.5, 3)), [x])[0], [0, 0, i], [1, 1, i + 1])), [x])[0]);
    expect(second(0)).toEqual([0, 0, 0]);
    // (p - 1) * 2^(1 / p - 2), of which b = c = 1 take as much from each other.
    const own = 0.5 * 2 ** (1 / 1.5 - 2);
    second(1).forEach((value, i) => expect(value).toBeCloseTo([0, own, -own][i]!, 6));
  });

  it('third derivatives nest once more', () => {
    const x = tensor([2]);
    const first = (): Tensor => sum(grad(() => sum(pow(x, 4)), [x])[0]);
    const second = (): Tensor => sum(grad(first, [x])[0]);
    expect(values(grad(second, [x])[0])[0]).toBeCloseTo(48, 4);
  });

  it('a gradient penalty through a convolution agrees with differences', () => {
    gradCheck(
      (x, w) => square(grad(() => sum(square(conv2d(x, w, null, { padding: 1 }))), [x])[0]),
      [
        [1, 2, 4, 4],
        [2, 2, 3, 3],
      ],
      { tolerance: 1e-5 },
    );
  });
});

describe('at kinks, the documented choice', () => {
  it('relu at 0 has derivative 0', () => {
    const x = tensor([0, -0, 1]);
    expect(values(grad(() => sum(relu(x)), [x])[0])).toEqual([0, 0, 1]);
  });

  it('max sends the gradient to the first of equal maxima', () => {
    const x = tensor([
      [1, 5, 5],
      [7, 7, 7],
    ]);
    expect(values(grad(() => sum(max(x, 1)), [x])[0])).toEqual([0, 1, 0, 1, 0, 0]);
    expect(values(grad(() => max(x), [x])[0])).toEqual([0, 0, 0, 1, 0, 0]);
  });

  it('max pooling sends the gradient to the first maximum alone', () => {
    const x = tensor([
      [1, 1],
      [1, 0],
    ]).reshape(1, 1, 2, 2);
    expect(values(grad(() => sum(maxPool2d(x, 2)), [x])[0])).toEqual([1, 0, 0, 0]);
  });

  it('maximum and minimum send it to the first argument, clamp passes it at its limits', () => {
    const [a, b] = [tensor([1]), tensor([1])];
    expect(grad(() => sum(maximum(a, b)), [a, b]).map(values)).toEqual([[1], [0]]);
    expect(grad(() => sum(minimum(a, b)), [a, b]).map(values)).toEqual([[1], [0]]);
    const x = tensor([-2, -1, 0, 1, 2]);
    expect(values(grad(() => sum(clamp(x, -1, 1)), [x])[0])).toEqual([0, 1, 1, 1, 0]);
  });

  it('powers at 0 have finite derivatives', () => {
    const x = tensor([0, 0, 0]);
    expect(values(grad(() => sum(pow(x, tensor([0, 1, 2]))), [x])[0])).toEqual([0, 1, 0]);
    const exponent = tensor([2]);
    expect(values(grad(() => sum(pow(tensor([0]), exponent)), [exponent])[0])).toEqual([0]);
  });

  it('a gather that reads an element twice gives it both gradients', () => {
    const x = tensor([[1, 2, 3]]);
    expect(values(grad(() => sum(gather(x, tensor([[2, 2, 0]], { dtype: 'int32' }), 1)), [x])[0])).toEqual([1, 0, 2]);
  });
});

describe('gradCheck', () => {
  it('finds a wrong derivative and names the element', () => {
    const wrong = (x: Tensor): Tensor => customDerivative({ forward: square, backward: (g, [y]) => [mul(g, y!)] }, x);
    expect(() => gradCheck(wrong, [[2]])).toThrow(/element 0 of input 0 \[2\]: the gradient is/);
  });

  it('does not take NaN for an agreement', () => {
    const nan = (x: Tensor): Tensor => customDerivative({ forward: square, backward: (g) => [mul(g, NaN)] }, x);
    expect(() => gradCheck(nan, [[2]])).toThrow('the gradient is NaN');
  });

  it('leaves the current backend alone', () => {
    const other = reference();
    withBackend(other, () => {
      gradCheck(square, [[2]]);
      expect(tensor([1]).backend).toBe(other);
    });
  });
});

import { reference } from '@receptive/backend/reference';
import type { Tensor } from '@receptive/tensor';
import {
  celu,
  dispatch,
  elu,
  gelu,
  hardSigmoid,
  hardSwish,
  hardTanh,
  leakyRelu,
  maxout,
  mish,
  ops,
  prelu,
  relu6,
  scaledTanh,
  selu,
  setBackend,
  silu,
  softplus,
  softsign,
  step,
  tensor,
} from '@receptive/tensor';
import { describe, expect, test } from 'vitest';

setBackend(reference());

const f64 = (...values: number[]): Tensor => tensor(Float64Array.from(values));
const at = (f: (x: Tensor) => Tensor, ...values: number[]): number[] => [...f(f64(...values)).dataSync()];

/** The integral of the standard normal density up to x, by Simpson's rule: an oracle that knows nothing of erf. */
function normal(x: number): number {
  const [steps, from] = [20_000, -40];
  const width = (x - from) / steps;
  let total = 0;
  for (let i = 0; i <= steps; i++) {
    const weight = i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2;
    total += weight * Math.exp(-((from + i * width) ** 2) / 2);
  }
  return (total * width) / 3 / Math.sqrt(2 * Math.PI);
}

const logistic = (x: number): number => 1 / (1 + Math.exp(-x));

/** Each as its paper writes it. */
const formulas: readonly (readonly [name: string, f: (x: Tensor) => Tensor, formula: (x: number) => number])[] = [
  ['leakyRelu', leakyRelu, (x) => Math.max(x, 0.01 * x)],
  ['leakyRelu of 0.1', (x) => leakyRelu(x, { negativeSlope: 0.1 }), (x) => Math.max(x, 0.1 * x)],
  ['prelu', (x) => prelu(x, f64(0.25)), (x) => Math.max(x, 0) + 0.25 * Math.min(x, 0)],
  ['elu', elu, (x) => (x > 0 ? x : Math.exp(x) - 1)],
  ['elu of 1.5', (x) => elu(x, { alpha: 1.5 }), (x) => (x > 0 ? x : 1.5 * (Math.exp(x) - 1))],
  ['selu', selu, (x) => 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * (Math.exp(x) - 1))],
  ['celu of 2', (x) => celu(x, { alpha: 2 }), (x) => Math.max(0, x) + Math.min(0, 2 * (Math.exp(x / 2) - 1))],
  ['gelu', gelu, (x) => x * normal(x)],
  [
    'gelu by tanh',
    (x) => gelu(x, { approximate: 'tanh' }),
    (x) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  ],
  ['silu', silu, (x) => x * logistic(x)],
  ['mish', mish, (x) => x * Math.tanh(Math.log(1 + Math.exp(x)))],
  ['softplus', softplus, (x) => Math.log(1 + Math.exp(x))],
  ['softplus of 3', (x) => softplus(x, { beta: 3 }), (x) => Math.log(1 + Math.exp(3 * x)) / 3],
  [
    'softplus of 2, straight above 0.5',
    (x) => softplus(x, { beta: 2, threshold: 1 }),
    (x) => (2 * x > 1 ? x : Math.log(1 + Math.exp(2 * x)) / 2),
  ],
  ['softsign', softsign, (x) => x / (1 + Math.abs(x))],
  ['hardSigmoid', hardSigmoid, (x) => Math.min(Math.max(x + 3, 0), 6) / 6],
  ['hardSwish', hardSwish, (x) => (x * Math.min(Math.max(x + 3, 0), 6)) / 6],
  ['hardTanh', hardTanh, (x) => Math.min(Math.max(x, -1), 1)],
  ['hardTanh of -2 and 0.5', (x) => hardTanh(x, { minVal: -2, maxVal: 0.5 }), (x) => Math.min(Math.max(x, -2), 0.5)],
  ['relu6', relu6, (x) => Math.min(Math.max(x, 0), 6)],
  ['scaledTanh', scaledTanh, (x) => 1.7159 * Math.tanh((2 * x) / 3)],
  ['step', step, (x) => (x > 0 ? 1 : 0)],
];

describe('activations are what their papers write', () => {
  const points = [-7, -3, -2.5, -1, -0.3, -1e-3, 0, 1e-3, 0.3, 1, 2.5, 3, 6, 7];

  test.each(formulas)('%s', (_, f, formula) => {
    at(f, ...points).forEach((value, i) => expect(value, `at ${points[i]}`).toBeCloseTo(formula(points[i]!), 12));
  });

  // Values that the papers, or those who cite them, name.
  test('the limits of selu, and where scaledTanh is itself', () => {
    expect(at(selu, -Infinity)[0]).toBeCloseTo(-1.7580993408473766, 14); // -scale * alpha
    const [one] = at(scaledTanh, 1);
    expect(one).toBeCloseTo(1, 4); // LeCun's reason for 1.7159
  });

  test('the least value of mish is about -0.31, at -1.19', () => {
    const [left, least, right] = at(mish, -1.25, -1.1924, -1.13) as [number, number, number];
    expect(least).toBeCloseTo(-0.30884, 5);
    expect(least).toBeLessThan(Math.min(left, right));
  });
});

describe('where numbers end', () => {
  const limits: readonly (readonly [string, (x: Tensor) => Tensor, below: number, above: number])[] = [
    ['leakyRelu', leakyRelu, -Infinity, Infinity],
    ['elu', elu, -1, Infinity],
    ['celu', (x) => celu(x, { alpha: 2 }), -2, Infinity],
    ['gelu', gelu, 0, Infinity],
    ['gelu by tanh', (x) => gelu(x, { approximate: 'tanh' }), 0, Infinity],
    ['silu', silu, 0, Infinity],
    ['mish', mish, 0, Infinity],
    ['softsign', softsign, -1, 1],
    ['hardSigmoid', hardSigmoid, 0, 1],
    ['hardSwish', hardSwish, 0, Infinity],
    ['relu6', relu6, 0, 6],
    ['scaledTanh', scaledTanh, -1.7159, 1.7159],
    ['step', step, 0, 1],
  ];

  test.each(limits)('%s', (_, f, below, above) => {
    for (const dtype of ['float32', 'float64'] as const) {
      const [low, high, nan] = [...f(tensor([-Infinity, Infinity, NaN], { dtype })).dataSync()] as number[];
      // -0 is 0 enough.
      expect([low! + 0, high]).toEqual([expect.closeTo(below, 6), expect.closeTo(above, 6)]);
      expect(nan).toBe(f === step ? 0 : NaN);
    }
  });

  test('small numbers keep all their digits', () => {
    const x = -1e-12;
    for (const f of [elu, celu, (each: Tensor) => selu(each).div(1.0507009873554805 * 1.6732632423543772)]) {
      expect(at(f, x)[0]! / (x + x ** 2 / 2)).toBeCloseTo(1, 14);
    }
    for (const f of [gelu, silu]) expect(at(f, x)[0]! / x).toBeCloseTo(0.5, 11);
    expect(at(mish, x)[0]! / x).toBeCloseTo(0.6, 11); // tanh(log 2)
  });

  test('nothing overflows in float32', () => {
    for (const f of [elu, celu, selu, gelu, silu, mish, softsign, hardSwish]) {
      const values = [...f(tensor([-1e4, -1e38, 1e4, 1e38])).dataSync()];
      expect(values.filter(Number.isFinite)).toHaveLength(4);
    }
  });
});

describe('prelu', () => {
  test('has one slope for each channel', () => {
    const x = f64(-1, -2, 3, -4, -5, 6, -7, -8).reshape(1, 2, 2, 2);
    expect([...prelu(x, f64(0.5, 0.25)).dataSync()]).toEqual([-0.5, -1, 3, -2, -1.25, 6, -1.75, -2]);
    expect([...prelu(f64(-2, -4).reshape(1, 2), f64(0.5, 0.25)).dataSync()]).toEqual([-1, -1]);
    expect([...prelu(x, f64(0.5)).dataSync()]).toEqual([...prelu(x, f64(0.5).reshape()).dataSync()]);
  });

  test('refuses other slopes', () => {
    const x = f64(1, 2, 3, 4).reshape(2, 2);
    expect(() => prelu(x, f64(1, 2, 3))).toThrow('for each of its 2 channels, but was given [3]');
    expect(() => prelu(f64(1, 2), f64(1, 2))).toThrow('for each of its 1 channels');
    expect(() => prelu(x, x)).toThrow('but was given [2, 2]');
    expect(() => prelu(x, tensor([1]))).toThrow('prelu: all inputs need one dtype');
    expect(() => dispatch(ops.prelu, [f64(1, 2), x], undefined)).toThrow('must have shape [2], but has [2, 2]');
  });
});

describe('maxout', () => {
  const x = tensor(
    Float64Array.from({ length: 24 }, (_, i) => (i * 7) % 24),
    { shape: [2, 6, 2] },
  );

  test('is the maximum of channels that follow each other', () => {
    const data = x.dataSync();
    for (const pieces of [1, 2, 3, 6]) {
      const y = maxout(x, pieces);
      expect(y.shape).toEqual([2, 6 / pieces, 2]);
      const wanted = y.dataSync().map((_, i) => {
        const [n, c, place] = [Math.floor(i / 2 / (6 / pieces)), Math.floor(i / 2) % (6 / pieces), i % 2];
        return Math.max(...Array.from({ length: pieces }, (__, k) => data[(n * 6 + c * pieces + k) * 2 + place]!));
      });
      expect([...y.dataSync()]).toEqual([...wanted]);
    }
  });

  test('of two pieces x and -x is |x|', () => {
    const line = f64(-3, 3, 2, -2).reshape(2, 2);
    expect([...maxout(line, 2).dataSync()]).toEqual([3, 2]);
    expect([...maxout(line, 2, 0).dataSync()]).toEqual([2, 3]);
  });

  test('refuses what leaves a rest', () => {
    expect(() => maxout(x, 4)).toThrow('axis 1 of [2, 6, 2] cannot be cut into groups of 4');
    expect(() => maxout(x, 0)).toThrow('groups of 0');
    expect(() => maxout(x, 1.5)).toThrow('groups of 1.5');
    expect(() => maxout(x, 2, 3)).toThrow('axis 3 does not exist');
  });
});

test.each([
  [() => leakyRelu(f64(1), { negativeSlope: NaN }), 'leakyRelu: negativeSlope must be a finite number, but is NaN'],
  [() => elu(f64(1), { alpha: Infinity }), 'elu: alpha must be a finite number, but is Infinity'],
  [() => elu(f64(1), { alpha: '1' as never }), 'alpha must be'],
  [() => celu(f64(1), { alpha: 0 }), 'celu: alpha must be a finite number above 0, but is 0'],
  [
    () => gelu(f64(1), { approximate: 'sigmoid' as never }),
    `approximate must be one of 'none', 'tanh', but is "sigmoid"`,
  ],
  [() => softplus(f64(1), { beta: 0 }), 'softplus: beta must be a finite number above 0, but is 0'],
  [() => softplus(f64(1), { threshold: NaN }), 'softplus: threshold must be a number, but is NaN'],
  [() => hardTanh(f64(1), { minVal: 1 }), 'minVal must be below maxVal, but they are 1 and 1'],
  [() => hardTanh(f64(1), { minVal: NaN }), 'must be below'],
  [() => step(f64(1), { estimator: 'sigmoid' as never }), 'step: estimator must be one of'],
  [() => step(f64(1), { estimator: 'clippedLinear', width: 0 }), 'step: width must be a finite number above 0'],
  [
    () => step(f64(1), { estimator: 'difference' } as never),
    'step: h must be a finite number above 0, but is undefined',
  ],
  [() => silu(tensor([1], { dtype: 'int32' })), 'silu: works on floats'],
])('%s is refused', (call, message) => {
  expect(call).toThrow(message);
});

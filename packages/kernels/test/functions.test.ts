import type { BinaryName, UnaryName } from '@receptive/backend';
import { reference } from '@receptive/backend/reference';
import { describe, expect, test } from 'vitest';
import { TestHost, agrees, flavours, noise, sequence } from './support.ts';

/** Units in the last place by which `got` misses `expected`; subnormals count as the least normal number's neighbours. */
function ulps(got: number, expected: number): number {
  const rounded = Math.fround(expected);
  if (Object.is(got, rounded) || got === rounded || (Number.isNaN(got) && Number.isNaN(expected))) return 0;
  const unit = 2 ** (Math.max(-126, Math.floor(Math.log2(Math.abs(expected)))) - 23);
  return Math.abs(got - expected) / unit;
}

/** Floats of every magnitude and sign, ordinary ones more often, and the special ones. */
function samples(random: () => number): Float32Array {
  const bits = new Int32Array(4000).map(() => Math.floor((random() * 2 - 1) * 2 ** 31));
  return Float32Array.of(
    ...[
      0,
      -0,
      1,
      -1,
      0.5,
      1.5,
      2.5,
      -2.5,
      Infinity,
      -Infinity,
      NaN,
      1e-45,
      1e-38,
      3.4e38,
      -3.4e38,
      88.7,
      88.8,
      -87.4,
      -103.9,
      -104.1,
    ],
    ...new Float32Array(bits.buffer),
    ...Array.from({ length: 4000 }, () => (random() * 2 - 1) * 100),
    ...Array.from({ length: 4000 }, () => random() * 4 - 2),
  );
}

describe.each(flavours)('functions, %s', async (flavour) => {
  const host = await TestHost.create(flavour);
  const random = sequence(4);

  function apply(name: UnaryName, x: Float32Array): Float32Array {
    const [from, to] = [host.operand('float32', [x.length], x), host.operand('float32', [x.length])];
    host.kernels.unary(name, from, to);
    const result = host.read(to) as Float32Array;
    host.free(from, to);
    return result;
  }

  /** The same in float64, by the reference. */
  function exactly(name: UnaryName, x: Float32Array): Float64Array {
    const backend = reference();
    const [from, to] = [backend.allocate('float64', x.length), backend.allocate('float64', x.length)];
    backend.write(from, Float64Array.from(x));
    const operand = { shape: [x.length], dtype: 'float64' } as const;
    backend.kernels.unary(name, { ...operand, storage: from }, { ...operand, storage: to });
    return backend.readSync!(to, 'float64', x.length);
  }

  const bounds: Record<UnaryName, number> = {
    neg: 0,
    abs: 0,
    sign: 0,
    square: 0.5,
    sqrt: 0.5,
    rsqrt: 1.5,
    reciprocal: 0.5,
    exp: 2,
    expm1: 3,
    log: 2,
    log1p: 3,
    sin: 1,
    cos: 1,
    tanh: 6,
    sigmoid: 4,
    softplus: 4,
    relu: 0,
    erf: 4,
    floor: 0,
    ceil: 0,
    round: 0,
  };

  test.each(Object.entries(bounds) as [UnaryName, number][])('%s is within %d ulp everywhere', (name, bound) => {
    const x = samples(random);
    const [got, expected] = [apply(name, x), exactly(name, x)];
    const worst = { error: 0, at: 0 };
    got.forEach((value, i) => {
      const error = ulps(value, expected[i]!);
      if (!(error <= worst.error)) Object.assign(worst, { error, at: i });
    });
    const { error, at } = worst;
    expect(error, `${name}(${x[at]}) = ${got[at]}, not ${expected[at]}`).toBeLessThanOrEqual(bound + 1e-6);
  });

  test('every length has its tail', () => {
    for (let n = 1; n < 20; n++) {
      const x = noise(n, random);
      expect(apply('square', x)).toEqual(x.map((value) => Math.fround(value * value)));
    }
  });

  test('power is that of JavaScript', () => {
    const pairs = [
      [2, 3], [2, 0.5], [-8, 3], [-8, 1 / 3], [0, 0], [0, -1], [1, NaN], [1, Infinity], [-1, -Infinity], [NaN, 0], [-0, 3], [-0, -3], [Infinity, -1], [10, 39],
      [0, 0.1], [0, -0.1], [1e-45, 0.5], [3e38, 1.01], [0.5, 149], [2, 127.5], [0.9999999, 1e9], [1.0000001, 1e9], [1, 1e38],
      ...Array.from({ length: 500 }, () => [random() * 20, random() * 20 - 10]),
      ...Array.from({ length: 500 }, () => [2 ** (random() * 250 - 125), random() - 0.5]),
    ].map((pair) => pair.map(Math.fround)) as [number, number][]; // prettier-ignore
    const name: BinaryName = 'pow';
    const operands = [0, 1].map((k) =>
      host.operand(
        'float32',
        [pairs.length],
        Float32Array.from(pairs, (pair) => pair[k]!),
      ),
    );
    const out = host.operand('float32', [pairs.length]);
    host.kernels.binary(name, operands[0]!, operands[1]!, out);
    host.read(out).forEach((got, i) => {
      const [x, y] = pairs[i]!;
      expect(ulps(got, x ** y), `${x} ** ${y} = ${got}`).toBeLessThanOrEqual(1);
    });
    host.free(...operands, out);
  });

  test('conversions truncate and saturate', () => {
    const x = host.operand('float32', [9], Float32Array.of(1.9, -1.9, 255.9, 300, -5, NaN, Infinity, -Infinity, 3e9));
    const [whole, bytes] = [host.operand('int32', [9]), host.operand('uint8', [9])];
    host.kernels.cast(x, whole);
    host.kernels.cast(x, bytes);
    const [least, greatest] = [-(2 ** 31), 2 ** 31 - 1];
    expect([...host.read(whole)]).toEqual([1, -1, 255, 300, -5, 0, greatest, least, greatest]);
    expect([...host.read(bytes)]).toEqual([1, 0, 255, 255, 0, 0, 255, 0, 255]);
    host.kernels.cast(whole, bytes);
    expect([...host.read(bytes)]).toEqual([1, 0, 255, 255, 0, 0, 255, 0, 255]);
    host.free(x, whole, bytes);
  });

  test('softmax and its logarithm over long and short rows, with infinities', () => {
    for (const shape of [
      [3, 1],
      [5, 10],
      [2, 3001],
      [40, 7],
    ] as const) {
      const x = { shape, data: noise(shape[0] * shape[1], random).map((value) => value * 30) };
      agrees(
        host,
        [x],
        [{ shape }],
        (kernels, [from], [to]) => kernels.softmax(from!, to!),
        32,
        (kernels, _, [to]) => kernels.fill(to!, 1),
      );
    }
    const [x, y] = [
      host.operand('float32', [2, 3], Float32Array.of(-Infinity, 0, -Infinity, 1e30, 1, NaN)),
      host.operand('float32', [2, 3]),
    ];
    host.kernels.softmax(x, y);
    expect(host.read(y)).toEqual(Float32Array.of(0, 1, 0, NaN, NaN, NaN));
    host.kernels.logSoftmax(x, y);
    expect(host.read(y)).toEqual(Float32Array.of(-Infinity, 0, -Infinity, NaN, NaN, NaN));
    host.free(x, y);
  });

  test.each(['mean', 'sum', 'none'] as const)('cross-entropy in several chunks, and its gradient: %s', (reduction) => {
    const [rows, length] = [4000, 11];
    const logits = { shape: [rows, length], data: noise(rows * length, random).map((value) => value * 8) };
    const classes = { shape: [rows], data: Int32Array.from({ length: rows }, () => Math.floor(random() * length)) };
    const shape = reduction === 'none' ? [rows] : [];
    const gradient = { shape, data: noise(reduction === 'none' ? rows : 1, random) };
    agrees(
      host,
      [logits, classes],
      [{ shape }],
      (kernels, [from, labels], [to]) => kernels.softmaxCrossEntropy(from!, labels!, to!, reduction),
      32,
      // A loss is a difference of numbers as large as the logits.
      (kernels, _, [to]) => kernels.fill(to!, reduction === 'sum' ? 8 * rows : 8),
    );
    agrees(
      host,
      [gradient, logits, classes],
      [{ shape: logits.shape }],
      (kernels, [g, from, labels], [to]) => kernels.softmaxCrossEntropyGradient(g!, from!, labels!, to!, reduction),
      32,
      (kernels, _, [to]) => kernels.fill(to!, reduction === 'mean' ? 1 / rows : 1),
    );
  });
});

import type { Backend } from '@receptive/backend';
import { reference } from '@receptive/backend/reference';
import {
  Rng,
  add,
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  adaptiveMaxPool3d,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  cast,
  dispatch,
  full,
  gaussianPool1d,
  gaussianPool2d,
  gaussianPool3d,
  globalAvgPool,
  globalMaxPool,
  learnablePool1d,
  learnablePool2d,
  learnablePool3d,
  listen,
  lpPool1d,
  lpPool2d,
  lpPool3d,
  maxPool1d,
  maxPool1dWithIndices,
  maxPool2d,
  maxPool2dWithIndices,
  maxPool3d,
  maxPool3dWithIndices,
  maxUnpool1d,
  maxUnpool2d,
  maxUnpool3d,
  minPool1d,
  minPool2d,
  minPool3d,
  mul,
  ops,
  ones,
  reshape,
  setBackend,
  sigmoid,
  stochasticPool1d,
  stochasticPool2d,
  stochasticPool3d,
  sumPool1d,
  sumPool2d,
  sumPool3d,
  tensor,
  variancePool1d,
  variancePool2d,
  variancePool3d,
  withBackend,
  zeros,
} from '@receptive/tensor';
import type { AdaptivePool, Pool, PoolOptions, Tensor } from '@receptive/tensor';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expectClose, moved, numbersOf, primitivesOnly, random } from './harness.ts';
import { forAll, indices, reader, table } from './naive.ts';

const backend = reference();
setBackend(backend);

/** A vector `[1, 1, L]` in float64. */
const row = (...values: number[]): Tensor => tensor(Float64Array.from(values), { shape: [1, 1, values.length] });

/** What one window sees: elements with their distance from its middle, and how many places of the padding that was asked for. */
interface Seen {
  readonly elements: readonly { readonly value: number; readonly distance: readonly number[] }[];
  readonly padding: number;
}

interface Drawn {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly padding: readonly (readonly [number, number])[];
  readonly spatial: readonly number[];
  readonly ceilMode: boolean;
}

/** Places at which windows begin along an axis, 0 being the begin of the padding in front: every one that fits; in ceil mode, one more if some of the end is left. */
function starts({ kernel, stride, dilation, padding, spatial, ceilMode }: Drawn, axis: number): number[] {
  const [before, after] = padding[axis]!;
  const end = spatial[axis]! + before + after;
  const span = dilation[axis]! * (kernel[axis]! - 1) + 1;
  const found: number[] = [];
  for (let start = 0; start + span <= end; start += stride[axis]!) found.push(start);
  const next = found.length * stride[axis]!;
  const reached = found.length === 0 ? 0 : found.at(-1)! + span;
  if (ceilMode && reached < end && next < end) found.push(next);
  // None that begins where no element is left.
  return ceilMode ? found.filter((start) => start < spatial[axis]! + before) : found;
}

/** Pools by the letter: each window of each plane, tap by tap. */
function naive(x: Tensor, drawn: Drawn, fold: (seen: Seen) => number): Tensor {
  const { kernel, dilation, padding, spatial } = drawn;
  const places = spatial.map((_, axis) => starts(drawn, axis));
  const read = reader(x);
  const shape = [...x.shape.slice(0, 2), ...places.map(({ length }) => length)];
  const values = table(shape, ([n, c, ...output]) => {
    const elements: Seen['elements'][number][] = [];
    let counted = 0;
    for (const taps of indices(kernel)) {
      const place = taps.map((tap, axis) => places[axis]![output[axis]!]! + tap * dilation[axis]! - padding[axis]![0]);
      const distance = taps.map((tap, axis) => dilation[axis]! * (tap - (kernel[axis]! - 1) / 2));
      const inside = place.every((p, axis) => p >= 0 && p < spatial[axis]!);
      if (inside) elements.push({ value: read([n!, c!, ...place]), distance });
      else if (place.every((p, axis) => p < spatial[axis]! + padding[axis]![1])) counted++;
    }
    return fold({ elements, padding: counted });
  });
  return tensor(Float64Array.from(values), { shape });
}

/** Windows over one to three axes that nowhere see padding alone; some are larger than the input. */
const drawnWindows: fc.Arbitrary<Drawn> = fc
  .integer({ min: 1, max: 3 })
  .chain((axes) =>
    fc.tuple(
      fc.array(
        fc.record({
          taps: fc.integer({ min: 1, max: 3 }),
          stride: fc.integer({ min: 1, max: 3 }),
          dilation: fc.integer({ min: 1, max: 2 }),
          before: fc.nat(2),
          after: fc.nat(2),
          extra: fc.nat(3),
        }),
        { minLength: axes, maxLength: axes },
      ),
      fc.boolean(),
    ),
  )
  .map(([axes, ceilMode]) => {
    const padding = axes.map(
      ({ taps, before, after }) => [Math.min(before, taps - 1), Math.min(after, taps - 1)] as const,
    );
    return {
      kernel: axes.map(({ taps }) => taps),
      stride: axes.map(({ stride }) => stride),
      dilation: axes.map(({ dilation }) => dilation),
      padding,
      ceilMode,
      spatial: axes.map(({ taps, dilation, extra }, axis) => {
        const [before, after] = padding[axis]!;
        return Math.max(dilation, dilation * (taps - 1) + 1 - before - after) + extra;
      }),
    };
  });

const values = ({ elements }: Seen): number[] => elements.map(({ value }) => value);
const total = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);
const mean = (list: readonly number[]): number => total(list) / list.length;

describe('pools add up what they say they do, over one to three axes', () => {
  type Doors = readonly [Pool, Pool, Pool];
  const average = (countIncludePad: boolean): Doors =>
    [avgPool1d, avgPool2d, avgPool3d].map(
      (pool): Pool =>
        (x, kernel, options) =>
          pool(x, kernel, { ...options, countIncludePad }),
    ) as unknown as Doors;
  const norm = (p: number): Doors =>
    [lpPool1d, lpPool2d, lpPool3d].map(
      (pool): Pool =>
        (x, kernel, options) =>
          pool(x, p, kernel, options),
    ) as unknown as Doors;
  const blurred = (sigma: number | undefined): Doors =>
    [gaussianPool1d, gaussianPool2d, gaussianPool3d].map(
      (pool): Pool =>
        (x, kernel, options) =>
          pool(x, kernel, { ...options, ...(sigma !== undefined && { sigma }) }),
    ) as unknown as Doors;

  const cases: readonly (readonly [name: string, Doors, fold: (seen: Seen, kernel: readonly number[]) => number])[] = [
    ['maxPool', [maxPool1d, maxPool2d, maxPool3d], (seen) => Math.max(...values(seen))],
    ['minPool', [minPool1d, minPool2d, minPool3d], (seen) => Math.min(...values(seen))],
    ['sumPool', [sumPool1d, sumPool2d, sumPool3d], (seen) => total(values(seen))],
    ['avgPool', average(true), (seen) => total(values(seen)) / (seen.elements.length + seen.padding)],
    ['avgPool, padding not counted', average(false), (seen) => mean(values(seen))],
    ['lpPool of 2', norm(2), (seen) => Math.hypot(...values(seen))],
    ['lpPool of 3', norm(3), (seen) => Math.cbrt(total(values(seen).map((value) => Math.abs(value) ** 3)))],
    [
      'gaussianPool',
      blurred(0.8),
      ({ elements }) => {
        const weights = elements.map(({ distance }) => Math.exp(-(Math.hypot(...distance) ** 2) / (2 * 0.8 ** 2)));
        return total(elements.map(({ value }, i) => value * weights[i]!)) / total(weights);
      },
    ],
    [
      "gaussianPool of OpenCV's sigma",
      blurred(undefined),
      ({ elements }, kernel) => {
        const sigmas = kernel.map((k) => 0.3 * ((k - 1) * 0.5 - 1) + 0.8);
        const weights = elements.map(({ distance }) =>
          Math.exp(-total(distance.map((d, axis) => d ** 2 / (2 * sigmas[axis]! ** 2)))),
        );
        return total(elements.map(({ value }, i) => value * weights[i]!)) / total(weights);
      },
    ],
    [
      'variancePool',
      [variancePool1d, variancePool2d, variancePool3d],
      (seen) => mean(values(seen).map((value) => (value - mean(values(seen))) ** 2)),
    ],
    [
      'stochasticPool on average',
      [stochasticPool1d, stochasticPool2d, stochasticPool3d],
      (seen) => {
        const positive = values(seen).map((value) => Math.max(value, 0));
        return total(positive) === 0 ? 0 : total(positive.map((a) => a * a)) / total(positive);
      },
    ],
  ];

  test.each(cases)('%s', (_, doors, fold) => {
    forAll(drawnWindows, (drawn) => {
      const { kernel, spatial, ...options } = drawn;
      const x = random([2, 2, ...spatial]);
      const y = doors[spatial.length - 1]!(x, kernel, options);
      expectClose(
        y,
        naive(x, drawn, (seen) => fold(seen, kernel)),
      );
    });
  });
});

describe('ceil mode', () => {
  test('lets the last window hang over the end', () => {
    expect(numbersOf(maxPool1d(row(1, 2, 3, 4, 5), 2))).toEqual([2, 4]);
    expect(numbersOf(maxPool1d(row(1, 2, 3, 4, 5), 2, { ceilMode: true }))).toEqual([2, 4, 5]);
    expect(numbersOf(avgPool1d(row(1, 2, 3, 4, 5), 2, { ceilMode: true }))).toEqual([1.5, 3.5, 5]);
    expect(numbersOf(sumPool1d(row(1, 2), 3, { ceilMode: true }))).toEqual([3]);
    expect(() => sumPool1d(row(1, 2), 3)).toThrow('sumPool1d: a window of [3] does not fit into an input of [2]');
  });

  test('counts padding, but not what lies beyond it', () => {
    // [0 1 2], [2 3 4] and [4 0 -]: of the last window one place lies beyond.
    const options = { stride: 2, padding: 1, ceilMode: true };
    expectClose(avgPool1d(row(1, 2, 3, 4), 3, options), row(1, 3, 2));
    expectClose(avgPool1d(row(1, 2, 3, 4), 3, { ...options, countIncludePad: false }), row(1.5, 3, 4));
  });

  test('leaves out a window that would begin in the padding at the end', () => {
    const options = { stride: 2, padding: 1, ceilMode: true };
    expect(numbersOf(maxPool1d(row(1, 2, 3), 2, options))).toEqual([1, 3]);
    expect(numbersOf(avgPool1d(row(1, 2, 3), 2, options))).toEqual([0.5, 2.5]);
  });
});

test('each door takes its own number of axes, and says so in its name', () => {
  const doors: Record<string, (x: Tensor) => unknown> = {
    maxPool1d: (x) => maxPool1d(x, 1),
    avgPool3d: (x) => avgPool3d(x, 1),
    sumPool2d: (x) => sumPool2d(x, 1),
    minPool1d: (x) => minPool1d(x, 1),
    lpPool3d: (x) => lpPool3d(x, 2, 1),
    gaussianPool3d: (x) => gaussianPool3d(x, 1),
    variancePool1d: (x) => variancePool1d(x, 1),
    stochasticPool3d: (x) => stochasticPool3d(x, 1),
    adaptiveAvgPool1d: (x) => adaptiveAvgPool1d(x, 1),
    adaptiveMaxPool3d: (x) => adaptiveMaxPool3d(x, 1),
    maxUnpool1d: (x) => maxUnpool1d(x, zeros([2, 2], { dtype: 'int32' }), 1),
  };
  for (const [name, door] of Object.entries(doors)) {
    expect(() => door(zeros([2, 2])), name).toThrow(`${name}: needs an input [N, C,`);
    const integers = zeros([1, 1, ...new Array<number>(Number(name.at(-2))).fill(2)], { dtype: 'int32' });
    expect(() => door(integers), name).toThrow(`${name}: works on floats, but was given int32.`);
  }
});

test('padding that a window would see alone is refused, by every pool', () => {
  for (const pool of [maxPool2d, avgPool2d, sumPool2d, minPool2d, gaussianPool2d, variancePool2d, stochasticPool2d]) {
    expect(() => pool(zeros([1, 1, 4, 4]), 2, { padding: 2 })).toThrow(
      'would see padding alone. Pad less than a window',
    );
  }
});

describe('maxPool', () => {
  test('where all is -Infinity, the first element wins, never padding: by the composition and by the kernel', () => {
    const x = full([1, 1, 2, 2], -Infinity);
    const attributes = {
      window: {
        kernel: [2, 2],
        stride: [1, 1],
        dilation: [1, 1],
        padding: [
          [1, 1],
          [1, 1],
        ],
      },
    } as const;
    const first = [0, 0, 1, 0, 0, 1, 2, 2, 3];
    expect(numbersOf(dispatch(ops.maxPool, [x], attributes)[1])).toEqual(first);
    expect(numbersOf(dispatch(ops.maxPool, [moved(primitivesOnly(backend), x)], attributes)[1])).toEqual(first);
  });

  test('writes down where maxima lie only for those who listen', () => {
    const written: boolean[] = [];
    const noting: Backend = {
      ...backend,
      kernels: {
        ...backend.kernels,
        maxPool(x, out, places, window) {
          written.push(places !== undefined);
          backend.kernels.maxPool!(x, out, places, window);
        },
      },
    };
    const x = moved(noting, tensor([1, 3, 2, 0], { shape: [1, 1, 2, 2] }));
    const heard: string[] = [];
    expect(numbersOf(maxPool2d(x, 2))).toEqual([3]);
    const y = listen(
      ({ op }) => heard.push(op.name),
      () => maxPool2d(x, 2),
    );
    expect(numbersOf(y)).toEqual([3]);
    expect([written, heard]).toEqual([[false, true], ['maxPool']]);
  });

  test('says where maxima lie over one and three axes', () => {
    expect(numbersOf(maxPool1dWithIndices(row(1, 3, 2, 0), 2, { stride: 1 })[1])).toEqual([1, 1, 2]);
    const cube = tensor([1, 2, 3, 9, 5, 6, 7, 8], { shape: [1, 1, 2, 2, 2] });
    const [y, place] = maxPool3dWithIndices(cube, 2);
    expect([numbersOf(y), numbersOf(place)]).toEqual([[9], [3]]);
  });
});

describe('lpPool', () => {
  test('of 3 and 4 is 7, 5 and the cube root of 91', () => {
    const x = row(3, -4);
    expectClose(lpPool1d(x, 1, 2), row(7));
    expectClose(lpPool1d(x, 2, 2), row(5));
    expectClose(lpPool1d(x, 3, 2), row(Math.cbrt(91)));
  });

  test('refuses what is no norm', () => {
    for (const p of [0.5, 0, -1, NaN, Infinity]) expect(() => lpPool2d(zeros([1, 1, 2, 2]), p, 2)).toThrow(RangeError);
    expect(() => lpPool2d(zeros([1, 1, 2, 2]), Infinity, 2)).toThrow('For infinity take the maximum: maxPool2d(abs(x)');
  });
});

describe('learnablePool', () => {
  const [weight, bias] = [tensor(Float64Array.of(0.5)), tensor(Float64Array.of(-1))];

  test('by hand: half of the sum of two, less one, squashed', () => {
    const x = row(1, 2, 3, 4);
    expectClose(
      learnablePool1d(x, weight, bias, 2, { activation: 'sigmoid' }),
      row(1 / (1 + Math.exp(-0.5)), 1 / (1 + Math.exp(-2.5))),
    );
    expectClose(learnablePool1d(x, weight, bias, 2), row(1.7159 * Math.tanh(1 / 3), 1.7159 * Math.tanh(5 / 3)));
  });

  test('has a coefficient and a bias for each channel, over two and three axes', () => {
    const [factors, shifts] = [random([2], 1), random([2], 2)];
    for (const [pool, plain, x] of [
      [learnablePool2d, sumPool2d, random([2, 2, 5, 4])],
      [learnablePool3d, sumPool3d, random([2, 2, 3, 4, 3])],
    ] as const) {
      const options: PoolOptions = { stride: 2, padding: 1, dilation: 1, ceilMode: true };
      const own = (vector: Tensor) => reshape(vector, [2, ...x.shape.slice(2).map(() => 1)]);
      const wanted = sigmoid(add(mul(plain(x, 2, options), own(factors)), own(shifts)));
      expectClose(pool(x, factors, shifts, 2, { ...options, activation: 'sigmoid' }), wanted);
    }
  });

  test('refuses other coefficients, and an activation that does not exist', () => {
    const x = zeros([1, 2, 4], { dtype: 'float64' });
    expect(() => learnablePool1d(x, weight, bias, 2)).toThrow(
      'learnablePool1d: the weight must have shape [2], but has [1].',
    );
    expect(() => learnablePool1d(x, random([2]), bias, 2)).toThrow('learnablePool1d: the bias must have shape [2]');
    expect(() => learnablePool2d(x, weight, bias, 2)).toThrow('learnablePool2d: needs an input [N, C, H, W]');
    expect(() => learnablePool1d(x, weight, bias, 2, { activation: 'relu' as 'sigmoid' })).toThrow(
      'learnablePool1d: activation must be one of scaledTanh, sigmoid, but is "relu".',
    );
  });
});

describe('gaussianPool', () => {
  test('weighs three elements as e^(-1/2), 1, e^(-1/2)', () => {
    const side = Math.exp(-0.5);
    const y = gaussianPool1d(row(1, 10, 100), 3, { sigma: 1 });
    expectClose(y, row((side * 101 + 10) / (2 * side + 1)));
  });

  test('leaves an image of one colour as it is, at the edges too', () => {
    const x = full([1, 3, 5, 6], 7, { dtype: 'float64' });
    expectClose(gaussianPool2d(x, 3, { stride: 1, padding: 1, sigma: [0.5, 2] }), x);
  });

  test('refuses a width that is none', () => {
    for (const sigma of [0, -1, NaN, [1], [1, 0], [1, 1, 1]]) {
      expect(() => gaussianPool2d(zeros([1, 1, 3, 3]), 3, { sigma })).toThrow(
        'gaussianPool2d: sigma must be a number above 0, or 2 of them',
      );
    }
  });
});

test('variancePool keeps its digits far from 0, in float32', () => {
  // The mean of squares less the square of the mean would be 0 here, or 2.
  const x = tensor([4096, 4097, 4099, 4099], { shape: [1, 1, 4] });
  expect(numbersOf(variancePool1d(x, 4))).toEqual([1.6875]);
});

describe('stochasticPool', () => {
  const windows = 10_000;
  const many = (window: readonly number[]): Tensor =>
    tensor(
      Array.from({ length: windows }, () => window),
      { shape: [windows, 1, window.length] },
    );
  const counted = (y: Tensor): Map<number, number> => {
    const found = new Map<number, number>();
    for (const value of numbersOf(y)) found.set(value, (found.get(value) ?? 0) + 1);
    return found;
  };

  test('draws elements by their size; without a generator it is their mean by these odds', () => {
    const x = many([1, 2, 5, 0, -8]);
    const found = counted(stochasticPool1d(x, 5, { rng: new Rng(1) }));
    expect(new Set(found.keys())).toEqual(new Set([1, 2, 5]));
    // Zeiler and Fergus: p = a / sum of a. Four standard deviations on either side.
    for (const a of [1, 2, 5]) {
      const p = a / 8;
      expect(Math.abs(found.get(a)! - windows * p)).toBeLessThan(4 * Math.sqrt(windows * p * (1 - p)));
    }
    expect(counted(stochasticPool1d(x, 5))).toEqual(new Map([[30 / 8, windows]]));
  });

  test('draws anew for each window, and the same again from the same generator', () => {
    const x = many([1, 1.5]);
    const drawn = (seed: number): number[] => numbersOf(stochasticPool1d(x, 2, { rng: new Rng(seed) }));
    expect(drawn(1)).toEqual(drawn(1));
    expect(drawn(1)).not.toEqual(drawn(2));
    const rng = new Rng(1);
    expect(numbersOf(stochasticPool1d(x, 2, { rng }))).not.toEqual(numbersOf(stochasticPool1d(x, 2, { rng })));
  });

  test('never draws padding, and of nothing positive gives 0', () => {
    const options = { padding: 1, stride: 1, rng: new Rng(3) };
    expect(new Set(numbersOf(stochasticPool1d(many([4]), 2, options)))).toEqual(new Set([4]));
    for (const x of [row(-1, 0, -2), row(-1, -3)]) {
      expect(numbersOf(stochasticPool1d(x, x.size, { rng: new Rng(1) }))).toEqual([0]);
      expect(numbersOf(stochasticPool1d(x, x.size))).toEqual([0]);
    }
  });

  test('takes noise of one number a tap of a window', () => {
    const window = { kernel: [2], stride: [2], dilation: [1], padding: [[0, 0]] } as const;
    expect(() => dispatch(ops.stochasticPool, [zeros([1, 2, 4]), ones([2, 2, 1])], { window })).toThrow(
      'stochasticPool: the noise must have shape [2, 2, 2], but has [2, 2, 1].',
    );
  });
});

describe('adaptive pooling', () => {
  test('of 7 to 3 has windows 0..2, 2..4 and 4..6', () => {
    const x = row(1, 2, 3, 4, 5, 6, 7);
    expectClose(adaptiveAvgPool1d(x, 3), row(2, 4, 6));
    expect(numbersOf(adaptiveMaxPool1d(x, 3))).toEqual([3, 5, 7]);
    expect(numbersOf(adaptiveMaxPool1d(x.neg(), 3))).toEqual([-1, -3, -5]);
  });

  test('has the windows from floor(i n / o) to ceil((i + 1) n / o), over one to three axes', () => {
    const sizes = fc.array(fc.record({ n: fc.integer({ min: 1, max: 7 }), o: fc.integer({ min: 1, max: 7 }) }), {
      minLength: 1,
      maxLength: 3,
    });
    const kinds: readonly (readonly [readonly AdaptivePool[], fold: (list: readonly number[]) => number])[] = [
      [[adaptiveAvgPool1d, adaptiveAvgPool2d, adaptiveAvgPool3d], mean],
      [[adaptiveMaxPool1d, adaptiveMaxPool2d, adaptiveMaxPool3d], (list) => Math.max(...list)],
    ];
    forAll(sizes, (axes) => {
      const x = random([2, 1, ...axes.map(({ n }) => n)]);
      const read = reader(x);
      for (const [doors, fold] of kinds) {
        const y = doors[axes.length - 1]!(
          x,
          axes.map(({ o }) => o),
        );
        const expected = table([2, 1, ...axes.map(({ o }) => o)], ([image, c, ...output]) => {
          const seen = axes.map(({ n, o }, axis) => {
            const i = output[axis]!;
            return Array.from({ length: n }, (_, p) => p).filter((p) => (p + 1) * o > i * n && p * o < (i + 1) * n);
          });
          const places = seen.reduce<number[][]>((all, own) => all.flatMap((a) => own.map((p) => [...a, p])), [[]]);
          return fold(places.map((place) => read([image!, c!, ...place])));
        });
        expectClose(y, tensor(Float64Array.from(expected), { shape: y.shape }));
      }
    });
  });

  test('NaN and infinity stay in their windows', () => {
    const x = row(NaN, 1, 2, 3, Infinity, 4, 5);
    expect(numbersOf(adaptiveAvgPool1d(x, 3))).toEqual([NaN, Infinity, Infinity]);
    expect(numbersOf(adaptiveMaxPool1d(x, 3))).toEqual([NaN, Infinity, Infinity]);
    expect(numbersOf(adaptiveAvgPool1d(row(1, 2, 3, 4, 5, 6, NaN), 3)).slice(0, 2)).toEqual([2, 4]);
  });

  test('keeps the length of an axis for null', () => {
    expect(adaptiveAvgPool2d(zeros([1, 2, 5, 6]), [null, 4]).shape).toEqual([1, 2, 5, 4]);
    expect(adaptiveMaxPool3d(zeros([1, 2, 5, 6, 2]), [1, null, null]).shape).toEqual([1, 2, 1, 6, 2]);
  });

  test('refuses an output that is none', () => {
    for (const size of [0, 1.5, [2], [2, 0], [1, 2, 3]]) {
      expect(() => adaptiveAvgPool2d(zeros([1, 1, 4, 4]), size)).toThrow('adaptiveAvgPool2d: outputSize must be');
    }
    expect(() => adaptiveMaxPool1d(zeros([1, 1, 4], { dtype: 'int32' }), 3)).toThrow(
      'adaptiveMaxPool1d: works on floats',
    );
  });

  test('of a plane as a whole is global pooling', () => {
    const x = random([2, 3, 4, 5]);
    expectClose(globalAvgPool(x), x.mean([2, 3], { keepDims: true }));
    expectClose(globalMaxPool(x), x.max([2, 3], { keepDims: true }));
    expect(globalAvgPool(zeros([1, 2, 3])).shape).toEqual([1, 2, 1]);
    expect(globalMaxPool(zeros([1, 2, 3, 2, 2])).shape).toEqual([1, 2, 1, 1, 1]);
    expect(() => globalAvgPool(zeros([2, 3]))).toThrow('globalAvgPool: needs an input [N, C, ...spatial]');
  });
});

describe('maxUnpool', () => {
  const places = (...list: number[]): Tensor => tensor(list, { shape: [1, 1, list.length], dtype: 'int32' });

  test('puts maxima back where they came from', () => {
    // The example of PyTorch's MaxUnpool2d.
    const x = tensor(
      Array.from({ length: 16 }, (_, i) => i + 1),
      { shape: [1, 1, 4, 4] },
    );
    const [y, from] = maxPool2dWithIndices(x, 2);
    expect(numbersOf(maxUnpool2d(y, from, 2))).toEqual([0, 0, 0, 0, 0, 6, 0, 8, 0, 0, 0, 0, 0, 14, 0, 16]);
    const larger = maxUnpool2d(y, from, 2, { outputSize: 5 });
    expect(larger.shape).toEqual([1, 1, 5, 5]);
    expect(numbersOf(larger).flatMap((value, place) => (value === 0 ? [] : [[place, value]]))).toEqual([
      [5, 6],
      [7, 8],
      [13, 14],
      [15, 16],
    ]);
  });

  test('undoes pooling of one and three axes, padded', () => {
    const back = (x: Tensor, y: Tensor): void => {
      const [was, is] = [numbersOf(x), numbersOf(y)];
      expect(y.shape).toEqual(x.shape);
      is.forEach((value, i) => expect([0, was[i]]).toContain(value));
      expect(is.filter((value) => value !== 0).length).toBeGreaterThan(1);
    };
    const line = random([2, 1, 7]);
    back(line, maxUnpool1d(...maxPool1dWithIndices(line, 3, { stride: 2, padding: 1 }), 3, { stride: 2, padding: 1 }));
    const cube = random([1, 2, 4, 2, 5]);
    const options = { stride: [2, 1, 2] };
    back(cube, maxUnpool3d(...maxPool3dWithIndices(cube, [2, 1, 3], options), [2, 1, 3], options));
  });

  test('does not add up one maximum of two windows; of unlike elements it takes the mean', () => {
    const [y, from] = maxPool1dWithIndices(row(1, 3, 2), 2, { stride: 1 });
    expect(numbersOf(from)).toEqual([1, 1]);
    expect(numbersOf(maxUnpool1d(y, from, 2, { stride: 1 }))).toEqual([0, 3, 0]);
    expect(numbersOf(maxUnpool1d(row(1, 3, 5), places(0, 0, 2), 2, { stride: 1 }))).toEqual([2, 0, 5, 0]);
  });

  test('refuses indices of another shape or type, and an output that was not pooled so', () => {
    expect(() => maxUnpool1d(row(1, 2), places(1), 2)).toThrow('the indices must have shape [1, 1, 2]');
    expect(() => maxUnpool1d(row(1, 2), row(1, 2), 2)).toThrow('the indices must be int32');
    expect(() => maxUnpool1d(row(1, 2), places(0, 2), 2, { outputSize: 6 })).toThrow(
      'windows of [2] at strides [2] that give [2] do not come from [6]',
    );
    expect(() => maxUnpool1d(row(1), places(0), 1, { padding: 1 })).toThrow('do not come from [-1]');
    expect(maxUnpool1d(row(1, 2), places(0, 2), 2, { outputSize: 5 }).shape).toEqual([1, 1, 5]);
  });
});

test('pools made of others run on primitives alone, in float32 and float64', () => {
  const primitives = primitivesOnly(backend);
  const options: PoolOptions = { stride: 2, padding: 1, ceilMode: true };
  for (const pool of [minPool2d, sumPool2d, gaussianPool2d, variancePool2d, stochasticPool2d, avgPool2d]) {
    const x = random([1, 2, 4, 5]);
    expectClose(pool(moved(primitives, x), 3, options), pool(x, 3, options));
    const narrow = withBackend(primitives, () => pool(cast(moved(primitives, x), 'float32'), 3, options));
    expect(narrow.dtype).toBe('float32');
  }
});

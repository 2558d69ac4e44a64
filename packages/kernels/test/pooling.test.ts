import type { Window } from '@receptive/backend';
import { sizeOf, windowOutput } from '@receptive/backend';
import { describe, expect, test } from 'vitest';
import { TestHost, agrees, flavours, noise, sequence } from './support.ts';
import type { Given } from './support.ts';

const halving: Window = { kernel: [2, 2], stride: [2, 2], dilation: [1, 1], padding: [[0, 0], [0, 0]] }; // prettier-ignore

describe.each(flavours)('pooling, %s', async (flavour) => {
  const host = await TestHost.create(flavour);
  const random = sequence(7);
  const upTo = (n: number): number => 1 + Math.floor(random() * n);
  const given = (shape: readonly number[]): Given => ({ shape, data: noise(sizeOf(shape), random) });

  function check(shape: readonly number[], window: Window): void {
    const x = given(shape);
    const pooled = given([...shape.slice(0, 2), ...windowOutput(shape.slice(2), window)]);
    // Sums of a few elements, in another order than the reference's.
    const c = 4 + sizeOf(window.kernel) / 4;
    const places = { shape: pooled.shape, dtype: 'int32' } as const;
    agrees(host, [x], [pooled, places], (k, [a], [y, at]) => k.maxPool(a!, y!, at, window), 0);
    agrees(host, [x], [pooled], (k, [a], [y]) => k.maxPool(a!, y!, undefined, window), 0);
    for (const countPadding of [true, false]) {
      agrees(host, [x], [pooled], (k, [a], [y]) => k.avgPool(a!, y!, window, countPadding), c);
      agrees(host, [pooled], [x], (k, [g], [y]) => k.avgPoolGradient(g!, y!, window, countPadding), c);
    }
    agrees(host, [x], [pooled], (k, [a], [y]) => k.sumPool(a!, y!, window), c);
    agrees(host, [pooled], [x], (k, [g], [y]) => k.sumPoolGradient(g!, y!, window), c);
    const [input, output, indices] = [
      host.operand('float32', shape, x.data),
      host.operand('float32', pooled.shape),
      host.operand('int32', pooled.shape),
    ];
    host.kernels.maxPool(input, output, indices, window);
    const found = { shape: pooled.shape, data: host.read(indices) };
    host.free(input, output, indices);
    agrees(host, [pooled, found], [x], (k, [g, at], [y]) => k.maxPoolGradient(g!, at!, y!, window), c);
  }

  test('halving, of all remainders by four', () => {
    for (let width = 2; width < 20; width++) check([2, 3, 5, width], halving);
  });

  test('common windows, of all remainders by four, over several planes of a chunk', () => {
    for (const [taps, stride] of [
      [2, 1],
      [2, 2],
      [3, 1],
      [3, 2],
    ] as const) {
      for (let width = 8; width < 13; width++) {
        const [kernel, strides] = [
          [3, taps],
          [2, stride],
        ];
        check([2, 3, 9, width], {
          kernel,
          stride: strides,
          dilation: [1, 1],
          padding: [
            [1, 0],
            [1, 1],
          ],
        });
      }
    }
  });

  test('one window for each plane', () => {
    const whole = (kernel: readonly number[]): Window => ({ ...halving, kernel, stride: kernel });
    check([2, 3, 5, 7], whole([5, 7]));
    check([3, 2, 1, 3], whole([1, 3]));
    check([1, 1, 190, 190], whole([190, 190]));
  });

  test('large planes, in bands of rows', () => {
    const padding = [[1, 1], [2, 0]] as const; // prettier-ignore
    check([1, 2, 203, 170], halving);
    check([2, 1, 150, 131], { kernel: [3, 3], stride: [2, 2], dilation: [1, 1], padding });
    check([1, 1, 7, 61, 50], {
      kernel: [2, 5, 3],
      stride: [1, 1, 2],
      dilation: [1, 2, 1],
      padding: [[0, 1], ...padding],
    });
  });

  test('random windows over one to three axes', () => {
    for (let i = 0; i < 80; i++) {
      const axes = <T>(make: () => T): T[] => Array.from({ length: 1 + (i % 3) }, make);
      const kernel = axes(() => upTo(4));
      const dilation = axes(() => upTo(2));
      // No window may lie in the padding alone: half a window at most.
      const padding = kernel.map(
        (length) => [Math.floor((random() * length) / 2), Math.floor((random() * length) / 2)] as const,
      );
      const spatial = kernel.map((length, axis) => dilation[axis]! * (length - 1) + upTo(12));
      check([upTo(2), upTo(3), ...spatial], { kernel, dilation, padding, stride: axes(() => upTo(3)) });
    }
  });

  function maxima(values: readonly number[], window: Window): [maxima: number[], places: number[]] {
    const [rows, columns] = windowOutput([2, values.length / 2], window);
    const shape = [1, 1, rows!, columns!];
    const [x, y, at] = [
      host.operand('float32', [1, 1, 2, values.length / 2], Float32Array.from(values)),
      host.operand('float32', shape),
      host.operand('int32', shape),
    ];
    host.kernels.maxPool(x, y, at, window);
    const result: [number[], number[]] = [[...host.read(y)], [...host.read(at)]];
    host.write(y, new Float32Array(result[0].length));
    host.kernels.maxPool(x, y, undefined, window);
    expect([...host.read(y)], 'the maxima alone').toEqual(result[0]);
    host.free(x, y, at);
    return result;
  }

  test('the first of equals wins, and the first NaN', () => {
    expect(maxima([1, 1, 0, NaN, 2, 3, -1, -1, 1, 1, NaN, 5, 3, 2, -1, -1], halving)).toEqual([
      [1, NaN, 3, -1],
      [0, 3, 5, 6],
    ]);
  });

  test('every order of two numbers and NaN in a window', () => {
    const choices = [0, 1, NaN];
    const windows = Array.from({ length: 81 }, (_, i) =>
      [27, 9, 3, 1].map((step) => choices[Math.floor(i / step) % 3]!),
    );
    const rows = [0, 2].map((first) => windows.flatMap((window) => window.slice(first, first + 2)));
    const [values, places] = maxima(rows.flat(), halving);
    windows.forEach((window, i) => {
      const first = window.findIndex(Number.isNaN);
      const at = first >= 0 ? first : window.indexOf(Math.max(...window));
      expect([values[i], places[i]], window.join(' ')).toEqual([window[at], 2 * i + (at & 1) + (at >> 1) * 162]);
    });
  });

  test.each([
    [2, 1],
    [2, 2],
    [3, 1],
    [3, 2],
    [4, 3],
  ])(
    'NaN, infinities and zeros of both signs give the same with places and without: %i taps, stride %i',
    (taps, stride) => {
      const window: Window = { kernel: [taps, taps], stride: [stride, stride], dilation: [1, 1], padding: [[1, 0], [0, 1]] }; // prettier-ignore
      const values = Float32Array.from({ length: 15 * 16 }, () =>
        random() < 0.3 ? [NaN, Infinity, -0, 0][upTo(4) - 1]! : -random() / random(),
      );
      for (const slides of [window, { ...halving, kernel: [taps, taps], stride: [stride, stride] }]) {
        const shape = [1, 1, ...windowOutput([15, 16], slides)];
        const x = host.operand('float32', [1, 1, 15, 16], values);
        const [y, alone, at] = [
          host.operand('float32', shape),
          host.operand('float32', shape),
          host.operand('int32', shape),
        ];
        host.kernels.maxPool(x, y, at, slides);
        host.kernels.maxPool(x, alone, undefined, slides);
        expect(host.read(alone)).toEqual(host.read(y));
        host.free(x, y, alone, at);
      }
    },
  );

  test('-Infinity wins against padding, which has no place', () => {
    const window: Window = { ...halving, padding: [[2, 0], [2, 0]] }; // prettier-ignore
    expect(maxima(new Array<number>(16).fill(-Infinity), window)[1]).toEqual([-1, -1, -1, -1, -1, -1, 0, 2, 4, 6]);
  });
});

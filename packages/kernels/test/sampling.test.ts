import { sizeOf } from '@receptive/backend';
import { describe, expect, test } from 'vitest';
import { TestHost, agrees, computed, exactly, flavours, noise, sequence } from './support.ts';
import type { Call, Given, Wanted } from './support.ts';

describe.each(flavours)('sampling, %s', async (flavour) => {
  const host = await TestHost.create(flavour);
  const random = sequence(11);
  const upTo = (n: number): number => 1 + Math.floor(random() * n);
  const given = (shape: readonly number[]): Given => ({ shape, data: noise(sizeOf(shape), random) });

  /** Places all over an axis and a little beyond, some of them whole, some on its ends, some far away. */
  function coordinate(length: number): number {
    const choice = random();
    const place = (length + 3) * random() - 2;
    if (choice < 0.1) return Math.round(place);
    if (choice < 0.15) return [-1, length, -Infinity, Infinity, 3e9, -1e30][Math.floor(6 * random())]!;
    return place;
  }

  function points(shape: readonly number[], count: number): Given {
    const [n, , ...spatial] = shape as [number, number, ...number[]];
    const data = Float32Array.from({ length: n * count * spatial.length }, (_, i) =>
      coordinate(spatial[i % spatial.length]!),
    );
    return { shape: [n, count, spatial.length], data };
  }

  /** All inputs are below 1: errors are measured by how many products are added up. */
  function near(inputs: readonly Given[], wanted: Wanted, call: Call, products: number): void {
    agrees(host, inputs, [wanted], call, 8, (k, _inputs, [y]) => k.fill(y!, products));
  }

  function check(shape: readonly number[], count: number): void {
    const [x, at, gradient] = [given(shape), points(shape, count), given([...shape.slice(0, 2), count])];
    near([x, at], gradient, (k, [a, p], [y]) => k.sample(a!, p!, y!), 1);
    near([gradient, at], x, (k, [g, p], [y]) => k.sampleInputGradient(g!, p!, y!), 1 + count / sizeOf(shape.slice(2)));
    near([x, at, gradient], at, (k, [a, p, g], [y]) => k.samplePointsGradient(a!, p!, g!, y!), shape[1]!);
  }

  test('random places on one to three axes', () => {
    for (let i = 0; i < 60; i++) {
      const spatial = Array.from({ length: 1 + (i % 3) }, () => upTo(7));
      check([upTo(2), upTo(5), ...spatial], upTo(40));
    }
  });

  test('what is not finite reaches the results that it is part of', () => {
    const kinds = (values: Iterable<number>): string[] =>
      Array.from(values, (each) => (Number.isFinite(each) ? 'finite' : `${each}`));
    for (const spatial of [[6], [4, 5], [3, 2, 4]]) {
      const shape = [2, 3, ...spatial];
      const [x, at, gradient] = [given(shape), points(shape, 41), given([2, 3, 41])];
      const computations: readonly [inputs: readonly Given[], output: readonly number[], Call][] = [
        [[x, at], gradient.shape, (k, [a, p], [y]) => k.sample(a!, p!, y!)],
        [[gradient, at], shape, (k, [g, p], [y]) => k.sampleInputGradient(g!, p!, y!)],
        [[x, at, gradient], at.shape, (k, [a, p, g], [y]) => k.samplePointsGradient(a!, p!, g!, y!)],
      ];
      for (const [which, [inputs, output, call]] of computations.entries()) {
        for (const number of inputs.keys()) {
          for (const value of [NaN, Infinity, -Infinity]) {
            const all = inputs.map((input, i) =>
              i === number ? { ...input, data: input.data.map((each) => (random() < 0.1 ? value : each)) } : input,
            );
            const [got, want] = [
              computed(host, all, [{ shape: output }], call),
              exactly(all, [{ shape: output }], call),
            ];
            expect(kinds(got[0]!), `computation ${which}, ${value} in input ${number}`).toEqual(kinds(want[0]!));
          }
        }
      }
    }
  });

  test('many chunks of points, and of channels', () => {
    check([2, 70, 4, 5], 261);
    check([1, 19, 33], 2050);
    check([1, 1100, 2, 3, 2], 37);
  });

  function run(
    values: readonly number[],
    coordinates: readonly number[],
    kernel: 'sample' | 'points' | 'input',
  ): number[] {
    const count = coordinates.length;
    const x = host.operand('float32', [1, 1, values.length], Float32Array.from(values));
    const at = host.operand('float32', [1, count, 1], Float32Array.from(coordinates));
    const gradient = host.operand('float32', [1, 1, count], new Float32Array(count).fill(1));
    const out = host.operand('float32', kernel === 'input' ? x.shape : kernel === 'points' ? at.shape : gradient.shape);
    if (kernel === 'sample') host.kernels.sample(x, at, out);
    else if (kernel === 'points') host.kernels.samplePointsGradient(x, at, gradient, out);
    else host.kernels.sampleInputGradient(gradient, at, out);
    const result = [...host.read(out)];
    host.free(x, at, gradient, out);
    return result;
  }

  test('what is outside is neither read nor counted, though it be infinite or NaN at the edges', () => {
    const far = [-1, 2, -1.5, 2.5, -Infinity, Infinity, -2147483648, 2147483648, 4294967296, -4294967297];
    expect(run([Infinity, NaN], far, 'sample')).toEqual(far.map(() => 0));
    expect(run([Infinity, NaN], far, 'points')).toEqual(far.map(() => 0));
    expect(run([1, 2], far, 'input')).toEqual([0, 0]);
  });

  test('a NaN coordinate gives NaN, and reaches no element', () => {
    expect(run([3, 4], [0.5, NaN, 1], 'sample')).toEqual([3.5, NaN, 4]);
    expect(run([3, 4], [0.5, NaN, 1], 'points')).toEqual([1, NaN, -4]);
    expect(run([3, 4], [0.5, NaN, 1], 'input')).toEqual([0.5, 1.5]);
  });
});

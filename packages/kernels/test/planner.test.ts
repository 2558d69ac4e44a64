import type { ConvGeometry, Kernels, Operand } from '@receptive/backend';
import { describe, expect, test } from 'vitest';
import { link, plannedKernels } from '../src/index.ts';
import type { Program } from '../src/index.ts';

/** The kernels over a host that computes nothing, but remembers what it was to run. */
function recorder(): {
  readonly kernels: Required<Kernels>;
  readonly runs: readonly { readonly program: Program; readonly values: readonly number[] }[];
} {
  const runs: { program: Program; values: readonly number[] }[] = [];
  const kernels = plannedKernels({
    addressOf: (storage) => (storage as { address: number }).address,
    reserve: () => 4096,
    run: (program, values) => void runs.push({ program, values: [...values] }),
  });
  return { kernels, runs };
}

/** Beyond what fits in a signed word. */
let place = 3 * 2 ** 30;

/** An operand that lies where no other one does. */
function operand(shape: readonly number[], dtype: Operand['dtype'] = 'float32'): Operand {
  place += 64;
  return { storage: { address: place }, shape, dtype };
}

const geometry: ConvGeometry = {
  kernel: [3, 3],
  stride: [1, 1],
  dilation: [1, 1],
  padding: [
    [1, 1],
    [1, 1],
  ],
  groups: 1,
};
const step = { lr: 0.1, momentum: 0.9, dampening: 0, weightDecay: 0, nesterov: false };

/** A convolution with operands of its own. */
function convolve(kernels: Required<Kernels>, changed: Partial<ConvGeometry> = {}, images = 2, bias = true): void {
  const [x, weight] = [operand([images, 3, 8, 8]), operand([4, 3, 3, 3])];
  kernels.conv(x, weight, bias ? operand([4]) : undefined, operand([images, 4, 8, 8]), { ...geometry, ...changed });
}

describe('plans', () => {
  test('are made once for all operands of the same shapes, and told where these lie', () => {
    const { kernels, runs } = recorder();
    convolve(kernels);
    convolve(kernels);
    const [first, second] = runs as [(typeof runs)[0], (typeof runs)[0]];
    expect(second.program).toBe(first.program);
    expect(first.program.reserve).toBeGreaterThan(0);
    expect(first.values[0]).toBe(4096);
    // Four operands, one after the other; the second call's lie behind the first one's.
    expect(second.values.slice(1, 5)).toEqual(first.values.slice(1, 5).map((address) => address + 4 * 64));
    const [before, after] = [first, second].map(({ program, values }) => {
      const words = new Int32Array(program.words.length + 1);
      link(program, values, words, 1);
      return words;
    });
    const moved = [...after!].map((word, i) => word - before![i]!);
    expect(new Set(moved)).toEqual(new Set([0, 4 * 64]));
    expect(after![0]).toBe(0);
    expect(new Set([...after!].map((word) => word >>> 0))).toContain(second.values[1]);
  });

  test('are other plans for whatever else a computation depends on', () => {
    const { kernels, runs } = recorder();
    const [a, b, bytes] = [operand([2, 3]), operand([3, 2]), operand([2, 3], 'int32')];
    convolve(kernels);
    convolve(kernels, { padding: [...geometry.padding].reverse(), dilation: [1, 2] });
    convolve(kernels, { dilation: [2, 1] });
    convolve(kernels, { algorithm: 'gemm' });
    convolve(kernels, { algorithm: 'winograd2' });
    convolve(kernels, {}, 3);
    convolve(kernels, {}, 2, false);
    kernels.binary('add', a, a, a);
    kernels.binary('sub', a, a, a);
    kernels.binary('add', b, b, b);
    kernels.binary('add', bytes, bytes, bytes);
    kernels.compare('equal', a, a, a);
    kernels.concat([a, a], operand([4, 3]), 0);
    kernels.concat([a, a], operand([2, 6]), 1);
    kernels.matmul(a, b, operand([2, 2]), { transposeA: false, transposeB: false });
    kernels.matmul(a, b, operand([3, 3]), { transposeA: true, transposeB: true });
    kernels.reduce('max', a, operand([3]), [0]);
    kernels.reduce('min', a, operand([3]), [0]);
    const programs = runs.map(({ program }) => program);
    expect(new Set(programs).size).toBe(programs.length);
  });

  test('do not depend on scalars', () => {
    const { kernels, runs } = recorder();
    const [p, g] = [operand([5]), operand([5])];
    for (const lr of [0.1, 0.2]) {
      const inputs = { parameter: p, gradient: g, velocity: undefined };
      kernels.sgdStep(inputs, { parameter: p, velocity: undefined }, { ...step, lr });
    }
    for (const value of [-0, 0, NaN, 7]) kernels.fill(p, value);
    const [first, second, ...fills] = runs.map(({ program }) => program);
    expect(second).toBe(first);
    expect(new Set(fills).size).toBe(1);
    const patterns = Int32Array.from(runs.slice(2), ({ values }) => values[2]!);
    expect(new Uint32Array(patterns.buffer)).toEqual(Uint32Array.of(0x80000000, 0, 0x7fc00000, 0x40e00000));
  });

  test('are forgotten where there are too many', () => {
    const { kernels, runs } = recorder();
    convolve(kernels);
    for (let length = 1; length <= 20000; length++) kernels.unary('exp', operand([length]), operand([length]));
    convolve(kernels);
    expect(runs.at(-1)!.program).not.toBe(runs[0]!.program);
    expect(runs.at(-1)!.program).toEqual(runs[0]!.program);
  });
});

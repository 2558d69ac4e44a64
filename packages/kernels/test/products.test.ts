import { sizeOf } from '@receptive/backend';
import { describe, expect, test } from 'vitest';
import { TestHost, agrees, flavours, noise, sequence } from './support.ts';
import type { Given } from './support.ts';

describe.each(flavours)('matrix products, %s', async (flavour) => {
  const host = await TestHost.create(flavour);
  const random = sequence(1);
  const upTo = (n: number): number => 1 + Math.floor(random() * n);
  const given = (shape: readonly number[]): Given => ({ shape, data: noise(sizeOf(shape), random) });

  function matmul(
    batchA: number[],
    batchB: number[],
    batch: number[],
    [m, n, k]: readonly number[],
    transposeA: boolean,
    transposeB: boolean,
  ): void {
    const a = given([...batchA, ...(transposeA ? [k!, m!] : [m!, k!])]);
    const b = given([...batchB, ...(transposeB ? [n!, k!] : [k!, n!])]);
    const out = { shape: [...batch, m!, n!] };
    agrees(
      host,
      [a, b],
      [out],
      (kernels, [x, y], [z]) => kernels.matmul(x!, y!, z!, { transposeA, transposeB }),
      8 + Math.sqrt(k!),
    );
  }

  test.each([
    [1, 1, 1],
    [6, 8, 384],
    [5, 8, 385],
    [7, 9, 2],
    [31, 65, 33],
    [250, 70, 20],
    [13, 600, 3],
    [121, 7, 800],
    [62, 9, 10],
    [76, 20, 5],
  ])('%d x %d over %d, all transpositions', (...sizes) => {
    for (const transposeA of [false, true])
      for (const transposeB of [false, true]) matmul([], [], [], sizes, transposeA, transposeB);
  });

  test('every number of rows, however its tiles come out', () => {
    for (let rows = 1; rows <= 63; rows++) matmul([], [], [], [rows, 9, 5], false, false);
  });

  test('large matrices of few rows or few inner elements, all that may be left over', () => {
    matmul([], [], [], [131, 2003, 3], true, false);
    matmul([], [], [], [1030, 257, 9], false, false);
    matmul([], [], [], [1, 1031, 259], false, false);
    matmul([], [], [], [7, 1029, 256], true, false);
    matmul([], [], [], [3, 131107, 2], false, false);
  });

  test('few rows by the columns of a long matrix, all that may be left over', () => {
    for (let rows = 1; rows <= 8; rows++)
      for (const [columns, inner] of [
        [33, 64],
        [130, 67],
        [1, 101],
      ] as const)
        matmul([], [], [], [rows, columns, inner], false, true);
  });

  test('random sizes and batches that broadcast', () => {
    for (let i = 0; i < 40; i++) {
      const axes = [upTo(3), upTo(3), upTo(2)].slice(0, upTo(3));
      const drop = (): number[] => axes.map((length) => (random() < 0.4 ? 1 : length)).slice(random() < 0.3 ? 1 : 0);
      const [a, b] = [drop(), drop()];
      const length = (axis: number): number => Math.max(a.at(axis - axes.length) ?? 1, b.at(axis - axes.length) ?? 1);
      const rank = Math.max(a.length, b.length);
      matmul(
        a,
        b,
        axes.map((_, axis) => length(axis)).slice(axes.length - rank),
        [upTo(20), upTo(40), upTo(30)],
        random() < 0.5,
        random() < 0.5,
      );
    }
  });

  test('more batch axes than a kernel walks', () => {
    matmul([2, 1, 2, 1, 2], [1, 2, 1, 2, 1], [2, 2, 2, 2, 2], [3, 4, 5], false, true);
  });

  test('NaN and infinity pass through', () => {
    const a = host.operand('float32', [1, 2], Float32Array.of(Infinity, NaN));
    const b = host.operand('float32', [2, 3], Float32Array.of(1, 0, -1, 0, 1, 0));
    const out = host.operand('float32', [1, 3]);
    host.kernels.matmul(a, b, out, { transposeA: false, transposeB: false });
    expect(host.read(out)).toEqual(Float32Array.of(NaN, NaN, NaN));
    host.free(a, b, out);
  });
});

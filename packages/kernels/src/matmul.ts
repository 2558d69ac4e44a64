import { broadcastStrides, collapse, sizeOf } from '@receptive/backend';
import type { Located } from './elementwise.ts';
import { ENOUGH, gemm } from './gemm.ts';
import { dotRows } from './narrow.ts';
import type { Phase, Plan, Reserve } from './plan.ts';
import { pieces, roundUp } from './plan.ts';
import { combineSlices } from './reduce.ts';

/** `[..., M, K] x [..., K, N]`, either operand transposed or not, over leading axes that broadcast. */
export function matmul(
  a: Located,
  b: Located,
  out: Located,
  options: { readonly transposeA: boolean; readonly transposeB: boolean },
  reserve: Reserve,
): Plan {
  const [m, n] = out.shape.slice(-2) as [number, number];
  const k = a.shape.at(options.transposeA ? -2 : -1)!;
  const [aRow, aInner] = options.transposeA ? [1, m] : [k, 1];
  const [bInner, bColumn] = options.transposeB ? [1, k] : [n, 1];
  const batch = out.shape.slice(0, -2);
  const scaled = (shape: readonly number[], size: number): number[] =>
    broadcastStrides(shape, batch).map((stride) => stride * size);
  const loops = collapse(
    batch,
    scaled(a.shape.slice(0, -2), m * k),
    scaled(b.shape.slice(0, -2), k * n),
    scaled(batch, m * n),
  );
  const [aBatch, bBatch, cBatch] = loops.strides as [number[], number[], number[]];
  const one = { inner: [k], a: { address: a.address, row: aRow, inner: [aInner] } };

  if (loops.counts.length === 0 && !options.transposeA && options.transposeB && m <= FEW && k >= LONG) {
    return byDots(a.address, b.address, out.address, [m, n, k]);
  }
  const isLarge = Math.max(m * n, k * n) >= LARGE;
  if (loops.counts.length === 0 && !options.transposeB && isLarge && (m <= LOW || k <= SHALLOW)) {
    const [row, inner] = [aRow * 4, aInner * 4];
    return bySweeps({ address: a.address, row, inner }, b.address, out.address, [m, n, k], reserve);
  }
  // A batch that shares B is a matrix of more rows; one that shares A is one of more columns.
  if (loops.counts.length === 1 && bBatch[0] === 0 && !options.transposeA) {
    return gemm(
      {
        ...one,
        rows: loops.counts[0]! * m,
        columns: [n],
        b: { address: b.address, inner: [bInner], columns: [bColumn] },
        c: { address: out.address, row: n, columns: [1] },
      },
      reserve,
    );
  }
  if (loops.counts.length === 1 && aBatch[0] === 0) {
    return gemm(
      {
        ...one,
        rows: m,
        columns: [loops.counts[0]!, n],
        b: { address: b.address, inner: [bInner], columns: [bBatch[0]!, bColumn] },
        c: { address: out.address, row: n, columns: [cBatch[0]!, 1] },
      },
      reserve,
    );
  }
  if (loops.counts.length > 4) return eachOfFirstAxis(a, b, out, options, reserve);
  return gemm(
    {
      ...one,
      rows: m,
      columns: [n],
      batch: loops.counts,
      a: { ...one.a, batch: aBatch },
      b: { address: b.address, inner: [bInner], columns: [bColumn], batch: bBatch },
      c: { address: out.address, row: n, columns: [1], batch: cBatch },
    },
    reserve,
  );
}

/** Rows up to which the columns of B are read where they lie: packing them is repaid by more. */
const FEW = 8;
/** Inner elements that repay adding up lanes in the end. */
const LONG = 64;
/** Columns of a block are a multiple of these, which dot products are formed with together, and up to so many bytes. */
const COLUMNS = 20;
const CACHED = 512 << 10;

/** Least elements of the larger matrix that repay sweeping, and most rows or inner elements. */
const LARGE = 1 << 18;
const LOW = 16;
const SHALLOW = 32;
/** Rows that are swept together. */
const SWEPT = 4;

/** A product whose larger matrices are swept row by row: rows of C, each made at once, or those of B, in slices whose sums are added in order. */
function bySweeps(
  a: { readonly address: number; readonly row: number; readonly inner: number },
  b: number,
  c: number,
  [m, n, k]: readonly [m: number, n: number, k: number],
  reserve: Reserve,
): Plan {
  const grain = roundUp(pieces(m, 2 * ENOUGH), SWEPT);
  const chunks = pieces(m, grain);
  const size = pieces(k, Math.min(pieces(ENOUGH, chunks), pieces(k, 2 * ENOUGH)));
  const slices = pieces(k, size);
  const sums = slices === 1 ? c : reserve(slices * m * n * 4);
  // Rows are cut only where there are too few of them.
  const columns = roundUp(pieces(n, pieces(ENOUGH, chunks * slices)), 16);
  const parts = pieces(n, columns);
  const phase: Phase = {
    kernel: 'sweep',
    words: [m, n, k, grain, slices, size, parts, columns, a.address, a.row, a.inner, b, n * 4, sums, n * 4, m * n * 4],
    chunks: chunks * slices * parts,
    scratch: 128,
  };
  return [phase, ...combineSlices('sumOuter_float32', sums, c, slices, m * n, reserve)];
}

/** A few rows times the transpose of a dense matrix, in blocks of its columns and what is left of them. */
function byDots(a: number, b: number, c: number, [m, n, k]: readonly [m: number, n: number, k: number]): Plan {
  // Few enough to be in the cache still when the next rows meet them.
  const kept = Math.floor(CACHED / (k * 4 * COLUMNS)) * COLUMNS;
  const grain = Math.min(n, Math.max(COLUMNS, Math.min(kept, roundUp(pieces(n, ENOUGH), COLUMNS))));
  const blocks = Math.floor(n / grain);
  const part = (from: number, count: number, columns: number): Phase =>
    dotRows(
      {
        batch: [count],
        rows: m,
        inner: [1, k],
        columns: [columns],
        a: { address: a, batch: [0], row: k, inner: [0, 1] },
        b: { address: b + from * k * 4, batch: [columns * k], inner: [0, 1], columns: [k] },
        c: { address: c + from * 4, batch: [columns], row: n, columns: [1] },
      },
      1,
      0,
    );
  const rest = n % grain;
  return [part(0, blocks, grain), ...(rest > 0 ? [part(n - rest, 1, rest)] : [])];
}

/** More batch axes than a kernel walks: one product for each index of the first. */
function eachOfFirstAxis(
  a: Located,
  b: Located,
  out: Located,
  options: Parameters<typeof matmul>[3],
  reserve: Reserve,
): Plan {
  const rank = out.shape.length;
  const at = (x: Located, index: number): Located => {
    if (x.shape.length < rank) return x;
    const shape = x.shape.slice(1);
    return { ...x, shape, address: x.address + (x.shape[0] === 1 ? 0 : index * sizeOf(shape) * 4) };
  };
  return Array.from({ length: out.shape[0]! }, (_, i) =>
    matmul(at(a, i), at(b, i), at(out, i), options, reserve),
  ).flat();
}

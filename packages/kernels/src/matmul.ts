import { broadcastStrides, collapse, sizeOf } from '@receptive/backend';
import type { Located } from './elementwise.ts';
import { gemm } from './gemm.ts';
import type { Phase, Plan, Reserve } from './plan.ts';
import { pieces, roundUp } from './plan.ts';

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
    return [dotProducts(a.address, b.address, out.address, m, n, k)];
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
/** Chunks to aim at, of no fewer columns than make some use of a call. */
const CHUNKS = 16;

/** A few rows times the transpose of a dense matrix. */
function dotProducts(a: number, b: number, c: number, m: number, n: number, k: number): Phase {
  const grain = Math.max(32, roundUp(pieces(n, CHUNKS), 4));
  return {
    kernel: 'dotProducts',
    words: [m, n, k, grain, a, k * 4, b, k * 4, c, n * 4],
    chunks: pieces(n, grain),
    scratch: 128,
  };
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

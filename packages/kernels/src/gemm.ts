import { sizeOf } from '@receptive/backend';
import { fourCounts, fourStrides } from './axes.ts';
import type { Phase, Plan, Reserve } from './plan.ts';
import { pieces, roundUp } from './plan.ts';

/** Inner elements that a tile runs over at a time: a panel of B and one of A fit in the first-level cache. */
const KC = 384;
/** Columns of a tile, and a multiple of its rows in either flavour. */
const NR = 8;
const MR_MULTIPLE = 30;
/** Bytes of a tile. */
const TILE = 192;

/**
 * One side of a product: where an element lies, in elements, along each of the nested axes that the product names. All lists have one entry an axis,
 * outermost first.
 */
interface Side {
  readonly address: number;
  readonly batch?: readonly number[];
}

/**
 * A batch of matrix products `C = A x B`, in which rows are one axis and batch, columns and inner dimension are up to four nested axes of any strides. The
 * strides are in elements of float32.
 */
export interface Product {
  readonly batch?: readonly number[];
  readonly rows: number;
  readonly inner: readonly number[];
  readonly columns: readonly number[];
  readonly a: Side & { readonly row: number; readonly inner: readonly number[] };
  readonly b: Side & { readonly inner: readonly number[]; readonly columns: readonly number[] };
  readonly c: Side & { readonly row: number; readonly columns: readonly number[] };
  /** What the sums of each row start from: a bias. */
  readonly initial?: Side | undefined;
  /** Cuts the inner dimension into this many parts, each of which computes a C of its own, `stride` elements apart. */
  readonly slices?: { readonly count: number; readonly stride: number };
  /** Adds to what C holds. */
  readonly accumulate?: boolean;
}

/** Memory that {@link gemm} reserves for a product: all of A, in panels. */
function packedBytes(rows: number, inner: number): number {
  // Rows are rounded up to a multiple of 5 or 6, by which flavour runs.
  return roundUp((rows + 5) * (inner + 1) * 4, 64);
}

/** Into how many chunks of columns a product falls: enough for several threads, wide enough to repay a call. */
function columnBlock(n: number): number {
  const blocks = Math.max(pieces(n, 256), Math.min(16, pieces(n, 64)));
  return roundUp(pieces(n, blocks), NR);
}

/** Multiplies: first all of A is packed, then blocks of C are computed, each by a chunk that packs the columns of B it needs. */
export function gemm(p: Product, reserve: Reserve): Plan {
  const m = p.rows;
  const n = sizeOf(p.columns);
  const k = sizeOf(p.inner);
  const batch = sizeOf(p.batch ?? []);
  const block = roundUp(pieces(k, pieces(k, KC)), 4);
  const packedStride = packedBytes(m, k);
  const packed = reserve(batch * packedStride);

  // Panels of about 16384 elements a chunk.
  const panels = Math.max(1, Math.floor(16384 / (6 * k)));
  const packChunks = pieces(m, 5 * panels);
  const pack: Phase = {
    kernel: 'packA',
    words: [
      ...[m, k, block, panels, packChunks, p.a.address, p.a.row * 4, packed, packedStride, p.initial?.address ?? 0],
      ...[...fourCounts(p.batch), ...fourStrides(p.a.batch), ...fourStrides(p.initial?.batch)],
      ...[...fourCounts(p.inner), ...fourStrides(p.a.inner)],
    ],
    chunks: batch * packChunks,
    scratch: block * 4,
  };

  const columns = columnBlock(n);
  const columnChunks = pieces(n, columns);
  // Cutting the rows too repeats the packing of B, which long columns repay.
  const rowChunks = Math.min(pieces(16, columnChunks * batch), pieces(m, 240));
  const rows = roundUp(pieces(m, rowChunks), MR_MULTIPLE);
  const slices = p.slices?.count ?? 1;
  const slice = roundUp(pieces(k, slices), block);
  const multiply: Phase = {
    kernel: 'gemm',
    words: [
      ...[m, n, k, block, rows, columns, pieces(m, rows), columnChunks, slice, slices, packed, packedStride],
      ...[p.b.address, p.c.address, p.c.row * 4, (p.slices?.stride ?? 0) * 4, p.accumulate ? 1 : 0],
      ...[...fourCounts(p.batch), ...fourStrides(p.b.batch), ...fourStrides(p.c.batch)],
      ...[...fourCounts(p.inner), ...fourStrides(p.b.inner)],
      ...[...fourCounts(p.columns), ...fourStrides(p.b.columns), ...fourStrides(p.c.columns)],
    ],
    chunks: batch * slices * pieces(m, rows) * columnChunks,
    scratch: TILE + (2 * columns + block + columns * block) * 4,
  };
  return [pack, multiply];
}

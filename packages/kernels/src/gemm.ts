import { sizeOf } from '@receptive/backend';
import { fourCounts, fourStrides } from './axes.ts';
import type { Phase, Plan, Reserve } from './plan.ts';
import { deriving, pieces, roundUp, words } from './plan.ts';

/** Inner elements that a tile runs over at a time: a panel of B and one of A fit in the first-level cache. */
const KC = 384;
/** Columns of the widest tiles. */
export const COLUMNS = 16;
/** A multiple of all the numbers of rows that a tile can have. */
const ROWS = 60;
/** Bytes of the largest tile. */
export const TILE = 6 * COLUMNS * 4;
/** Chunks to aim at: enough for several threads to share evenly. */
export const ENOUGH = 16;

/**
 * One side of a product: where an element lies, in elements, along each of the nested axes that the product names. All
 * lists have one entry an axis, outermost first.
 */
interface Side {
  readonly address: number;
  readonly batch?: readonly number[];
}

/**
 * A batch of matrix products `C = A x B`, in which rows are one axis and batch, columns and inner dimension are up to
 * four nested axes of any strides. The strides are in elements of float32.
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
  /** Cuts the inner dimension into parts of `size` elements, each of which computes a C of its own, `stride` elements apart. */
  readonly slices?: { readonly size: number; readonly stride: number };
  /** Adds to what C holds. */
  readonly accumulate?: boolean;
}

/** What {@link pack} needs to know of a product. */
type Rows = Pick<Product, 'batch' | 'rows' | 'inner' | 'a' | 'initial'>;

/** A, as {@link pack} leaves it in memory. */
export interface Packed {
  readonly phase: Phase;
  readonly address: number;
  readonly stride: number;
}

/** How long a part of the inner dimension is: a multiple of 4, unless it is all of it. */
export function innerBlock(k: number): number {
  return roundUp(pieces(k, pieces(k, KC)), 4);
}

/** How C is cut into chunks: columns wide enough to repay a call, and rows where the columns alone are few. */
function blocks(p: Product): { rows: number; rowChunks: number; columns: number; columnChunks: number } {
  const n = sizeOf(p.columns);
  const columns = roundUp(pieces(n, Math.max(pieces(n, 256), Math.min(ENOUGH, pieces(n, 32)))), COLUMNS);
  const columnChunks = pieces(n, columns);
  // Each chunk of rows packs the columns of B again, which only many rows repay.
  const wanted = Math.min(pieces(ENOUGH, columnChunks * sizeOf(p.batch ?? [])), pieces(p.rows, 240));
  const rows = roundUp(pieces(p.rows, wanted), ROWS);
  return { rows, rowChunks: pieces(p.rows, rows), columns, columnChunks };
}

/**
 * A cut of a long inner dimension, into no more than `most` parts, that gives a product with a small C enough chunks;
 * undefined if there is no need.
 */
export function sliceInner(p: Product, most = Infinity): { readonly size: number; readonly count: number } | undefined {
  const k = sizeOf(p.inner);
  const { rowChunks, columnChunks } = blocks(p);
  const count = Math.min(
    most,
    pieces(ENOUGH, rowChunks * columnChunks * sizeOf(p.batch ?? [])),
    Math.floor(k / (2 * KC)),
  );
  if (count < 2) return undefined;
  const size = roundUp(pieces(k, count), innerBlock(k));
  return { size, count: pieces(k, size) };
}

/** Rows that tiles fill: one or two rows that are left over are rounded up to a tile of 3. */
export function paddedRows(rows: number): number {
  return rows + 2;
}

/** Bytes that A takes once packed, for one product of the batch: each row also has an initial value. */
function packedStride(p: Rows): number {
  return roundUp(paddedRows(p.rows) * (sizeOf(p.inner) + 1) * 4, 64);
}

/** Bytes that {@link pack} needs. */
export function packedBytes(p: Rows): number {
  return sizeOf(p.batch ?? []) * packedStride(p);
}

/**
 * Brings A into panels at `address`, each cut into blocks of the inner dimension. All of it is packed once, since every chunk of
 * columns needs all of it.
 */
export function pack(p: Rows, address: number, block = innerBlock(sizeOf(p.inner))): Packed {
  const [m, k] = [p.rows, sizeOf(p.inner)];
  const stride = packedStride(p);
  const grain = roundUp(16384 / k, ROWS);
  const chunks = pieces(m, grain);
  const phase = {
    kernel: 'packA',
    words: words(
      [m, k, block, grain, chunks, p.a.address, p.a.row * 4, address, stride, p.initial?.address ?? 0],
      fourCounts(p.batch),
      fourStrides(p.a.batch),
      fourStrides(p.initial?.batch),
      fourCounts(p.inner),
      fourStrides(p.a.inner),
    ),
    chunks: sizeOf(p.batch ?? []) * chunks,
    scratch: block * 4,
  };
  return { phase, address, stride };
}

/** Packs an A that is weights, and may be kept. */
export function packWeights(p: Rows, reserve: Reserve, block?: number): Packed {
  const bytes = packedBytes(p);
  const packed = pack(p, reserve(bytes), block);
  const sources = [p.a.address, ...(p.initial ? [p.initial.address] : [])];
  const [phase] = deriving({ sources, address: packed.address, bytes }, [packed.phase]);
  return { ...packed, phase: phase! };
}

/** Multiplies packed A with B: each chunk packs the columns of B it needs and computes its block of C. */
export function multiply(p: Product, packed: Packed): Phase {
  const [m, n, k] = [p.rows, sizeOf(p.columns), sizeOf(p.inner)];
  const { rows, rowChunks, columns, columnChunks } = blocks(p);
  const block = innerBlock(k);
  const slice = p.slices?.size ?? k;
  return {
    kernel: 'gemm',
    words: words(
      [m, n, k, block, rows, columns, rowChunks, columnChunks, slice, pieces(k, slice), packed.address, packed.stride],
      [p.b.address, p.c.address, p.c.row * 4, (p.slices?.stride ?? 0) * 4, p.accumulate ? 1 : 0],
      fourCounts(p.batch),
      fourStrides(p.b.batch),
      fourStrides(p.c.batch),
      fourCounts(p.inner),
      fourStrides(p.b.inner),
      fourCounts(p.columns),
      fourStrides(p.b.columns),
      fourStrides(p.c.columns),
    ),
    chunks: sizeOf(p.batch ?? []) * pieces(k, slice) * rowChunks * columnChunks,
    scratch: TILE + (2 * columns + block + columns * block) * 4,
  };
}

/** The whole product. */
export function gemm(p: Product, reserve: Reserve): Plan {
  const packed = pack(p, reserve(packedBytes(p)));
  return [packed.phase, multiply(p, packed)];
}

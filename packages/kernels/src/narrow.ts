import { sizeOf } from '@receptive/backend';
import { fourCounts, fourStrides } from './axes.ts';
import type { Product } from './gemm.ts';
import type { Phase } from './plan.ts';
import { words } from './plan.ts';

// Products with few rows, computed without packing; both kernels read whole rows of images.

/** Rows up to which a weighted sum of image rows beats tiles, most of which would stay empty. */
export const FEW_ROWS_TO_WEIGH = 2;
/** Rows up to which dot products of image rows beat tiles, whose panels a few rows do not repay. */
export const FEW_ROWS_TO_DOT = 6;

const NONE: readonly number[] = [];

function head(p: Product): number[] {
  return words(
    [p.rows, p.a.address, p.a.row * 4, p.b.address, p.c.address, p.c.row * 4, p.initial?.address ?? 0],
    fourCounts(p.batch),
    fourStrides(p.a.batch),
    fourStrides(p.b.batch),
    fourStrides(p.c.batch),
    fourStrides(p.initial?.batch),
  );
}

/** The product as sums of B's rows, each weighted by an element of A. Columns have four axes. */
export function weighRows(p: Product): Phase {
  return {
    kernel: 'weighRows',
    words: words(
      head(p),
      words(fourCounts(p.inner), fourStrides(p.a.inner), fourStrides(p.b.inner), fourStrides(NONE)),
      words(fourCounts(p.columns), fourStrides(p.b.columns), fourStrides(p.c.columns), fourStrides(NONE)),
    ),
    chunks: sizeOf(p.batch ?? NONE) * p.columns[0]! * p.columns[1]!,
    scratch: 8 * sizeOf(p.inner),
  };
}

/**
 * The product as dot products of the rows of A and B. The inner dimension has four axes, of which the innermost is dense
 * in A; `images` elements of the outermost make a slice, whose results lie `stride` elements apart.
 */
export function dotRows(p: Product, images: number, stride: number): Phase {
  const slices = Math.ceil(p.inner[0]! / images);
  return {
    kernel: 'dotRows',
    words: words(
      head(p),
      words(fourCounts(p.inner), fourStrides(p.a.inner), fourStrides(p.b.inner), fourStrides(NONE)),
      words(fourCounts(p.columns), fourStrides(p.b.columns), fourStrides(p.c.columns), fourStrides(NONE)),
      [images, slices, stride * 4, p.accumulate ? 1 : 0],
    ),
    chunks: sizeOf(p.batch ?? NONE) * slices,
    scratch: 8 * sizeOf(p.columns),
  };
}

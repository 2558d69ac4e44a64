// Matrix multiplication C = A x B after Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008). Rows, columns and the inner
// dimension are nested axes with any strides, so that matrices, transposes and convolutions (whose columns overlap in the image) are one kernel.

import { direct3, direct4, direct5, direct6, packed3, packed4, packed5, packed6 } from '../build/micro-kernels';
import { fillOffsets, offsetOf } from './axes';
import { WIDE } from '../build/flavour';
import { NR, ROW, adjacent, allAdjacent, firstLow, leftOver, lowRows, packColumns, packRows, rowsAt, tiledRows } from './panels';

/** Rows of A that stay in the second-level cache while B's panels pass by; a multiple of the rows that highest tiles fill. */
const MC: i32 = 120;
/** Rows up to which columns are read where they lie if they can be: packing them would not be repaid. */
const FEW: i32 = 16;
/** What the sums of a tile start from where there is no bias. */
export const ZEROS = memory.data<f32>([0, 0, 0, 0, 0, 0]);

/**
 * Packs A, `m` x `k`, into panels of as many rows as a tile has: `initial` (what each row's sums start from, a bias) and then, for each block of the inner dimension,
 * `[panels][block][rows]`. Words: m, k, block, rows a chunk (a multiple of all heights of tiles), chunks a batch, A, row stride, packed, packed batch stride, initial or 0, batch counts (4),
 * A's batch strides (4), initial's batch strides (4), inner counts (4), inner strides (4). Scratch: a word for each element of a block.
 */
export function packA(args: usize, chunk: i32, scratch: usize): void {
  const m = load<i32>(args), k = load<i32>(args, 4), block = load<i32>(args, 8);
  const grain = load<i32>(args, 12), chunks = load<i32>(args, 16), rest = leftOver(m), low = lowRows(m), lower = firstLow(m);
  const batch = chunk / chunks, first = (chunk % chunks) * grain;
  const a = load<usize>(args, 20) + offsetOf(args + 40, args + 56, batch);
  const stride = load<usize>(args, 24);
  const packed = load<usize>(args, 28) + <usize>batch * load<usize>(args, 32);
  let initial = load<usize>(args, 36);
  if (initial) initial += offsetOf(args + 40, args + 72, batch);
  const padded = tiledRows(m), end = min(padded, first + grain);

  for (let i = first; i < end; i++) store<f32>(packed + (<usize>i << 2), initial && i < m ? load<f32>(initial + (<usize>i << 2)) : 0);
  for (let from = 0; from < k; from += block) {
    const kc = min(block, k - from);
    fillOffsets(scratch, args + 88, args + 104, from, kc);
    const panelsAt = packed + (<usize>(padded * (from + 1)) << 2);
    for (let i = first, height = 0; i < end; i += height) {
      height = rowsAt(i, rest, low, lower);
      packRows(a + <usize>i * stride, stride, min(height, m - i), height, scratch, kc, panelsAt + (<usize>(i * kc) << 2));
    }
  }
}

/**
 * Multiplies packed A with B into C; a chunk is a block of rows x a block of columns x a slice of the inner dimension, of one product of the batch.
 * Words: m, n, k, inner block, rows a chunk, columns a chunk, row chunks, column chunks, inner elements a slice, slices, packed A, its batch stride, B, C,
 * C's row stride, C's slice stride, whether to add to what C holds, batch counts (4), B's and C's batch strides (4 + 4), inner counts and B's inner strides
 * (4 + 4), column counts, B's and C's column strides (4 + 4 + 4).
 * Scratch: 384 bytes, two words a column, a word an inner element of a block, and the packed block, 4 bytes x columns x inner block.
 */
export function gemm(args: usize, chunk: i32, scratch: usize): void {
  const m = load<i32>(args), n = load<i32>(args, 4), k = load<i32>(args, 8), block = load<i32>(args, 12);
  const rowsPerChunk = load<i32>(args, 16), columnsPerChunk = load<i32>(args, 20);
  const rowChunks = load<i32>(args, 24), columnChunks = load<i32>(args, 28);
  const slice = load<i32>(args, 32), slices = load<i32>(args, 36);
  const column = chunk % columnChunks;
  chunk /= columnChunks;
  const row = chunk % rowChunks;
  chunk /= rowChunks;
  const part = chunk % slices, batch = chunk / slices;

  const i0 = row * rowsPerChunk, i1 = min(m, i0 + rowsPerChunk);
  const j0 = column * columnsPerChunk, columns = min(columnsPerChunk, n - j0);
  const k0 = part * slice, k1 = min(k, k0 + slice);
  const packed = load<usize>(args, 40) + <usize>batch * load<usize>(args, 44);
  const b = load<usize>(args, 48) + offsetOf(args + 68, args + 84, batch);
  const c = load<usize>(args, 52) + offsetOf(args + 68, args + 100, batch) + <usize>part * load<usize>(args, 60);
  const stride = load<usize>(args, 56), add = load<i32>(args, 64) != 0;
  const rest = leftOver(m), low = lowRows(m), lower = firstLow(m), padded = tiledRows(m);

  const tile = scratch, inB = tile + 384, inC = inB + (<usize>columnsPerChunk << 2), inner = inC + (<usize>columnsPerChunk << 2);
  const panels = inner + (<usize>block << 2);
  fillOffsets(inB, args + 148, args + 164, j0, columns);
  fillOffsets(inC, args + 148, args + 180, j0, columns);
  // A panel that is not full repeats its last column; what is computed from the repetitions is never stored.
  for (let j = columns; j & (NR - 1); j++) store<i32>(inB + (<usize>j << 2), load<i32>(inB + (<usize>(columns - 1) << 2)));

  for (let from = k0; from < k1; from += block) {
    const kc = min(block, k1 - from);
    fillOffsets(inner, args + 116, args + 132, from, kc);
    const a = packed + (<usize>(padded * (from + 1)) << 2);
    for (let ic = i0; ic < i1; ic += MC) {
      const icEnd = min(i1, ic + MC);
      for (let j = 0; j < columns; j += NR) {
        const columnB = inB + (<usize>j << 2), columnC = inC + (<usize>j << 2), panel = panels + (<usize>(j * kc) << 2);
        const direct = !WIDE && i1 - i0 <= FEW && adjacent(columnB) && adjacent(columnB + 16);
        if (ic == i0 && !direct) packColumns(b, columnB, inner, kc, panel);
        const p = b + load<usize>(columnB), q = b + load<usize>(columnB, 16);
        const whole = columns - j >= NR && (WIDE ? allAdjacent(columnC) : adjacent(columnC) && adjacent(columnC + 16));
        const leftC = load<usize>(columnC), rightC = load<usize>(columnC, 16);
        for (let i = ic, height = 0; i < icEnd; i += height) {
          height = rowsAt(i, rest, low, lower);
          const initial = from == 0 ? packed + (<usize>i << 2) : ZEROS;
          const accumulate = add || from > k0, at = c + <usize>i * stride;
          const inPlace = whole && i + height <= m;
          const to = inPlace ? at + leftC : tile, beside = inPlace ? rightC - leftC : 16, step = inPlace ? stride : ROW;
          const rows = a + (<usize>(i * kc) << 2);
          if (direct) directTile(height, kc, rows, p, q, inner, to, beside, step, initial, accumulate && inPlace);
          else packedTile(height, kc, rows, panel, to, beside, step, initial, accumulate && inPlace);
          if (!inPlace) {
            for (let q = 0; q < min(NR, columns - j); q += 4) {
              const offset = <usize>q << 2;
              storeFour(tile + offset, at, stride, columnC + offset, min(height, m - i), min(4, columns - j - q), accumulate);
            }
          }
        }
      }
    }
  }
}

// @ts-ignore: decorator
@inline
export function packedTile(height: i32, kc: i32, a: usize, b: usize, c: usize, beside: usize, stride: usize, initial: usize, accumulate: bool): void {
  if (ASC_FEATURE_RELAXED_SIMD && height == 6) packed6(kc, a, b, c, beside, stride, initial, accumulate);
  else if (height == 5) packed5(kc, a, b, c, beside, stride, initial, accumulate);
  else if (height == 4) packed4(kc, a, b, c, beside, stride, initial, accumulate);
  else packed3(kc, a, b, c, beside, stride, initial, accumulate);
}

// @ts-ignore: decorator
@inline
export function directTile(
  height: i32, kc: i32, a: usize, p: usize, q: usize, offsets: usize, c: usize, beside: usize, stride: usize, initial: usize, accumulate: bool,
): void {
  if (ASC_FEATURE_RELAXED_SIMD && height == 6) direct6(kc, a, p, q, offsets, c, beside, stride, initial, accumulate);
  else if (height == 5) direct5(kc, a, p, q, offsets, c, beside, stride, initial, accumulate);
  else if (height == 4) direct4(kc, a, p, q, offsets, c, beside, stride, initial, accumulate);
  else direct3(kc, a, p, q, offsets, c, beside, stride, initial, accumulate);
}

/** Stores or adds the first `rows` x `columns` of four columns of a tile where they belong. */
function storeFour(tile: usize, c: usize, stride: usize, offsets: usize, rows: i32, columns: i32, accumulate: bool): void {
  const together = columns == 4 && adjacent(offsets);
  for (; rows > 0; rows--) {
    if (together) {
      const to = c + load<usize>(offsets), v = v128.load(tile);
      v128.store(to, accumulate ? f32x4.add(v128.load(to), v) : v);
    } else {
      for (let j = 0; j < columns; j++) {
        const to = c + load<usize>(offsets + (<usize>j << 2)), v = load<f32>(tile + (<usize>j << 2));
        store<f32>(to, accumulate ? load<f32>(to) + v : v);
      }
    }
    tile += ROW;
    c += stride;
  }
}

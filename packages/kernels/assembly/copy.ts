// Moving elements without looking at them.

import { advance, offsetOf, seek } from './axes';
import { transpose4 } from './panels';

/** Fills with a word. Words: to, words, words a chunk, value. */
export function fill(args: usize, chunk: i32, scratch: usize): void {
  const count = load<i32>(args, 4), grain = load<i32>(args, 8), start = chunk * grain;
  const value = v128.load32_splat(args, 12);
  let to = load<usize>(args) + (<usize>start << 2), n = min(grain, count - start);
  for (; n >= 4; n -= 4) {
    v128.store(to, value);
    to += 16;
  }
  for (; n > 0; n--) {
    v128.store32_lane(to, value, 0);
    to += 4;
  }
}

/**
 * Copies between strided memories. Words: from, to, log2 of the element size, elements, elements a chunk, innermost length, its byte strides in from and
 * to, outer axes, then these for a cursor of two operands. Scratch: the cursor.
 */
export function copy(args: usize, chunk: i32, scratch: usize): void {
  const from = load<usize>(args), to = load<usize>(args, 4), shift = load<usize>(args, 8);
  const inner = load<i32>(args, 20), fromStep = load<i32>(args, 24), toStep = load<i32>(args, 28), rank = load<i32>(args, 32);
  const axes = args + 36;
  let at = chunk * load<i32>(args, 16);
  const end = min(load<i32>(args, 12), at + load<i32>(args, 16));
  let column = at % inner;
  seek(scratch, axes, rank, 2, at / inner);
  const dense = fromStep == 1 << <i32>shift && toStep == fromStep;
  while (at < end) {
    const n = min(inner - column, end - at);
    const source = from + load<usize>(scratch) + column * fromStep, target = to + load<usize>(scratch, 4) + column * toStep;
    if (dense) copyRun(target, source, <usize>n << shift);
    else if (shift) copyElements<u32>(target, toStep, source, fromStep, n);
    else copyElements<u8>(target, toStep, source, fromStep, n);
    at += n;
    column = 0;
    advance(scratch, axes, rank, 2);
  }
}

// @ts-ignore: decorator
@inline
function copyRun(to: usize, from: usize, bytes: usize): void {
  // The engine's own copy is faster, but slower to call.
  if (bytes > 1024) {
    memory.copy(to, from, bytes);
    return;
  }
  for (; bytes >= 16; bytes -= 16) {
    v128.store(to, v128.load(from));
    from += 16;
    to += 16;
  }
  for (; bytes >= 4; bytes -= 4) {
    store<u32>(to, load<u32>(from));
    from += 4;
    to += 4;
  }
  for (; bytes > 0; bytes--) store<u8>(to++, load<u8>(from++));
}

function copyElements<T>(to: usize, toStep: i32, from: usize, fromStep: i32, n: i32): void {
  for (; n > 0; n--) {
    store<T>(to, load<T>(from));
    from += fromStep;
    to += toStep;
  }
}

/**
 * Transposes matrices of 4-byte elements: `to[i][j] = from[j][i]`. Words: from, to, rows and columns of `to`, byte strides of from's and to's rows, rows a
 * chunk (a multiple of 4), chunks a matrix, batch counts (4), batch strides of from and to (4 + 4).
 */
export function transpose(args: usize, chunk: i32, scratch: usize): void {
  const rows = load<i32>(args, 8), columns = load<i32>(args, 12), fromStride = load<usize>(args, 16), toStride = load<usize>(args, 20);
  const grain = load<i32>(args, 24), chunks = load<i32>(args, 28), batch = chunk / chunks;
  const from = load<usize>(args) + offsetOf(args + 32, args + 48, batch), to = load<usize>(args, 4) + offsetOf(args + 32, args + 64, batch);
  const first = (chunk % chunks) * grain, last = min(rows, first + grain);
  // Bands of 16 rows take whole cache lines from each row they read.
  for (let band = first; band < last; band += 16) {
    const end = min(last, band + 16);
    let j = 0;
    for (; j + 4 <= columns; j += 4) {
      let i = band;
      for (; i + 4 <= end; i += 4) {
        const p = from + <usize>j * fromStride + (<usize>i << 2);
        transpose4(p, p + fromStride, p + fromStride * 2, p + fromStride * 3, to + <usize>i * toStride + (<usize>j << 2), toStride);
      }
      for (; i < end; i++) for (let k = j; k < j + 4; k++) move(from, fromStride, to, toStride, i, k);
    }
    for (; j < columns; j++) for (let i = band; i < end; i++) move(from, fromStride, to, toStride, i, j);
  }
}

// @ts-ignore: decorator
@inline
function move(from: usize, fromStride: usize, to: usize, toStride: usize, i: i32, j: i32): void {
  store<u32>(to + <usize>i * toStride + (<usize>j << 2), load<u32>(from + <usize>j * fromStride + (<usize>i << 2)));
}

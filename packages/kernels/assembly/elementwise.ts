// The loops that drive elementwise functions. A run is one stretch of consecutive output elements.

import { advance, seek } from './axes';

/** Applies `run` to chunks of dense memory. Words: from, log2 of its element size, to, log2 of its element size, elements, elements a chunk. */
export function map(args: usize, chunk: i32, run: (from: usize, to: usize, n: i32) => void): void {
  const count = load<i32>(args, 16), grain = load<i32>(args, 20), start = chunk * grain;
  run(load<usize>(args) + (<usize>start << load<usize>(args, 4)), load<usize>(args, 8) + (<usize>start << load<usize>(args, 12)), min(grain, count - start));
}

/**
 * Applies `run` to up to three operands broadcast to a dense output. The innermost axis of each is dense or stands still.
 * Words: to, log2 of its element size, elements, elements a chunk, innermost length, outer axes, then for each operand its address, log2 of its element
 * size and 1 or 0 for dense or still; then the outer axes, for a cursor. Scratch: the cursor.
 */
export function zip(
  args: usize,
  chunk: i32,
  scratch: usize,
  operands: i32,
  run: (a: usize, aStep: i32, b: usize, bStep: i32, c: usize, cStep: i32, to: usize, n: i32) => void,
): void {
  const to = load<usize>(args), toShift = load<usize>(args, 4);
  const inner = load<i32>(args, 16), rank = load<i32>(args, 20);
  const a = load<usize>(args, 24), aShift = load<usize>(args, 28), aStep = load<i32>(args, 32);
  const b = load<usize>(args, 36), bShift = load<usize>(args, 40), bStep = load<i32>(args, 44);
  let c: usize = 0, cShift: usize = 0, cStep = 0;
  if (operands > 2) {
    c = load<usize>(args, 48);
    cShift = load<usize>(args, 52);
    cStep = load<i32>(args, 56);
  }
  const axes = args + 24 + <usize>(operands * 12);
  let at = chunk * load<i32>(args, 12);
  const end = min(load<i32>(args, 8), at + load<i32>(args, 12));
  let column = at % inner;
  seek(scratch, axes, rank, operands, at / inner);
  while (at < end) {
    const n = min(inner - column, end - at);
    run(
      a + load<usize>(scratch) + (<usize>(aStep * column) << aShift),
      aStep,
      b + load<usize>(scratch, 4) + (<usize>(bStep * column) << bShift),
      bStep,
      c + (operands > 2 ? load<usize>(scratch, 8) : 0) + (<usize>(cStep * column) << cShift),
      cStep,
      to + (<usize>at << toShift),
      n,
    );
    at += n;
    column = 0;
    advance(scratch, axes, rank, operands);
  }
}

/** Stores four lanes of all ones or all zeros as bytes of 1 or 0. */
// @ts-ignore: decorator
@inline
export function storeMask(to: usize, mask: v128): void {
  const halves = i16x8.narrow_i32x4_s(mask, mask);
  v128.store32_lane(to, v128.and(i8x16.narrow_i16x8_s(halves, halves), i8x16.splat(1)), 0);
}

/** The same for the first `n` lanes. */
export function storeMaskPartial(to: usize, mask: v128, n: i32): void {
  const lanes = i32x4.bitmask(mask);
  for (let i = 0; i < n; i++) store<u8>(to + i, <u8>((lanes >> i) & 1));
}

function chooseWords(condition: usize, conditionStep: i32, a: usize, aStep: i32, b: usize, bStep: i32, to: usize, n: i32): void {
  let mask = i32x4.splat(load<u8>(condition) ? -1 : 0), x = v128.load32_splat(a), y = v128.load32_splat(b);
  for (; n >= 4; n -= 4) {
    if (conditionStep) {
      mask = i32x4.ne(i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(condition))), i32x4.splat(0));
      condition += 4;
    }
    if (aStep) {
      x = v128.load(a);
      a += 16;
    }
    if (bStep) {
      y = v128.load(b);
      b += 16;
    }
    v128.store(to, v128.bitselect(x, y, mask));
    to += 16;
  }
  choose<u32>(condition, conditionStep, a, aStep, b, bStep, to, n);
}

function choose<T>(condition: usize, conditionStep: i32, a: usize, aStep: i32, b: usize, bStep: i32, to: usize, n: i32): void {
  for (; n > 0; n--) {
    store<T>(to, load<u8>(condition) ? load<T>(a) : load<T>(b));
    condition += conditionStep;
    a += aStep * sizeof<T>();
    b += bStep * sizeof<T>();
    to += sizeof<T>();
  }
}

function chooseBytes(condition: usize, conditionStep: i32, a: usize, aStep: i32, b: usize, bStep: i32, to: usize, n: i32): void {
  choose<u8>(condition, conditionStep, a, aStep, b, bStep, to, n);
}

/** Chooses between two operands of 4 bytes an element by a third, of bytes. */
export function where4(args: usize, chunk: i32, scratch: usize): void {
  zip(args, chunk, scratch, 3, chooseWords);
}

/** Chooses between two operands of bytes by a third. */
export function where1(args: usize, chunk: i32, scratch: usize): void {
  zip(args, chunk, scratch, 3, chooseBytes);
}

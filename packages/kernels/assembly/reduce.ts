// Reductions. Partial results of at most a few thousand elements are collected in doubles, so that sums of many millions keep their digits.

import { fillOffsets, offsetOf } from './axes';

const SUM: i32 = 0;
const MAX: i32 = 1;
const MIN: i32 = 2;
/** The sum of squared distances from a mean, one an output. */
const SQUARES: i32 = 3;
/** The sum of products with the elements of a second tensor of the same shape. */
const PRODUCTS: i32 = 4;

// The kernels below are written once: `op` and `T` are constants wherever they are inlined.

// @ts-ignore: decorator
@inline
function combine<T>(op: i32, a: v128, b: v128): v128 {
  if (op == MAX) return v128.max<T>(a, b);
  if (op == MIN) return v128.min<T>(a, b);
  return v128.add<T>(a, b);
}

/** What four elements count for. `means` are those of their outputs; the second tensor lies `away` from the first. */
// @ts-ignore: decorator
@inline
function taken(op: i32, p: usize, means: v128, away: usize): v128 {
  const x = v128.load(p);
  if (op == PRODUCTS) return f32x4.mul(x, v128.load(p + away));
  if (op != SQUARES) return x;
  const distance = f32x4.sub(x, means);
  return f32x4.mul(distance, distance);
}

// @ts-ignore: decorator
@inline
function takenScalar<T, W>(op: i32, p: usize, mean: f32, away: usize): W {
  if (op == PRODUCTS) return <W>(load<f32>(p) * load<f32>(p + away));
  if (op != SQUARES) return <W>load<T>(p);
  const distance = <f64>load<f32>(p) - <f64>mean;
  return <W>(distance * distance);
}

/** What a float is collected in: a double. Integers stay what they are. */
// @ts-ignore: decorator
@inline
function combineScalars<T>(op: i32, a: T, b: T): T {
  // Of floats, these pass NaN on.
  if (op == MAX) return max<T>(a, b);
  if (op == MIN) return min<T>(a, b);
  return <T>(a + b);
}

/** The element that changes nothing. */
// @ts-ignore: decorator
@inline
function neutral<T>(op: i32): T {
  if (op != MAX && op != MIN) return <T>0;
  if (isFloat<T>()) return op == MAX ? <T>-Infinity : <T>Infinity;
  return op == MAX ? <T>i32.MIN_VALUE : <T>i32.MAX_VALUE;
}

/** Outputs whose places are computed at a time. */
const GROUP: i32 = 64;

/** Combines `n` neighbouring elements. */
// @ts-ignore: decorator
@inline
function reduceRun<T, W>(op: i32, p: usize, n: i32, mean: f32, away: usize): W {
  const means = f32x4.splat(mean);
  let total = neutral<W>(op);
  while (n >= 16) {
    let k = min(n >> 4, 128);
    n -= k << 4;
    let a = v128.splat<T>(neutral<T>(op)), b = a, c = a, d = a;
    for (; k > 0; k--) {
      a = combine<T>(op, a, taken(op, p, means, away));
      b = combine<T>(op, b, taken(op, p + 16, means, away));
      c = combine<T>(op, c, taken(op, p + 32, means, away));
      d = combine<T>(op, d, taken(op, p + 48, means, away));
      p += 64;
    }
    a = combine<T>(op, combine<T>(op, a, b), combine<T>(op, c, d));
    const low = combineScalars<W>(op, <W>v128.extract_lane<T>(a, 0), <W>v128.extract_lane<T>(a, 1));
    const high = combineScalars<W>(op, <W>v128.extract_lane<T>(a, 2), <W>v128.extract_lane<T>(a, 3));
    total = combineScalars<W>(op, total, combineScalars<W>(op, low, high));
  }
  for (; n > 0; n--) {
    total = combineScalars<W>(op, total, takenScalar<T, W>(op, p, mean, away));
    p += 4;
  }
  return total;
}

/**
 * Reduces where the innermost axis is reduced. Words: from, to, outputs, outputs a chunk, output chunks, innermost length, reduced elements of an output,
 * reduced elements a slice, byte stride between slices' outputs, counts and strides of the axes that stay (4 + 4), counts and strides of the outer reduced
 * axes (4 + 4), and the means or the second tensor, if the op has such. A chunk is some outputs x one slice. Scratch: 256 bytes.
 */
// @ts-ignore: decorator
@inline
function reduceInner<T, W>(op: i32, args: usize, chunk: i32, scratch: usize): void {
  const outputs = load<i32>(args, 8), grain = load<i32>(args, 12), chunks = load<i32>(args, 16), inner = load<i32>(args, 20);
  const slice = chunk / chunks, size = load<i32>(args, 28), start = slice * size, end = min(load<i32>(args, 24), start + size);
  const from = load<usize>(args), to = load<usize>(args, 4) + slice * load<i32>(args, 32);
  const first = (chunk % chunks) * grain, last = min(outputs, first + grain), second = load<usize>(args, SECOND);
  for (let output = first; output < last; output++) {
    const mean: f32 = op == SQUARES ? load<f32>(second + (<usize>output << 2)) : 0;
    const group = output - first & (GROUP - 1);
    if (group == 0) fillOffsets(scratch, args + 36, args + 52, output, min(GROUP, last - output));
    const base = from + load<usize>(scratch + (<usize>group << 2));
    let total = neutral<W>(op);
    if (start == 0 && end == inner) total = reduceRun<T, W>(op, base, inner, mean, second - from);
    else {
      for (let at = start; at < end; ) {
        const column = at % inner, n = min(inner - column, end - at);
        total = combineScalars<W>(op, total, reduceRun<T, W>(op, base + offsetOf(args + 68, args + 84, at / inner) + (<usize>column << 2), n, mean, second - from));
        at += n;
      }
    }
    store<T>(to + (<usize>output << 2), <T>total);
  }
}

/** Where the words say where the means or the second tensor lie. */
const SECOND: usize = 100;

/** Rows of which a register collects before it is emptied into memory. */
const ROWS: i32 = 128;

/**
 * Reduces where the innermost axis stays. Words: from, to, innermost length, columns a chunk, column chunks, rows of an output, rows a slice, slices, byte
 * stride between slices' outputs, counts and strides of the outer axes that stay (4 + 4), counts and strides of the reduced axes (4 + 4), and the means or
 * the second tensor, if the op has such. A chunk is some columns x one slice of one outer element. Scratch: 512 bytes and 8 a column.
 */
// @ts-ignore: decorator
@inline
function reduceOuter<T, W>(op: i32, args: usize, chunk: i32, scratch: usize): void {
  const inner = load<i32>(args, 8), grain = load<i32>(args, 12), columnChunks = load<i32>(args, 16), slices = load<i32>(args, 28);
  const first = (chunk % columnChunks) * grain, columns = min(grain, inner - first);
  chunk /= columnChunks;
  const slice = chunk % slices, outer = chunk / slices;
  const rows = load<i32>(args, 20), size = load<i32>(args, 24), start = slice * size, end = min(rows, start + size);
  const from = load<usize>(args) + offsetOf(args + 36, args + 52, outer) + (<usize>first << 2);
  const to = load<usize>(args, 4) + slice * load<i32>(args, 32) + (<usize>(outer * inner + first) << 2);
  const totals = scratch + ROWS * 4, second = load<usize>(args, SECOND), away = second - load<usize>(args);
  const means = second + (<usize>(outer * inner + first) << 2);
  for (let j = 0; j < columns; j++) store<W>(totals + <usize>j * sizeof<W>(), neutral<W>(op));
  for (let row = start; row < end; row += ROWS) {
    const n = <usize>min(ROWS, end - row) << 2;
    fillOffsets(scratch, args + 68, args + 84, row, <i32>(n >> 2));
    let j = 0;
    for (; j + 16 <= columns; j += 16) {
      const p = from + (<usize>j << 2);
      let a = v128.splat<T>(neutral<T>(op)), b = a, c = a, d = a, m0 = a, m1 = a, m2 = a, m3 = a;
      if (op == SQUARES) {
        const m = means + (<usize>j << 2);
        m0 = v128.load(m);
        m1 = v128.load(m, 16);
        m2 = v128.load(m, 32);
        m3 = v128.load(m, 48);
      }
      for (let i: usize = 0; i < n; i += 4) {
        const q = p + load<usize>(scratch + i);
        a = combine<T>(op, a, taken(op, q, m0, away));
        b = combine<T>(op, b, taken(op, q + 16, m1, away));
        c = combine<T>(op, c, taken(op, q + 32, m2, away));
        d = combine<T>(op, d, taken(op, q + 48, m3, away));
      }
      const total = totals + <usize>j * sizeof<W>();
      collect<T, W>(op, total, a);
      collect<T, W>(op, total + 4 * sizeof<W>(), b);
      collect<T, W>(op, total + 8 * sizeof<W>(), c);
      collect<T, W>(op, total + 12 * sizeof<W>(), d);
    }
    for (; j < columns; j++) {
      const p = from + (<usize>j << 2), total = totals + <usize>j * sizeof<W>();
      const mean: f32 = op == SQUARES ? load<f32>(means + (<usize>j << 2)) : 0;
      let sum = load<W>(total);
      for (let i: usize = 0; i < n; i += 4) sum = combineScalars<W>(op, sum, takenScalar<T, W>(op, p + load<usize>(scratch + i), mean, away));
      store<W>(total, sum);
    }
  }
  for (let j = 0; j < columns; j++) store<T>(to + (<usize>j << 2), <T>load<W>(totals + <usize>j * sizeof<W>()));
}

// @ts-ignore: decorator
@inline
function collect<T, W>(op: i32, total: usize, v: v128): void {
  store<W>(total, combineScalars<W>(op, load<W>(total), <W>v128.extract_lane<T>(v, 0)));
  store<W>(total, combineScalars<W>(op, load<W>(total, sizeof<W>()), <W>v128.extract_lane<T>(v, 1)), sizeof<W>());
  store<W>(total, combineScalars<W>(op, load<W>(total, 2 * sizeof<W>()), <W>v128.extract_lane<T>(v, 2)), 2 * sizeof<W>());
  store<W>(total, combineScalars<W>(op, load<W>(total, 3 * sizeof<W>()), <W>v128.extract_lane<T>(v, 3)), 3 * sizeof<W>());
}

export function sumInner_float32(args: usize, chunk: i32, scratch: usize): void {
  reduceInner<f32, f64>(SUM, args, chunk, scratch);
}
export function maxInner_float32(args: usize, chunk: i32, scratch: usize): void {
  reduceInner<f32, f64>(MAX, args, chunk, scratch);
}
export function minInner_float32(args: usize, chunk: i32, scratch: usize): void {
  reduceInner<f32, f64>(MIN, args, chunk, scratch);
}
export function sumInner_int32(args: usize, chunk: i32, scratch: usize): void {
  reduceInner<i32, i32>(SUM, args, chunk, scratch);
}
export function maxInner_int32(args: usize, chunk: i32, scratch: usize): void {
  reduceInner<i32, i32>(MAX, args, chunk, scratch);
}
export function minInner_int32(args: usize, chunk: i32, scratch: usize): void {
  reduceInner<i32, i32>(MIN, args, chunk, scratch);
}
export function sumOuter_float32(args: usize, chunk: i32, scratch: usize): void {
  reduceOuter<f32, f64>(SUM, args, chunk, scratch);
}
export function maxOuter_float32(args: usize, chunk: i32, scratch: usize): void {
  reduceOuter<f32, f64>(MAX, args, chunk, scratch);
}
export function minOuter_float32(args: usize, chunk: i32, scratch: usize): void {
  reduceOuter<f32, f64>(MIN, args, chunk, scratch);
}
export function sumOuter_int32(args: usize, chunk: i32, scratch: usize): void {
  reduceOuter<i32, i32>(SUM, args, chunk, scratch);
}
export function maxOuter_int32(args: usize, chunk: i32, scratch: usize): void {
  reduceOuter<i32, i32>(MAX, args, chunk, scratch);
}
export function minOuter_int32(args: usize, chunk: i32, scratch: usize): void {
  reduceOuter<i32, i32>(MIN, args, chunk, scratch);
}
export function squaresInner_float32(args: usize, chunk: i32, scratch: usize): void {
  reduceInner<f32, f64>(SQUARES, args, chunk, scratch);
}
export function squaresOuter_float32(args: usize, chunk: i32, scratch: usize): void {
  reduceOuter<f32, f64>(SQUARES, args, chunk, scratch);
}
export function productsInner_float32(args: usize, chunk: i32, scratch: usize): void {
  reduceInner<f32, f64>(PRODUCTS, args, chunk, scratch);
}
export function productsOuter_float32(args: usize, chunk: i32, scratch: usize): void {
  reduceOuter<f32, f64>(PRODUCTS, args, chunk, scratch);
}

import { exp, log } from './math';
import { get, loadPartial, put, storePartial, sumLanes } from './vector';

/** Vectors whose exponentials are added before the sum is carried over into a double. */
const VECTORS: i32 = 256;

/** Softmax of rows. Words: from, to, rows, length, rows a chunk. */
export function softmax(args: usize, chunk: i32, scratch: usize): void {
  rows(args, chunk, false);
}

/** Logarithm of softmax of rows. Words: as softmax. */
export function logSoftmax(args: usize, chunk: i32, scratch: usize): void {
  rows(args, chunk, true);
}

function rows(args: usize, chunk: i32, logarithm: bool): void {
  const length = load<i32>(args, 12), grain = load<i32>(args, 16), first = chunk * grain, count = min(grain, load<i32>(args, 8) - first);
  const bytes = <usize>length << 2;
  let from = load<usize>(args) + <usize>first * bytes, to = load<usize>(args, 4) + <usize>first * bytes;
  for (let row = 0; row < count; row++) {
    const greatest = f32x4.splat(maximum(from, length));
    const sum = sumOfExponentials(from, length, greatest, to);
    if (logarithm) shift(from, length, greatest, log(f32x4.splat(<f32>sum)), to);
    else divide(to, length, f32x4.splat(<f32>sum));
    from += bytes;
    to += bytes;
  }
}

function maximum(p: usize, n: i32): f32 {
  let best = f32x4.splat(-Infinity);
  for (; n >= 4; n -= 4) {
    best = f32x4.max(best, v128.load(p));
    p += 16;
  }
  let m = max(max(f32x4.extract_lane(best, 0), f32x4.extract_lane(best, 1)), max(f32x4.extract_lane(best, 2), f32x4.extract_lane(best, 3)));
  for (; n > 0; n--) {
    m = max(m, load<f32>(p));
    p += 4;
  }
  return m;
}

/** Sum of `exp(x - greatest)`, each of which is also stored. */
function sumOfExponentials(p: usize, n: i32, greatest: v128, to: usize): f64 {
  let total: f64 = 0;
  while (n >= 4) {
    let vectors = min(n >> 2, VECTORS), sum = f32x4.splat(0);
    n -= vectors << 2;
    for (; vectors > 0; vectors--) {
      const e = exp(f32x4.sub(v128.load(p), greatest));
      v128.store(to, e);
      sum = f32x4.add(sum, e);
      p += 16;
      to += 16;
    }
    total += <f64>sumLanes(sum);
  }
  if (n) {
    const e = exp(f32x4.sub(loadPartial(p, n), greatest));
    storePartial(to, e, n);
    for (let i = 0; i < n; i++) total += <f64>load<f32>(to + (<usize>i << 2));
  }
  return total;
}

function divide(p: usize, n: i32, by: v128): void {
  for (; n >= 4; n -= 4) {
    v128.store(p, f32x4.div(v128.load(p), by));
    p += 16;
  }
  if (n) storePartial(p, f32x4.div(loadPartial(p, n), by), n);
}

function shift(p: usize, n: i32, a: v128, b: v128, to: usize): void {
  for (; n >= 4; n -= 4) {
    v128.store(to, f32x4.sub(f32x4.sub(v128.load(p), a), b));
    p += 16;
    to += 16;
  }
  if (n) storePartial(to, f32x4.sub(f32x4.sub(loadPartial(p, n), a), b), n);
}

/** `-log(softmax(row)[class])` of rows, each times a share; NaN where there is no such class. Words: logits, classes, to, rows, length, rows a chunk, then a float: the share. */
export function softmaxCrossEntropy(args: usize, chunk: i32, scratch: usize): void {
  const length = load<i32>(args, 16), grain = load<i32>(args, 20), first = chunk * grain, last = min(load<i32>(args, 12), first + grain);
  const classes = load<usize>(args, 4), to = load<usize>(args, 8), share = load<f32>(args, 24);
  let from = load<usize>(args) + (<usize>(first * length) << 2);
  for (let row = first; row < last; row++) {
    const place = load<i32>(classes + (<usize>row << 2)), greatest = maximum(from, length);
    const sum = sumOfExponentials(from, length, f32x4.splat(greatest), scratch);
    let loss: f32 = NaN;
    if (<u32>place < <u32>length) loss = f32x4.extract_lane(log(f32x4.splat(<f32>sum)), 0) - (load<f32>(from + (<usize>place << 2)) - greatest);
    store<f32>(to + (<usize>row << 2), share * loss);
    from += <usize>length << 2;
  }
}

/** `g (softmax(row) - 1 at the class)` of rows; a row of no class has none. Words: gradient, bytes from one row's to the next one's, logits, classes, to, rows, length, rows a chunk, then a float: the share. */
export function softmaxCrossEntropyGradient(args: usize, chunk: i32, scratch: usize): void {
  const length = load<i32>(args, 24), grain = load<i32>(args, 28), first = chunk * grain, last = min(load<i32>(args, 20), first + grain);
  const gradient = load<usize>(args), step = load<usize>(args, 4), classes = load<usize>(args, 12), share = load<f32>(args, 32);
  const bytes = <usize>length << 2, start = <usize>first * bytes;
  let from = load<usize>(args, 8) + start, to = load<usize>(args, 16) + start;
  for (let row = first; row < last; row++) {
    const place = load<i32>(classes + (<usize>row << 2)), exists = <u32>place < <u32>length;
    const sum = sumOfExponentials(from, length, f32x4.splat(maximum(from, length)), to);
    divide(to, length, f32x4.splat(<f32>sum));
    const own = to + (<usize>place << 2);
    if (exists) store<f32>(own, load<f32>(own) - 1);
    multiply(to, length, f32x4.splat(exists ? share * load<f32>(gradient + <usize>row * step) : 0));
    from += bytes;
    to += bytes;
  }
}

function multiply(p: usize, n: i32, by: v128): void {
  for (; n > 0; n -= 4) {
    put(p, f32x4.mul(get(p, n), by), n);
    p += 16;
  }
}

/** `y (g - sum of g y)`, by rows. Words: gradient, y, to, rows, length, rows a chunk. */
export function softmaxGradient(args: usize, chunk: i32, scratch: usize): void {
  gradientRows(args, chunk, false);
}

/** `g - e^y (sum of g)`, by rows. Words: as softmaxGradient. */
export function logSoftmaxGradient(args: usize, chunk: i32, scratch: usize): void {
  gradientRows(args, chunk, true);
}

function gradientRows(args: usize, chunk: i32, logarithm: bool): void {
  const length = load<i32>(args, 16), grain = load<i32>(args, 20), first = chunk * grain, count = min(grain, load<i32>(args, 12) - first);
  const bytes = <usize>length << 2, start = <usize>first * bytes;
  let gradient = load<usize>(args) + start, y = load<usize>(args, 4) + start, to = load<usize>(args, 8) + start;
  for (let row = 0; row < count; row++) {
    const sum = f32x4.splat(<f32>weighedSum(gradient, y, length, !logarithm));
    let at: usize = 0;
    for (let n = length; n > 0; n -= 4) {
      const g = n >= 4 ? v128.load(gradient + at) : loadPartial(gradient + at, n), v = n >= 4 ? v128.load(y + at) : loadPartial(y + at, n);
      const result = logarithm ? f32x4.sub(g, f32x4.mul(exp(v), sum)) : f32x4.mul(v, f32x4.sub(g, sum));
      if (n >= 4) v128.store(to + at, result);
      else storePartial(to + at, result, n);
      at += 16;
    }
    gradient += bytes;
    y += bytes;
    to += bytes;
  }
}

/** Sum of `a`, or of `a b`. */
function weighedSum(a: usize, b: usize, n: i32, weighed: bool): f64 {
  let total: f64 = 0;
  while (n > 0) {
    let vectors = min((n + 3) >> 2, VECTORS), sum = f32x4.splat(0);
    for (; vectors > 0; vectors--) {
      const x = n >= 4 ? v128.load(a) : loadPartial(a, n);
      sum = f32x4.add(sum, weighed ? f32x4.mul(x, n >= 4 ? v128.load(b) : loadPartial(b, n)) : x);
      a += 16;
      b += 16;
      n -= 4;
    }
    total += <f64>sumLanes(sum);
  }
  return total;
}

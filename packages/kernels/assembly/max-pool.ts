// Maxima of windows, and their gradients.

import { loadSteps } from './narrow';
import { beats, select, storePartial } from './vector';
import { alongRow, commonTaps, endPlane, endRow, firstPlane, firstRow, overRows, overlap, rowLength } from './window-rows';
import { DILATION, IN, KERNEL, OPERANDS, OUT, STRIDE, fillRow, isHalving, size, zero } from './windows';

/** Maxima and their places in the plane. Operands: input, output, places. */
export function maxPool(args: usize, chunk: i32, scratch: usize): void {
  if (!isHalving(args)) {
    const common = commonTaps(args);
    if (common == 8) overRows(args, chunk, scratch, 0, 2, rowOfThreesByTwo, combineMaxima);
    else if (common == 6) overRows(args, chunk, scratch, 0, 2, rowOfPairs, combineMaxima);
    else if (common == 7) overRows(args, chunk, scratch, 0, 2, rowOfThrees, combineMaxima);
    else overRows(args, chunk, scratch, 0, 2, rowOfMaxima, combineMaxima);
    return;
  }
  const inputs = size(args, IN), outputs = size(args, OUT), from = load<usize>(args, OPERANDS), to = load<usize>(args, OPERANDS + 4), places = load<usize>(args, OPERANDS + 8);
  const begin = firstRow(args, chunk), end = endRow(args, chunk), count = load<i32>(args, OUT + 8);
  for (let plane = firstPlane(args, chunk), last = endPlane(args, chunk); plane < last; plane++) {
    const at = <usize>(plane * outputs + begin * count) << 2;
    maxOfPairs(from + (<usize>(plane * inputs) << 2), load<i32>(args, IN + 8), begin, end, count, to + at, places + at);
  }
}

function rowOfThreesByTwo(args: usize, row: usize, start: i32, to: usize, planes: i32, plane: usize, kept: usize): void {
  alongRow(args, row, start, to, planes, plane, kept, threesByTwo, maxOfOne);
}

function rowOfPairs(args: usize, row: usize, start: i32, to: usize, planes: i32, plane: usize, kept: usize): void {
  alongRow(args, row, start, to, planes, plane, kept, pairs, maxOfOne);
}

function rowOfThrees(args: usize, row: usize, start: i32, to: usize, planes: i32, plane: usize, kept: usize): void {
  alongRow(args, row, start, to, planes, plane, kept, threes, maxOfOne);
}

function rowOfMaxima(args: usize, row: usize, start: i32, to: usize, planes: i32, plane: usize, kept: usize): void {
  alongRow(args, row, start, to, planes, plane, kept, maxima, maxOfOne);
}

// Constants of vectors, which the engine would build anew at each use.
const RAMP = memory.data<i32>([0, 1, 2, 3, 2, 2, 2, 2]);

function threesByTwo(args: usize, p: usize, at: i32, to: usize, n: i32): void {
  const away = <usize>rowLength(args) << 2, two = v128.load(RAMP, 16);
  let place = i32x4.add(i32x4.splat(at), i32x4.shl(v128.load(RAMP), 1));
  for (;;) {
    const low = v128.load(p), high = v128.load(p, 16), next = v128.load(p, 20);
    const a = v128.shuffle<f32>(low, high, 0, 2, 4, 6), b = v128.shuffle<f32>(low, high, 1, 3, 5, 7), c = v128.shuffle<f32>(a, next, 1, 2, 3, 7);
    storeBest(a, b, c, place, two, to, away);
    n -= 4;
    if (n <= 0) return;
    const back = overlap(n), step = 4 - back;
    p += <usize>step << 3;
    to += <usize>step << 2;
    place = i32x4.add(place, i32x4.splat(step << 1));
  }
}

function pairs(args: usize, p: usize, at: i32, to: usize, n: i32): void {
  const away = <usize>rowLength(args) << 2;
  let place = i32x4.add(i32x4.splat(at), i32x4.shl(v128.load(RAMP), 1));
  for (;;) {
    const low = v128.load(p), high = v128.load(p, 16), a = v128.shuffle<f32>(low, high, 0, 2, 4, 6), b = v128.shuffle<f32>(low, high, 1, 3, 5, 7), second = beats(true, b, a);
    v128.store(to, select(b, a, second));
    v128.store(to + away, i32x4.sub(place, second));
    n -= 4;
    if (n <= 0) return;
    const step = 4 - overlap(n);
    p += <usize>step << 3;
    to += <usize>step << 2;
    place = i32x4.add(place, i32x4.splat(step << 1));
  }
}

function threes(args: usize, p: usize, at: i32, to: usize, n: i32): void {
  const away = <usize>rowLength(args) << 2, two = v128.load(RAMP, 16);
  let place = i32x4.add(i32x4.splat(at), v128.load(RAMP));
  for (;;) {
    storeBest(v128.load(p), v128.load(p, 4), v128.load(p, 8), place, two, to, away);
    n -= 4;
    if (n <= 0) return;
    const step = 4 - overlap(n);
    p += <usize>step << 2;
    to += <usize>step << 2;
    place = i32x4.add(place, i32x4.splat(step));
  }
}

/** Stores the maxima of three taps, next to each other, and their places `away` from them. */
// @ts-ignore: decorator
@inline
function storeBest(a: v128, b: v128, c: v128, place: v128, two: v128, to: usize, away: usize): void {
  const second = beats(true, b, a), best = select(b, a, second), third = beats(true, c, best);
  v128.store(to, select(c, best, third));
  // A mask is -1 where it holds.
  v128.store(to + away, select(i32x4.add(place, two), i32x4.sub(place, second), third));
}

function maxima(args: usize, p: usize, at: i32, to: usize, n: i32): void {
  const away = <usize>rowLength(args) << 2, taps = load<i32>(args, KERNEL + 8), dilation = load<i32>(args, DILATION + 8), stride = load<i32>(args, STRIDE + 8);
  const step = <usize>stride << 2, hop = <usize>dilation << 2, hops = i32x4.splat(dilation);
  let place = i32x4.add(i32x4.splat(at), i32x4.mul(i32x4.splat(stride), v128.load(RAMP)));
  for (;;) {
    let q = p, best = loadSteps(false, p, step), tapped = place, won = place;
    for (let tap = 1; tap < taps; tap++) {
      q += hop;
      tapped = i32x4.add(tapped, hops);
      const v = loadSteps(false, q, step), wins = beats(true, v, best);
      best = select(v, best, wins);
      won = select(tapped, won, wins);
    }
    v128.store(to, best);
    v128.store(to + away, won);
    n -= 4;
    if (n <= 0) return;
    const windows = 4 - overlap(n);
    p += <usize>(windows * stride) << 2;
    to += <usize>windows << 2;
    place = i32x4.add(place, i32x4.splat(windows * stride));
  }
}

/** Maximum of a window some of whose taps may meet padding; -Infinity, at -1, if all do. */
// @ts-ignore: decorator
@inline
function maxOfOne(args: usize, row: usize, start: i32, x: i32, to: usize): void {
  const taps = load<i32>(args, KERNEL + 8), dilation = load<i32>(args, DILATION + 8), width = load<i32>(args, IN + 8);
  let best: f32 = -Infinity, place = -1;
  for (let tap = 0; tap < taps; tap++) {
    const at = x + tap * dilation;
    if (<u32>at >= <u32>width) continue;
    const v = load<f32>(row + (<usize>at << 2));
    // The first element wins against padding, whatever it is.
    const wins = <i32>(place < 0) | (<i32>!(v <= best) & <i32>(best == best));
    best = wins ? v : best;
    place = wins ? start + at : place;
  }
  store<f32>(to, best);
  store<i32>(to + (<usize>rowLength(args) << 2), place);
}

function combineMaxima(args: usize, rows: usize, distances: usize, count: i32, output: i32, oz: i32, oy: i32, own: usize): void {
  const length = <usize>rowLength(args) << 2;
  let n = load<i32>(args, OUT + 8), to = load<usize>(args, OPERANDS + 4) + (<usize>(output * n) << 2), places = load<usize>(args, OPERANDS + 8) + (<usize>(output * n) << 2);
  if (count == 0) {
    fillRow(to, n, f32x4.splat(-Infinity));
    fillRow(places, n, i32x4.splat(-1));
    return;
  }
  // The rows of common windows are three at most: the last of fewer may as well be asked again.
  const a = rows + load<usize>(distances), b = rows + load<usize>(distances + (<usize>min(count - 1, 1) << 2)), c = rows + load<usize>(distances + (<usize>min(count - 1, 2) << 2));
  for (let at: usize = 0; n > 0; n -= 4) {
    let best = v128.load(a + at), place = v128.load(a + at + length), v = v128.load(b + at), wins = beats(true, v, best);
    best = select(v, best, wins);
    place = select(v128.load(b + at + length), place, wins);
    v = v128.load(c + at);
    wins = beats(true, v, best);
    best = select(v, best, wins);
    place = select(v128.load(c + at + length), place, wins);
    for (let row = 3; row < count; row++) {
      const p = rows + load<usize>(distances + (<usize>row << 2)) + at;
      v = v128.load(p);
      wins = beats(true, v, best);
      best = select(v, best, wins);
      place = select(v128.load(p + length), place, wins);
    }
    if (n >= 4) {
      v128.store(to, best);
      v128.store(places, place);
    } else {
      storePartial(to, best, n);
      storePartial(places, place, n);
    }
    to += 16;
    places += 16;
    at += 16;
  }
}

/** Maxima of the 2 x 2 windows of a plane's rows from `begin` to `end`. */
function maxOfPairs(plane: usize, width: i32, begin: i32, end: i32, count: i32, to: usize, places: usize): void {
  const below = <usize>width << 2, under = i32x4.splat(width), ramp = i32x4(0, 2, 4, 6);
  for (let y = begin; y < end; y++) {
    const start = 2 * y * width;
    for (let x = 0; x < count; x += 4) {
      // The last four overlap those before, if they must.
      const ox = min(x, count - 4), at = start + 2 * ox, p = plane + (<usize>at << 2), o = <usize>ox << 2;
      const a = v128.load(p), b = v128.load(p, 16), c = v128.load(p + below), d = v128.load(p + below, 16);
      const a0 = v128.shuffle<f32>(a, b, 0, 2, 4, 6), a1 = v128.shuffle<f32>(a, b, 1, 3, 5, 7), above = beats(true, a1, a0), upper = select(a1, a0, above);
      const b0 = v128.shuffle<f32>(c, d, 0, 2, 4, 6), b1 = v128.shuffle<f32>(c, d, 1, 3, 5, 7), beneath = beats(true, b1, b0), lower = select(b1, b0, beneath);
      const wins = beats(true, lower, upper);
      v128.store(to + o, select(lower, upper, wins));
      // A mask is -1 where it holds.
      const place = select(i32x4.sub(under, beneath), i32x4.neg(above), wins);
      v128.store(places + o, i32x4.add(place, i32x4.add(i32x4.splat(at), ramp)));
    }
    to += <usize>count << 2;
    places += <usize>count << 2;
  }
}

/** Sends gradients to where the maxima came from. Words: planes, planes a chunk, elements of an input and an output plane, gradient, places, to. */
export function maxPoolGradient(args: usize, chunk: i32, scratch: usize): void {
  const inputs = load<i32>(args, 8), outputs = load<i32>(args, 12);
  const first = chunk * load<i32>(args, 4), last = min(load<i32>(args), first + load<i32>(args, 4));
  let gradient = load<usize>(args, 16) + (<usize>(first * outputs) << 2), places = load<usize>(args, 20) + (<usize>(first * outputs) << 2);
  let to = load<usize>(args, 24) + (<usize>(first * inputs) << 2);
  zero(to, (last - first) * inputs);
  for (let plane = first; plane < last; plane++) {
    for (let i = 0; i < outputs; i++) {
      const place = load<i32>(places);
      // A window of padding alone has no place.
      if (<u32>place < <u32>inputs) {
        const p = to + (<usize>place << 2);
        store<f32>(p, load<f32>(p) + load<f32>(gradient));
      }
      gradient += 4;
      places += 4;
    }
    to += <usize>inputs << 2;
  }
}

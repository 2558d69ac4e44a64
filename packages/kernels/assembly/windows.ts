// Sliding windows over planes of up to three axes. Words of all kernels here: planes, planes a chunk, then three words each of input, output and window
// lengths, stride, dilation, and padding before; then (from word 20) addresses and options.

import { loadSteps } from './narrow';
import { select, storePartial } from './vector';

// @ts-ignore: decorator
@inline
const IN: usize = 8;
// @ts-ignore: decorator
@inline
const OUT: usize = 20;
// @ts-ignore: decorator
@inline
const KERNEL: usize = 32;
// @ts-ignore: decorator
@inline
const STRIDE: usize = 44;
// @ts-ignore: decorator
@inline
const DILATION: usize = 56;
// @ts-ignore: decorator
@inline
const PADDING: usize = 68;
// @ts-ignore: decorator
@inline
const OPERANDS: usize = 80;

// @ts-ignore: decorator
@inline
function size(args: usize, lengths: usize): i32 {
  return load<i32>(args + lengths) * load<i32>(args + lengths, 4) * load<i32>(args + lengths, 8);
}

/** Where tap `tap` of window `output` falls along an axis, in the input; outside of it for padding. */
// @ts-ignore: decorator
@inline
function place(args: usize, axis: usize, output: i32, tap: i32): i32 {
  return output * load<i32>(args + STRIDE + axis) + tap * load<i32>(args + DILATION + axis) - load<i32>(args + PADDING + axis);
}

/** Fills `n` words. For rows, the engine's own fill takes longer to call than to run. */
function fillRow(to: usize, n: i32, value: v128): void {
  for (; n >= 4; n -= 4) {
    v128.store(to, value);
    to += 16;
  }
  if (n > 0) storePartial(to, value, n);
}

function zero(to: usize, n: i32): void {
  if (n > 256) memory.fill(to, 0, <usize>n << 2);
  else fillRow(to, n, i32x4.splat(0));
}

/** Adds columns `[planes][taps][outputs]` up into planes. Operands: columns, planes. Scratch: two words a tap along the innermost axis. */
export function col2im(args: usize, chunk: i32, scratch: usize): void {
  const inputs = size(args, IN), outputs = size(args, OUT), taps = size(args, KERNEL);
  const first = chunk * load<i32>(args, 4), last = min(load<i32>(args), first + load<i32>(args, 4));
  const kd = load<i32>(args, KERNEL), kh = load<i32>(args, KERNEL + 4), kw = load<i32>(args, KERNEL + 8);
  const columns = load<usize>(args, OPERANDS), planes = load<usize>(args, OPERANDS + 4);
  fillRanges(args, scratch);
  zero(planes + (<usize>(first * inputs) << 2), (last - first) * inputs);
  // One tap after the other for all planes: a row that was just written would be slow to read again at another offset.
  let tap = 0;
  for (let kz = 0; kz < kd; kz++) for (let ky = 0; ky < kh; ky++) for (let kx = 0; kx < kw; kx++) {
    for (let plane = first; plane < last; plane++) {
      addTap(args, kz, ky, kx, scratch + (<usize>kx << 3), columns + (<usize>((plane * taps + tap) * outputs) << 2), planes + (<usize>(plane * inputs) << 2));
    }
    tap++;
  }
}

/** Adds what one tap of all windows of a plane sees. */
function addTap(args: usize, kz: i32, ky: i32, kx: i32, range: usize, from: usize, to: usize): void {
  const od = load<i32>(args, OUT), oh = load<i32>(args, OUT + 4), width = <usize>load<i32>(args, OUT + 8) << 2;
  const id = load<i32>(args, IN), ih = load<i32>(args, IN + 4), iw = load<i32>(args, IN + 8), stride = load<i32>(args, STRIDE + 8);
  const begin = load<i32>(range), n = load<i32>(range, 4) - begin, x = place(args, 8, begin, kx), down = load<i32>(args, STRIDE + 4);
  from += <usize>begin << 2;
  for (let oz = 0; oz < od; oz++) {
    const z = place(args, 0, oz, kz);
    let y = place(args, 4, 0, ky);
    for (let oy = 0; oy < oh; oy++) {
      if (<u32>z < <u32>id && <u32>y < <u32>ih) addRow(to + (<usize>((z * ih + y) * iw + x) << 2), stride, from, n);
      from += width;
      y += down;
    }
  }
}

/** Writes, for each tap along the innermost axis, the first window that meets the input with it, and one past the last. */
function fillRanges(args: usize, ranges: usize): void {
  const stride = load<i32>(args, STRIDE + 8), count = load<i32>(args, OUT + 8);
  for (let tap = 0; tap < load<i32>(args, KERNEL + 8); tap++) {
    const start = place(args, 8, 0, tap), room = load<i32>(args, IN + 8) - 1 - start;
    const first = start >= 0 ? 0 : (stride - 1 - start) / stride, end = room < 0 ? 0 : min(count, room / stride + 1);
    store<i32>(ranges, first);
    store<i32>(ranges, max(first, end), 4);
    ranges += 8;
  }
}

/** First window along the innermost axis all of whose taps lie inside the input. */
function firstInside(args: usize): i32 {
  const stride = load<i32>(args, STRIDE + 8);
  return min(load<i32>(args, OUT + 8), (load<i32>(args, PADDING + 8) + stride - 1) / stride);
}

/** One past the last window along the innermost axis all of whose taps lie inside the input; no less than `first`. */
function endInside(args: usize, first: i32): i32 {
  const room = load<i32>(args, IN + 8) - 1 - place(args, 8, 0, load<i32>(args, KERNEL + 8) - 1);
  return room < 0 ? first : max(first, min(load<i32>(args, OUT + 8), room / load<i32>(args, STRIDE + 8) + 1));
}

/** Writes where the rows of the input start that the windows of an output row meet, and counts them. */
function fillRows(args: usize, oz: i32, oy: i32, rows: usize): i32 {
  let count = 0;
  for (let kz = 0; kz < load<i32>(args, KERNEL); kz++) {
    const z = place(args, 0, oz, kz);
    if (<u32>z >= <u32>load<i32>(args, IN)) continue;
    for (let ky = 0; ky < load<i32>(args, KERNEL + 4); ky++) {
      const y = place(args, 4, oy, ky);
      if (<u32>y >= <u32>load<i32>(args, IN + 4)) continue;
      store<i32>(rows + (<usize>count << 2), (z * load<i32>(args, IN + 4) + y) * load<i32>(args, IN + 8));
      count++;
    }
  }
  return count;
}

/** Maxima and their places in the plane. Operands: input, output, places. Scratch: a word for each row of a window. */
export function maxPool(args: usize, chunk: i32, scratch: usize): void {
  const inputs = size(args, IN), outputs = size(args, OUT), begin = firstInside(args), end = endInside(args, begin);
  const first = chunk * load<i32>(args, 4), last = min(load<i32>(args), first + load<i32>(args, 4));
  const od = load<i32>(args, OUT), oh = load<i32>(args, OUT + 4), ow = load<i32>(args, OUT + 8), width = load<i32>(args, IN + 8);
  if (isHalving(args)) {
    const from = load<usize>(args, OPERANDS), to = load<usize>(args, OPERANDS + 4), places = load<usize>(args, OPERANDS + 8);
    for (let plane = first; plane < last; plane++) {
      const at = <usize>(plane * outputs) << 2;
      maxOfPairs(from + (<usize>(plane * inputs) << 2), width, oh, ow, to + at, places + at);
    }
    return;
  }
  const stride = load<i32>(args, STRIDE + 8), taps = load<i32>(args, KERNEL + 8), dilation = load<i32>(args, DILATION + 8), left = load<i32>(args, PADDING + 8);
  for (let oz = 0; oz < od; oz++) for (let oy = 0; oy < oh; oy++) {
    const rows = fillRows(args, oz, oy, scratch);
    for (let plane = first; plane < last; plane++) {
      const from = load<usize>(args, OPERANDS) + (<usize>(plane * inputs) << 2), row = <usize>(plane * outputs + (oz * oh + oy) * ow) << 2;
      const to = load<usize>(args, OPERANDS + 4) + row, places = load<usize>(args, OPERANDS + 8) + row;
      for (let ox = 0; ox < ow; ) {
        if (ox >= begin && ox < end && end - begin >= 4 && rows) {
          // The last four may overlap those before: computing windows twice is faster than one by one.
          const four = min(ox, end - 4), o = <usize>four << 2;
          maxOfFour(from, scratch, rows, four * stride - left, taps, dilation, stride, to + o, places + o);
          ox = four + 4;
        } else {
          const o = <usize>ox << 2;
          maxOfOne(from, scratch, rows, ox * stride - left, taps, dilation, width, to + o, places + o);
          ox++;
        }
      }
    }
  }
}

/** Whether windows are 2 x 2 and lie side by side, the most common pooling by far. */
function isHalving(args: usize): bool {
  for (let axis: usize = 4; axis <= 8; axis += 4) {
    if (load<i32>(args + KERNEL + axis) != 2 || load<i32>(args + STRIDE + axis) != 2 || load<i32>(args + DILATION + axis) != 1) return false;
    if (load<i32>(args + PADDING + axis) != 0 || load<i32>(args + OUT + axis) * 2 > load<i32>(args + IN + axis)) return false;
  }
  return load<i32>(args, IN) == 1 && load<i32>(args, KERNEL) == 1 && load<i32>(args, OUT) == 1 && load<i32>(args, OUT + 8) >= 4;
}

/** Maxima of the 2 x 2 windows of a plane. */
function maxOfPairs(plane: usize, width: i32, rows: i32, count: i32, to: usize, places: usize): void {
  const below = <usize>width << 2, under = i32x4.splat(width), ramp = i32x4(0, 2, 4, 6);
  for (let y = 0; y < rows; y++) {
    const start = 2 * y * width;
    for (let x = 0; x < count; x += 4) {
      // The last four overlap those before, if they must.
      const ox = min(x, count - 4), at = start + 2 * ox, p = plane + (<usize>at << 2), o = <usize>ox << 2;
      const a = v128.load(p), b = v128.load(p, 16), c = v128.load(p + below), d = v128.load(p + below, 16);
      const a0 = v128.shuffle<f32>(a, b, 0, 2, 4, 6), a1 = v128.shuffle<f32>(a, b, 1, 3, 5, 7), above = beats(a1, a0), upper = select(a1, a0, above);
      const b0 = v128.shuffle<f32>(c, d, 0, 2, 4, 6), b1 = v128.shuffle<f32>(c, d, 1, 3, 5, 7), beneath = beats(b1, b0), lower = select(b1, b0, beneath);
      const wins = beats(lower, upper);
      v128.store(to + o, select(lower, upper, wins));
      // A mask is -1 where it holds.
      const place = select(i32x4.sub(under, beneath), i32x4.neg(above), wins);
      v128.store(places + o, i32x4.add(place, i32x4.add(i32x4.splat(at), ramp)));
    }
    to += <usize>count << 2;
    places += <usize>count << 2;
  }
}

/** Where `v` takes the place of `best`: it is greater, or the first NaN. */
// @ts-ignore: decorator
@inline
function beats(v: v128, best: v128): v128 {
  return v128.andnot(f32x4.eq(best, best), f32x4.le(v, best));
}

/** Maxima of four windows that lie inside along the innermost axis, the first from `x` on. */
function maxOfFour(plane: usize, rows: usize, count: i32, x: i32, taps: i32, dilation: i32, stride: i32, to: usize, places: usize): void {
  const step = <usize>stride << 2, ramp = i32x4.mul(i32x4.splat(stride), i32x4(0, 1, 2, 3));
  const first = load<i32>(rows) + x;
  let best = loadSteps(false, plane + (<usize>first << 2), step), place = i32x4.splat(first);
  for (let row = 0; row < count; row++) {
    let at = load<i32>(rows + (<usize>row << 2)) + x;
    for (let tap = 0; tap < taps; tap++) {
      const v = loadSteps(false, plane + (<usize>at << 2), step);
      const wins = beats(v, best);
      best = v128.bitselect(v, best, wins);
      place = v128.bitselect(i32x4.splat(at), place, wins);
      at += dilation;
    }
  }
  v128.store(to, best);
  v128.store(places, i32x4.add(place, ramp));
}

/** Maximum of one window, some of whose taps may meet padding. */
function maxOfOne(plane: usize, rows: usize, count: i32, x: i32, taps: i32, dilation: i32, width: i32, to: usize, places: usize): void {
  let best: f32 = -Infinity, place = -1;
  for (let row = 0; row < count; row++) {
    const start = load<i32>(rows + (<usize>row << 2));
    for (let tap = 0; tap < taps; tap++) {
      const at = x + tap * dilation;
      if (<u32>at >= <u32>width) continue;
      const v = load<f32>(plane + (<usize>(start + at) << 2));
      // The first element wins against padding, whatever it is.
      const wins = <i32>(place < 0) | (<i32>!(v <= best) & <i32>(best == best));
      best = wins ? v : best;
      place = wins ? start + at : place;
    }
  }
  store<f32>(to, best);
  store<i32>(places, place);
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

/** Taps of a window that lie inside the input, along one axis. */
function tapsInside(args: usize, axis: usize, output: i32): i32 {
  let count = 0;
  for (let tap = 0; tap < load<i32>(args + KERNEL + axis); tap++) {
    if (<u32>place(args, axis, output, tap) < <u32>load<i32>(args + IN + axis)) count++;
  }
  return count;
}

/** Multiplies a row by the windows' shares: one over their taps, or over the taps inside. `counts` are the latter, along the innermost axis. */
function scaleRow(args: usize, countPadding: bool, oz: i32, oy: i32, counts: usize, from: usize, to: usize): void {
  const ow = load<i32>(args, OUT + 8), rows = countPadding ? 0 : tapsInside(args, 0, oz) * tapsInside(args, 4, oy);
  const taps = f32x4.splat(<f32>(countPadding ? size(args, KERNEL) : rows));
  let n = ow;
  for (; n >= 4; n -= 4) {
    v128.store(to, f32x4.div(v128.load(from), countPadding ? taps : f32x4.mul(taps, v128.load(counts))));
    from += 16;
    to += 16;
    counts += 16;
  }
  for (; n > 0; n--) {
    const count = f32x4.extract_lane(taps, 0);
    store<f32>(to, load<f32>(from) / (countPadding ? count : count * load<f32>(counts)));
    from += 4;
    to += 4;
    counts += 4;
  }
}

function fillCounts(args: usize, counts: usize): void {
  for (let ox = 0; ox < load<i32>(args, OUT + 8); ox++) store<f32>(counts + (<usize>ox << 2), <f32>tapsInside(args, 8, ox));
}

/** Means of windows. Operands: input, output; then whether padding counts. Scratch: a word for each row of a window and one a window. */
export function avgPool(args: usize, chunk: i32, scratch: usize): void {
  const inputs = size(args, IN), outputs = size(args, OUT), countPadding = load<i32>(args, OPERANDS + 8) != 0, begin = firstInside(args), end = endInside(args, begin);
  const first = chunk * load<i32>(args, 4), last = min(load<i32>(args), first + load<i32>(args, 4));
  const od = load<i32>(args, OUT), oh = load<i32>(args, OUT + 4), ow = load<i32>(args, OUT + 8), counts = scratch + (<usize>(load<i32>(args, KERNEL) * load<i32>(args, KERNEL + 4)) << 2);
  const stride = load<i32>(args, STRIDE + 8), taps = load<i32>(args, KERNEL + 8), dilation = load<i32>(args, DILATION + 8), left = load<i32>(args, PADDING + 8);
  if (isHalving(args)) {
    const from = load<usize>(args, OPERANDS), to = load<usize>(args, OPERANDS + 4);
    for (let plane = first; plane < last; plane++) {
      meansOfPairs(from + (<usize>(plane * inputs) << 2), load<i32>(args, IN + 8), oh, ow, to + (<usize>(plane * outputs) << 2));
    }
    return;
  }
  fillCounts(args, counts);
  for (let oz = 0; oz < od; oz++) for (let oy = 0; oy < oh; oy++) {
    const rows = fillRows(args, oz, oy, scratch);
    for (let plane = first; plane < last; plane++) {
      const from = load<usize>(args, OPERANDS) + (<usize>(plane * inputs) << 2), to = load<usize>(args, OPERANDS + 4) + (<usize>(plane * outputs + (oz * oh + oy) * ow) << 2);
      for (let ox = 0; ox < ow; ) {
        if (ox >= begin && ox < end && end - begin >= 4) {
          const four = min(ox, end - 4);
          v128.store(to + (<usize>four << 2), sumOfFour(from, scratch, rows, four * stride - left, taps, dilation, stride));
          ox = four + 4;
        } else {
          store<f32>(to + (<usize>ox << 2), sumOfOne(from, scratch, rows, ox * stride - left, taps, dilation, load<i32>(args, IN + 8)));
          ox++;
        }
      }
      scaleRow(args, countPadding, oz, oy, counts, to, to);
    }
  }
}

/** Means of the 2 x 2 windows of a plane. */
function meansOfPairs(plane: usize, width: i32, rows: i32, count: i32, to: usize): void {
  const below = <usize>width << 2;
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < count; x += 4) {
      // The last four overlap those before, if they must.
      const o = <usize>min(x, count - 4) << 2, p = plane + o * 2;
      const a = v128.load(p), b = v128.load(p, 16), c = v128.load(p + below), d = v128.load(p + below, 16);
      const upper = f32x4.add(v128.shuffle<f32>(a, b, 0, 2, 4, 6), v128.shuffle<f32>(a, b, 1, 3, 5, 7));
      const lower = f32x4.add(v128.shuffle<f32>(c, d, 0, 2, 4, 6), v128.shuffle<f32>(c, d, 1, 3, 5, 7));
      v128.store(to + o, f32x4.mul(f32x4.add(upper, lower), f32x4.splat(0.25)));
    }
    plane += below * 2;
    to += <usize>count << 2;
  }
}

/** Sums of four windows that lie inside along the innermost axis. Each row of a window is summed by itself, which keeps the digits of large ones. */
function sumOfFour(plane: usize, rows: usize, count: i32, x: i32, taps: i32, dilation: i32, stride: i32): v128 {
  const step = <usize>stride << 2;
  let sum = f32x4.splat(0);
  for (let row = 0; row < count; row++) {
    let p = plane + (<usize>(load<i32>(rows + (<usize>row << 2)) + x) << 2), part = f32x4.splat(0);
    for (let tap = 0; tap < taps; tap++) {
      part = f32x4.add(part, loadSteps(false, p, step));
      p += <usize>dilation << 2;
    }
    sum = f32x4.add(sum, part);
  }
  return sum;
}

/** Sum of one window, some of whose taps may meet padding. */
function sumOfOne(plane: usize, rows: usize, count: i32, x: i32, taps: i32, dilation: i32, width: i32): f32 {
  let sum: f64 = 0;
  for (let row = 0; row < count; row++) {
    const start = load<i32>(rows + (<usize>row << 2));
    for (let tap = 0; tap < taps; tap++) {
      const at = x + tap * dilation;
      if (<u32>at < <u32>width) sum += load<f32>(plane + (<usize>(start + at) << 2));
    }
  }
  return <f32>sum;
}

/** Adds `n` elements to others, `toStep` apart. */
// @ts-ignore: decorator
@inline
function addRow(to: usize, toStep: i32, from: usize, n: i32): void {
  if (toStep == 1) {
    for (; n >= 4; n -= 4) {
      v128.store(to, f32x4.add(v128.load(to), v128.load(from)));
      to += 16;
      from += 16;
    }
    if (n & 2) {
      v128.store64_lane(to, f32x4.add(v128.load64_zero(to), v128.load64_zero(from)), 0);
      to += 8;
      from += 8;
      n -= 2;
    }
  }
  for (; n > 0; n--) {
    store<f32>(to, load<f32>(to) + load<f32>(from));
    to += <usize>toStep << 2;
    from += 4;
  }
}

/** Gradient of avgPool. Operands: gradient, to; then whether padding counts. Scratch: two words a tap along the innermost axis and two a window. */
export function avgPoolGradient(args: usize, chunk: i32, scratch: usize): void {
  const inputs = size(args, IN), outputs = size(args, OUT), halving = isHalving(args), countPadding = load<i32>(args, OPERANDS + 8) != 0;
  const id = load<i32>(args, IN), ih = load<i32>(args, IN + 4), iw = load<i32>(args, IN + 8);
  const first = chunk * load<i32>(args, 4), last = min(load<i32>(args), first + load<i32>(args, 4));
  const od = load<i32>(args, OUT), oh = load<i32>(args, OUT + 4), ow = load<i32>(args, OUT + 8);
  const kd = load<i32>(args, KERNEL), kh = load<i32>(args, KERNEL + 4), kw = load<i32>(args, KERNEL + 8), stride = load<i32>(args, STRIDE + 8);
  const shares = scratch + (<usize>kw << 3), counts = shares + (<usize>ow << 2);
  let gradient = load<usize>(args, OPERANDS) + (<usize>(first * outputs) << 2);
  fillRanges(args, scratch);
  fillCounts(args, counts);
  for (let plane = first; plane < last; plane++) {
    const to = load<usize>(args, OPERANDS + 4) + (<usize>(plane * inputs) << 2);
    if (!halving || 4 * outputs < inputs) zero(to, inputs);
    for (let oz = 0; oz < od; oz++) for (let oy = 0; oy < oh; oy++) {
      if (halving) shareRowOfPairs(gradient, to + (<usize>(2 * oy * iw) << 2), <usize>iw << 2, ow);
      else {
        scaleRow(args, countPadding, oz, oy, counts, gradient, shares);
        for (let kz = 0; kz < kd; kz++) {
          const z = place(args, 0, oz, kz);
          if (<u32>z >= <u32>id) continue;
          for (let ky = 0; ky < kh; ky++) {
            const y = place(args, 4, oy, ky);
            if (<u32>y >= <u32>ih) continue;
            for (let kx = 0; kx < kw; kx++) {
              const range = scratch + (<usize>kx << 3), begin = load<i32>(range);
              const p = to + (<usize>((z * ih + y) * iw + place(args, 8, begin, kx)) << 2);
              addRow(p, stride, shares + (<usize>begin << 2), load<i32>(range, 4) - begin);
            }
          }
        }
      }
      gradient += <usize>ow << 2;
    }
  }
}

/** Hands a quarter of each gradient of a row to each of the four elements of its 2 x 2 window. */
function shareRowOfPairs(gradient: usize, to: usize, below: usize, count: i32): void {
  for (let x = 0; x < count; x += 4) {
    // The last four overlap those before, if they must.
    const at = <usize>min(x, count - 4) << 2, p = to + at * 2;
    const share = f32x4.mul(v128.load(gradient + at), f32x4.splat(0.25));
    const left = v128.shuffle<f32>(share, share, 0, 0, 1, 1), right = v128.shuffle<f32>(share, share, 2, 2, 3, 3);
    v128.store(p, left);
    v128.store(p, right, 16);
    v128.store(p + below, left);
    v128.store(p + below, right, 16);
  }
}

// Sliding windows over planes of up to three axes. Words of all kernels here: planes, planes a chunk, then three words each of input, output and window
// lengths, stride, dilation, and padding before; then (from word 20) addresses and options.

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

// @ts-ignore: decorator
@inline
function zero(to: usize, n: i32): void {
  memory.fill(to, 0, <usize>n << 2);
}

/** Adds columns up into planes. Operands: columns, planes. */
export function col2im(args: usize, chunk: i32, scratch: usize): void {
  const inputs = size(args, IN), outputs = size(args, OUT), taps = size(args, KERNEL);
  const first = chunk * load<i32>(args, 4), last = min(load<i32>(args), first + load<i32>(args, 4));
  const kd = load<i32>(args, KERNEL), kh = load<i32>(args, KERNEL + 4), kw = load<i32>(args, KERNEL + 8);
  const od = load<i32>(args, OUT), oh = load<i32>(args, OUT + 4), ow = load<i32>(args, OUT + 8);
  const id = load<i32>(args, IN), ih = load<i32>(args, IN + 4), iw = load<i32>(args, IN + 8);
  const step = load<i32>(args, STRIDE + 8);
  for (let plane = first; plane < last; plane++) {
    let from = load<usize>(args, OPERANDS) + (<usize>(plane * taps * outputs) << 2);
    const to = load<usize>(args, OPERANDS + 4) + (<usize>(plane * inputs) << 2);
    zero(to, inputs);
    for (let kz = 0; kz < kd; kz++) for (let ky = 0; ky < kh; ky++) for (let kx = 0; kx < kw; kx++) {
      for (let oz = 0; oz < od; oz++) for (let oy = 0; oy < oh; oy++) {
        const z = place(args, 0, oz, kz), y = place(args, 4, oy, ky);
        if (<u32>z < <u32>id && <u32>y < <u32>ih) {
          const row = to + (<usize>((z * ih + y) * iw) << 2);
          let x = place(args, 8, 0, kx), at = from;
          for (let ox = 0; ox < ow; ox++) {
            if (<u32>x < <u32>iw) {
              const p = row + (<usize>x << 2);
              store<f32>(p, load<f32>(p) + load<f32>(at));
            }
            x += step;
            at += 4;
          }
        }
        from += <usize>ow << 2;
      }
    }
  }
}

/** First tap of window `output` along an axis that lies inside the input. */
// @ts-ignore: decorator
@inline
function firstTap(args: usize, axis: usize, output: i32): i32 {
  const dilation = load<i32>(args + DILATION + axis), start = place(args, axis, output, 0);
  return start >= 0 ? 0 : (dilation - 1 - start) / dilation;
}

/** One past the last tap of window `output` along an axis that lies inside the input. */
// @ts-ignore: decorator
@inline
function endTap(args: usize, axis: usize, output: i32): i32 {
  const dilation = load<i32>(args + DILATION + axis), room = load<i32>(args + IN + axis) - place(args, axis, output, 0);
  return min(load<i32>(args + KERNEL + axis), room <= 0 ? 0 : (room + dilation - 1) / dilation);
}

/** Whether windows are 2 x 2 and lie side by side, the most common pooling by far. */
function isHalving(args: usize): bool {
  return (
    load<i32>(args, IN) == 1 && load<i32>(args, KERNEL) == 1 && load<i32>(args, KERNEL + 4) == 2 && load<i32>(args, KERNEL + 8) == 2 &&
    load<i32>(args, STRIDE + 4) == 2 && load<i32>(args, STRIDE + 8) == 2 && load<i32>(args, DILATION + 4) == 1 && load<i32>(args, DILATION + 8) == 1 &&
    load<i32>(args, PADDING) == 0 && load<i32>(args, PADDING + 4) == 0 && load<i32>(args, PADDING + 8) == 0 &&
    load<i32>(args, OUT) == 1 && load<i32>(args, OUT + 4) * 2 <= load<i32>(args, IN + 4) && load<i32>(args, OUT + 8) * 2 <= load<i32>(args, IN + 8)
  );
}

/** Maxima and their places in the plane. Operands: input, output, places. */
export function maxPool(args: usize, chunk: i32, scratch: usize): void {
  const inputs = size(args, IN), outputs = size(args, OUT), halving = isHalving(args);
  const first = chunk * load<i32>(args, 4), last = min(load<i32>(args), first + load<i32>(args, 4));
  const od = load<i32>(args, OUT), oh = load<i32>(args, OUT + 4), ow = load<i32>(args, OUT + 8);
  let to = load<usize>(args, OPERANDS + 4) + (<usize>(first * outputs) << 2), places = load<usize>(args, OPERANDS + 8) + (<usize>(first * outputs) << 2);
  for (let plane = first; plane < last; plane++) {
    const from = load<usize>(args, OPERANDS) + (<usize>(plane * inputs) << 2);
    for (let oz = 0; oz < od; oz++) for (let oy = 0; oy < oh; oy++) {
      let ox = halving ? maxRowOfPairs(from, 2 * oy, load<i32>(args, IN + 8), ow, to, places) : 0;
      to += <usize>ox << 2;
      places += <usize>ox << 2;
      for (; ox < ow; ox++) {
        maxOfWindow(args, from, oz, oy, ox, to, places);
        to += 4;
        places += 4;
      }
    }
  }
}

/** Maxima of 2 x 2 windows from row `y` on, four at a time; gives how many were done. */
function maxRowOfPairs(plane: usize, y: i32, width: i32, count: i32, to: usize, places: usize): i32 {
  let p = plane + (<usize>(y * width) << 2);
  const below = <usize>width << 2;
  let at = i32x4.add(i32x4.splat(y * width), i32x4(0, 2, 4, 6)), done = 0;
  for (; done + 4 <= count; done += 4) {
    const a = v128.load(p), b = v128.load(p, 16), c = v128.load(p + below), d = v128.load(p + below, 16);
    let best = v128.shuffle<f32>(a, b, 0, 2, 4, 6), place = at, v = v128.shuffle<f32>(a, b, 1, 3, 5, 7), wins = beats(v, best);
    best = v128.bitselect(v, best, wins);
    place = v128.bitselect(i32x4.add(at, i32x4.splat(1)), place, wins);
    v = v128.shuffle<f32>(c, d, 0, 2, 4, 6);
    wins = beats(v, best);
    best = v128.bitselect(v, best, wins);
    place = v128.bitselect(i32x4.add(at, i32x4.splat(width)), place, wins);
    v = v128.shuffle<f32>(c, d, 1, 3, 5, 7);
    wins = beats(v, best);
    v128.store(to, v128.bitselect(v, best, wins));
    v128.store(places, v128.bitselect(i32x4.add(at, i32x4.splat(width + 1)), place, wins));
    at = i32x4.add(at, i32x4.splat(8));
    p += 32;
    to += 16;
    places += 16;
  }
  return done;
}

/** Where `v` takes the place of `best`: it is greater, or the first NaN. */
// @ts-ignore: decorator
@inline
function beats(v: v128, best: v128): v128 {
  return v128.andnot(f32x4.eq(best, best), f32x4.le(v, best));
}

function maxOfWindow(args: usize, plane: usize, oz: i32, oy: i32, ox: i32, to: usize, places: usize): void {
  const ih = load<i32>(args, IN + 4), iw = load<i32>(args, IN + 8);
  const z1 = endTap(args, 0, oz), y1 = endTap(args, 4, oy), x0 = firstTap(args, 8, ox), x1 = endTap(args, 8, ox), y0 = firstTap(args, 4, oy);
  let best: f32 = -Infinity, index = -1;
  for (let kz = firstTap(args, 0, oz); kz < z1; kz++) for (let ky = y0; ky < y1; ky++) {
    const row = (place(args, 0, oz, kz) * ih + place(args, 4, oy, ky)) * iw;
    for (let kx = x0; kx < x1; kx++) {
      const at = row + place(args, 8, ox, kx), v = load<f32>(plane + (<usize>at << 2));
      // The first element wins against padding, whatever it is.
      if (index < 0 || (!(v <= best) && best == best)) {
        best = v;
        index = at;
      }
    }
  }
  store<f32>(to, best);
  store<i32>(places, index);
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

/** By what a window's sum is divided: its taps, or those inside. */
// @ts-ignore: decorator
@inline
function divisor(args: usize, countPadding: bool, oz: i32, oy: i32, ox: i32): f32 {
  if (countPadding) return <f32>size(args, KERNEL);
  return <f32>((endTap(args, 0, oz) - firstTap(args, 0, oz)) * (endTap(args, 4, oy) - firstTap(args, 4, oy)) * (endTap(args, 8, ox) - firstTap(args, 8, ox)));
}

/** Means of windows. Operands: input, output; then whether padding counts. */
export function avgPool(args: usize, chunk: i32, scratch: usize): void {
  const inputs = size(args, IN), outputs = size(args, OUT), halving = isHalving(args), countPadding = load<i32>(args, OPERANDS + 8) != 0;
  const first = chunk * load<i32>(args, 4), last = min(load<i32>(args), first + load<i32>(args, 4));
  const od = load<i32>(args, OUT), oh = load<i32>(args, OUT + 4), ow = load<i32>(args, OUT + 8), iw = load<i32>(args, IN + 8);
  let to = load<usize>(args, OPERANDS + 4) + (<usize>(first * outputs) << 2);
  for (let plane = first; plane < last; plane++) {
    const from = load<usize>(args, OPERANDS) + (<usize>(plane * inputs) << 2);
    for (let oz = 0; oz < od; oz++) for (let oy = 0; oy < oh; oy++) {
      let ox = 0;
      if (halving) {
        let p = from + (<usize>(2 * oy * iw) << 2);
        const below = <usize>iw << 2;
        for (; ox + 4 <= ow; ox += 4) {
          const a = f32x4.add(v128.load(p), v128.load(p + below)), b = f32x4.add(v128.load(p, 16), v128.load(p + below, 16));
          v128.store(to, f32x4.mul(f32x4.add(v128.shuffle<f32>(a, b, 0, 2, 4, 6), v128.shuffle<f32>(a, b, 1, 3, 5, 7)), f32x4.splat(0.25)));
          p += 32;
          to += 16;
        }
      }
      for (; ox < ow; ox++) {
        store<f32>(to, <f32>(sumOfWindow(args, from, oz, oy, ox) / divisor(args, countPadding, oz, oy, ox)));
        to += 4;
      }
    }
  }
}

function sumOfWindow(args: usize, plane: usize, oz: i32, oy: i32, ox: i32): f64 {
  const ih = load<i32>(args, IN + 4), iw = load<i32>(args, IN + 8), step = <usize>load<i32>(args, DILATION + 8) << 2;
  const z1 = endTap(args, 0, oz), y1 = endTap(args, 4, oy), x0 = firstTap(args, 8, ox), x1 = endTap(args, 8, ox), y0 = firstTap(args, 4, oy);
  let sum: f64 = 0;
  for (let kz = firstTap(args, 0, oz); kz < z1; kz++) for (let ky = y0; ky < y1; ky++) {
    let p = plane + (<usize>((place(args, 0, oz, kz) * ih + place(args, 4, oy, ky)) * iw + place(args, 8, ox, x0)) << 2);
    for (let kx = x0; kx < x1; kx++) {
      sum += load<f32>(p);
      p += step;
    }
  }
  return sum;
}

/** Gradient of avgPool. Operands: gradient, to; then whether padding counts. */
export function avgPoolGradient(args: usize, chunk: i32, scratch: usize): void {
  const inputs = size(args, IN), outputs = size(args, OUT), halving = isHalving(args), countPadding = load<i32>(args, OPERANDS + 8) != 0;
  const first = chunk * load<i32>(args, 4), last = min(load<i32>(args), first + load<i32>(args, 4));
  const od = load<i32>(args, OUT), oh = load<i32>(args, OUT + 4), ow = load<i32>(args, OUT + 8), iw = load<i32>(args, IN + 8);
  let gradient = load<usize>(args, OPERANDS) + (<usize>(first * outputs) << 2);
  for (let plane = first; plane < last; plane++) {
    const to = load<usize>(args, OPERANDS + 4) + (<usize>(plane * inputs) << 2);
    zero(to, inputs);
    for (let oz = 0; oz < od; oz++) for (let oy = 0; oy < oh; oy++) {
      let ox = 0;
      if (halving) {
        let p = to + (<usize>(2 * oy * iw) << 2);
        const below = <usize>iw << 2;
        for (; ox + 4 <= ow; ox += 4) {
          const share = f32x4.mul(v128.load(gradient), f32x4.splat(0.25));
          const left = v128.shuffle<f32>(share, share, 0, 0, 1, 1), right = v128.shuffle<f32>(share, share, 2, 2, 3, 3);
          v128.store(p, left);
          v128.store(p, right, 16);
          v128.store(p + below, left);
          v128.store(p + below, right, 16);
          p += 32;
          gradient += 16;
        }
      }
      for (; ox < ow; ox++) {
        addToWindow(args, to, oz, oy, ox, load<f32>(gradient) / divisor(args, countPadding, oz, oy, ox));
        gradient += 4;
      }
    }
  }
}

function addToWindow(args: usize, plane: usize, oz: i32, oy: i32, ox: i32, share: f32): void {
  const ih = load<i32>(args, IN + 4), iw = load<i32>(args, IN + 8), step = <usize>load<i32>(args, DILATION + 8) << 2;
  const z1 = endTap(args, 0, oz), y1 = endTap(args, 4, oy), x0 = firstTap(args, 8, ox), x1 = endTap(args, 8, ox), y0 = firstTap(args, 4, oy);
  for (let kz = firstTap(args, 0, oz); kz < z1; kz++) for (let ky = y0; ky < y1; ky++) {
    let p = plane + (<usize>((place(args, 0, oz, kz) * ih + place(args, 4, oy, ky)) * iw + place(args, 8, ox, x0)) << 2);
    for (let kx = x0; kx < x1; kx++) {
      store<f32>(p, load<f32>(p) + share);
      p += step;
    }
  }
}

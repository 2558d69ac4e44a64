// Reading and writing between pixels. Words of all kernels here: channels, points of an image, axes (one to three); then three words each of lengths and
// byte strides of the axes; bytes of a plane, points a block, channels a chunk; then (from word 12) addresses.
//
// Four points go together, one a lane. What is to be known of them is found once and kept for all channels of a chunk: for each corner of their cells,
// three vectors: byte offsets into the plane, weights, and a mask of those that lie inside. The offsets of all corners lie inside the plane.

import { get, madd, put } from './vector';

// @ts-ignore: decorator
@inline
const AXES: usize = 8;
// @ts-ignore: decorator
@inline
const LENGTHS: usize = 12;
// @ts-ignore: decorator
@inline
const STRIDES: usize = 24;
// @ts-ignore: decorator
@inline
const PLANE: usize = 36;
// @ts-ignore: decorator
@inline
const BLOCK: usize = 40;
// @ts-ignore: decorator
@inline
const GRAIN: usize = 44;
// @ts-ignore: decorator
@inline
const OPERANDS: usize = 48;

/** Bytes of what is kept of a corner. */
// @ts-ignore: decorator
@inline
export const CORNER: usize = 48;
/** Bytes of the weights of both ends of cells along an axis. */
// @ts-ignore: decorator
@inline
export const ENDS: usize = 32;

// @ts-ignore: decorator
@inline
function pieces(total: i32, size: i32): i32 {
  return (total + size - 1) / size;
}

/** Coordinates of up to four points, `step` bytes apart; those that are missing lie outside. */
function coordinates(p: usize, step: usize, count: i32): v128 {
  let v = v128.load32_lane(p, f32x4.splat(-1), 0);
  if (count > 1) v = v128.load32_lane(p + step, v, 1);
  if (count > 2) v = v128.load32_lane(p + step * 2, v, 2);
  if (count > 3) v = v128.load32_lane(p + step * 3, v, 3);
  return v;
}

/** Makes the one corner of a cell of no axes. */
// @ts-ignore: decorator
@inline
export function beginCorners(to: usize): void {
  v128.store(to, i32x4.splat(0));
  v128.store(to, f32x4.splat(1), 16);
  v128.store(to, i32x4.splat(-1), 32);
}

/**
 * Gives the cells of four points one axis more, along which the points lie at `at`: their corners, which take up `corners` bytes, become twice as many, those of the
 * other end behind them. The weights of the two ends go to `ends`.
 */
export function extendCorners(to: usize, corners: usize, at: v128, length: i32, bytes: i32, ends: usize): void {
  const stride = i32x4.splat(bytes), from = f32x4.floor(at), end = f32x4.splat(<f32>length);
  const inside = v128.and(f32x4.gt(at, f32x4.splat(-1)), f32x4.lt(at, end));
  // NaN is not inside, nor is it outside: it makes weights NaN.
  const outside = v128.or(f32x4.le(at, f32x4.splat(-1)), f32x4.ge(at, end));
  const high = v128.andnot(f32x4.sub(at, from), outside), low = v128.andnot(f32x4.sub(f32x4.splat(1), high), outside);
  const first = i32x4.trunc_sat_f32x4_s(from), second = i32x4.add(first, i32x4.splat(1));
  const hasFirst = v128.and(inside, i32x4.lt_u(first, i32x4.splat(length))), hasSecond = v128.and(inside, i32x4.lt_u(second, i32x4.splat(length)));
  const toFirst = v128.and(i32x4.mul(first, stride), hasFirst), toSecond = v128.and(i32x4.mul(second, stride), hasSecond);
  for (let corner = to; corner < to + corners; corner += CORNER) {
    const offset = v128.load(corner), weight = v128.load(corner, 16), mask = v128.load(corner, 32), twin = corner + corners;
    v128.store(corner, i32x4.add(offset, toFirst));
    v128.store(corner, f32x4.mul(weight, low), 16);
    v128.store(corner, v128.and(mask, hasFirst), 32);
    v128.store(twin, i32x4.add(offset, toSecond));
    v128.store(twin, f32x4.mul(weight, high), 16);
    v128.store(twin, v128.and(mask, hasSecond), 32);
  }
  v128.store(ends, low);
  v128.store(ends, high, 16);
}

/** Writes the corners of the cells of up to four points; the corner's bit number `axis` says which end it is. Then, for each axis, the weights of its ends. */
function fillCorners(args: usize, points: usize, count: i32, to: usize): void {
  const axes = load<i32>(args + AXES);
  let corners = CORNER, ends = to + (CORNER << axes);
  beginCorners(to);
  for (let axis = 0; axis < axes; axis++) {
    const word = <usize>axis << 2, at = coordinates(points + word, <usize>axes << 2, count);
    extendCorners(to, corners, at, load<i32>(args + LENGTHS + word), load<i32>(args + STRIDES + word), ends);
    corners <<= 1;
    ends += ENDS;
  }
}

/** Bytes of what is kept of four points. */
// @ts-ignore: decorator
@inline
function groupBytes(args: usize): usize {
  const axes = load<i32>(args + AXES);
  return (CORNER << axes) + <usize>axes * ENDS;
}

/** Fills the corners of points `first` up to `last` of image `image`. */
function fillBlock(args: usize, points: usize, image: i32, first: i32, last: i32, to: usize): void {
  const step = <usize>load<i32>(args + AXES) << 2, bytes = groupBytes(args);
  let p = points + <usize>(image * load<i32>(args, 4) + first) * step;
  for (; first < last; first += 4) {
    fillCorners(args, p, min(4, last - first), to);
    p += step << 2;
    to += bytes;
  }
}

/** The values of a plane at four places, whose offsets lie at `offsets`. */
// @ts-ignore: decorator
@inline
function valuesAt(plane: usize, offsets: usize): v128 {
  let v = v128.load32_zero(plane + load<u32>(offsets));
  v = v128.load32_lane(plane + load<u32>(offsets, 4), v, 1);
  v = v128.load32_lane(plane + load<u32>(offsets, 8), v, 2);
  return v128.load32_lane(plane + load<u32>(offsets, 12), v, 3);
}

/** Values between pixels. Operands: input, points, output. A chunk is a block of points, for some channels of an image. */
export function sample(args: usize, chunk: i32, scratch: usize): void {
  const channels = load<i32>(args), points = load<i32>(args, 4), block = load<i32>(args + BLOCK), grain = load<i32>(args + GRAIN);
  const blocks = pieces(points, block), parts = pieces(channels, grain), image = chunk / (blocks * parts), part = (chunk / blocks) % parts;
  const first = (chunk % blocks) * block, last = min(points, first + block), corners = CORNER << load<i32>(args + AXES), rest = groupBytes(args) - corners;
  fillBlock(args, load<usize>(args, OPERANDS + 4), image, first, last, scratch);
  for (let channel = part * grain; channel < min(channels, (part + 1) * grain); channel++) {
    const plane = load<usize>(args, OPERANDS) + <usize>(image * channels + channel) * load<usize>(args + PLANE);
    let to = load<usize>(args, OPERANDS + 8) + (<usize>((image * channels + channel) * points + first) << 2), corner = scratch;
    for (let n = last - first; n > 0; n -= 4) {
      let sum = f32x4.splat(0);
      for (const end = corner + corners; corner < end; corner += CORNER) {
        sum = madd(v128.and(valuesAt(plane, corner), v128.load(corner, 32)), v128.load(corner, 16), sum);
      }
      corner += rest;
      put(to, sum, n);
      to += 16;
    }
  }
}

/** Adds lanes to the elements of a plane at four places, one after the other: places may be the same. */
// @ts-ignore: decorator
@inline
function addAt(plane: usize, offsets: usize, v: v128): void {
  let p = plane + load<u32>(offsets);
  store<f32>(p, load<f32>(p) + f32x4.extract_lane(v, 0));
  p = plane + load<u32>(offsets, 4);
  store<f32>(p, load<f32>(p) + f32x4.extract_lane(v, 1));
  p = plane + load<u32>(offsets, 8);
  store<f32>(p, load<f32>(p) + f32x4.extract_lane(v, 2));
  p = plane + load<u32>(offsets, 12);
  store<f32>(p, load<f32>(p) + f32x4.extract_lane(v, 3));
}

/** Gradient of sample in its input. Operands: gradient, points, output. A chunk is some planes of an image, to which it adds the points in their order. */
export function sampleInputGradient(args: usize, chunk: i32, scratch: usize): void {
  const channels = load<i32>(args), points = load<i32>(args, 4), block = load<i32>(args + BLOCK), grain = load<i32>(args + GRAIN), plane = load<usize>(args + PLANE);
  const parts = pieces(channels, grain), image = chunk / parts, corners = CORNER << load<i32>(args + AXES), rest = groupBytes(args) - corners;
  const begin = image * channels + (chunk % parts) * grain, end = min((image + 1) * channels, begin + grain);
  const to = load<usize>(args, OPERANDS + 8);
  memory.fill(to + <usize>begin * plane, 0, <usize>(end - begin) * plane);
  for (let first = 0; first < points; first += block) {
    const last = min(points, first + block);
    fillBlock(args, load<usize>(args, OPERANDS + 4), image, first, last, scratch);
    for (let channel = begin; channel < end; channel++) {
      let from = load<usize>(args, OPERANDS) + (<usize>(channel * points + first) << 2), corner = scratch;
      for (let n = last - first; n > 0; n -= 4) {
        const gradient = get(from, n);
        for (const stop = corner + corners; corner < stop; corner += CORNER) {
          addAt(to + <usize>channel * plane, corner, v128.and(f32x4.mul(gradient, v128.load(corner, 16)), v128.load(corner, 32)));
        }
        corner += rest;
        from += 16;
      }
    }
  }
}

/**
 * Gradient of sample in its points. Operands: input, points, gradient, output. A chunk is a block of points of an image. It adds up gradient times value
 * for each corner, channel after channel, where the corner's weights were: those are no longer needed.
 */
export function samplePointsGradient(args: usize, chunk: i32, scratch: usize): void {
  const channels = load<i32>(args), points = load<i32>(args, 4), block = load<i32>(args + BLOCK), blocks = pieces(points, block), image = chunk / blocks;
  const first = (chunk % blocks) * block, last = min(points, first + block), corners = CORNER << load<i32>(args + AXES), rest = groupBytes(args) - corners;
  fillBlock(args, load<usize>(args, OPERANDS + 4), image, first, last, scratch);
  for (let channel = image * channels; channel < (image + 1) * channels; channel++) {
    const plane = load<usize>(args, OPERANDS) + <usize>channel * load<usize>(args + PLANE);
    let from = load<usize>(args, OPERANDS + 8) + (<usize>(channel * points + first) << 2), corner = scratch;
    for (let n = last - first; n > 0; n -= 4) {
      const gradient = get(from, n);
      for (const stop = corner + corners; corner < stop; corner += CORNER) {
        // Nothing to begin with; but NaN of a NaN weight.
        const sum = channel > image * channels ? v128.load(corner, 16) : f32x4.mul(v128.load(corner, 16), f32x4.splat(0));
        v128.store(corner, madd(gradient, v128.and(valuesAt(plane, corner), v128.load(corner, 32)), sum), 16);
      }
      corner += rest;
      from += 16;
    }
  }
  const axes = load<i32>(args + AXES), step = <usize>axes << 2, bytes = groupBytes(args);
  let to = load<usize>(args, OPERANDS + 12) + <usize>(image * points + first) * step;
  for (let n = last - first; n > 0; n -= 4) {
    const mask = celled(axes, scratch);
    for (let axis = 0; axis < axes; axis++) storeStrided(to + (<usize>axis << 2), step, v128.and(derivative(axes, scratch, axis), mask), n);
    to += step << 2;
    scratch += bytes;
  }
}

/** A mask of the points that have a cell: of the others, the weights of both ends along an axis are 0. */
function celled(axes: i32, corner: usize): v128 {
  let product = f32x4.splat(1);
  for (let ends = corner + (CORNER << axes), stop = ends + <usize>axes * ENDS; ends < stop; ends += ENDS) {
    product = f32x4.mul(product, f32x4.add(v128.load(ends), v128.load(ends, 16)));
  }
  return f32x4.ne(product, f32x4.splat(0));
}

/** Derivatives in the coordinate of one axis, from the sums of the corners and the weights along the other axes. */
export function derivative(axes: i32, corner: usize, axis: i32): v128 {
  const ends = corner + (CORNER << axes);
  let total = f32x4.splat(0);
  for (let number = 0; number < 1 << axes; number++) {
    let product = v128.load(corner, 16);
    for (let other = 0; other < axes; other++) {
      if (other != axis) product = f32x4.mul(product, v128.load(ends + <usize>other * ENDS + (<usize>((number >> other) & 1) << 4)));
    }
    total = (number >> axis) & 1 ? f32x4.add(total, product) : f32x4.sub(total, product);
    corner += CORNER;
  }
  return total;
}

/** Stores up to four lanes, `step` bytes apart. */
function storeStrided(to: usize, step: usize, v: v128, count: i32): void {
  v128.store32_lane(to, v, 0);
  if (count > 1) v128.store32_lane(to + step, v, 1);
  if (count > 2) v128.store32_lane(to + step * 2, v, 2);
  if (count > 3) v128.store32_lane(to + step * 3, v, 3);
}

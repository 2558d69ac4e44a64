// Convolutions of a batch of small images, whose rows would not fill vectors: eight images lie side by side, one a lane, so that each place is
// two vectors of its own. Nothing is packed, every window meets only the taps that lie inside, and no lane is idle (Krizhevsky's cuda-convnet stores images so).

import { fillOffsets, offsetOf } from './axes';
import { lanes3, lanes4, lanes5, lanes6 } from '../build/micro-kernels';
import { ZEROS } from './gemm';
import { firstLow, gather4, leftOver, lowRows, rowsAt, tiledRows, transpose4 } from './panels';

/** Images side by side. */
const LANES: i32 = 8;
/** Bytes of a place. */
const PLACE: usize = 32;

/** Brings `n` places of up to eight images, `stride` bytes apart, side by side: `[n][8]`. Images that do not exist are zero. */
function bringTogether(from: usize, stride: usize, images: i32, n: i32, to: usize): void {
  if (images < LANES) {
    memory.fill(to, 0, <usize>n * PLACE);
    for (let image = 0; image < images; image++) {
      const p = from + <usize>image * stride, q = to + (<usize>image << 2);
      for (let i = 0; i < n; i++) store<f32>(q + <usize>i * PLACE, load<f32>(p + (<usize>i << 2)));
    }
    return;
  }
  const far = stride * 4;
  for (; n >= 4; n -= 4) {
    transpose4(from, from + stride, from + stride * 2, from + stride * 3, to, PLACE);
    transpose4(from + far, from + far + stride, from + far + stride * 2, from + far + stride * 3, to + 16, PLACE);
    from += 16;
    to += 4 * PLACE;
  }
  for (; n > 0; n--) {
    v128.store(to, gather4(from, from + stride, from + stride * 2, from + stride * 3));
    v128.store(to, gather4(from + far, from + far + stride, from + far + stride * 2, from + far + stride * 3), 16);
    from += 4;
    to += PLACE;
  }
}

/** The reverse of {@link bringTogether}. */
function separate(from: usize, n: i32, to: usize, stride: usize, images: i32): void {
  const far = stride * 4;
  if (images == LANES) {
    for (; n >= 4; n -= 4) {
      transpose4(from, from + PLACE, from + PLACE * 2, from + PLACE * 3, to, stride);
      transpose4(from + 16, from + PLACE + 16, from + PLACE * 2 + 16, from + PLACE * 3 + 16, to + far, stride);
      from += 4 * PLACE;
      to += 16;
    }
  }
  for (; n > 0; n--) {
    for (let image = 0; image < images; image++) store<f32>(to + <usize>image * stride, load<f32>(from + (<usize>image << 2)));
    from += PLACE;
    to += 4;
  }
}

/**
 * Brings the images of a batch side by side, eight a chunk. Words: from, byte stride of an image, images, to, bytes of eight images there, places of a line,
 * lines, whether zeros surround them, bytes before the first line there, counts of the lines' axes (4), their byte strides in from and to (4 + 4).
 */
export function interleave(args: usize, chunk: i32, scratch: usize): void {
  const stride = load<usize>(args, 4), bytes = load<usize>(args, 16), first = chunk * LANES, images = min(LANES, load<i32>(args, 8) - first);
  const from = load<usize>(args) + <usize>first * stride, to = load<usize>(args, 12) + <usize>chunk * bytes, start = to + load<usize>(args, 32);
  if (load<i32>(args, 28)) memory.fill(to, 0, bytes);
  for (let line = 0; line < load<i32>(args, 24); line++) {
    bringTogether(from + offsetOf(args + 36, args + 52, line), stride, images, load<i32>(args, 20), start + offsetOf(args + 36, args + 68, line));
  }
}

const IN: usize = 48;
const OUT: usize = 60;
const KERNEL: usize = 72;
const STRIDE: usize = 84;
const DILATION: usize = 96;
const PADDING: usize = 108;

/** Where the first tap of window `output` falls along an axis. */
// @ts-ignore: decorator
@inline
function originOf(args: usize, axis: usize, output: i32): i32 {
  return output * load<i32>(args + STRIDE + axis) - load<i32>(args + PADDING + axis);
}

/** The first tap that lies inside the image. */
// @ts-ignore: decorator
@inline
function firstTap(args: usize, axis: usize, origin: i32): i32 {
  const dilation = load<i32>(args + DILATION + axis);
  return origin >= 0 ? 0 : min(load<i32>(args + KERNEL + axis), (dilation - 1 - origin) / dilation);
}

/** One past the last tap that lies inside the image; no less than `first`. */
// @ts-ignore: decorator
@inline
function endTap(args: usize, axis: usize, origin: i32, first: i32): i32 {
  const room = load<i32>(args + IN + axis) - 1 - origin;
  return room < 0 ? first : max(first, min(load<i32>(args + KERNEL + axis), room / load<i32>(args + DILATION + axis) + 1));
}

/**
 * Cross-correlates images with packed weights, whose inner dimension is [taps][channels] in one block. Words: images, chunks a group, filters and channels of
 * a group, images in and its byte strides of an image and a group, images out and these, packed weights and their group stride; then three words each of
 * input, output and window lengths, stride, dilation, and padding before. A chunk is eight images of one group. Scratch: 32 bytes, a word a weight of a filter,
 * 32 bytes a place of the input, and of the output, whose filters are rounded up to whole tiles.
 */
export function correlate(args: usize, chunk: i32, scratch: usize): void {
  const blocks = load<i32>(args, 4), m = load<i32>(args, 8), channels = load<i32>(args, 12), group = <usize>(chunk / blocks), first = chunk % blocks * LANES;
  const images = min(LANES, load<i32>(args) - first), inStride = load<usize>(args, 20), outStride = load<usize>(args, 32);
  const id = load<i32>(args, IN), ih = load<i32>(args, IN + 4), iw = load<i32>(args, IN + 8), od = load<i32>(args, OUT), oh = load<i32>(args, OUT + 4), ow = load<i32>(args, OUT + 8);
  const kd = load<i32>(args, KERNEL), kh = load<i32>(args, KERNEL + 4), kw = load<i32>(args, KERNEL + 8), k = kd * kh * kw * channels;
  const inPlane = id * ih * iw, outPlane = od * oh * ow, packed = load<usize>(args, 40) + group * load<usize>(args, 44);
  const weights = packed + (<usize>tiledRows(m) << 2), rest = leftOver(m), low = lowRows(m), lower = firstLow(m);
  // Where the taps lie, from that of the window's first tap.
  const axes = scratch, taps = scratch + 32, source = taps + (<usize>(k + 3 & -4) << 2), target = source + <usize>(channels * inPlane) * PLACE, row = <usize>outPlane * PLACE;
  for (let axis: usize = 0; axis < 12; axis += 4) store<i32>(axes + axis, load<i32>(args + KERNEL + axis));
  store<i32>(axes, channels, 12);
  store<i32>(axes, load<i32>(args, DILATION) * ih * iw * <i32>PLACE, 16);
  store<i32>(axes, load<i32>(args, DILATION + 4) * iw * <i32>PLACE, 20);
  store<i32>(axes, load<i32>(args, DILATION + 8) * <i32>PLACE, 24);
  store<i32>(axes, inPlane * <i32>PLACE, 28);
  fillOffsets(taps, axes, axes + 16, 0, k);
  bringTogether(load<usize>(args, 16) + group * load<usize>(args, 24) + <usize>first * inStride, inStride, images, channels * inPlane, source);

  let to = target;
  for (let oz = 0; oz < od; oz++) for (let oy = 0; oy < oh; oy++) {
    const z = originOf(args, 0, oz), y = originOf(args, 4, oy), z0 = firstTap(args, 0, z), y0 = firstTap(args, 4, y), z1 = endTap(args, 0, z, z0), y1 = endTap(args, 4, y, y0);
    for (let ox = 0; ox < ow; ox++) {
      const x = originOf(args, 8, ox), x0 = firstTap(args, 8, x), x1 = endTap(args, 8, x, x0);
      const p = source + <usize>((z * ih + y) * iw + x) * PLACE;
      // Taps that follow each other are one run.
      const wide = x1 - x0 == kw, all = wide && y1 - y0 == kh;
      const zEnd = all ? z0 + 1 : z1, yEnd = wide ? y0 + 1 : y1, run = (x1 - x0) * (wide ? (y1 - y0) * (all ? z1 - z0 : 1) : 1) * channels;
      const isEmpty = z0 == z1 || y0 == y1 || x0 == x1;
      for (let i = 0, height = 0; i < m; i += height) {
        height = rowsAt(i, rest, low, lower);
        const a = weights + (<usize>(i * k) << 2), c = to + <usize>i * row;
        let initial = packed + (<usize>i << 2), accumulate = false;
        if (isEmpty) lanesTile(height, 0, a, p, taps, c, row, initial, false);
        else for (let kz = z0; kz < zEnd; kz++) for (let ky = y0; ky < yEnd; ky++) {
          const start = ((kz * kh + ky) * kw + x0) * channels;
          lanesTile(height, run, a + (<usize>(start * height) << 2), p, taps + (<usize>start << 2), c, row, initial, accumulate);
          initial = ZEROS;
          accumulate = true;
        }
      }
      to += PLACE;
    }
  }
  separate(target, m * outPlane, load<usize>(args, 28) + group * load<usize>(args, 36) + <usize>first * outStride, outStride, images);
}

// @ts-ignore: decorator
@inline
function lanesTile(height: i32, kc: i32, a: usize, p: usize, offsets: usize, c: usize, stride: usize, initial: usize, accumulate: bool): void {
  if (ASC_FEATURE_RELAXED_SIMD && height == 6) lanes6(kc, a, p, offsets, c, 16, stride, initial, accumulate);
  else if (height == 5) lanes5(kc, a, p, offsets, c, 16, stride, initial, accumulate);
  else if (height == 4) lanes4(kc, a, p, offsets, c, 16, stride, initial, accumulate);
  else lanes3(kc, a, p, offsets, c, 16, stride, initial, accumulate);
}

// Columns that are read between pixels, of deformable convolutions, and their gradients. Images have their channels last here, so that a pixel's are vectors: of a
// point, each corner of its cell is then a few vectors times one weight.
//
// Words of all kernels here: axes (one to three); then three words each, of three axes, of the image's lengths, its byte strides, the lengths of the output, stride, padding,
// kernel and dilation; then channels, channels that are read at the same places, places, taps, and for the image, the offsets and the mask (0 if there is none) their
// addresses and bytes an image. From word 32 on, a kernel's own.
//
// Four places go together, one a lane. Their corners are kept as the sampling kernels do it, but with an address in place of an offset: outside the image, that of zeros.

import { NR, firstLow, leftOver, lowRows, rowsAt, tiledRows } from './panels';
import { ZEROS, packedTile } from './gemm';
import { CORNER, ENDS, beginCorners, derivative, extendCorners } from './sampling';
import { get, loadPartial, madd, put, sumLanes } from './vector';

// @ts-ignore: decorator
@inline
const LENGTHS: usize = 4;
// @ts-ignore: decorator
@inline
const STRIDES: usize = 16;
// @ts-ignore: decorator
@inline
const OUTPUT: usize = 28;
// @ts-ignore: decorator
@inline
const STEPS: usize = 40;
// @ts-ignore: decorator
@inline
const BEFORE: usize = 52;
// @ts-ignore: decorator
@inline
const KERNEL: usize = 64;
// @ts-ignore: decorator
@inline
const DILATION: usize = 76;
// @ts-ignore: decorator
@inline
const CHANNELS: usize = 88;
// @ts-ignore: decorator
@inline
const TOGETHER: usize = 92;
// @ts-ignore: decorator
@inline
const PLACES: usize = 96;
// @ts-ignore: decorator
@inline
const TAPS: usize = 100;
// @ts-ignore: decorator
@inline
const IMAGE: usize = 104;
// @ts-ignore: decorator
@inline
const OFFSET: usize = 112;
// @ts-ignore: decorator
@inline
const MASK: usize = 120;
// @ts-ignore: decorator
@inline
const OWN: usize = 128;

/** Places whose regular points are kept at a time: those of a chunk. */
const BLOCK: i32 = 128;

// Scratch of all kernels here: the corners of four places, their regular points along three axes, and from WORK on zeros, of which there are as many as channels that are read
// at the same places, and 3 more; then as many words for each of four places.

/** Bytes of the corners of four places, and the ends of their cells, over three axes. */
// @ts-ignore: decorator
@inline
const CORNERS: usize = 480;
// @ts-ignore: decorator
@inline
const WORK: usize = CORNERS + 12 * BLOCK;

/** Bytes of the channels that are read at the same places, and of as many zeros. */
// @ts-ignore: decorator
@inline
function rowBytes(args: usize): usize {
  return <usize>((load<i32>(args, TOGETHER) + 3) & ~3) << 2;
}

/** The image number `image` of what lies at `word`. */
// @ts-ignore: decorator
@inline
function imageOf(args: usize, word: usize, image: i32): usize {
  return load<usize>(args + word) + <usize>image * load<usize>(args + word, 4);
}

/** Axes over which cells are made: at least two, so that corners are four or eight. */
// @ts-ignore: decorator
@inline
function cellAxes(args: usize): i32 {
  return max(2, load<i32>(args));
}

/** Writes where the first tap of each of the places `first` to `last` reads if it is not moved, and zeros for what is outside. */
function begin(args: usize, first: i32, last: i32, scratch: usize): void {
  const width = load<i32>(args, OUTPUT + 8), height = load<i32>(args, OUTPUT + 4);
  let x = first % width, y = first / width % height, z = first / width / height, to = scratch + CORNERS;
  for (let place = first; place < last; place++, to += 4) {
    store<f32>(to, <f32>(z * load<i32>(args, STEPS) - load<i32>(args, BEFORE)));
    store<f32>(to + 4 * BLOCK, <f32>(y * load<i32>(args, STEPS + 4) - load<i32>(args, BEFORE + 4)));
    store<f32>(to + 8 * BLOCK, <f32>(x * load<i32>(args, STEPS + 8) - load<i32>(args, BEFORE + 8)));
    if (++x < width) continue;
    x = 0;
    if (++y < height) continue;
    y = 0;
    z++;
  }
  memory.fill(scratch + WORK, 0, rowBytes(args));
}

/** Makes the corners of the cells in which tap `tap` of up to four places reads, for the channels of offset group `group`; `place` is the first, counted from `first`, where its block begins. */
function findCorners(args: usize, image: i32, group: i32, tap: i32, first: i32, place: i32, count: i32, scratch: usize): void {
  const axes = load<i32>(args), places = load<i32>(args, PLACES), least = 3 - cellAxes(args), step = <usize>places << 2;
  let offset = imageOf(args, OFFSET, image) + (<usize>((group * load<i32>(args, TAPS) + tap) * axes * places + first + place) << 2);
  let corners = CORNER, ends = scratch + (CORNER << cellAxes(args)), rest = load<i32>(args, TAPS);
  beginCorners(scratch);
  for (let axis = 0; axis < 3; axis++) {
    const word = <usize>axis << 2, length = load<i32>(args + KERNEL + word);
    rest /= length;
    const index = tap / rest % length;
    if (axis < least) continue;
    let at = f32x4.add(v128.load(scratch + CORNERS + <usize>(axis * BLOCK + place << 2)), f32x4.splat(<f32>(index * load<i32>(args + DILATION + word))));
    if (axis >= 3 - axes) {
      at = f32x4.add(at, get(offset, count));
      offset += step;
    }
    // Places that are missing lie outside.
    if (count < 4) at = v128.bitselect(at, f32x4.splat(-1), i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(count)));
    extendCorners(scratch, corners, at, load<i32>(args + LENGTHS + word), load<i32>(args + STRIDES + word), ends);
    corners <<= 1;
    ends += ENDS;
  }
  const pixels = i32x4.splat(<i32>(imageOf(args, IMAGE, image) + (<usize>(group * load<i32>(args, TOGETHER)) << 2))), zeros = i32x4.splat(<i32>(scratch + WORK));
  for (let corner = scratch; corner < scratch + corners; corner += CORNER) {
    v128.store(corner, v128.bitselect(i32x4.add(v128.load(corner), pixels), zeros, v128.load(corner, 32)));
  }
}

/** The mask of four places, or ones; those that are missing are 0. */
function maskAt(args: usize, image: i32, group: i32, tap: i32, place: i32, count: i32): v128 {
  if (load<usize>(args, MASK) == 0) return f32x4.splat(1);
  const at = imageOf(args, MASK, image) + (<usize>((group * load<i32>(args, TAPS) + tap) * load<i32>(args, PLACES) + place) << 2);
  return get(at, count);
}

/** Interpolates channels `from` to `to`, of those that are read together, at the point of lane `lane`. */
function interpolate(args: usize, scratch: usize, lane: usize, from: i32, to: i32): void {
  const bytes = rowBytes(args), begin = scratch + WORK + bytes * (lane + 1), end = begin + (<usize>(to - from) << 2);
  let corner = scratch + (lane << 2);
  for (let quads = cellAxes(args) - 1; quads > 0; quads--) {
    let p = load<usize>(corner) + (<usize>from << 2), q = load<usize>(corner, CORNER) + (<usize>from << 2);
    let r = load<usize>(corner, 2 * CORNER) + (<usize>from << 2), s = load<usize>(corner, 3 * CORNER) + (<usize>from << 2);
    const u = v128.load32_splat(corner, 16), v = v128.load32_splat(corner, CORNER + 16);
    const w = v128.load32_splat(corner, 2 * CORNER + 16), x = v128.load32_splat(corner, 3 * CORNER + 16);
    const isFirst = corner < scratch + 16;
    for (let at = begin; at < end; at += 16) {
      let sum = madd(v128.load(q), v, f32x4.mul(v128.load(p), u));
      sum = madd(v128.load(s), x, madd(v128.load(r), w, sum));
      v128.store(at, isFirst ? sum : f32x4.add(sum, v128.load(at)));
      p += 16;
      q += 16;
      r += 16;
      s += 16;
    }
    corner += 4 * CORNER;
  }
}

/** Writes `channels` channels of what was interpolated at up to four points as columns: a row `step` bytes apart for each channel, times the mask. */
function writeColumns(args: usize, scratch: usize, channels: i32, mask: v128, to: usize, step: usize, count: i32): void {
  const bytes = rowBytes(args);
  let from = scratch + WORK + bytes;
  for (; channels > 0; channels -= 4, from += 16) {
    const p = v128.load(from), q = v128.load(from + bytes), r = v128.load(from + bytes * 2), s = v128.load(from + bytes * 3);
    const a = v128.shuffle<f32>(p, q, 0, 4, 1, 5), b = v128.shuffle<f32>(r, s, 0, 4, 1, 5);
    const c = v128.shuffle<f32>(p, q, 2, 6, 3, 7), d = v128.shuffle<f32>(r, s, 2, 6, 3, 7);
    to = writeRow(to, f32x4.mul(v128.shuffle<f32>(a, b, 0, 1, 4, 5), mask), step, count);
    if (channels > 1) to = writeRow(to, f32x4.mul(v128.shuffle<f32>(a, b, 2, 3, 6, 7), mask), step, count);
    if (channels > 2) to = writeRow(to, f32x4.mul(v128.shuffle<f32>(c, d, 0, 1, 4, 5), mask), step, count);
    if (channels > 3) to = writeRow(to, f32x4.mul(v128.shuffle<f32>(c, d, 2, 3, 6, 7), mask), step, count);
  }
}

// @ts-ignore: decorator
@inline
function writeRow(to: usize, v: v128, step: usize, count: i32): usize {
  put(to, v, count);
  return to + step;
}

/**
 * Columns `[images, channels * taps, places]`, as a convolution has them. Own words: columns, their bytes an image, blocks of places. A chunk is a block of places of an image.
 */
export function deformColumns(args: usize, chunk: i32, scratch: usize): void {
  const channels = load<i32>(args, CHANNELS), together = load<i32>(args, TOGETHER), places = load<i32>(args, PLACES), taps = load<i32>(args, TAPS);
  const blocks = load<i32>(args, OWN + 8), image = chunk / blocks, first = chunk % blocks * BLOCK, last = min(places, first + BLOCK);
  const columns = imageOf(args, OWN, image) + (<usize>first << 2), step = <usize>(taps * places) << 2;
  begin(args, first, last, scratch);
  for (let group = 0; group * together < channels; group++) {
    for (let tap = 0; tap < taps; tap++) {
      for (let place = 0; place < last - first; place += 4) {
        const count = min(4, last - first - place), to = columns + (<usize>((group * together * taps + tap) * places + place) << 2);
        findCorners(args, image, group, tap, first, place, count, scratch);
        for (let lane: usize = 0; lane < 4; lane++) interpolate(args, scratch, lane, 0, together);
        writeColumns(args, scratch, together, maskAt(args, image, group, tap, first + place, count), to, step, count);
      }
    }
  }
}

/**
 * Deformable convolution: the columns of a block of places, a few taps of them at a time, are panels in the cache, which packed weights are multiplied with. Their inner
 * dimension is taps x channels. Own words: filters and channels of a group, groups, inner block, blocks of places, places a block (a multiple of 16, at most 128),
 * packed weights, their stride between groups, output. A chunk is a block of places of a group of an image.
 */
export function deformConv(args: usize, chunk: i32, scratch: usize): void {
  const filters = load<i32>(args, OWN), channels = load<i32>(args, OWN + 4), groups = load<i32>(args, OWN + 8), block = load<i32>(args, OWN + 12);
  const blocks = load<i32>(args, OWN + 16), grain = load<i32>(args, OWN + 20), places = load<i32>(args, PLACES), k = channels * load<i32>(args, TAPS);
  const group = chunk / blocks % groups, image = chunk / blocks / groups, first = chunk % blocks * grain, last = min(places, first + grain);
  const packed = load<usize>(args, OWN + 24) + <usize>group * load<usize>(args, OWN + 28), columns = last - first, step = <usize>places << 2;
  const out = load<usize>(args, OWN + 32) + (<usize>((image * groups + group) * filters * places + first) << 2);
  const rest = leftOver(filters), low = lowRows(filters), lower = firstLow(filters), padded = tiledRows(filters);
  const tile = scratch + WORK + 5 * rowBytes(args), panels = tile + 384;
  begin(args, first, last, scratch);
  for (let from = 0; from < k; from += block) {
    const kc = min(block, k - from), a = packed + (<usize>(padded * (from + 1)) << 2);
    fillPanels(args, image, group * channels, channels, from, kc, first, last, panels, scratch);
    for (let i = 0, height = 0; i < filters; i += height) {
      height = rowsAt(i, rest, low, lower);
      const rows = a + (<usize>(i * kc) << 2), initial = from == 0 ? packed + (<usize>i << 2) : ZEROS;
      for (let j = 0; j < columns; j += NR) {
        const to = out + <usize>i * step + (<usize>j << 2), panel = panels + (<usize>(j * kc) << 2);
        if (i + height <= filters && j + NR <= columns) packedTile(height, kc, rows, panel, to, 16, step, initial, from > 0);
        else {
          packedTile(height, kc, rows, panel, tile, 16, NR * 4, initial, false);
          storeCorner(tile, to, step, min(height, filters - i), min(NR, columns - j), from > 0);
        }
      }
    }
  }
}

/** Stores or adds the first rows and columns of a tile. */
function storeCorner(tile: usize, to: usize, step: usize, rows: i32, columns: i32, accumulate: bool): void {
  for (; rows > 0; rows--, tile += NR * 4, to += step) {
    for (let j: usize = 0; j < <usize>columns << 2; j += 4) store<f32>(to + j, accumulate ? load<f32>(to + j) + load<f32>(tile + j) : load<f32>(tile + j));
  }
}

/** Fills panels with rows `from` to `from + kc` of the columns of a group, whose channels begin at `firstChannel`. */
function fillPanels(
  args: usize, image: i32, firstChannel: i32, channels: i32, from: i32, kc: i32, first: i32, last: i32, panels: usize, scratch: usize,
): void {
  const together = load<i32>(args, TOGETHER);
  for (let row = from, end = 0; row < from + kc; row = end) {
    // Rows of one tap and one group of offsets.
    const tap = row / channels, channel = firstChannel + row % channels, group = channel / together, own = channel % together;
    end = min(row + together - own, min((tap + 1) * channels, from + kc));
    for (let place = 0; place < last - first; place += 4) {
      const count = min(4, last - first - place), column = place & (NR - 1);
      findCorners(args, image, group, tap, first, place, count, scratch);
      for (let lane: usize = 0; lane < 4; lane++) interpolate(args, scratch, lane, own, own + end - row);
      const to = panels + (<usize>((place - column) * kc + (row - from) * NR + column) << 2);
      writeColumns(args, scratch, end - row, maskAt(args, image, group, tap, first + place, count), to, NR * 4, 4);
    }
  }
}

/** Reads rows of the gradient of columns, `step` bytes apart, one a channel, at up to four places, times a mask, into rows of channels for each of them. */
function readColumns(args: usize, from: usize, step: usize, channels: i32, mask: v128, count: i32, scratch: usize): void {
  const bytes = rowBytes(args);
  let to = scratch + WORK + bytes;
  for (; channels > 0; channels -= 4, from += step * 4, to += 16) {
    const p = f32x4.mul(get(from, count), mask), q = channels > 1 ? f32x4.mul(get(from + step, count), mask) : f32x4.splat(0);
    const r = channels > 2 ? f32x4.mul(get(from + step * 2, count), mask) : f32x4.splat(0);
    const s = channels > 3 ? f32x4.mul(get(from + step * 3, count), mask) : f32x4.splat(0);
    const a = v128.shuffle<f32>(p, q, 0, 4, 1, 5), b = v128.shuffle<f32>(r, s, 0, 4, 1, 5);
    const c = v128.shuffle<f32>(p, q, 2, 6, 3, 7), d = v128.shuffle<f32>(r, s, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<f32>(a, b, 0, 1, 4, 5));
    v128.store(to + bytes, v128.shuffle<f32>(a, b, 2, 3, 6, 7));
    v128.store(to + bytes * 2, v128.shuffle<f32>(c, d, 0, 1, 4, 5));
    v128.store(to + bytes * 3, v128.shuffle<f32>(c, d, 2, 3, 6, 7));
  }
}

/**
 * Gradient of the columns in the image: each element is added to the corners of its cell, tap after tap and place after place. Own words: gradient of the columns, its bytes an image, channels
 * a chunk, chunks an offset group. A chunk is some channels of an offset group of an image, all of whose pixels it writes.
 */
export function deformColumnsInputGradient(args: usize, chunk: i32, scratch: usize): void {
  const channels = load<i32>(args, CHANNELS), together = load<i32>(args, TOGETHER), places = load<i32>(args, PLACES), taps = load<i32>(args, TAPS);
  const grain = load<i32>(args, OWN + 8), parts = load<i32>(args, OWN + 12), groups = channels / together;
  const from = chunk % parts * grain, count = min(grain, together - from), group = chunk / parts % groups, image = chunk / parts / groups;
  const channel = group * together + from, step = <usize>(taps * places) << 2, bytes = rowBytes(args);
  let to = imageOf(args, IMAGE, image) + (<usize>channel << 2);
  for (const end = to + load<usize>(args, IMAGE + 4); to < end; to += <usize>channels << 2) memory.fill(to, 0, <usize>count << 2);
  for (let first = 0; first < places; first += BLOCK) {
    const last = min(places, first + BLOCK);
    begin(args, first, last, scratch);
    for (let tap = 0; tap < taps; tap++) {
      for (let place = 0; place < last - first; place += 4) {
        const n = min(4, last - first - place), gradient = imageOf(args, OWN, image) + (<usize>((channel * taps + tap) * places + first + place) << 2);
        findCorners(args, image, group, tap, first, place, n, scratch);
        readColumns(args, gradient, step, count, maskAt(args, image, group, tap, first + place, n), n, scratch);
        for (let lane: usize = 0; lane < <usize>n; lane++) {
          const row = scratch + WORK + bytes * (lane + 1);
          for (let corner = scratch + (lane << 2), end = corner + (CORNER << cellAxes(args)); corner < end; corner += CORNER) {
            if (load<i32>(corner, 32)) addTo(load<usize>(corner) + (<usize>from << 2), row, load<f32>(corner, 16), count);
          }
        }
      }
    }
  }
}

/** Adds `count` words times a factor. */
function addTo(to: usize, from: usize, factor: f32, count: i32): void {
  const v = f32x4.splat(factor);
  for (; count >= 4; count -= 4, to += 16, from += 16) v128.store(to, madd(v128.load(from), v, v128.load(to)));
  for (; count > 0; count--, to += 4, from += 4) store<f32>(to, load<f32>(from) * factor + load<f32>(to));
}

/**
 * Gradient of the columns in the offsets, which follows from the sums over channels of gradient times value, for each corner; or in the mask: the sum of gradient times column. Own words: gradient of the columns, its bytes an
 * image, blocks of places, 1 for the mask or 0 for the offsets, output. A chunk is a block of places of an offset group of an image.
 */
export function deformColumnsPointsGradient(args: usize, chunk: i32, scratch: usize): void {
  const axes = load<i32>(args), together = load<i32>(args, TOGETHER), places = load<i32>(args, PLACES), taps = load<i32>(args, TAPS);
  const blocks = load<i32>(args, OWN + 8), ofMask = load<i32>(args, OWN + 12) != 0, groups = load<i32>(args, CHANNELS) / together;
  const first = chunk % blocks * BLOCK, last = min(places, first + BLOCK), group = chunk / blocks % groups, image = chunk / blocks / groups;
  const step = <usize>(taps * places) << 2, cells = cellAxes(args), all = ofMask ? 1 : axes, each = <usize>places << 2;
  begin(args, first, last, scratch);
  for (let tap = 0; tap < taps; tap++) {
    for (let place = 0; place < last - first; place += 4) {
      const count = min(4, last - first - place), gradient = imageOf(args, OWN, image) + (<usize>((group * together * taps + tap) * places + first + place) << 2);
      let to = load<usize>(args, OWN + 16) + (<usize>((((image * groups + group) * taps + tap) * all) * places + first + place) << 2);
      findCorners(args, image, group, tap, first, place, count, scratch);
      if (ofMask) {
        for (let lane: usize = 0; lane < 4; lane++) interpolate(args, scratch, lane, 0, together);
        writeRow(to, sumColumns(args, scratch, together, gradient, step, count), each, count);
      } else {
        readColumns(args, gradient, step, together, maskAt(args, image, group, tap, first + place, count), count, scratch);
        for (let lane: usize = 0; lane < 4; lane++) sumCorners(args, scratch, lane);
        for (let axis = cells - axes; axis < cells; axis++) to = writeRow(to, derivative(cells, scratch, axis), each, count);
      }
    }
  }
}

/** The sums over channels of rows of the gradient of columns, `step` bytes apart, times what has been interpolated at four places. */
function sumColumns(args: usize, scratch: usize, channels: i32, gradient: usize, step: usize, count: i32): v128 {
  const bytes = rowBytes(args);
  let from = scratch + WORK + bytes, sum = f32x4.splat(0);
  for (; channels > 0; channels -= 4, from += 16, gradient += step * 4) {
    const p = v128.load(from), q = v128.load(from + bytes), r = v128.load(from + bytes * 2), s = v128.load(from + bytes * 3);
    const a = v128.shuffle<f32>(p, q, 0, 4, 1, 5), b = v128.shuffle<f32>(r, s, 0, 4, 1, 5);
    const c = v128.shuffle<f32>(p, q, 2, 6, 3, 7), d = v128.shuffle<f32>(r, s, 2, 6, 3, 7);
    sum = madd(v128.shuffle<f32>(a, b, 0, 1, 4, 5), get(gradient, count), sum);
    if (channels > 1) sum = madd(v128.shuffle<f32>(a, b, 2, 3, 6, 7), get(gradient + step, count), sum);
    if (channels > 2) sum = madd(v128.shuffle<f32>(c, d, 0, 1, 4, 5), get(gradient + step * 2, count), sum);
    if (channels > 3) sum = madd(v128.shuffle<f32>(c, d, 2, 3, 6, 7), get(gradient + step * 3, count), sum);
  }
  return sum;
}

/** Puts the sum of gradient times value, of the point of lane `lane`, where each corner's weight was. */
function sumCorners(args: usize, scratch: usize, lane: usize): void {
  const row = scratch + WORK + rowBytes(args) * (lane + 1), channels = load<i32>(args, TOGETHER), first = scratch + (lane << 2);
  const corners = CORNER << cellAxes(args);
  // A point that sees the image is moved over zeros as well, but there is nothing beside the only axis.
  let sees = 0;
  for (let corner = first; corner < first + corners; corner += CORNER) sees |= load<i32>(corner, 32);
  const beside = load<i32>(args) > 1 ? sees : 0;
  for (let corner = first; corner < first + corners; corner += 4 * CORNER) {
    let p = load<usize>(corner), q = load<usize>(corner, CORNER), r = load<usize>(corner, 2 * CORNER), s = load<usize>(corner, 3 * CORNER), at = row, n = channels;
    let t = f32x4.splat(0), u = t, v = t, w = t;
    for (; n >= 4; n -= 4) {
      const gradient = v128.load(at);
      t = madd(gradient, v128.load(p), t);
      u = madd(gradient, v128.load(q), u);
      v = madd(gradient, v128.load(r), v);
      w = madd(gradient, v128.load(s), w);
      at += 16;
      p += 16;
      q += 16;
      r += 16;
      s += 16;
    }
    if (n > 0) {
      const gradient = v128.load(at);
      t = madd(gradient, loadPartial(p, n), t);
      u = madd(gradient, loadPartial(q, n), u);
      v = madd(gradient, loadPartial(r, n), v);
      w = madd(gradient, loadPartial(s, n), w);
    }
    putSum(corner, t, sees);
    putSum(corner + CORNER, u, beside);
    putSum(corner + 2 * CORNER, v, sees);
    putSum(corner + 3 * CORNER, w, beside);
  }
}

// @ts-ignore: decorator
@inline
function putSum(corner: usize, sum: v128, counts: i32): void {
  // Where nothing counts there is 0; but NaN of a NaN weight.
  store<f32>(corner, counts ? sumLanes(sum) : load<f32>(corner, 16) * 0, 16);
}

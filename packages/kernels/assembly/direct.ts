// Convolutions by their definition, for few channels a group: depthwise, narrowly grouped, and those of a picture's colours. A product of matrices would spend its
// time on packing; here windows slide over strips of the image, and nothing else is copied.

import { dotStacks, slide1, slide2, slideThrees } from '../build/slides';
import { PART, fillStrip, mergeColumns } from './strips';
import { loadPartial, madd, sumLanes } from './vector';

/** Where the words about strips begin, and those about classes. */
const STRIPS: usize = 68;
const CLASSES: usize = 96;
const LISTS: usize = 120;
/** Bytes of a class's words. */
const CLASS: usize = 28;

/**
 * Slides windows over the planes of a group and adds them up, for each of its outputs. Outputs fall into classes by the remainders that their places leave: one
 * class, or one for each remainder by the stride of the convolution whose gradient this is.
 *
 * Words: units (a group of one image each), units a chunk, groups, blocks of rows, planes of inputs, of outputs; input, its width, its height; output, its width,
 * its height; weights, their byte strides of a group and of an output; bias or 0, least output (a float); then about strips: rows, bytes of a row, parts of a row, their
 * length, input rows between output rows, rows before the first, bytes between columns; then about classes: rows of each, classes down and across, bytes of
 * a class's row in scratch, or 0 where outputs are written in place; whether tiles are four rows of 8 columns, or one of 32; bytes of a window's weights; then the
 * parts (see strips), the classes, and their lists. Words of a class: its columns; stacks of one, two and three taps in a window; rows of the strip between the tile's rows,
 * 1 or 2, and bytes between these; and where its lists begin, in bytes from the words on: offsets of a window's stacks, from the lowest on, then those of its weights.
 * A chunk is a block of rows of a unit, or several units. Scratch: weights of a window, strips, rows of the classes across.
 */
export function direct(args: usize, chunk: i32, scratch: usize): void {
  // Blocks are whole tiles; beyond the last of them, which is never alone, the rest lies.
  const blocks = load<i32>(args, 12), rows = load<i32>(args, CLASSES), block = chunk % blocks, tile = load<i32>(args, CLASSES + 16) ? 4 : 1, tiles = (rows + tile - 1) / tile;
  const first = block * tiles / blocks * tile, end = min(rows, (block + 1) * tiles / blocks * tile);
  const groups = load<i32>(args, 8), inputs = load<i32>(args, 16), outputs = load<i32>(args, 20), width = load<i32>(args, 28), height = load<i32>(args, 32);
  const stripRows = load<i32>(args, STRIPS), pitch = load<usize>(args, STRIPS + 4), parts = load<i32>(args, STRIPS + 8), length = load<i32>(args, STRIPS + 12);
  const top = first * load<i32>(args, STRIPS + 16) - load<i32>(args, STRIPS + 20), step = load<usize>(args, STRIPS + 24);
  const plane = <usize>(width * height) << 2, strip = <usize>stripRows * pitch, strips = scratch + load<usize>(args, CLASSES + 20), staged = strips + <usize>inputs * strip;
  const outPlane = <usize>(load<i32>(args, 40) * load<i32>(args, 44)) << 2, bias = load<usize>(args, 60);
  const perChunk = load<i32>(args, 4), from = chunk / blocks * perChunk, to = min(load<i32>(args), from + perChunk);
  for (let unit = from; unit < to; unit++) {
    const x = load<usize>(args, 24) + <usize>(unit * inputs) * plane, group = unit % groups;
    for (let i = 0; i < inputs; i++) fillStrip(x + <usize>i * plane, height, width, top, strips + <usize>i * strip, stripRows, parts, length, args + LISTS, step, unit > from);
    const y = load<usize>(args, 36) + <usize>(unit * outputs) * outPlane, w = load<usize>(args, 48) + <usize>group * load<usize>(args, 52);
    for (let i = 0; i < outputs; i++) {
      const initial: f32 = bias ? load<f32>(bias + (<usize>(group * outputs + i) << 2)) : 0;
      outputRows(args, first, end, strips, w + <usize>i * load<usize>(args, 56), scratch, y + <usize>i * outPlane, staged, initial);
    }
  }
}

/** The rows of one output that belong to the rows `first` to `end` of its classes. */
function outputRows(args: usize, first: i32, end: i32, strips: usize, weights: usize, window: usize, y: usize, staged: usize, initial: f32): void {
  const width = load<i32>(args, 40), height = load<i32>(args, 44), step = load<usize>(args, STRIPS + 4) * load<usize>(args, STRIPS + 16), least = load<f32>(args, 64);
  const down = load<i32>(args, CLASSES + 4), across = load<i32>(args, CLASSES + 8), pitch = load<usize>(args, CLASSES + 12), isTall = load<i32>(args, CLASSES + 16) != 0;
  const rows = end - first, tileRows = isTall ? 4 : 1, tileColumns = isTall ? 8 : 32;
  const inRow = pitch ? pitch : <usize>width << 2, lines = <usize>((rows + 3) & -4) * pitch, outStep: usize = isTall ? inRow : 32;
  let words = args + LISTS + <usize>load<i32>(args, STRIPS + 8) * PART;
  for (let i = 0; i < down; i++) {
    let to = pitch ? staged : y + <usize>first * inRow;
    for (let j = 0; j < across; j++) {
      const columns = load<i32>(words), ones = load<i32>(words, 4), twos = load<i32>(words, 8), threes = load<i32>(words, 12);
      const isOverlapping = load<i32>(words, 16) == 1, between = load<usize>(words, 20);
      const offsets = args + load<usize>(words, 24), order = offsets + (<usize>(ones + twos + threes) << 2), n = <usize>(ones + twos * 2 + threes * 3) << 2;
      for (let k: usize = 0; k < n; k += 4) store<f32>(window + k, load<f32>(weights + load<usize>(order + k)));
      // In place, the last tiles of rows and columns lie over those before them. In scratch there is room beyond the last.
      const lastRow = pitch ? rows : rows - tileRows, lastColumn = pitch ? columns : max(0, columns - tileColumns);
      const beside = <usize>(pitch ? 16 : min(16, (columns - 4) << 2));
      const isCommon = isTall && isOverlapping && ones + twos == 0 && threes <= 3 && areNeighbours(offsets, threes);
      for (let r = 0; r < rows; r += tileRows) {
        const row = <usize>min(r, lastRow), p = strips + row * step, q = to + row * inRow;
        if (isCommon) {
          slideThrees(threes, window, p + load<usize>(offsets), between, q, outStep, initial, least, columns, pitch ? columns : columns - 4);
          continue;
        }
        for (let c = 0; c < columns; c += tileColumns) {
          const column = <usize>min(c, lastColumn) << 2;
          if (isOverlapping) slide1(ones, twos, threes, offsets, window, p + column, between, beside, q + column, outStep, initial, least);
          else slide2(ones, twos, threes, offsets, window, p + column, between, beside, q + column, outStep, initial, least);
        }
      }
      to += lines;
      words += CLASS;
    }
    if (pitch) for (let row = first; row < end && row * down + i < height; row++) {
      mergeColumns(staged + <usize>(row - first) * pitch, lines, across, y + (<usize>((row * down + i) * width) << 2), width);
    }
  }
}

/** Whether each of `n` offsets is that of the next element. */
function areNeighbours(offsets: usize, n: i32): bool {
  for (; n > 1; n--) {
    if (load<usize>(offsets, 4) != load<usize>(offsets) + 4) return false;
    offsets += 4;
  }
  return true;
}

/** Where the words about the strips of a weight gradient begin, and its lists. */
const GRADIENT_STRIPS: usize = 64;
const GRADIENT_LISTS: usize = 108;

/**
 * Gradient of the weights: for each tap, the dot product of the output's gradient with the places that the tap meets, over all images.
 *
 * Words: images, groups, planes of inputs, of outputs; input, its width, its height; gradient, its width, its height; weights' gradient, bytes between slices there;
 * groups a chunk, blocks of rows, blocks a slice, slices; then about strips: rows, bytes of a row, parts of a row, their length, input rows between rows of the gradient, rows
 * before the first, bytes between columns, rows of the gradient that meet a strip, taps, threes of stacks of three taps, nines of other taps; then the parts (see strips), the
 * offsets in a strip of the stacks and of the other taps, and the number of each tap among these.
 * A chunk is a slice of the blocks of all images, of several groups. Scratch: four partial sums a tap, input and output, and the strips.
 */
export function directWeights(args: usize, chunk: i32, scratch: usize): void {
  const perChunk = load<i32>(args, 48), slices = load<i32>(args, 60), first = chunk / slices * perChunk, end = min(load<i32>(args, 4), first + perChunk);
  for (let group = first; group < end; group++) weightsOf(args, group, chunk % slices, scratch);
}

function weightsOf(args: usize, group: i32, slice: i32, sums: usize): void {
  const groups = load<i32>(args, 4), inputs = load<i32>(args, 8), outputs = load<i32>(args, 12), blocks = load<i32>(args, 52), perSlice = load<i32>(args, 56);
  const width = load<i32>(args, 20), height = load<i32>(args, 24), outWidth = load<i32>(args, 32), outHeight = load<i32>(args, 36);
  const rows = load<i32>(args, GRADIENT_STRIPS), pitch = load<usize>(args, GRADIENT_STRIPS + 4), parts = load<i32>(args, GRADIENT_STRIPS + 8), length = load<i32>(args, GRADIENT_STRIPS + 12);
  const stride = load<i32>(args, GRADIENT_STRIPS + 16), before = load<i32>(args, GRADIENT_STRIPS + 20), step = load<usize>(args, GRADIENT_STRIPS + 24);
  const most = load<i32>(args, GRADIENT_STRIPS + 28), taps = load<i32>(args, GRADIENT_STRIPS + 32), threes = load<i32>(args, GRADIENT_STRIPS + 36), nines = load<i32>(args, GRADIENT_STRIPS + 40);
  const list = args + GRADIENT_LISTS, offsets = list + <usize>parts * PART, order = offsets + <usize>(threes * 12 + nines * 36);
  const plane = <usize>(width * height) << 2, outPlane = <usize>(outWidth * outHeight) << 2, perPair = <usize>(threes + nines) * 144;
  const pairs = outputs * inputs, strips = sums + <usize>pairs * perPair, strip = <usize>rows * pitch;
  memory.fill(sums, 0, <usize>pairs * perPair);
  for (let block = slice * perSlice, end = min(load<i32>(args) * blocks, block + perSlice); block < end; block++) {
    const unit = block / blocks * groups + group, row = block % blocks * most, count = min(most, outHeight - row);
    const x = load<usize>(args, 16) + <usize>(unit * inputs) * plane;
    for (let i = 0; i < inputs; i++) fillStrip(x + <usize>i * plane, height, width, row * stride - before, strips + <usize>i * strip, rows, parts, length, list, step, false);
    let from = load<usize>(args, 28) + <usize>(unit * outputs) * outPlane + (<usize>(row * outWidth) << 2), to = sums;
    for (let o = 0; o < outputs; o++) {
      for (let i = 0, at = strips; i < inputs; i++) {
        let met = offsets;
        for (let j = 0; j < threes; j++) {
          dotStacks(from, count, outWidth, at, pitch, met, to);
          met += 12;
          to += 144;
        }
        for (let j = 0; j < nines; j++) {
          dotTaps(from, count, outWidth, at, pitch * <usize>stride, met, to);
          met += 36;
          to += 144;
        }
        at += strip;
      }
      from += outPlane;
    }
  }
  let to = load<usize>(args, 40) + <usize>slice * load<usize>(args, 44) + (<usize>(group * pairs * taps) << 2);
  for (let pair = 0; pair < pairs; pair++) {
    for (let tap = 0; tap < taps; tap++) {
      store<f32>(to, sumLanes(v128.load(sums + (load<usize>(order + (<usize>tap << 2)) << 4))));
      to += 4;
    }
    sums += perPair;
  }
}

/** Adds the products of `rows` rows of a gradient with the places that nine taps meet to nine vectors of sums. */
function dotTaps(g: usize, rows: i32, width: i32, strip: usize, step: usize, offsets: usize, sums: usize): void {
  const o0 = load<usize>(offsets), o1 = load<usize>(offsets, 4), o2 = load<usize>(offsets, 8), o3 = load<usize>(offsets, 12), o4 = load<usize>(offsets, 16);
  const o5 = load<usize>(offsets, 20), o6 = load<usize>(offsets, 24), o7 = load<usize>(offsets, 28), o8 = load<usize>(offsets, 32);
  let s0 = v128.load(sums), s1 = v128.load(sums, 16), s2 = v128.load(sums, 32), s3 = v128.load(sums, 48), s4 = v128.load(sums, 64);
  let s5 = v128.load(sums, 80), s6 = v128.load(sums, 96), s7 = v128.load(sums, 112), s8 = v128.load(sums, 128);
  // The lanes beyond a row, where the strip may hold an infinity, which 0 would not silence.
  const mask = i32x4.gt_s(i32x4.splat(width & 3), i32x4(0, 1, 2, 3));
  for (; rows > 0; rows--) {
    let p = strip;
    let n = width;
    for (; n >= 4; n -= 4) {
      const v = v128.load(g);
      s0 = madd(v, v128.load(p + o0), s0);
      s1 = madd(v, v128.load(p + o1), s1);
      s2 = madd(v, v128.load(p + o2), s2);
      s3 = madd(v, v128.load(p + o3), s3);
      s4 = madd(v, v128.load(p + o4), s4);
      s5 = madd(v, v128.load(p + o5), s5);
      s6 = madd(v, v128.load(p + o6), s6);
      s7 = madd(v, v128.load(p + o7), s7);
      s8 = madd(v, v128.load(p + o8), s8);
      g += 16;
      p += 16;
    }
    if (n) {
      const v = loadPartial(g, n);
      s0 = madd(v, v128.and(mask, v128.load(p + o0)), s0);
      s1 = madd(v, v128.and(mask, v128.load(p + o1)), s1);
      s2 = madd(v, v128.and(mask, v128.load(p + o2)), s2);
      s3 = madd(v, v128.and(mask, v128.load(p + o3)), s3);
      s4 = madd(v, v128.and(mask, v128.load(p + o4)), s4);
      s5 = madd(v, v128.and(mask, v128.load(p + o5)), s5);
      s6 = madd(v, v128.and(mask, v128.load(p + o6)), s6);
      s7 = madd(v, v128.and(mask, v128.load(p + o7)), s7);
      s8 = madd(v, v128.and(mask, v128.load(p + o8)), s8);
      g += <usize>n << 2;
    }
    strip += step;
  }
  v128.store(sums, s0);
  v128.store(sums, s1, 16);
  v128.store(sums, s2, 32);
  v128.store(sums, s3, 48);
  v128.store(sums, s4, 64);
  v128.store(sums, s5, 80);
  v128.store(sums, s6, 96);
  v128.store(sums, s7, 112);
  v128.store(sums, s8, 128);
}

// Convolution with r x r kernels at stride 1 by Winograd's minimal filtering: Lavin and Gray, Fast algorithms for convolutional neural networks, arXiv:1509.09308. A tile
// of m x m outputs is made of a x a inputs, a = m + r - 1, and takes a^2 multiplications a channel in place of r^2 m^2: with m = 4 and r = 3, a quarter. Tiles are
// transformed four at a time, from strips of the image, straight into the panels of one matrix product for each of the a^2 elements.

import { gradient, input, kernel, output, weights as transformWeights } from '../build/winograd';
import { ZEROS, packedTile } from './gemm';
import { NR, ROW, firstLow, gather4, leftOver, lowRows, rowsAt, tiledRows } from './panels';

/** Bytes between the elements of a tile, besides what they take, so that they do not all fall into the same lines of the cache. */
const APART: usize = 192;

/** Bytes of an r x r kernel. */
// @ts-ignore: decorator
@inline
function kernelBytes(r: i32): usize {
  return <usize>(r * r) << 2;
}

/**
 * Transforms weights `[groups, filters, channels, r, r]` into panels, as `packA` would pack the matrix of each element. Words: tile size m, channels, filters, inner block,
 * filters a chunk, chunks of filters, weights, transformed, its strides between groups and elements, r, channels a chunk, chunks of channels. Scratch: 2048 bytes.
 */
export function winogradWeights(args: usize, chunk: i32, scratch: usize): void {
  const m = load<i32>(args), channels = load<i32>(args, 4), filters = load<i32>(args, 8), block = load<i32>(args, 12);
  const grain = load<i32>(args, 16), chunks = load<i32>(args, 20), deep = load<i32>(args, 44), depths = load<i32>(args, 48);
  const c0 = chunk % depths * deep, c1 = min(channels, c0 + deep);
  chunk /= depths;
  const group = chunk / chunks, first = chunk % chunks * grain;
  const r = load<i32>(args, 40), bytes = kernelBytes(r), weights = load<usize>(args, 24) + <usize>(group * filters * channels) * bytes;
  const transformed = load<usize>(args, 28) + <usize>group * load<usize>(args, 32), step = load<usize>(args, 36);
  const rest = leftOver(filters), low = lowRows(filters), lower = firstLow(filters), padded = tiledRows(filters);
  const end = min(padded, first + grain), perFilter = <usize>channels * bytes, taps = scratch, work = scratch + 512;
  for (let i = first, height = 0; i < end; i += height) {
    height = rowsAt(i, rest, low, lower);
    for (let c = c0; c < c1; c++) {
      const from = c - c % block, kc = min(block, channels - from);
      const at = transformed + (<usize>(padded * from + i * kc + (c - from) * height) << 2);
      // The filters of a panel are neighbours in it: up to four at a time.
      for (let row = i; row < i + height; row += 4) {
        // Rows that fill a tile repeat the last one; what is computed from them is never stored.
        const at0 = weights + <usize>c * bytes, p0 = at0 + <usize>min(row, filters - 1) * perFilter, p1 = at0 + <usize>min(row + 1, filters - 1) * perFilter;
        const p2 = at0 + <usize>min(row + 2, filters - 1) * perFilter, p3 = at0 + <usize>min(row + 3, filters - 1) * perFilter;
        for (let tap: usize = 0; tap < bytes; tap += 4) v128.store(taps + (tap << 2), gather4(p0 + tap, p1 + tap, p2 + tap, p3 + tap));
        const to = at + (<usize>(row - i) << 2), count = min(4, i + height - row);
        transformWeights(m, r, taps, work, to, step, count);
      }
    }
  }
}

// The convolution itself is three steps: tiles of inputs are transformed, multiplied with the weights, and their products transformed into outputs. What is done at a time is a
// block of rows of tiles, where a row of the image that is long is cut into several. Either a chunk takes a block through all three, or each step is a phase of its own, of one block,
// whose chunks are channels, weights and filters. The words are the same:
//
//  0 tile size m                     1 r
//  2 channels                        3 filters                         4 inner block of a product
//  5 rows of tiles a block           6 rows of all images              7 rows of an image
//  8 rows side by side               9 tiles a row                    10 columns of a product: the tiles of a block and 3 more, a multiple of 16
// 11 input height                   12 input width                    13 padding above            14 padding to the left
// 15 output height                  16 output width
// 17 input                          18 its stride between images      19 between groups
// 20 transformed weights            21 their stride between groups    22 between elements
// 23 output                         24 its stride between images      25 between groups
// 26 bias, or 0                     27 whether what is negative becomes 0
// 28 first tap of the weights       29 - 32 their strides between groups, filters, channels and taps. Without the weights, tiles in which something is not finite become NaN.
// 33 blocks                         34 filters a slice                35 slices                  36 whether the weights are many
// and where steps are phases:
// 37 the block                      38 transformed tiles              39 products
// 40 channels a chunk               41 chunks of them                 42 products of elements with slices a chunk
// 43 chunks of them                 44 filters a chunk                45 chunks of them

/**
 * Takes a block of one group through all steps. Scratch: 2048 bytes, a strip of a rows, and for each element the panels of channels x columns and the products of
 * filters x columns, each with 192 bytes more.
 */
export function winograd(args: usize, chunk: i32, scratch: usize): void {
  const channels = load<i32>(args, 8), filters = load<i32>(args, 12), blocks = load<i32>(args, 132), slices = load<i32>(args, 140);
  const group = chunk / blocks, block = chunk % blocks, elements = elementsOf(args);
  const tiles = scratch + 2048 + <usize>sideOf(args) * pitchOf(args), products = tiles + <usize>elements * tilesApart(args);
  transformInput(args, group, block, 0, channels, tiles, scratch);
  for (let xi = 0; xi < elements; xi++) {
    for (let slice = 0; slice < slices; slice++) multiply(args, group, block, xi, slice, tiles, products, scratch);
  }
  transformOutput(args, group, block, 0, filters, products, scratch);
}

/** Transforms the tiles of some channels. Scratch: 2048 bytes and a strip of a rows. */
export function winogradInput(args: usize, chunk: i32, scratch: usize): void {
  const chunks = load<i32>(args, 164), grain = load<i32>(args, 160), group = chunk / chunks, first = chunk % chunks * grain;
  transformInput(args, group, load<i32>(args, 148), first, min(load<i32>(args, 8), first + grain), tilesOf(args, group), scratch);
}

/** Multiplies some elements of the tiles, each with a slice of the filters. Scratch: 2048 bytes. */
export function winogradProducts(args: usize, chunk: i32, scratch: usize): void {
  const chunks = load<i32>(args, 172), grain = load<i32>(args, 168), group = chunk / chunks, first = chunk % chunks * grain;
  const block = load<i32>(args, 148), slices = load<i32>(args, 140), tiles = tilesOf(args, group), products = productsOf(args, group);
  for (let i = first, end = min(elementsOf(args) * slices, first + grain); i < end; i++) {
    multiply(args, group, block, i / slices, i % slices, tiles, products, scratch);
  }
}

/** Transforms the products with some filters into outputs. Scratch: 2048 bytes. */
export function winogradOutput(args: usize, chunk: i32, scratch: usize): void {
  const chunks = load<i32>(args, 180), grain = load<i32>(args, 176), group = chunk / chunks, first = chunk % chunks * grain;
  transformOutput(args, group, load<i32>(args, 148), first, min(load<i32>(args, 12), first + grain), productsOf(args, group), scratch);
}

/** Inputs of a tile along an axis. */
// @ts-ignore: decorator
@inline
function sideOf(args: usize): i32 {
  return load<i32>(args) + load<i32>(args, 4) - 1;
}

// @ts-ignore: decorator
@inline
function elementsOf(args: usize): i32 {
  return sideOf(args) * sideOf(args);
}

/** Bytes between the rows of a strip that holds a row of tiles. */
// @ts-ignore: decorator
@inline
function pitchOf(args: usize): usize {
  return stripPitch(load<i32>(args, 36), load<i32>(args));
}

// @ts-ignore: decorator
@inline
function stripPitch(tiles: i32, m: i32): usize {
  return <usize>(((tiles + 3) >> 2) * 4 * m + 4) << 2;
}

/** Bytes between the panels of two elements. */
// @ts-ignore: decorator
@inline
function tilesApart(args: usize): usize {
  return (<usize>(load<i32>(args, 40) * load<i32>(args, 8)) << 2) + APART;
}

/** Bytes between the products of two elements, with room for the rows that fill a tile. */
// @ts-ignore: decorator
@inline
function productsApart(args: usize): usize {
  return (<usize>(load<i32>(args, 40) * (load<i32>(args, 12) + 2)) << 2) + APART;
}

// @ts-ignore: decorator
@inline
function tilesOf(args: usize, group: i32): usize {
  return load<usize>(args, 152) + <usize>(group * elementsOf(args)) * tilesApart(args);
}

// @ts-ignore: decorator
@inline
function productsOf(args: usize, group: i32): usize {
  return load<usize>(args, 156) + <usize>(group * elementsOf(args)) * productsApart(args);
}

/** Rows of tiles in a block: the last one has what is left. */
// @ts-ignore: decorator
@inline
function rowsOf(args: usize, block: i32): i32 {
  const rows = load<i32>(args, 20);
  return min(rows, load<i32>(args, 24) - block * rows);
}

/** Transforms the tiles of channels `c0` to `c1`, each element of them into panels of its own. */
function transformInput(args: usize, group: i32, block: i32, c0: i32, c1: i32, to: usize, scratch: usize): void {
  const m = load<i32>(args), r = load<i32>(args, 4), channels = load<i32>(args, 8), row0 = block * load<i32>(args, 20), rows = rowsOf(args, block);
  const rowsPerImage = load<i32>(args, 28), abreast = load<i32>(args, 32), tiles = load<i32>(args, 36);
  const height = load<i32>(args, 44), width = load<i32>(args, 48), top = load<i32>(args, 52), left = load<i32>(args, 56);
  const x = load<usize>(args, 68) + <usize>group * load<usize>(args, 76), perImage = load<usize>(args, 72), plane = <usize>(height * width) << 2;
  const strip = scratch + 2048, pitch = pitchOf(args), step = tilesApart(args), next = <usize>(channels - 1) * ROW;
  for (let c = c0; c < c1; c++) {
    for (let row = 0; row < rows; row++) {
      const image = (row0 + row) / rowsPerImage, within = (row0 + row) % rowsPerImage, down = within / abreast * m - top, right = within % abreast * tiles * m - left;
      cutStrip(strip, pitch, x + <usize>image * perImage + <usize>c * plane, height, width, down, right, m + r - 1);
      // Of the tiles that do not exist, the next row overwrites what is written here.
      for (let four = 0; four < tiles; four += 4) {
        const column = row * tiles + four, place = column & (NR - 1);
        const panel = to + (<usize>((column - place) * channels + c * NR + place) << 2);
        input(m, r, strip + (<usize>(four * m) << 2), pitch, scratch, panel, step, NR - place, next);
      }
    }
  }
}

/** Multiplies element `xi` of the tiles with a slice of the filters, the last of which goes on to the end, into rows of `columns` words. */
function multiply(args: usize, group: i32, block: i32, xi: i32, slice: i32, tiles: usize, products: usize, scratch: usize): void {
  const k = load<i32>(args, 8), m = load<i32>(args, 12), inner = load<i32>(args, 16), columns = load<i32>(args, 40), grain = load<i32>(args, 136);
  const i0 = slice * grain, i1 = slice == load<i32>(args, 140) - 1 ? m : i0 + grain, count = rowsOf(args, block) * load<i32>(args, 36);
  const packed = load<usize>(args, 80) + <usize>group * load<usize>(args, 84) + <usize>xi * load<usize>(args, 88);
  const b = tiles + <usize>xi * tilesApart(args), c = products + <usize>xi * productsApart(args), stride = <usize>columns << 2;
  const rest = leftOver(m), low = lowRows(m), lower = firstLow(m), padded = tiledRows(m);
  for (let from = 0; from < k; from += inner) {
    const kc = min(inner, k - from), a = packed + (<usize>(padded * from) << 2);
    if (load<i32>(args, 144)) fetch(a + (<usize>(i0 * kc) << 2), <usize>((i1 - i0) * kc) << 2, scratch);
    // Weights pass by once, each tile of them in the first-level cache while it meets all panels, which stay in the second-level one.
    for (let i = i0, height = 0; i < i1; i += height) {
      height = rowsAt(i, rest, low, lower);
      const rows = a + (<usize>(i * kc) << 2), to = c + (<usize>(i * columns) << 2);
      for (let j = 0; j < count; j += NR) {
        packedTile(height, kc, rows, b + (<usize>(j * k + from * NR) << 2), to + (<usize>j << 2), 16, stride, ZEROS, from > 0);
      }
    }
  }
}

/**
 * Reads a word of each line of memory, up to 192 bytes too many. Weights come from far away, and few tiles take less time to multiply with them than they take to come: read
 * like this, from four places at a time, they come twice as fast as a product reads them.
 */
function fetch(from: usize, bytes: usize, scratch: usize): void {
  const quarter = ((bytes >> 2) + 63) & ~63, end = from + quarter;
  let all = 0;
  for (; from < end; from += 64) all |= load<i32>(from) | load<i32>(from + quarter) | load<i32>(from + quarter * 2) | load<i32>(from + quarter * 3);
  // What is not used would not be read.
  store<i32>(scratch, all);
}

/** Transforms the products with filters `i0` to `i1` into outputs, and adds the bias. */
function transformOutput(args: usize, group: i32, block: i32, i0: i32, i1: i32, products: usize, scratch: usize): void {
  const m = load<i32>(args), r = load<i32>(args, 4), filters = load<i32>(args, 12), row0 = block * load<i32>(args, 20), rows = rowsOf(args, block);
  const rowsPerImage = load<i32>(args, 28), abreast = load<i32>(args, 32), tiles = load<i32>(args, 36), columns = load<i32>(args, 40);
  const height = load<i32>(args, 60), width = load<i32>(args, 64), plane = <usize>(height * width) << 2;
  const out = load<usize>(args, 92) + <usize>group * load<usize>(args, 100), perImage = load<usize>(args, 96), bias = load<usize>(args, 104);
  // A NaN is not less than 0, and stays; so does -0, as in the activation by itself.
  const least: f32 = load<i32>(args, 108) ? 0 : -Infinity, step = productsApart(args), result = scratch + 1024;
  for (let i = i0; i < i1; i++) {
    const shift: f32 = bias ? load<f32>(bias + (<usize>(group * filters + i) << 2)) : 0;
    for (let row = 0; row < rows; row++) {
      const image = (row0 + row) / rowsPerImage, within = (row0 + row) % rowsPerImage, left = within % abreast * tiles * m, y = within / abreast * m;
      const end = min(width, left + tiles * m), down = min(m, height - y), line = out + <usize>image * perImage + <usize>i * plane + (<usize>(y * width) << 2);
      for (let x = left, from = products + (<usize>(i * columns + row * tiles) << 2); x < end; x += 4 * m, from += 16) {
        output(m, r, from, step, scratch, result);
        const across = min(4 * m, end - x), isFinite = storeRows(line + (<usize>x << 2), width, result, 4 * m, down, across, shift, least);
        if (!isFinite) storeDirectly(args, group, i, image, y, x, down, across, shift);
      }
    }
  }
}

/** Stores sums with a bias, those that are less than `least` as that; whether all of them are finite. */
function storeRows(to: usize, width: i32, from: usize, pitch: i32, rows: i32, count: i32, shift: f32, least: f32): bool {
  let check = f32x4.splat(0);
  for (let i = 0; i < rows; i++, to += <usize>width << 2, from += <usize>pitch << 2) {
    let j = 0;
    for (; j + 4 <= count; j += 4) {
      const sum = f32x4.add(v128.load(from + (<usize>j << 2)), f32x4.splat(shift));
      check = f32x4.add(check, f32x4.sub(sum, sum));
      v128.store(to + (<usize>j << 2), f32x4.pmax(sum, f32x4.splat(least)));
    }
    for (; j < count; j++) {
      const sum = load<f32>(from + (<usize>j << 2)) + shift;
      check = f32x4.add(check, f32x4.splat(sum - sum));
      store<f32>(to + (<usize>j << 2), sum < least ? least : sum);
    }
  }
  // A number less itself is 0 unless it is infinite or NaN.
  return !v128.any_true(f32x4.ne(check, check));
}

/**
 * Computes outputs as their definition has them. The transforms spread an infinity or a NaN over a whole tile, and a sum of them may overflow where the outputs do
 * not: such tiles are computed anew.
 */
function storeDirectly(args: usize, group: i32, filter: i32, image: i32, y: i32, x: i32, rows: i32, count: i32, shift: f32): void {
  const r = load<i32>(args, 4), channels = load<i32>(args, 8), height = load<i32>(args, 44), width = load<i32>(args, 48), top = load<i32>(args, 52), left = load<i32>(args, 56);
  const outHeight = load<i32>(args, 60), outWidth = load<i32>(args, 64), plane = <usize>(height * width) << 2;
  const input = load<usize>(args, 68) + <usize>image * load<usize>(args, 72) + <usize>group * load<usize>(args, 76);
  const out = load<usize>(args, 92) + <usize>image * load<usize>(args, 96) + <usize>group * load<usize>(args, 100);
  const weights = load<usize>(args, 112) + <usize>group * load<usize>(args, 116) + <usize>filter * load<usize>(args, 120);
  const perChannel = load<usize>(args, 124), perTap = load<usize>(args, 128), least: f64 = load<i32>(args, 108) ? 0 : -Infinity;
  for (let i = y; i < y + rows; i++) {
    for (let j = x; j < x + count; j++) {
      let sum: f64 = load<usize>(args, 112) ? shift : NaN;
      // NaN stays NaN, whatever is added.
      for (let c = 0; c < channels && sum == sum; c++) {
        for (let tap = 0; tap < r * r; tap++) {
          const row = i - top + tap / r, column = j - left + tap % r;
          if (row < 0 || row >= height || column < 0 || column >= width) continue;
          sum += <f64>load<f32>(input + <usize>c * plane + (<usize>(row * width + column) << 2)) * load<f32>(weights + <usize>c * perChannel + <usize>tap * perTap);
        }
      }
      store<f32>(out + (<usize>((filter * outHeight + i) * outWidth + j) << 2), <f32>max(sum, least));
    }
  }
}

/**
 * Transforms the tiles of a part of a batch, channel by channel, each element of them into a matrix of channels x tiles. Words: tile size m, 1 for an output's gradient or 0 for
 * an input, first row of tiles, rows of tiles, rows of an image, side by side, tiles a row, height, width, padding above, to the left, images, their stride, transformed, its
 * strides between elements and channels, r. Scratch: 2048 bytes and a strip of a rows. A chunk is a channel.
 */
export function winogradTiles(args: usize, chunk: i32, scratch: usize): void {
  const m = load<i32>(args), isGradient = load<i32>(args, 4) != 0, row0 = load<i32>(args, 8), rows = load<i32>(args, 12);
  const rowsPerImage = load<i32>(args, 16), abreast = load<i32>(args, 20), tiles = load<i32>(args, 24), height = load<i32>(args, 28), width = load<i32>(args, 32);
  const top = load<i32>(args, 36), left = load<i32>(args, 40), x = load<usize>(args, 44), perImage = load<usize>(args, 48);
  const step = load<usize>(args, 56), r = load<i32>(args, 64), channel = <usize>chunk * (<usize>(height * width) << 2);
  const pitch = stripPitch(tiles, m), strip = scratch + 2048;
  let to = load<usize>(args, 52) + <usize>chunk * load<usize>(args, 60);
  for (let row = row0; row < row0 + rows; row++, to += <usize>tiles << 2) {
    const image = row / rowsPerImage, within = row % rowsPerImage, down = within / abreast * m - top, right = within % abreast * tiles * m - left;
    cutStrip(strip, pitch, x + <usize>image * perImage + channel, height, width, down, right, isGradient ? m : m + r - 1);
    for (let four = 0; four < tiles; four += 4) {
      // Of the tiles that do not exist, the next row overwrites what is written here.
      const from = strip + (<usize>(four * m) << 2), at = to + (<usize>four << 2);
      if (isGradient) gradient(m, r, from, pitch, scratch, at, step, 4, 0);
      else input(m, r, from, pitch, scratch, at, step, 4, 0);
    }
  }
}

/**
 * Transforms the gradients of transformed weights into those of the weights. Words: tile size m, channels, filters of a group, transformed gradients, their stride between
 * elements, output; and, for what is not finite: images, height and width, padding above, to the left, output height, width, input, its image stride, output's gradient, its image stride, r.
 * Scratch: 2048 bytes. A chunk is a filter of all groups.
 */
export function winogradKernels(args: usize, chunk: i32, scratch: usize): void {
  const m = load<i32>(args), channels = load<i32>(args, 4), step = load<usize>(args, 16);
  const r = load<i32>(args, 68), bytes = kernelBytes(r);
  const from = load<usize>(args, 12) + (<usize>(chunk * channels) << 2), to = load<usize>(args, 20) + <usize>(chunk * channels) * bytes;
  const taps = scratch, work = scratch + 512;
  for (let c = 0; c < channels; c += 4) {
    kernel(m, r, from + (<usize>c << 2), step, work, taps);
    for (let lane: usize = 0; lane < <usize>min(4, channels - c); lane++) {
      const own = to + (<usize>c + lane) * bytes;
      let check: f32 = 0;
      for (let tap: usize = 0; tap < <usize>(r * r); tap++) {
        const value = load<f32>(taps + (tap << 4) + (lane << 2));
        check += value - value;
        store<f32>(own + (tap << 2), value);
      }
      if (check != check) correlateDirectly(args, chunk, c + <i32>lane, own);
    }
  }
}

/** The gradient of one kernel as its definition has it. */
function correlateDirectly(args: usize, filter: i32, channel: i32, to: usize): void {
  const channels = load<i32>(args, 4), filters = load<i32>(args, 8), images = load<i32>(args, 24), height = load<i32>(args, 28), width = load<i32>(args, 32);
  const top = load<i32>(args, 36), left = load<i32>(args, 40), outHeight = load<i32>(args, 44), outWidth = load<i32>(args, 48);
  const x = load<usize>(args, 52) + (<usize>((filter / filters * channels + channel) * height * width) << 2), perImage = load<usize>(args, 56);
  const g = load<usize>(args, 60) + (<usize>(filter * outHeight * outWidth) << 2), perOutput = load<usize>(args, 64), r = load<i32>(args, 68);
  for (let tap = 0; tap < r * r; tap++) {
    let sum: f64 = 0;
    for (let n: usize = 0; n < <usize>images; n++) {
      for (let i = max(0, top - tap / r); i < min(outHeight, height + top - tap / r); i++) {
        // NaN stays NaN, whatever is added.
        if (sum != sum) break;
        const row = x + n * perImage + (<usize>((i - top + tap / r) * width + tap % r - left) << 2), at = g + n * perOutput + (<usize>(i * outWidth) << 2);
        for (let j = max(0, left - tap % r); j < min(outWidth, width + left - tap % r); j++) {
          sum += <f64>load<f32>(row + (<usize>j << 2)) * load<f32>(at + (<usize>j << 2));
        }
      }
    }
    store<f32>(to + (<usize>tap << 2), <f32>sum);
  }
}

/** Copies `rows` rows of an image from row `y` and column `x` on, with zeros around it. */
function cutStrip(to: usize, pitch: usize, image: usize, height: i32, width: i32, y: i32, x: i32, rows: i32): void {
  const before = <usize>max(0, -x) << 2, from = max(0, x), inside = min(<usize>max(0, width - from) << 2, pitch - before);
  for (let row = y; row < y + rows; row++, to += pitch) {
    if (row < 0 || row >= height) {
      memory.fill(to, 0, pitch);
      continue;
    }
    v128.store(to, f32x4.splat(0));
    copyWords(to + before, image + (<usize>(row * width + from) << 2), inside);
    for (let at = before + inside; at < pitch; at += 4) store<f32>(to + at, 0);
  }
}

// @ts-ignore: decorator
@inline
function copyWords(to: usize, from: usize, bytes: usize): void {
  const end = to + bytes;
  for (; to + 16 <= end; to += 16, from += 16) v128.store(to, v128.load(from));
  for (; to < end; to += 4, from += 4) store<f32>(to, load<f32>(from));
}

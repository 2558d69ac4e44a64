// Convolution with r x r kernels at stride 1 by Winograd's minimal filtering: Lavin and Gray, Fast algorithms for convolutional neural networks, arXiv:1509.09308. A tile
// of m x m outputs is made of a x a inputs, a = m + r - 1, and takes a^2 multiplications a channel in place of r^2 m^2: with m = 4 and r = 3, a quarter. Tiles are
// transformed four at a time, from strips of the image, straight into the panels of one matrix product for each of the a^2 elements.

import { gradient, input, kernel, output, weights as transformWeights } from '../build/winograd';
import { ZEROS, packedTile } from './gemm';
import { NR, ROW, firstLow, gather4, leftOver, lowRows, rowsAt, tiledRows } from './panels';

/** Bytes of an r x r kernel. */
// @ts-ignore: decorator
@inline
function kernelBytes(r: i32): usize {
  return <usize>(r * r) << 2;
}

/**
 * Transforms weights `[groups, filters, channels, r, r]` into panels, as `packA` would pack the matrix of each element. Words: tile size m, channels, filters, inner block,
 * filters a chunk, chunks a group, weights, transformed, its strides between groups and elements, r. Scratch: 2048 bytes.
 */
export function winogradWeights(args: usize, chunk: i32, scratch: usize): void {
  const m = load<i32>(args), channels = load<i32>(args, 4), filters = load<i32>(args, 8), block = load<i32>(args, 12);
  const grain = load<i32>(args, 16), chunks = load<i32>(args, 20), group = chunk / chunks, first = chunk % chunks * grain;
  const r = load<i32>(args, 40), bytes = kernelBytes(r), weights = load<usize>(args, 24) + <usize>(group * filters * channels) * bytes;
  const transformed = load<usize>(args, 28) + <usize>group * load<usize>(args, 32), step = load<usize>(args, 36);
  const rest = leftOver(filters), low = lowRows(filters), lower = firstLow(filters), padded = tiledRows(filters);
  const end = min(padded, first + grain), perFilter = <usize>channels * bytes, taps = scratch, work = scratch + 512;
  for (let i = first, height = 0; i < end; i += height) {
    height = rowsAt(i, rest, low, lower);
    for (let c = 0; c < channels; c++) {
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

/**
 * Convolves a block of rows of tiles with a slice of the filters of one group. Words: tile size m, channels, filters, inner block, filters a slice, slices, blocks, rows
 * of tiles a block, rows of tiles of all images, of one image, tiles a row, columns of a product (the tiles of a block and 3 more, a multiple of 16),
 * input height, width, padding above, to the left, output height, width, input, its strides between images and groups, transformed weights, their strides between
 * groups and elements, output, its strides between images and groups, bias or 0, the first tap of the weights, their strides between groups, filters, channels and taps,
 * whether what is negative becomes 0, r. Without the weights, tiles in which something is not finite become NaN.
 * Scratch: 2048 bytes, a strip of a rows, and for each element the panels of channels x columns and the products of filters x columns, each with 192 bytes more.
 */
export function winograd(args: usize, chunk: i32, scratch: usize): void {
  const m = load<i32>(args), channels = load<i32>(args, 4), filters = load<i32>(args, 8), block = load<i32>(args, 12);
  const sliceRows = load<i32>(args, 16), slices = load<i32>(args, 20), blocks = load<i32>(args, 24), rowsPerBlock = load<i32>(args, 28);
  const allRows = load<i32>(args, 32), rowsPerImage = load<i32>(args, 36), tiles = load<i32>(args, 40), columns = load<i32>(args, 44);
  const height = load<i32>(args, 48), width = load<i32>(args, 52), top = load<i32>(args, 56), left = load<i32>(args, 60);
  const slice = chunk % slices;
  chunk /= slices;
  const group = chunk / blocks, row0 = chunk % blocks * rowsPerBlock, rows = min(rowsPerBlock, allRows - row0);
  const x = load<usize>(args, 72) + <usize>group * load<usize>(args, 80), perImage = load<usize>(args, 76);
  const u = load<usize>(args, 84) + <usize>group * load<usize>(args, 88), perElement = load<usize>(args, 92);
  const i0 = slice * sliceRows, i1 = min(filters, i0 + sliceRows);
  const r = load<i32>(args, 136), a = m + r - 1, groupsOfFour = (tiles + 3) >> 2, pitch = <usize>(groupsOfFour * 4 * m + 4) << 2, plane = <usize>(height * width) << 2;
  const work = scratch, result = scratch + 1024, tile = scratch + 1536, strip = scratch + 2048;
  const v = strip + <usize>a * pitch, perV = (<usize>(columns * channels) << 2) + 192, perM = (<usize>(columns * (sliceRows + 2)) << 2) + 192;
  const products = v + <usize>(a * a) * perV, next = <usize>(channels - 1) * ROW;

  for (let c = 0; c < channels; c++) {
    for (let row = 0; row < rows; row++) {
      const image = (row0 + row) / rowsPerImage, y = (row0 + row) % rowsPerImage * m - top;
      cutStrip(strip, pitch, x + <usize>image * perImage + <usize>c * plane, height, width, y, left, a);
      for (let four = 0; four < groupsOfFour; four++) {
        const column = row * tiles + four * 4, place = column & (NR - 1);
        const to = v + (<usize>((column - place) * channels + c * NR + place) << 2), from = strip + (<usize>(four * 4 * m) << 2);
        input(m, r, from, pitch, work, to, perV, NR - place, next);
      }
    }
  }
  for (let xi: usize = 0; xi < <usize>(a * a); xi++) {
    multiply(u + xi * perElement, v + xi * perV, products + xi * perM, channels, block, filters, i0, i1, rows * tiles, columns, tile);
  }
  for (let i = i0; i < i1; i++) {
    for (let row = 0; row < rows; row++) {
      for (let four = 0; four < groupsOfFour; four++) {
        const from = products + (<usize>((i - i0) * columns + row * tiles + four * 4) << 2);
        output(m, r, from, perM, work, result);
        storeTiles(args, result, m, group, i, row0 + row, four * 4);
      }
    }
  }
}

/**
 * Transforms the tiles of a part of a batch, channel by channel, each element of them into a matrix of channels x tiles. Words: tile size m, 1 for an output's gradient or 0 for
 * an input, first row of tiles, rows of tiles, rows of tiles of an image, tiles a row, height, width, padding above, to the left, images, their stride, transformed, its
 * strides between elements and channels, r. Scratch: 1024 bytes and a strip of a rows. A chunk is a channel.
 */
export function winogradTiles(args: usize, chunk: i32, scratch: usize): void {
  const m = load<i32>(args), isGradient = load<i32>(args, 4) != 0, row0 = load<i32>(args, 8), rows = load<i32>(args, 12);
  const rowsPerImage = load<i32>(args, 16), tiles = load<i32>(args, 20), height = load<i32>(args, 24), width = load<i32>(args, 28);
  const top = load<i32>(args, 32), left = load<i32>(args, 36), x = load<usize>(args, 40), perImage = load<usize>(args, 44);
  const step = load<usize>(args, 52), channel = <usize>chunk * (<usize>(height * width) << 2);
  const groupsOfFour = (tiles + 3) >> 2, pitch = <usize>(groupsOfFour * 4 * m + 4) << 2, strip = scratch + 1024;
  const r = load<i32>(args, 60);
  let to = load<usize>(args, 48) + <usize>chunk * load<usize>(args, 56);
  for (let row = row0; row < row0 + rows; row++, to += <usize>tiles << 2) {
    const image = row / rowsPerImage, y = row % rowsPerImage * m - top;
    cutStrip(strip, pitch, x + <usize>image * perImage + channel, height, width, y, left, isGradient ? m : m + r - 1);
    for (let four: usize = 0; four < <usize>groupsOfFour; four++) {
      // Of the tiles that do not exist, the next row overwrites what is written here.
      const from = strip + four * (<usize>m << 4), at = to + (four << 4);
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

/** Copies `rows` rows of an image from row `y` on, `left` zeros before each and zeros after it. */
function cutStrip(to: usize, pitch: usize, image: usize, height: i32, width: i32, y: i32, left: i32, rows: i32): void {
  for (let row = y; row < y + rows; row++, to += pitch) {
    if (row < 0 || row >= height) {
      memory.fill(to, 0, pitch);
      continue;
    }
    const before = <usize>left << 2, inside = min(<usize>width << 2, pitch - before);
    v128.store(to, f32x4.splat(0));
    copyWords(to + before, image + (<usize>(row * width) << 2), inside);
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

/** The product of rows `i0` to `i1` of packed A with the panels of B, into rows of `columns` words. */
function multiply(
  packed: usize, b: usize, c: usize, k: i32, block: i32, m: i32, i0: i32, i1: i32, count: i32, columns: i32, tile: usize,
): void {
  const rest = leftOver(m), low = lowRows(m), lower = firstLow(m), padded = tiledRows(m), stride = <usize>columns << 2;
  for (let from = 0; from < k; from += block) {
    const kc = min(block, k - from), a = packed + (<usize>(padded * from) << 2);
    // Weights pass by once, each tile of them in the first-level cache while it meets all panels, which stay in the second-level one.
    for (let i = i0, height = 0; i < i1; i += height) {
      height = rowsAt(i, rest, low, lower);
      const rows = a + (<usize>(i * kc) << 2), to = c + (<usize>((i - i0) * columns) << 2);
      for (let j = 0; j < count; j += NR) {
        packedTile(height, kc, rows, b + (<usize>(j * k + from * NR) << 2), to + (<usize>j << 2), 16, stride, ZEROS, from > 0);
      }
    }
  }
}

/** Adds the bias to four tiles of outputs and stores those of them that there are, from tile `first` of a row of tiles on. */
function storeTiles(args: usize, result: usize, m: i32, group: i32, filter: i32, row: i32, first: i32): void {
  const rowsPerImage = load<i32>(args, 36), outHeight = load<i32>(args, 64), outWidth = load<i32>(args, 68);
  const image = row / rowsPerImage, y = row % rowsPerImage * m, x = first * m;
  const count = min(4 * m, outWidth - x), rows = min(m, outHeight - y), filters = load<i32>(args, 8);
  const out = load<usize>(args, 96) + <usize>image * load<usize>(args, 100) + <usize>group * load<usize>(args, 104);
  let to = out + (<usize>((filter * outHeight + y) * outWidth + x) << 2);
  const bias = load<usize>(args, 108), shift: f32 = bias ? load<f32>(bias + (<usize>(group * filters + filter) << 2)) : 0;
  // A NaN is not less than 0, and stays; so does -0, as in the activation by itself.
  const least: f32 = load<i32>(args, 132) ? 0 : -Infinity;
  let check = f32x4.splat(0);
  for (let i = 0; i < rows; i++, to += <usize>outWidth << 2, result += <usize>m << 4) {
    let j = 0;
    for (; j + 4 <= count; j += 4) {
      const sum = f32x4.add(v128.load(result + (<usize>j << 2)), f32x4.splat(shift));
      check = f32x4.add(check, f32x4.sub(sum, sum));
      v128.store(to + (<usize>j << 2), f32x4.pmax(sum, f32x4.splat(least)));
    }
    for (; j < count; j++) {
      const sum = load<f32>(result + (<usize>j << 2)) + shift;
      check = f32x4.add(check, f32x4.splat(sum - sum));
      store<f32>(to + (<usize>j << 2), sum < least ? least : sum);
    }
  }
  // A number less itself is 0 unless it is infinite or NaN.
  if (v128.any_true(f32x4.ne(check, check))) storeDirectly(args, group, filter, image, y, x, rows, count, shift);
}

/**
 * Computes outputs as their definition has them. The transforms spread an infinity or a NaN over a whole tile, and a sum of them may overflow where the outputs do
 * not: such tiles are computed anew.
 */
function storeDirectly(args: usize, group: i32, filter: i32, image: i32, y: i32, x: i32, rows: i32, count: i32, shift: f32): void {
  const channels = load<i32>(args, 4), height = load<i32>(args, 48), width = load<i32>(args, 52), top = load<i32>(args, 56), left = load<i32>(args, 60);
  const outHeight = load<i32>(args, 64), outWidth = load<i32>(args, 68), plane = <usize>(height * width) << 2;
  const input = load<usize>(args, 72) + <usize>image * load<usize>(args, 76) + <usize>group * load<usize>(args, 80);
  const out = load<usize>(args, 96) + <usize>image * load<usize>(args, 100) + <usize>group * load<usize>(args, 104);
  const weights = load<usize>(args, 112) + <usize>group * load<usize>(args, 116) + <usize>filter * load<usize>(args, 120);
  const r = load<i32>(args, 136), perChannel = load<usize>(args, 124), perTap = load<usize>(args, 128), least: f64 = load<i32>(args, 132) ? 0 : -Infinity;
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

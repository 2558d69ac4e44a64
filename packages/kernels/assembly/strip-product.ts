// Convolutions of few channels as products of matrices whose columns are read off strips of the image, where they lie: a picture's first convolution has so few weights
// that copying its columns into panels would take longer than to multiply some of them.

import { directTile } from './gemm';
import { firstLow, leftOver, lowRows, rowsAt, tiledRows } from './panels';
import { PART, fillStrip } from './strips';

/** Where the words about strips begin, and the parts. */
const STRIPS: usize = 52;
const PARTS: usize = 84;

/**
 * Cross-correlates images with packed weights, whose inner dimension is one block. Words: groups, blocks of rows, channels and filters of a group; input, its width, its height; output, its
 * width, its height; packed weights, their group stride, least output (a float); then about strips: rows, bytes of a row, parts of a row, their length, input rows between output
 * rows, rows before the first, bytes between columns, weights of a filter; then the parts (see strips), and where the weights of a filter meet the strips.
 * A chunk is a block of rows of a group of an image. Scratch: strips of the channels.
 */
export function stripProduct(args: usize, chunk: i32, scratch: usize): void {
  const groups = load<i32>(args), blocks = load<i32>(args, 4), channels = load<i32>(args, 8), m = load<i32>(args, 12);
  const width = load<i32>(args, 20), height = load<i32>(args, 24), outWidth = load<i32>(args, 32), outHeight = load<i32>(args, 36), least = load<f32>(args, 48);
  const stripRows = load<i32>(args, STRIPS), pitch = load<usize>(args, STRIPS + 4), parts = load<i32>(args, STRIPS + 8), length = load<i32>(args, STRIPS + 12);
  const stride = load<i32>(args, STRIPS + 16), k = load<i32>(args, STRIPS + 28), offsets = args + PARTS + <usize>parts * PART;
  const unit = chunk / blocks, block = chunk % blocks, first = block * outHeight / blocks, end = (block + 1) * outHeight / blocks;
  const plane = <usize>(width * height) << 2, outPlane = <usize>(outWidth * outHeight) << 2, outRow = <usize>outWidth << 2, strip = <usize>stripRows * pitch;
  const x = load<usize>(args, 16) + <usize>(unit * channels) * plane, y = load<usize>(args, 28) + <usize>(unit * m) * outPlane, top = first * stride - load<i32>(args, STRIPS + 20);
  for (let i = 0; i < channels; i++) fillStrip(x + <usize>i * plane, height, width, top, scratch + <usize>i * strip, stripRows, parts, length, args + PARTS, load<usize>(args, STRIPS + 24), false);

  const packed = load<usize>(args, 40) + <usize>(unit % groups) * load<usize>(args, 44), weights = packed + (<usize>tiledRows(m) << 2);
  const rest = leftOver(m), low = lowRows(m), lower = firstLow(m), beside = <usize>min(16, (outWidth - 4) << 2), step = pitch * <usize>stride;
  for (let i = 0, rows = 0; i < m; i += rows) {
    rows = rowsAt(i, rest, low, lower);
    const a = weights + (<usize>(i * k) << 2), initial = packed + (<usize>i << 2);
    let from = scratch, to = y + <usize>i * outPlane + <usize>first * outRow;
    for (let row = first; row < end; row++) {
      for (let j = 0; j < outWidth; j += 8) {
        // The last tile of a row lies over the one before it.
        const column = <usize>max(0, min(j, outWidth - 8)) << 2, p = from + column;
        directTile(rows, k, a, p, p + beside, offsets, to + column, beside, outPlane, initial, false);
      }
      from += step;
      to += outRow;
    }
    if (least > -Infinity) {
      for (let row = 0, at = y + <usize>i * outPlane + <usize>first * outRow; row < rows; row++, at += outPlane) raise(at, (end - first) * outWidth, least);
    }
  }
}

/** Makes numbers that are less than `least` that. There are at least four. */
function raise(from: usize, n: i32, least: f32): void {
  const floor = f32x4.splat(least), last = from + (<usize>(n - 4) << 2);
  for (; from < last; from += 16) v128.store(from, f32x4.pmax(v128.load(from), floor));
  v128.store(last, f32x4.pmax(v128.load(last), floor));
}

// Columns added up into planes: the transpose of unfolding windows.

import { IN, KERNEL, OPERANDS, OUT, STRIDE, addRow, fillRanges, place, size, zero } from './windows';

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

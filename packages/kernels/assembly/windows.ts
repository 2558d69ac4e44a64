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

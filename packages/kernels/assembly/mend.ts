import { sumLanes } from './vector';

// What convolutions compute from an image with zeros around it, made right where those zeros met a weight or a gradient that is not finite: by definition they
// do not meet, but their product is NaN. Only results at an edge can be wrong, and only if they are NaN.

// Words: the computation (0: outputs, 1: the input's gradient, 2: the weights' gradient), planes of its result, planes a chunk, images, groups, channels, filters of a group; three words
// each of input, output and window lengths, stride, dilation, padding before, and of the first place of a plane away from its edges and one past the last; input, weights,
// output, bias or 0; what `suspect` found and in how many chunks, of which 0 says to look at the edges whatever it is; and the least result (a float). A chunk is some planes.

// @ts-ignore: decorator
@inline
export const IN: usize = 28;
// @ts-ignore: decorator
@inline
const OUT: usize = 40;
// @ts-ignore: decorator
@inline
const KERNEL: usize = 52;
// @ts-ignore: decorator
@inline
export const STRIDE: usize = 64;
// @ts-ignore: decorator
@inline
const DILATION: usize = 76;
// @ts-ignore: decorator
@inline
const PADDING: usize = 88;
// @ts-ignore: decorator
@inline
const FIRST: usize = 100;
// @ts-ignore: decorator
@inline
const END: usize = 112;
// @ts-ignore: decorator
@inline
export const OPERANDS: usize = 124;

/** Whether a part of a tensor is not finite, as a word for each chunk. Words: address, elements, elements a chunk, where to write. */
export function suspect(args: usize, chunk: i32, _scratch: usize): void {
  const grain = load<i32>(args, 8), first = chunk * grain, end = load<usize>(args) + (<usize>min(load<i32>(args, 4), first + grain) << 2);
  let from = load<usize>(args) + (<usize>first << 2), a = f32x4.splat(0), b = f32x4.splat(0), rest: f32 = 0;
  // A number less itself is 0, unless it is not finite.
  for (; from + 32 <= end; from += 32) {
    const v = v128.load(from), w = v128.load(from, 16);
    a = f32x4.add(a, f32x4.sub(v, v));
    b = f32x4.add(b, f32x4.sub(w, w));
  }
  for (; from < end; from += 4) rest += load<f32>(from) - load<f32>(from);
  store<i32>(load<usize>(args, 12) + (<usize>chunk << 2), i32(rest + sumLanes(f32x4.add(a, b)) != 0));
}

function isSuspected(args: usize): bool {
  const found = load<usize>(args + OPERANDS, 16), chunks = load<i32>(args + OPERANDS, 20);
  for (let i = 0; i < chunks; i++) if (load<i32>(found + (<usize>i << 2)) != 0) return true;
  return chunks == 0;
}

/** Computes anew all NaN at the edges of some planes of a result. */
export function mend(args: usize, chunk: i32, _scratch: usize): void {
  if (!isSuspected(args)) return;
  const which = load<i32>(args), grain = load<i32>(args, 8), last = min(load<i32>(args, 4), (chunk + 1) * grain);
  const lengths = args + (which == 0 ? OUT : which == 1 ? IN : KERNEL);
  const depth = load<i32>(lengths), height = load<i32>(lengths, 4), width = load<i32>(lengths, 8);
  const least = load<f32>(args + OPERANDS, 24), left = load<i32>(args + FIRST, 8), right = load<i32>(args + END, 8);
  let row = load<usize>(args + OPERANDS + (which == 0 ? 8 : which == 1 ? 0 : 4)) + (<usize>(chunk * grain * depth * height * width) << 2);
  for (let plane = chunk * grain; plane < last; plane++) {
    for (let z = 0; z < depth; z++) for (let y = 0; y < height; y++) {
      const isInside = z >= load<i32>(args + FIRST) && z < load<i32>(args + END) && y >= load<i32>(args + FIRST, 4) && y < load<i32>(args + END, 4);
      for (let x = 0; x < width; x++) {
        if (isInside && x == left) x = right;
        if (x >= width) break;
        const to = row + (<usize>x << 2), value = load<f32>(to);
        if (value == value) continue;
        const sum = <f32>(which == 0 ? output(args, plane, z, y, x) : which == 1 ? inputGradient(args, plane, z, y, x) : weightGradient(args, plane, z, y, x));
        store<f32>(to, sum < least ? least : sum);
      }
      row += <usize>width << 2;
    }
  }
}

/** Where tap `tap` of window `output` falls along an axis, in the input; outside of it for padding. */
// @ts-ignore: decorator
@inline
function place(args: usize, axis: usize, output: i32, tap: i32): i32 {
  return output * load<i32>(args + STRIDE + axis) + tap * load<i32>(args + DILATION + axis) - load<i32>(args + PADDING + axis);
}

/** The window whose tap `tap` falls to `input` along an axis; -1 if there is none. */
function windowAt(args: usize, axis: usize, input: i32, tap: i32): i32 {
  const stride = load<i32>(args + STRIDE + axis);
  const from = input + load<i32>(args + PADDING + axis) - tap * load<i32>(args + DILATION + axis);
  return from >= 0 && from % stride == 0 && from / stride < load<i32>(args + OUT + axis) ? from / stride : -1;
}

/** Address of a place in a plane of an operand. */
// @ts-ignore: decorator
@inline
function at(args: usize, operand: usize, lengths: usize, plane: i32, z: i32, y: i32, x: i32): usize {
  const depth = load<i32>(args + lengths), height = load<i32>(args + lengths, 4), width = load<i32>(args + lengths, 8);
  return load<usize>(args + OPERANDS + operand) + (<usize>(((plane * depth + z) * height + y) * width + x) << 2);
}

function output(args: usize, plane: i32, z: i32, y: i32, x: i32): f64 {
  const groups = load<i32>(args, 16), channels = load<i32>(args, 20), filters = load<i32>(args, 24), bias = load<usize>(args + OPERANDS, 12);
  const image = plane / (groups * filters), filter = plane % (groups * filters), group = filter / filters;
  let sum: f64 = bias == 0 ? 0 : <f64>load<f32>(bias + (<usize>filter << 2));
  for (let c = 0; c < channels; c++) {
    for (let kz = 0; kz < load<i32>(args + KERNEL); kz++) {
      const iz = place(args, 0, z, kz);
      if (<u32>iz >= <u32>load<i32>(args + IN)) continue;
      for (let ky = 0; ky < load<i32>(args + KERNEL, 4); ky++) {
        const iy = place(args, 4, y, ky);
        if (<u32>iy >= <u32>load<i32>(args + IN, 4)) continue;
        for (let kx = 0; kx < load<i32>(args + KERNEL, 8); kx++) {
          const ix = place(args, 8, x, kx);
          if (<u32>ix >= <u32>load<i32>(args + IN, 8)) continue;
          sum += <f64>load<f32>(at(args, 0, IN, (image * groups + group) * channels + c, iz, iy, ix)) * load<f32>(at(args, 4, KERNEL, filter * channels + c, kz, ky, kx));
        }
      }
    }
    // NaN stays NaN, whatever is added.
    if (sum != sum) break;
  }
  return sum;
}

/** An element of the input's gradient, by definition. */
export function inputGradient(args: usize, plane: i32, z: i32, y: i32, x: i32): f64 {
  const groups = load<i32>(args, 16), channels = load<i32>(args, 20), filters = load<i32>(args, 24);
  const image = plane / (groups * channels), c = plane % channels, group = plane / channels % groups;
  let sum: f64 = 0;
  for (let filter = group * filters; filter < (group + 1) * filters; filter++) {
    for (let kz = 0; kz < load<i32>(args + KERNEL); kz++) {
      const oz = windowAt(args, 0, z, kz);
      if (oz < 0) continue;
      for (let ky = 0; ky < load<i32>(args + KERNEL, 4); ky++) {
        const oy = windowAt(args, 4, y, ky);
        if (oy < 0) continue;
        for (let kx = 0; kx < load<i32>(args + KERNEL, 8); kx++) {
          const ox = windowAt(args, 8, x, kx);
          if (ox < 0) continue;
          sum += <f64>load<f32>(at(args, 8, OUT, image * groups * filters + filter, oz, oy, ox)) * load<f32>(at(args, 4, KERNEL, filter * channels + c, kz, ky, kx));
        }
      }
    }
    if (sum != sum) break;
  }
  return sum;
}

function weightGradient(args: usize, plane: i32, kz: i32, ky: i32, kx: i32): f64 {
  const images = load<i32>(args, 12), groups = load<i32>(args, 16), channels = load<i32>(args, 20), filters = load<i32>(args, 24);
  const filter = plane / channels, c = plane % channels, group = filter / filters;
  let sum: f64 = 0;
  for (let image = 0; image < images; image++) {
    for (let oz = 0; oz < load<i32>(args + OUT); oz++) {
      const iz = place(args, 0, oz, kz);
      if (<u32>iz >= <u32>load<i32>(args + IN)) continue;
      for (let oy = 0; oy < load<i32>(args + OUT, 4); oy++) {
        const iy = place(args, 4, oy, ky);
        if (<u32>iy >= <u32>load<i32>(args + IN, 4)) continue;
        for (let ox = 0; ox < load<i32>(args + OUT, 8); ox++) {
          const ix = place(args, 8, ox, kx);
          if (<u32>ix >= <u32>load<i32>(args + IN, 8)) continue;
          sum += <f64>load<f32>(at(args, 0, IN, (image * groups + group) * channels + c, iz, iy, ix)) * load<f32>(at(args, 8, OUT, image * groups * filters + filter, oz, oy, ox));
        }
        if (sum != sum) return sum;
      }
    }
  }
  return sum;
}

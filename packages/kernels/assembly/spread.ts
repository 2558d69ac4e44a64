// The classes of places that a strided convolution's input falls into, brought together: rows and columns of one class lie a stride apart.

import { IN, OPERANDS, STRIDE, inputGradient } from './mend';

// @ts-ignore: decorator
@inline
const OWN: usize = OPERANDS + 16;

/**
 * Makes the planes of an input's gradient of those of its classes, `[images, groups, classes, channels]`, and computes by definition what is NaN in them. Words: 0, planes, planes a chunk;
 * then as the mending kernels have them; then (from word 35) the planes of the classes, their height and width. A chunk is some planes.
 */
export function spread(args: usize, chunk: i32, _scratch: usize): void {
  const grain = load<i32>(args, 8), last = min(load<i32>(args, 4), (chunk + 1) * grain);
  const channels = load<i32>(args, 20), height = load<i32>(args, IN + 4), width = load<i32>(args, IN + 8);
  const down = load<i32>(args, STRIDE + 4), across = load<i32>(args, STRIDE + 8);
  const classes = load<usize>(args, OWN), classHeight = load<i32>(args, OWN + 4), classWidth = load<i32>(args, OWN + 8);
  const step = <usize>(channels * classHeight * classWidth) << 2;
  let to = load<usize>(args, OPERANDS) + (<usize>(chunk * grain * height * width) << 2);
  for (let plane = chunk * grain; plane < last; plane++) {
    for (let y = 0; y < height; y++, to += <usize>width << 2) {
      const first = (plane / channels * down + y % down) * across * channels + plane % channels;
      const from = classes + (<usize>((first * classHeight + y / down) * classWidth) << 2);
      let check: f32 = 0, x = 0;
      if (across == 2) {
        let sums = f32x4.splat(0);
        for (; x + 8 <= width; x += 8) {
          const even = v128.load(from + (<usize>x << 1)), odd = v128.load(from + step + (<usize>x << 1));
          v128.store(to + (<usize>x << 2), v128.shuffle<f32>(even, odd, 0, 4, 1, 5));
          v128.store(to + (<usize>x << 2), v128.shuffle<f32>(even, odd, 2, 6, 3, 7), 16);
          sums = f32x4.add(sums, f32x4.add(f32x4.sub(even, even), f32x4.sub(odd, odd)));
        }
        if (v128.any_true(f32x4.ne(sums, sums))) check = NaN;
      }
      for (; x < width; x++) {
        const value = load<f32>(from + <usize>(x % across) * step + (<usize>(x / across) << 2));
        store<f32>(to + (<usize>x << 2), value);
        check += value - value;
      }
      if (check == check) continue;
      for (x = 0; x < width; x++) {
        const at = to + (<usize>x << 2), value = load<f32>(at);
        if (value != value) store<f32>(at, <f32>inputGradient(args, plane, 0, y, x));
      }
    }
  }
}

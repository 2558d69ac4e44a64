import { madd } from './vector';

/** Nothing but multiply-adds in registers, the machine's limit against which kernels are measured: `chunk` rounds of 48. Words: where to store a sum. */
export function peak(args: usize, chunk: i32, scratch: usize): void {
  let c0 = v128.load32_splat(args), c1 = c0, c2 = c0, c3 = c0, c4 = c0, c5 = c0, c6 = c0, c7 = c0, c8 = c0, c9 = c0, c10 = c0, c11 = c0;
  const x = v128.load32_splat(scratch), y = v128.load32_splat(scratch, 4);
  for (let i = 0; i < chunk; i++) {
    c0 = madd(c0, x, y);
    c1 = madd(c1, x, y);
    c2 = madd(c2, x, y);
    c3 = madd(c3, x, y);
    c4 = madd(c4, x, y);
    c5 = madd(c5, x, y);
    c6 = madd(c6, x, y);
    c7 = madd(c7, x, y);
    c8 = madd(c8, x, y);
    c9 = madd(c9, x, y);
    c10 = madd(c10, x, y);
    c11 = madd(c11, x, y);
  }
  const sum = f32x4.add(f32x4.add(f32x4.add(c0, c1), f32x4.add(c2, c3)), f32x4.add(f32x4.add(f32x4.add(c4, c5), f32x4.add(c6, c7)), f32x4.add(f32x4.add(c8, c9), f32x4.add(c10, c11))));
  v128.store(scratch, sum, 16);
}

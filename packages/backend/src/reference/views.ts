import type { Operand, RequiredKernels } from '../kernels.ts';
import { stridesOf } from '../shape.ts';
import { positions } from './positions.ts';
import type { Open } from './positions.ts';

/** The kernels that move elements and compute nothing but sums of what meets in one place. */
export function views(open: Open): Pick<RequiredKernels, 'copyView' | 'concat' | 'pad' | 'gather' | 'scatterAdd'> {
  /** Copies all of `x` into `out`, its first element to `offset`. */
  function place(x: Operand, out: Operand, offset: number): void {
    const [source, result] = [open(x), open(out)];
    positions(x.shape, stridesOf(out.shape), offset).forEach((position, i) => (result[position] = source[i]!));
  }

  /** For each element of `index`, the place in `x` that it names along `axis`, or -1 if it names none. */
  function named(x: Operand, index: Operand, axis: number): Int32Array {
    const strides = stridesOf(x.shape);
    const along = open(index);
    const starts = positions(
      index.shape,
      strides.map((stride, a) => (a === axis ? 0 : stride)),
    );
    return starts.map((start, i) => {
      const choice = along[i]!;
      return choice >= 0 && choice < x.shape[axis]! ? start + choice * strides[axis]! : -1;
    });
  }

  return {
    copyView(x, out, view) {
      const [source, result] = [open(x), open(out)];
      positions(out.shape, view.strides, view.offset).forEach((position, i) => (result[i] = source[position]!));
    },

    concat(inputs, out, axis) {
      const stride = stridesOf(out.shape)[axis]!;
      let start = 0;
      for (const input of inputs) {
        place(input, out, start * stride);
        start += input.shape[axis]!;
      }
    },

    pad(x, out, padding, value) {
      const strides = stridesOf(out.shape);
      open(out).fill(value);
      place(
        x,
        out,
        padding.reduce((offset, [before], axis) => offset + before * strides[axis]!, 0),
      );
    },

    gather(x, index, out, axis) {
      const [source, result] = [open(x), open(out)];
      named(x, index, axis).forEach((position, i) => (result[i] = source[position] ?? NaN));
    },

    scatterAdd(source, index, out, axis) {
      const values = open(source);
      const result = open(out);
      const sums = new Float64Array(result.length);
      named(out, index, axis).forEach((position, i) => {
        if (position >= 0) sums[position]! += values[i]!;
      });
      result.set(sums);
    },
  };
}

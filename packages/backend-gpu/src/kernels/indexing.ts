import type { RequiredKernels } from '@receptive/backend';
import { isFloat, sizeOf } from '@receptive/backend';
import { memo, script } from '../program.ts';
import type { Runner } from '../runner.ts';

// Tensors are seen as [outer, axis, inner]: a row is all that one index along the outer axes has, a column what one along the inner axes has.

const gathered = script(
  'gather',
  // `row` and `inner`: elements of a row of the index, and of one place along the axis.
  { reads: ['x', 'index'], integers: ['row', 'inner', 'length'], floats: ['outside'] },
  `const place = index[this.thread.x];
  if (place >= 0 && place < length) {
    return x[(div(this.thread.x, row) * length + whole(place)) * inner + rem(this.thread.x, inner)];
  }
  return outside;`,
);

/** Threads cannot add to one place at once. Each element of the output therefore looks for those that are sent to it. Sums of bytes wrap around. */
const scatterScript = memo((type: 'byte' | 'number') =>
  script(
    `scatterAdd ${type}`,
    // `row` and `inner`: elements of a row of the output, and of one place along the axis; `length`: of the source's axis.
    { reads: ['source', 'index'], integers: ['row', 'inner', 'length'] },
    `const own = div(rem(this.thread.x, row), inner);
    let sum = 0;
    for (let i = 0; i < length; i++) {
      if (index[(div(this.thread.x, row) * length + whole(i)) * inner + rem(this.thread.x, inner)] === own) {
        sum += source[(div(this.thread.x, row) * length + whole(i)) * inner + rem(this.thread.x, inner)];
      }
    }
    return ${type === 'byte' ? 'byteOf(sum)' : 'sum'};`,
  ),
);

/** Kernels that find elements by a tensor of indices. */
export function indexing(runner: Runner): Pick<RequiredKernels, 'gather' | 'scatterAdd'> {
  return {
    gather(x, index, out, axis) {
      const inner = sizeOf(out.shape.slice(axis + 1));
      const outside = isFloat(x.dtype) ? NaN : 0;
      runner.run(gathered, out, [x, index], [out.shape[axis]! * inner, inner, x.shape[axis]!, outside]);
    },

    scatterAdd(source, index, out, axis) {
      const inner = sizeOf(out.shape.slice(axis + 1));
      const program = scatterScript(out.dtype === 'uint8' ? 'byte' : 'number');
      runner.run(program, out, [source, index], [out.shape[axis]! * inner, inner, source.shape[axis]!]);
    },
  };
}

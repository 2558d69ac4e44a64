import type { Operand, RequiredKernels } from '@receptive/backend';
import { collapse, sizeOf } from '@receptive/backend';
import { memo, script } from '../program.ts';
import type { Runner } from '../runner.ts';
import { perAxis } from './places.ts';
import { indexAlong, placeIn, placeNames, placeValues } from './walk.ts';

// Kernels that move elements. They walk the output, and read each element from where it comes.

const viewScript = memo((rank: number) =>
  script(
    `view of rank ${rank}`,
    { reads: ['x'], integers: ['offset', ...placeNames(rank, ['x'])] },
    `return x[offset + ${placeIn('x', rank)}];`,
  ),
);

/** Memories that one script can read. */
const READS = 7;

/** Rows, one from each memory, are put one after another into a row of `length`. */
const concatScript = memo((inputs: number) => {
  const numbers = Array.from({ length: inputs }, (_, i) => i);
  const copies = numbers.map((i) => {
    const copy = `return x${i}[this.thread.x - div(this.thread.x, length) * others${i} - start${i}];`;
    return i < inputs - 1 ? `if (rem(this.thread.x, length) < end${i}) { ${copy} }` : copy;
  });
  return script(
    `concat ${inputs}`,
    {
      reads: numbers.map((i) => `x${i}`),
      integers: ['length', ...numbers.flatMap((i) => [`start${i}`, `end${i}`, `others${i}`])],
    },
    copies.join(' '),
  );
});

const padScript = memo((rank: number) => {
  const [before, after] = [perAxis('before', rank), perAxis('after', rank)];
  const inside = before.flatMap((first, axis) => {
    const index = indexAlong(axis, rank);
    return [`${index} >= ${first}`, `${index} < ${after[axis]!}`];
  });
  return script(
    `pad ${rank} axes`,
    {
      reads: ['x'],
      integers: ['offset', ...placeNames(rank, ['x']), ...perAxis('n', rank), ...before, ...after],
      floats: ['value'],
    },
    `if (${inside.join(' && ')}) { return x[${placeIn('x', rank)} - offset]; } return value;`,
  );
});

/** Kernels that move elements. */
export function views(runner: Runner): Pick<RequiredKernels, 'copyView' | 'concat' | 'pad'> {
  function concat(inputs: readonly Operand[], out: Operand, axis: number): void {
    if (inputs.length === 1) {
      runner.share(inputs[0]!, out);
    } else if (inputs.length <= READS) {
      const rows = inputs.map(({ shape }) => sizeOf(shape.slice(axis)));
      const length = rows.reduce((total, row) => total + row);
      let end = 0;
      const values = rows.flatMap((row) => [end, (end += row), length - row]);
      runner.run(concatScript(inputs.length), out, inputs, [length, ...values]);
    } else {
      joined(inputs, axis, [], (groups) => concat(groups, out, axis));
    }
  }

  /** Calls `use` with the inputs joined into groups, as many in each as one script reads. */
  function joined(
    inputs: readonly Operand[],
    axis: number,
    groups: readonly Operand[],
    use: (groups: readonly Operand[]) => void,
  ): void {
    const [first, ...group] = inputs.slice(0, READS);
    if (!first) {
      use(groups);
      return;
    }
    const length = group.reduce((total, { shape }) => total + shape[axis]!, first.shape[axis]!);
    const shape = first.shape.map((own, a) => (a === axis ? length : own));
    runner.temporary(sizeOf(shape), (storage) => {
      const join = { ...storage, shape };
      concat([first, ...group], join, axis);
      joined(inputs.slice(READS), axis, [...groups, join], use);
    });
  }

  return {
    copyView(x, out, { offset, strides }) {
      const loops = collapse(out.shape, strides);
      const { counts } = loops;
      const dense = counts.length === 0 || (counts.length === 1 && loops.strides[0]![0] === 1);
      // A part of a memory would keep all of it alive.
      if (dense && sizeOf(out.shape) === sizeOf(x.shape)) runner.share(x, out);
      else runner.run(viewScript(counts.length), out, [x], [offset, ...placeValues(loops)]);
    },

    concat,

    pad(x, out, padding, value) {
      const axes: { count: number; before: number; length: number }[] = [];
      x.shape.forEach((length, axis) => {
        const [before, after] = padding[axis]!;
        const outer = axes.at(-1);
        if (outer && before === 0 && after === 0) {
          // Not padded: it only makes the elements of the axis before it longer.
          outer.count *= length;
          outer.before *= length;
          outer.length *= length;
        } else {
          axes.push({ count: before + length + after, before, length });
        }
      });
      if (axes.every(({ count, length }) => count === length)) {
        runner.share(x, out);
        return;
      }
      const strides = axes.map((_, axis) => sizeOf(axes.slice(axis + 1).map(({ length }) => length)));
      const counts = axes.map(({ count }) => count);
      runner.run(
        padScript(axes.length),
        out,
        [x],
        [
          axes.reduce((offset, { before }, axis) => offset + before * strides[axis]!, 0),
          ...placeValues({ counts, strides: [strides] }),
          ...counts,
          ...axes.map(({ before }) => before),
          ...axes.map(({ before, length }) => before + length),
          value,
        ],
      );
    },
  };
}

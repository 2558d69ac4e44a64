import type { Kernels, Loops, Operand, ReduceName, Shape } from '@receptive/backend';
import { collapse, sizeOf, stridesOf } from '@receptive/backend';
import { memo, script } from '../program.ts';
import type { Runner } from '../runner.ts';
import { coordinates, loop, nested, perAxis, strided } from './places.ts';

/** Threads that keep a GPU busy: with fewer results than that, several share the elements of one. */
export const THREADS = 1 << 14;
/** Elements worth a thread of their own. */
const SHARE = 64;

/** How a result takes in the next element `v`, from what it starts with: nothing, or the first element. A NaN, which equals nothing, replaces any and stays. */
const folds = {
  sum: { start: '0', step: 'result += v;' },
  max: { start: 'first', step: 'if (v > result || !(v === v)) { result = v; }' },
  min: { start: 'first', step: 'if (v < result || !(v === v)) { result = v; }' },
} as const;

/** What remains in 8 bits. A multiplication, since GPUs divide less exactly. */
const WRAPPED = `result - 256 * Math.floor(result * ${1 / 256})`;

/**
 * Folds every element of a result that has the thread's coordinates among the kept loops, or every `pieces`th: `pieces` neighbouring threads read
 * neighbouring elements, of which each makes a partial result.
 */
const foldScript = memo((key: string) => {
  const [name, type, kept, folded] = key.split(' ') as [ReduceName, string, string, string];
  const [counts, strides] = [perAxis('n', Number(kept)), perAxis('s', Number(kept))];
  const [times, steps, counters] = [
    perAxis('m', Number(folded)),
    perAxis('t', Number(folded)),
    perAxis('i', Number(folded)),
  ];
  const rest = counters.slice(1);
  const place = strided(coordinates('div(this.thread.x, pieces)', counts.slice(1)).slice(0, counts.length), strides);
  const { start, step } = folds[name];
  return script(
    `reduce ${key}`,
    { reads: ['x'], integers: ['pieces', ...counts, ...strides, ...times, ...steps] },
    `const piece = rem(this.thread.x, pieces);
    let result = ${start === 'first' ? `x[${place} + whole(piece) * t0]` : start};
    for (let i0 = 0; whole(piece) + i0 * pieces < m0; i0++) {
      ${nested(
        rest.map((counter, axis) => loop(counter, times[axis + 1]!)),
        `const v = x[${place} + ${strided(['(whole(piece) + i0 * pieces)', ...rest], steps)}]; ${step}`,
      )}
    }
    return ${type === 'uint8' ? WRAPPED : 'result'};`,
  );
});

/**
 * Folds `x` over the loops `folded` for each step of the loops `kept`, in whose order `out` is. Where that leaves too few threads with too much to do, partial
 * results come first: then they are folded.
 */
export function fold(runner: Runner, name: ReduceName, x: Operand, out: Operand, kept: Loops, folded: Loops): void {
  const results = sizeOf(kept.counts);
  const loops = folded.counts.map((count, i) => ({ count, step: folded.strides[0]![i]! }));
  if (loops.length === 0) loops.push({ count: 1, step: 0 });
  // The longest comes first, which is the one that is shared.
  loops.sort((a, b) => b.count - a.count);
  const [times, steps] = [loops.map(({ count }) => count), loops.map(({ step }) => step)];
  const pieces = Math.min(Math.ceil(THREADS / results), Math.floor(sizeOf(times) / SHARE), times[0]!);
  const run = (into: Operand, count: number): void => {
    const key = `${name} ${out.dtype} ${kept.counts.length} ${times.length}`;
    runner.run(foldScript(key), into, [x], [count, ...kept.counts, ...kept.strides[0]!, ...times, ...steps]);
  };
  if (pieces < 2) {
    run(out, 1);
    return;
  }
  runner.temporary(results * pieces, (partial) => {
    run(partial, pieces);
    fold(runner, name, partial, out, collapse([results], [pieces]), collapse([pieces], [1]));
  });
}

/** The loops over the axes that are kept, and over those that are folded. */
export function loopsOf(shape: Shape, axes: readonly number[]): { readonly kept: Loops; readonly folded: Loops } {
  const strides = stridesOf(shape);
  const along = (wanted: boolean): Loops => {
    const chosen = shape.map((_, axis) => axis).filter((axis) => axes.includes(axis) === wanted);
    return collapse(
      chosen.map((axis) => shape[axis]!),
      chosen.map((axis) => strides[axis]!),
    );
  };
  return { kept: along(false), folded: along(true) };
}

/** Where element `i` of the thread's row lies in `[outer, length, inner]`. */
function argReducePlace(i: string): string {
  return `(div(this.thread.x, inner) * length + ${i}) * inner + rem(this.thread.x, inner)`;
}

const argReduceScript = memo((name: 'max' | 'min') =>
  script(
    `arg${name}`,
    { reads: ['x'], integers: ['length', 'inner'] },
    `let best = x[${argReducePlace('0')}];
    let at = 0;
    for (let i = 1; i < length; i++) {
      const v = x[${argReducePlace('i')}];
      if (v ${name === 'max' ? '>' : '<'} best || (!(v === v) && best === best)) { best = v; at = i; }
    }
    return at;`,
  ),
);

/** The thread's row, where rows lie along the last axis. */
const row = 'div(this.thread.x, length)';

const exponentials = script(
  'exponentials below the greatest',
  { reads: ['x', 'greatest'], integers: ['length'] },
  `return expOf(x[this.thread.x] - greatest[${row}]);`,
);

const shares = script(
  'softmax',
  { reads: ['exponentials', 'sum'], integers: ['length'] },
  `return exponentials[this.thread.x] / sum[${row}];`,
);

const logShares = script(
  'logSoftmax',
  { reads: ['x', 'greatest', 'sum'], integers: ['length'] },
  `return x[this.thread.x] - greatest[${row}] - logOf(sum[${row}]);`,
);

/** Calls `use` with each row's greatest element, the exponentials of how far its elements lie below, and the sum of these. */
function softmaxParts(
  runner: Runner,
  x: Operand,
  use: (greatest: Operand, powers: Operand, sum: Operand, length: number) => void,
): void {
  const length = x.shape.at(-1)!;
  const elements = sizeOf(x.shape);
  const rows = elements / length;
  const [kept, folded] = [collapse([rows], [length]), collapse([length], [1])];
  runner.temporary(rows, (greatest) =>
    runner.temporary(elements, (powers) =>
      runner.temporary(rows, (sum) => {
        fold(runner, 'max', x, greatest, kept, folded);
        runner.run(exponentials, powers, [x, greatest], [length]);
        fold(runner, 'sum', powers, sum, kept, folded);
        use(greatest, powers, sum, length);
      }),
    ),
  );
}

/** The kernels that bring the elements of axes together. */
export function reduce(runner: Runner): Required<Pick<Kernels, 'reduce' | 'argReduce' | 'softmax' | 'logSoftmax'>> {
  return {
    reduce(name, x, out, axes) {
      const { kept, folded } = loopsOf(x.shape, axes);
      fold(runner, name, x, out, kept, folded);
    },
    argReduce: (name, x, out, axis) =>
      runner.run(argReduceScript(name), out, [x], [x.shape[axis]!, sizeOf(x.shape.slice(axis + 1))]),
    softmax: (x, out) =>
      softmaxParts(runner, x, (_, powers, sum, length) => runner.run(shares, out, [powers, sum], [length])),
    logSoftmax: (x, out) =>
      softmaxParts(runner, x, (greatest, _, sum, length) => runner.run(logShares, out, [x, greatest, sum], [length])),
  };
}

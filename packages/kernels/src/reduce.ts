import type { ReduceName } from '@receptive/backend';
import { collapse, sizeOf, stridesOf } from '@receptive/backend';
import { fourCounts, fourStrides } from './axes.ts';
import type { Located } from './elementwise.ts';
import { GRAIN, convert } from './elementwise.ts';
import { copyStrided } from './views.ts';
import type { Plan, Reserve } from './plan.ts';
import { pieces, roundUp, words } from './plan.ts';

/** Chunks below which a reduction is cut along what it reduces, too. */
const FEW = 16;
/** Columns a chunk that reduces rows of them. */
const COLUMNS = 256;

interface Axis {
  readonly count: number;
  readonly stride: number;
}

/** Reduces over `axes`. Bytes are reduced as integers, of which the low byte is kept. */
export function reduce(name: ReduceName, x: Located, out: Located, axes: readonly number[], reserve: Reserve): Plan {
  if (x.dtype === 'uint8') {
    const wide: Located = { address: reserve(sizeOf(x.shape) * 4), shape: x.shape, dtype: 'int32' };
    const result: Located = { address: reserve(sizeOf(out.shape) * 4), shape: out.shape, dtype: 'int32' };
    const narrow = copyStrided(
      'uint8',
      [sizeOf(out.shape)],
      { address: result.address, strides: [4] },
      { address: out.address, strides: [1] },
    );
    return [...convert(x, wide), ...reduce(name, wide, result, axes, reserve), narrow];
  }
  const strides = stridesOf(x.shape);
  const reduced = x.shape.map((_, axis) => axes.includes(axis));
  const kept = x.shape.map((length, axis) => (reduced[axis] ? 1 : length));
  // An axis that is reduced does not move the output, which tells it from one that stays.
  const outStrides = stridesOf(kept).map((stride, axis) => (reduced[axis] ? 0 : stride));
  const loops = collapse(x.shape, strides, outStrides);
  const all = loops.counts.map((count, i) => ({
    count,
    stride: loops.strides[0]![i]!,
    stays: loops.strides[1]![i] !== 0,
  }));
  const [staying, going] = [all.filter(({ stays }) => stays), all.filter(({ stays }) => !stays)];
  if (going.length === 0)
    return [
      copyStrided(
        x.dtype,
        [sizeOf(x.shape)],
        { address: x.address, strides: [1] },
        { address: out.address, strides: [1] },
      ),
    ];
  if (going.length > 4 || staying.length > 4) {
    // More nested axes than a kernel walks: one reduced axis after another.
    const [first, ...rest] = axes as [number, ...number[]];
    const shape = x.shape.map((length, axis) => (axis === first ? 1 : length));
    const partial: Located = { address: reserve(sizeOf(shape) * 4), shape, dtype: x.dtype };
    return [...reduce(name, x, partial, [first], reserve), ...reduce(name, partial, out, rest, reserve)];
  }
  const phases = all.at(-1)!.stays ? reduceOuter : reduceInner;
  return phases(
    `${name}${all.at(-1)!.stays ? 'Outer' : 'Inner'}_${x.dtype}`,
    x.address,
    out.address,
    staying,
    going,
    reserve,
  );
}

const countsOf = (axes: readonly Axis[]): number[] => axes.map(({ count }) => count);
const sizeOfAxes = (axes: readonly Axis[]): number => sizeOf(countsOf(axes));
const axisWords = (axes: readonly Axis[]): number[] => [
  ...fourCounts(countsOf(axes)),
  ...fourStrides(axes.map(({ stride }) => stride)),
];

/** Cuts `total` elements to reduce into slices of about GRAIN, if there are too few chunks without. */
function slicesOf(total: number, step: number, chunks: number): { readonly size: number; readonly count: number } {
  if (chunks >= FEW || total * step < 4 * GRAIN) return { size: total, count: 1 };
  const size = roundUp(Math.max(pieces(GRAIN, step), pieces(total, 64)), 16);
  return { size, count: pieces(total, size) };
}

type Reduction = (
  kernel: string,
  from: number,
  to: number,
  staying: readonly Axis[],
  going: readonly Axis[],
  reserve: Reserve,
) => Plan;

const reduceInner: Reduction = (kernel, from, to, staying, going, reserve) => {
  const outputs = sizeOfAxes(staying);
  const total = sizeOfAxes(going);
  const grain = Math.max(1, Math.floor(GRAIN / total));
  const chunks = pieces(outputs, grain);
  const slices = slicesOf(total, 1, chunks);
  const partial = slices.count === 1 ? to : reserve(slices.count * outputs * 4);
  const phase = {
    kernel,
    words: words(
      [from, partial, outputs, grain, chunks, going.at(-1)!.count, total, slices.size, outputs * 4],
      axisWords(staying),
      axisWords(going.slice(0, -1)),
    ),
    chunks: chunks * slices.count,
    scratch: 256,
  };
  return [phase, ...combineSlices(kernel.replace('Inner', 'Outer'), partial, to, slices.count, outputs, reserve)];
};

const reduceOuter: Reduction = (kernel, from, to, staying, going, reserve) => {
  const inner = staying.at(-1)!.count;
  const outer = sizeOfAxes(staying.slice(0, -1));
  const rows = sizeOfAxes(going);
  const columns = Math.min(inner, COLUMNS);
  const columnChunks = pieces(inner, columns);
  const slices = slicesOf(rows, inner * outer, columnChunks * outer);
  const outputs = outer * inner;
  const partial = slices.count === 1 ? to : reserve(slices.count * outputs * 4);
  const phase = {
    kernel,
    words: words(
      [from, partial, inner, columns, columnChunks, rows, slices.size, slices.count, outputs * 4],
      axisWords(staying.slice(0, -1)),
      axisWords(going),
    ),
    chunks: columnChunks * slices.count * outer,
    scratch: 512 + 8 * columns,
  };
  return [phase, ...combineSlices(kernel, partial, to, slices.count, outputs, reserve)];
};

/** Reduces `count` results of `size` elements each, that lie one after the other, into one. */
export function combineSlices(
  kernel: string,
  from: number,
  to: number,
  count: number,
  size: number,
  reserve: Reserve,
): Plan {
  return count === 1
    ? []
    : reduceOuter(kernel, from, to, [{ count: size, stride: 1 }], [{ count, stride: size }], reserve);
}

/** Index of the first extreme along `axis`. */
export function argReduce(name: 'max' | 'min', x: Located, out: Located, axis: number): Plan {
  const length = x.shape[axis]!;
  const inner = sizeOf(x.shape.slice(axis + 1));
  const outputs = sizeOf(x.shape) / length;
  const grain = Math.max(1, Math.floor(GRAIN / length));
  return [
    {
      kernel: `arg${name}_${x.dtype}`,
      words: [x.address, out.address, length, inner, outputs, grain],
      chunks: pieces(outputs, grain),
      scratch: 0,
    },
  ];
}

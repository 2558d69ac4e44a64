import type { ReduceName } from '@receptive/backend';
import { collapse, sizeOf, stridesOf } from '@receptive/backend';
import { fourCounts, fourStrides } from './axes.ts';
import type { Located } from './elementwise.ts';
import { GRAIN, binary, convert, unary } from './elementwise.ts';
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
  const walk = walkOf(x.shape, axes);
  if (walk.going.length === 0)
    return [
      copyStrided(
        x.dtype,
        [sizeOf(x.shape)],
        { address: x.address, strides: [1] },
        { address: out.address, strides: [1] },
      ),
    ];
  if (!isShallow(walk)) {
    // One reduced axis after another.
    const [first, ...rest] = axes as [number, ...number[]];
    const shape = x.shape.map((length, axis) => (axis === first ? 1 : length));
    const partial: Located = { address: reserve(sizeOf(shape) * 4), shape, dtype: x.dtype };
    return [...reduce(name, x, partial, [first], reserve), ...reduce(name, partial, out, rest, reserve)];
  }
  return reduction(name, x, out, walk, 0, reserve);
}

/**
 * Sums over `axes` of floats of which each is first made into another by a second operand: `squares` of the distances from `second`, one an output;
 * `products` with `second`, of x's shape.
 */
export function reduceWith(
  name: 'squares' | 'products',
  x: Located,
  second: Located,
  out: Located,
  axes: readonly number[],
  reserve: Reserve,
): Plan {
  const walk = walkOf(x.shape, axes);
  if (walk.going.length > 0 && isShallow(walk)) return reduction(name, x, out, walk, second.address, reserve);
  const made: Located = { ...x, address: reserve(sizeOf(x.shape) * 4) };
  const making =
    name === 'products'
      ? binary('mul', x, second, made)
      : [...binary('sub', x, second, made), ...unary('square', made, made)];
  return [...making, ...reduce('sum', made, out, axes, reserve)];
}

/** The axes of a reduction, of which as many as possible are merged. */
interface Walk {
  readonly staying: readonly Axis[];
  readonly going: readonly Axis[];
  readonly innermostStays: boolean;
}

function walkOf(shape: readonly number[], axes: readonly number[]): Walk {
  const reduced = shape.map((_, axis) => axes.includes(axis));
  const kept = shape.map((length, axis) => (reduced[axis] ? 1 : length));
  // An axis that is reduced does not move the output, which tells it from one that stays.
  const outStrides = stridesOf(kept).map((stride, axis) => (reduced[axis] ? 0 : stride));
  const loops = collapse(shape, stridesOf(shape), outStrides);
  const all = loops.counts.map((count, i) => ({
    count,
    stride: loops.strides[0]![i]!,
    stays: loops.strides[1]![i] !== 0,
  }));
  return {
    staying: all.filter(({ stays }) => stays),
    going: all.filter(({ stays }) => !stays),
    innermostStays: all.at(-1)?.stays ?? false,
  };
}

/** Whether the axes are no more than a kernel walks. */
function isShallow({ staying, going }: Walk): boolean {
  return staying.length <= 4 && going.length <= 4;
}

function reduction(
  name: ReduceName | 'squares' | 'products',
  x: Located,
  out: Located,
  { staying, going, innermostStays }: Walk,
  second: number,
  reserve: Reserve,
): Plan {
  const phases = innermostStays ? reduceOuter : reduceInner;
  const kernel = `${name}${innermostStays ? 'Outer' : 'Inner'}_${x.dtype}`;
  return phases(kernel, x.address, out.address, staying, going, reserve, second);
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
  second?: number,
) => Plan;

const reduceInner: Reduction = (kernel, from, to, staying, going, reserve, second = 0) => {
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
      [second],
    ),
    chunks: chunks * slices.count,
    scratch: 256,
  };
  return [phase, ...combineSlices(combining(kernel), partial, to, slices.count, outputs, reserve)];
};

const reduceOuter: Reduction = (kernel, from, to, staying, going, reserve, second = 0) => {
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
      [second],
    ),
    chunks: columnChunks * slices.count * outer,
    scratch: 512 + 8 * columns,
  };
  return [phase, ...combineSlices(combining(kernel), partial, to, slices.count, outputs, reserve)];
};

/** The kernel that brings together what `kernel` made of slices. */
function combining(kernel: string): string {
  return kernel.replace('Inner', 'Outer').replace(/^(squares|products)/, 'sum');
}

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

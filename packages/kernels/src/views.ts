import type { Loops, View, Window } from '@receptive/backend';
import { bytesPerElement, collapse, sizeOf, stridesOf, windowOutput } from '@receptive/backend';
import { cursorBytes, fourCounts, fourStrides, shiftOf } from './axes.ts';
import type { Located } from './elementwise.ts';
import { GRAIN, convert } from './elementwise.ts';
import type { Phase, Plan, Reserve } from './plan.ts';
import { float, pieces, words } from './plan.ts';

/** The word that `value` fills memory with: as many elements as fit into it. */
export function wordOf(dtype: Located['dtype'], value: number): number {
  if (dtype === 'float32') return float(value);
  return dtype === 'uint8' ? (value & 0xff) * 0x01010101 : value;
}

/** Sets all elements to those in `word`. A block of memory is whole words, so that bytes are filled by fours. */
export function fill(out: Located, word: number): Plan {
  const count = pieces(sizeOf(out.shape) * bytesPerElement(out.dtype), 4);
  return [
    {
      kernel: 'fill',
      words: [out.address, count, GRAIN, word],
      chunks: pieces(count, GRAIN),
      scratch: 0,
    },
  ];
}

/** Where elements are, in elements from an address. */
interface Strided {
  readonly address: number;
  readonly strides: readonly number[];
}

/** Copies a block of `counts` elements from one strided memory to another. */
export function copyStrided(dtype: Located['dtype'], counts: readonly number[], from: Strided, to: Strided): Phase {
  const loops = longestInnermost(collapse(counts, from.strides, to.strides));
  const bytes = bytesPerElement(dtype);
  const count = sizeOf(loops.counts);
  return (
    (bytes === 4 && transposition(loops.counts, loops.strides, from.address, to.address)) || {
      kernel: 'copy',
      words: words(
        [from.address, to.address, shiftOf(dtype), count, GRAIN, loops.counts.at(-1) ?? 1],
        loops.strides.map((strides) => (strides.at(-1) ?? 1) * bytes),
        [Math.max(0, loops.counts.length - 1)],
        loops.counts.slice(0, -1),
        ...loops.strides.map((strides) => strides.slice(0, -1).map((stride) => stride * bytes)),
      ),
      chunks: pieces(count, GRAIN),
      scratch: cursorBytes(loops.counts.length),
    }
  );
}

/** Elements below which a run is short: it takes longer to begin than to copy. */
const SHORT = 8;

/** The loops, of which the longest becomes the innermost if the innermost is short: where the elements go does not depend on the order. */
function longestInnermost(loops: Loops): Loops {
  const inner = loops.counts.length - 1;
  const longest = loops.counts.indexOf(Math.max(...loops.counts));
  if (inner < 1 || loops.counts[inner]! >= SHORT || loops.counts[longest]! < SHORT) return loops;
  const swapped = (values: readonly number[]): number[] =>
    values.map((value, axis) => (axis === inner ? values[longest]! : axis === longest ? values[inner]! : value));
  return { counts: swapped(loops.counts), strides: loops.strides.map(swapped) };
}

/** The copy as transpositions of matrices, if it is some: the innermost axis of `to` is dense, and another one is dense in `from`. */
function transposition(
  counts: readonly number[],
  [from, to]: readonly (readonly number[])[],
  fromAddress: number,
  toAddress: number,
): Phase | undefined {
  const inner = counts.length - 1;
  const dense = from!.indexOf(1);
  if (dense < 0 || dense === inner || to![inner] !== 1 || counts.length > 6 || counts[dense]! < 4 || counts[inner]! < 4)
    return undefined;
  const others = counts.map((_, axis) => axis).filter((axis) => axis !== dense && axis !== inner);
  const rows = counts[dense]!;
  const grain = Math.max(16, Math.ceil(GRAIN / counts[inner]! / 16) * 16);
  const pick = (values: readonly number[]): number[] => others.map((axis) => values[axis]!);
  return {
    kernel: 'transpose',
    words: words(
      [fromAddress, toAddress, rows, counts[inner]!, from![inner]! * 4, to![dense]! * 4, grain, pieces(rows, grain)],
      fourCounts(pick(counts)),
      fourStrides(pick(from!)),
      fourStrides(pick(to!)),
    ),
    chunks: sizeOf(pick(counts)) * pieces(rows, grain),
    scratch: 0,
  };
}

export function copyView(x: Located, out: Located, { offset, strides }: View): Plan {
  const from = { address: x.address + offset * bytesPerElement(x.dtype), strides };
  return [copyStrided(x.dtype, out.shape, from, { address: out.address, strides: stridesOf(out.shape) })];
}

/** Converts; between equal types it copies. */
export function cast(x: Located, out: Located): Plan {
  return x.dtype === out.dtype ? copyView(x, out, { offset: 0, strides: stridesOf(x.shape) }) : convert(x, out);
}

export function concat(inputs: readonly Located[], out: Located, axis: number): Plan {
  const strides = stridesOf(out.shape);
  const bytes = bytesPerElement(out.dtype) * strides[axis]!;
  let start = 0;
  return inputs.map((input) => {
    const to = { address: out.address + start * bytes, strides };
    start += input.shape[axis]!;
    return copyStrided(out.dtype, input.shape, { address: input.address, strides: stridesOf(input.shape) }, to);
  });
}

/** Surrounds `x` with the elements in `word`. Negative padding cuts elements off. */
export function pad(
  x: Located,
  out: Located,
  padding: readonly (readonly [before: number, after: number])[],
  word: number,
): Plan {
  const [from, to] = [stridesOf(x.shape), stridesOf(out.shape)];
  const bytes = bytesPerElement(x.dtype);
  let [source, target] = [x.address, out.address];
  const counts = x.shape.map((length, axis) => {
    const [before, after] = padding[axis]!;
    source += Math.max(0, -before) * from[axis]! * bytes;
    target += Math.max(0, before) * to[axis]! * bytes;
    return length + Math.min(0, before) + Math.min(0, after);
  });
  const copy = copyStrided(x.dtype, counts, { address: source, strides: from }, { address: target, strides: to });
  return sizeOf(counts) === sizeOf(out.shape) ? [copy] : [...fill(out, word), copy];
}

/**
 * Unfolds windows into columns: the input is padded once, by the elements in `word`, and the columns are a view of it that names elements many times over.
 */
export function im2col(x: Located, out: Located, window: Window, word: number, reserve: Reserve): Plan {
  const [batch, channels, ...spatial] = x.shape as [number, number, ...number[]];
  const outputs = windowOutput(spatial, window);
  const padded = [
    batch,
    channels,
    ...spatial.map((length, axis) => length + window.padding[axis]![0] + window.padding[axis]![1]),
  ];
  const isPadded = padded.some((length, axis) => length !== x.shape[axis]);
  const image: Located = isPadded
    ? { address: reserve(sizeOf(padded) * bytesPerElement(x.dtype)), shape: padded, dtype: x.dtype }
    : x;
  const strides = stridesOf(padded);
  const plane = strides.slice(2);
  const columns: Located = { ...out, shape: [batch, channels, ...window.kernel, ...outputs] };
  const view = {
    offset: 0,
    strides: [
      ...strides.slice(0, 2),
      ...plane.map((stride, axis) => stride * window.dilation[axis]!),
      ...plane.map((stride, axis) => stride * window.stride[axis]!),
    ],
  };
  const around = [[0, 0], [0, 0], ...window.padding] as const;
  return [...(isPadded ? pad(x, image, around, word) : []), ...copyView(image, columns, view)];
}

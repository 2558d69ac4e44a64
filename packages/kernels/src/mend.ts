import { sizeOf } from '@receptive/backend';
import type { Located } from './elementwise.ts';
import type { Phase, Plan, Reserve } from './plan.ts';
import { float, pieces, roundUp, words } from './plan.ts';
import type { Sizes, Three } from './sizes.ts';

// Zeros around an image are no elements of it: by definition no weight meets them, but where a product takes them in, one that is not finite makes NaN of them.

/** The tensors of a convolution. One of them is the result. */
interface Operands {
  readonly x: Located;
  readonly weight: Located;
  readonly y: Located;
  readonly bias?: Located | undefined;
}

/** Along an axis, the first place of a result none of whose products takes in a zero from beyond an edge, and one past the last. */
type Inside = (sizes: Sizes, axis: number) => readonly [first: number, end: number];

const results: readonly { readonly name: keyof Operands; readonly lengths: keyof Sizes; readonly inside: Inside }[] = [
  {
    name: 'y',
    lengths: 'output',
    inside({ input, kernel, stride, dilation, before }, axis) {
      const room = input[axis]! - 1 - (kernel[axis]! - 1) * dilation[axis]! + before[axis]!;
      return [pieces(before[axis]!, stride[axis]!), Math.floor(room / stride[axis]!) + 1];
    },
  },
  {
    name: 'x',
    lengths: 'input',
    inside: ({ output, kernel, stride, dilation, before }, axis) => [
      (kernel[axis]! - 1) * dilation[axis]! - before[axis]!,
      (output[axis]! - 1) * stride[axis]! - before[axis]! + 1,
    ],
  },
  {
    name: 'weight',
    lengths: 'kernel',
    inside({ input, output, stride, dilation, before }, axis) {
      const room = input[axis]! - 1 + before[axis]! - (output[axis]! - 1) * stride[axis]!;
      return [pieces(before[axis]!, dilation[axis]!), Math.floor(room / dilation[axis]!) + 1];
    },
  },
];

/** Most chunks: there is next to nothing to do, but for what is not finite. */
const CHUNKS = 64;
/** Least elements of a chunk that only looks. */
const GRAIN = 16384;
/** Elements that can be looked at one after the other while an edge is looked at. */
const BESIDE = 16;

/** What a kernel needs to know of a convolution in order to compute single elements, and where it is to look at them: words 3 to 34. */
export function definition(
  { x, weight, y, bias }: Operands,
  { images, groups, channels, filters, input, output, kernel, stride, dilation, before }: Sizes,
  bounds: readonly (readonly [first: number, end: number])[],
): number[] {
  return words(
    [images, groups, channels, filters],
    ...[input, output, kernel, stride, dilation, before],
    bounds.map(([first]) => first),
    bounds.map(([, end]) => end),
    [x.address, weight.address, y.address, bias?.address ?? 0],
  );
}

/**
 * Computes `result` of a convolution anew, as the definition has it, where zeros from beyond the edges of an image may have made NaN of it: NaN at its own edges. A plan
 * that takes zeros for padding into its products ends with this. Results less than `least` become that.
 */
export function mend(
  result: 'x' | 'weight' | 'y',
  operands: Operands,
  sizes: Sizes,
  reserve: Reserve,
  least = -Infinity,
): Plan {
  const which = results.findIndex(({ name }) => name === result);
  const { lengths, inside } = results[which]!;
  const spans = sizes[lengths] as Three;
  const bounds = spans.map((length, axis) => {
    const [first, end] = inside(sizes, axis);
    const from = Math.min(length, Math.max(0, first));
    return [from, Math.min(length, Math.max(from, end))] as const;
  });
  if (bounds.every(([first, end], axis) => first === 0 && end === spans[axis])) return [];
  const planes = sizeOf(operands[result].shape) / sizeOf(spans);
  // Zeros do harm to nothing but what is not finite in the other operand. Where that one is small it is looked at first.
  const other = result === 'weight' ? operands.y : operands.weight;
  const elements = sizeOf(other.shape);
  const size = roundUp(pieces(elements, CHUNKS), GRAIN);
  const chunks = elements < BESIDE * planes * spans[0] * spans[1] ? pieces(elements, size) : 0;
  const found = chunks === 0 ? 0 : reserve(chunks * 4);
  const grain = pieces(planes, CHUNKS);
  const mended: Phase = {
    kernel: 'mend',
    words: words([which, planes, grain], definition(operands, sizes, bounds), [found, chunks, float(least)]),
    chunks: pieces(planes, grain),
    scratch: 0,
  };
  if (chunks === 0) return [mended];
  return [{ kernel: 'suspect', words: [other.address, elements, size, found], chunks, scratch: 0 }, mended];
}

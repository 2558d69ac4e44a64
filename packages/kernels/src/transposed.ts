import { sizeOf, stridesOf } from '@receptive/backend';
import type { Located } from './elementwise.ts';
import { definition } from './mend.ts';
import type { Plan, Reserve } from './plan.ts';
import { pieces, words } from './plan.ts';
import type { Residue } from './residues.ts';
import { residues } from './residues.ts';
import type { Sizes } from './sizes.ts';
import { isFlat } from './sizes.ts';
import { copyStrided, fill } from './views.ts';
import { REPAID, convolveTiles } from './winograd.ts';

// The input's gradient of a strided convolution, which is what a transposed convolution computes, in Winograd's tiles: each class of places that meet the same taps is
// a convolution of stride 1. Where a window of 3 x 3 covers what all of them see, they are one convolution, whose filters are those of all classes: tiles are
// transformed once for all of them, and taps that a class does not meet are 0.

const WINDOW = 3;
/** Outputs of a tile along an axis. */
const TILE = 4;
/** Fewest taps of a class, on average, that repay computing with nine: a tile of 4 x 4 outputs takes 36 multiplications. */
const TAPS = 3.5;
/** Fewest places of a class, all images together, that repay transforming weights and tiles. */
const PLACES = 96;
/** Most bytes of transformed weights: more of them, most of which are 0, take longer to read than the products that they save. */
const TRANSFORMED = 8 << 20;
/** Chunks that bring classes together. */
const CHUNKS = 64;

/** The classes along an axis, and how far before a place the window of all of them begins. */
interface Axis {
  readonly classes: readonly Residue[];
  readonly before: number;
  /** Places of a class. */
  readonly length: number;
}

/** The classes of an axis that a window can cover; undefined if it cannot. */
function axisOf(sizes: Sizes, axis: number): Axis | undefined {
  const [stride, length, inputs] = [sizes.stride[axis]!, sizes.input[axis]!, sizes.output[axis]!];
  if (length < stride) return undefined;
  const classes = residues(sizes, axis);
  const before = Math.max(...classes.map(({ taps, output }) => taps - 1 - output));
  const after = Math.max(...classes.map(({ output }) => output));
  const covers = before >= 0 && before < WINDOW && before + after < WINDOW;
  // What meets no input is 0, and not what is left of the sums of a tile.
  const meets = classes.every(
    ({ taps, outputStep, output, count }) =>
      taps > 0 && outputStep === 1 && output >= 0 && count - 1 + output - (taps - 1) < inputs,
  );
  return covers && meets ? { classes, before, length: pieces(length, stride) } : undefined;
}

/** {@link convInputGradient} of a strided convolution in Winograd's tiles; undefined where that does not apply, or does not pay. */
export function inputGradientByClasses(
  gradient: Located,
  weight: Located,
  out: Located,
  sizes: Sizes,
  reserve: Reserve,
): Plan | undefined {
  const { images, groups, channels, filters, output, stride, taps, algorithm } = sizes;
  const perAxis = sizeOf(stride);
  if (algorithm || perAxis === 1 || !isFlat(sizes) || stride[0] !== 1 || taps < TAPS * perAxis) return undefined;
  const [down, across] = [axisOf(sizes, 1), axisOf(sizes, 2)];
  if (!down || !across || filters < REPAID.inputGradient[WINDOW]) return undefined;
  if (perAxis * channels < REPAID.inputGradient[WINDOW] || images * down.length * across.length < PLACES)
    return undefined;
  if ((TILE + WINDOW - 1) ** 2 * perAxis * channels * filters * 4 > TRANSFORMED) return undefined;

  const { dtype } = out;
  const plane = [down.length, across.length] as const;
  const all = perAxis * channels;
  const kernels = { address: reserve(groups * all * filters * WINDOW ** 2 * 4), shape: [groups, all, filters, WINDOW, WINDOW], dtype }; // prettier-ignore
  const classes = { address: reserve(images * groups * all * sizeOf(plane) * 4), shape: [], dtype };
  const convolution = convolveTiles(
    {
      x: gradient,
      out: classes,
      bias: undefined,
      weight: weight.address,
      dense: { address: kernels.address, plan: kernelsOf(weight, kernels, sizes, down, across) },
      taps: WINDOW,
      relu: false,
      images,
      groups,
      channels: filters,
      filters: all,
      input: [output[1], output[2]],
      output: plane,
      before: [down.before, across.before],
    },
    TILE,
    reserve,
  );
  const planes = images * groups * channels;
  const grain = pieces(planes, CHUNKS);
  const none = [0, 1, 2].map(() => [0, 0] as const);
  return [
    ...convolution,
    {
      kernel: 'spread',
      words: words([0, planes, grain], definition({ x: out, weight, y: gradient }, sizes, none), [
        classes.address,
        ...plane,
      ]),
      chunks: pieces(planes, grain),
      scratch: 0,
    },
  ];
}

/** The kernels of all classes, each tap at its place in the window: further down or right is further along the gradient, where the convolution's taps run backwards. */
function kernelsOf(weight: Located, kernels: Located, sizes: Sizes, down: Axis, across: Axis): Plan {
  const { groups, channels, filters, kernel, taps } = sizes;
  const [perGroup, perFilter, perChannel] = stridesOf(kernels.shape) as [number, number, number];
  const copies = down.classes.flatMap((y, i) =>
    across.classes.map((x, j) => {
      const place = (axis: Axis, { output, taps: count }: Residue): number => output - (count - 1) + axis.before;
      const last = ({ tap, tapStep, taps: count }: Residue): number => tap + (count - 1) * tapStep;
      const to = (i * across.classes.length + j) * channels * perFilter + place(down, y) * WINDOW + place(across, x);
      return copyStrided(
        weight.dtype,
        [groups, channels, filters, y.taps, x.taps],
        {
          address: weight.address + (last(y) * kernel[2] + last(x)) * 4,
          strides: [filters * channels * taps, taps, channels * taps, -y.tapStep * kernel[2], -x.tapStep],
        },
        { address: kernels.address + to * 4, strides: [perGroup, perFilter, perChannel, WINDOW, 1] },
      );
    }),
  );
  return [...fill(kernels, 0), ...copies];
}

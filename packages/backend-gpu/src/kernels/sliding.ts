// Windows that slide over spatial axes, as text of scripts.
import type { Shape, Window } from '@receptive/backend';
import { windowOutput } from '@receptive/backend';
import { loop, nested, perAxis } from './places.ts';

/** The names that a script with windows over so many spatial axes uses, one an axis each. */
export interface Sliding {
  readonly axes: readonly number[];
  /** Lengths of the input, the output and the window. */
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly kernel: readonly string[];
  /** Coordinates in the input, in the output and in the window: locals, or what counts loops. */
  readonly i: readonly string[];
  readonly o: readonly string[];
  readonly k: readonly string[];
  /** All numbers, in the order of {@link slidingNumbers}. */
  readonly integers: readonly string[];
}

export function sliding(rank: number): Sliding {
  const named = (name: string): string[] => perAxis(name, rank);
  const [input, output, kernel] = [named('input'), named('output'), named('kernel')];
  return {
    axes: named('').map(Number),
    ...{ input, output, kernel, i: named('i'), o: named('o'), k: named('k') },
    integers: [input, output, kernel, named('stride'), named('dilation'), named('before')].flat(),
  };
}

/** Coordinates are locals of scripts, and so are floats: these count to here. */
const MOST = 2 ** 24;

/**
 * The numbers of a window over `[N, C, ...spatial]`.
 * @throws RangeError if an axis has more places than a float can count.
 */
export function slidingNumbers([images, channels, ...input]: Shape, window: Window): number[] {
  const { kernel, stride, dilation, padding } = window;
  const output = windowOutput(input, window);
  const padded = input.map((length, axis) => padding[axis]![0] + length + padding[axis]![1]);
  const longest = Math.max(images! * channels!, ...padded, ...output);
  if (longest > MOST) {
    throw new RangeError(
      `gpu: a window cannot slide over ${longest} places along an axis, or in so many images and channels: at most ${MOST}. ` +
        'Compute in smaller batches or shorter pieces, or use a CPU backend.',
    );
  }
  return [input, output, kernel, stride, dilation, padding.map(([before]) => before)].flat();
}

/** Declares the coordinate in the input that the window at `o` sees through its tap `k`, and goes on if it lies inside. */
export function see(axis: number, then: string): string {
  return `const i${axis} = o${axis} * stride${axis} - before${axis} + k${axis} * dilation${axis};
    ${nested([`if (i${axis} >= 0 && i${axis} < input${axis})`], then)}`;
}

/** Runs `body` for each tap `k` through which the window at `o` sees an element of the input, in order, with its place `i`. */
export function eachTap({ axes }: Sliding, body: string): string {
  return axes.reduceRight((then, axis) => nested([loop(`k${axis}`, `kernel${axis}`)], see(axis, then)), body);
}

/** Runs `body` for each window that sees the input's element at `i`, with its place `o` and the tap `k` through which it does. */
export function eachWindow({ axes }: Sliding, body: string): string {
  return axes.reduceRight((then, axis) => {
    const [o, q, stride] = [`o${axis}`, `q${axis}`, `stride${axis}`];
    const found = nested([`if (${o} < output${axis} && ${o} * ${stride} === ${q})`], then);
    return nested(
      [loop(`k${axis}`, `kernel${axis}`)],
      `const ${q} = i${axis} + before${axis} - k${axis} * dilation${axis};
      ${nested([`if (${q} >= 0)`], `const ${o} = div(whole(${q}), ${stride}); ${found}`)}`,
    );
  }, body);
}

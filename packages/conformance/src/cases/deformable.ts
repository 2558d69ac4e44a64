import type { Padding, Shape } from '@receptive/backend';
import { resolvePadding, sizeOf, windowOutput } from '@receptive/backend';
import type { Case, Input, OpCases } from '../case.ts';
import { given, numbers, uniform } from '../case.ts';
import type { Tolerance } from '../tolerance.ts';

/** Places are rounded before they are read from, so that errors grow with the coordinates and with what lies around. */
export const sampled: Tolerance = { c: 64, scale: 'largest' };

interface Deformed {
  readonly stride?: readonly number[];
  readonly dilation?: readonly number[];
  readonly padding?: Padding;
  readonly groups?: number;
  readonly offsetGroups?: number;
  readonly modulated?: boolean;
  /** How offsets of a shape are made; up to two pixels either way, unless told. */
  readonly offset?: (shape: Shape) => Input;
}

/** A deformable convolution of `x` with `filters` of `kernel`. */
function deformed(
  name: string,
  x: Shape,
  filters: number,
  kernel: readonly number[],
  options: Deformed = {},
): Case<'deformConv'> {
  const { groups = 1, offsetGroups = 1, padding = 0, modulated, offset = (shape) => uniform(shape, -2, 2) } = options;
  const ones = kernel.map(() => 1);
  const open = { kernel, stride: options.stride ?? ones, dilation: options.dilation ?? ones };
  const geometry = { ...open, padding: resolvePadding(padding, x.slice(2), open), groups };
  const output = windowOutput(x.slice(2), geometry);
  const reads = offsetGroups * sizeOf(kernel);
  const inputs = [
    numbers(x),
    offset([x[0]!, kernel.length * reads, ...output]),
    numbers([filters, x[1]! / groups, ...kernel]),
  ] as const;
  return {
    name,
    inputs: modulated ? [...inputs, uniform([x[0]!, reads, ...output], 0, 1)] : inputs,
    attributes: { geometry, offsetGroups },
  };
}

export const deformableCases = {
  deformConv: {
    tolerance: sampled,
    cases: [
      deformed('3x3', [1, 2, 5, 6], 3, [3, 3], { padding: 1 }),
      deformed('modulated, with groups of channels and of offsets', [2, 4, 4, 3], 4, [2, 2], {
        groups: 2,
        offsetGroups: 4,
        modulated: true,
      }),
      deformed('stride, dilation and uneven padding', [1, 2, 7, 5], 2, [3, 2], {
        stride: [2, 1],
        dilation: [1, 2],
        padding: [
          [2, 0],
          [0, 1],
        ],
        offsetGroups: 2,
      }),
      deformed('offsets of zeros, as training begins', [1, 2, 4, 4], 2, [3, 3], {
        padding: 1,
        offset: (shape) => uniform(shape, 0, 0),
      }),
      deformed('on the rim and beyond', [1, 1, 2, 2], 1, [1, 1], {
        offset: (shape) => given([-1, -0.5, 1, -1e9, 2, 1e9, 0.5, -1.5], shape),
      }),
      deformed('one axis', [2, 2, 7], 3, [3], { stride: [2], padding: 1, modulated: true }),
      deformed('three axes', [1, 2, 3, 2, 3], 2, [2, 2, 1]),
    ],
  },
} satisfies Record<string, OpCases<'deformConv'>>;

import type { Padding, Shape } from '@receptive/backend';
import { resolvePadding, sizeOf, windowOutput } from '@receptive/backend';
import type { OpName } from '@receptive/tensor';
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

/** What the cases are made of, by the names of shapes. */
interface Deformation {
  readonly name: string;
  readonly x: Shape;
  readonly filters: number;
  readonly kernel: readonly number[];
  readonly options: Deformed;
}

function deformation(
  name: string,
  x: Shape,
  filters: number,
  kernel: readonly number[],
  options: Deformed = {},
): Deformation {
  return { name, x, filters, kernel, options };
}

const deformations: readonly Deformation[] = [
  deformation('3x3', [1, 2, 5, 6], 3, [3, 3], { padding: 1 }),
  deformation('modulated, with groups of channels and of offsets', [2, 4, 4, 3], 4, [2, 2], {
    groups: 2,
    offsetGroups: 4,
    modulated: true,
  }),
  deformation('stride, dilation and uneven padding', [1, 2, 7, 5], 2, [3, 2], {
    stride: [2, 1],
    dilation: [1, 2],
    padding: [
      [2, 0],
      [0, 1],
    ],
    offsetGroups: 2,
  }),
  deformation('offsets of zeros, as training begins', [1, 2, 4, 4], 2, [3, 3], {
    padding: 1,
    offset: (shape) => uniform(shape, 0, 0),
  }),
  deformation('on the rim and beyond', [1, 1, 2, 2], 1, [1, 1], {
    offset: (shape) => given([-1, -0.5, 1, -1e9, 2, 1e9, 0.5, -1.5], shape),
  }),
  deformation('nowhere', [1, 2, 2, 2], 2, [1, 1], {
    offset: (shape) => given([NaN, Infinity, -Infinity, 0.5, 0.25, 0.5, NaN, -0.5], shape),
    modulated: true,
  }),
  deformation('one axis', [2, 2, 7], 3, [3], { stride: [2], padding: 1, modulated: true }),
  deformation('three axes', [1, 2, 3, 2, 3], 2, [2, 2, 1]),
];

/** The inputs and attributes that the ops have. */
function parts({ x, filters, kernel, options }: Deformation) {
  const { groups = 1, offsetGroups = 1, padding = 0, modulated, offset = (shape) => uniform(shape, -2, 2) } = options;
  const ones = kernel.map(() => 1);
  const open = { kernel, stride: options.stride ?? ones, dilation: options.dilation ?? ones };
  const window = { ...open, padding: resolvePadding(padding, x.slice(2), open) };
  const output = windowOutput(x.slice(2), window);
  const taps = sizeOf(kernel);
  const mask = modulated ? ([uniform([x[0]!, offsetGroups * taps, ...output], 0, 1)] as const) : ([] as const);
  return {
    x: numbers(x),
    offset: offset([x[0]!, kernel.length * offsetGroups * taps, ...output]),
    weight: numbers([filters, x[1]! / groups, ...kernel]),
    columns: numbers([x[0]!, x[1]! * taps, sizeOf(output)]),
    mask,
    window: { window, offsetGroups },
    geometry: { geometry: { ...window, groups }, offsetGroups },
  };
}

function deformable<N extends OpName>(
  of: (each: ReturnType<typeof parts>, deformation: Deformation) => Omit<Case<N>, 'name'>,
): OpCases<N> {
  return { tolerance: sampled, cases: deformations.map((each) => ({ name: each.name, ...of(parts(each), each) })) };
}

export const deformableCases = {
  deformConv: deformable<'deformConv'>(({ x, offset, weight, mask, geometry }) => ({
    inputs: [x, offset, weight, ...mask],
    attributes: geometry,
  })),
  deformColumns: deformable<'deformColumns'>(({ x, offset, mask, window }) => ({
    inputs: [x, offset, ...mask],
    attributes: window,
  })),
  deformColumnsInputGradient: deformable<'deformColumnsInputGradient'>(
    ({ columns, offset, mask, window }, { x: inputShape }) => ({
      inputs: [columns, offset, ...mask],
      attributes: { ...window, inputShape },
    }),
  ),
  deformColumnsOffsetGradient: deformable<'deformColumnsOffsetGradient'>(({ x, columns, offset, mask, window }) => ({
    inputs: [x, columns, offset, ...mask],
    attributes: window,
  })),
  deformColumnsMaskGradient: deformable<'deformColumnsMaskGradient'>(({ x, columns, offset, window }) => ({
    inputs: [x, columns, offset],
    attributes: window,
  })),
} satisfies { readonly [N in OpName]?: OpCases<N> };

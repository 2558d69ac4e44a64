import type { Padding, Shape } from '@receptive/backend';
import { resolvePadding, windowOutput } from '@receptive/backend';
import type { OpName } from '@receptive/tensor';
import type { Case, OpCases } from '../case.ts';
import { numbers } from '../case.ts';
import { sums } from '../tolerance.ts';

interface Options {
  readonly stride?: readonly number[];
  readonly dilation?: readonly number[];
  readonly padding?: Padding;
  readonly bias?: boolean;
}

function unshared(
  name: string,
  x: Shape,
  filters: number,
  kernel: readonly number[],
  { stride, dilation, padding = 0, bias = false }: Options = {},
): Case<'locallyConnected'> {
  const spatial = x.slice(2);
  const ones = kernel.map(() => 1);
  const open = { kernel, stride: stride ?? ones, dilation: dilation ?? ones };
  const window = { ...open, padding: resolvePadding(padding, spatial, open) };
  const output = windowOutput(spatial, window);
  const [input, weight] = [numbers(x), numbers([...output, filters, x[1]!, ...kernel])];
  const inputs = bias ? ([input, weight, numbers([filters, ...output])] as const) : ([input, weight] as const);
  return { name, inputs, attributes: { window } };
}

export const locallyConnectedCases = {
  locallyConnected: {
    tolerance: sums,
    cases: [
      unshared('one place', [2, 3, 2, 3], 4, [2, 3], { bias: true }),
      unshared('3x3, padded', [2, 2, 4, 3], 3, [3, 3], { padding: 1 }),
      unshared('stride, dilation and uneven padding', [2, 2, 6, 5], 2, [2, 3], {
        stride: [2, 1],
        dilation: [1, 2],
        padding: [
          [0, 1],
          [2, 0],
        ],
        bias: true,
      }),
      unshared('one axis', [3, 2, 7], 3, [3], { stride: [2], bias: true }),
      unshared('three axes', [1, 2, 3, 2, 3], 2, [2, 1, 2]),
    ],
  },
} satisfies { readonly [N in OpName]?: OpCases<N> };

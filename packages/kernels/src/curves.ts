import type { CurveName } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import type { Located } from './elementwise.ts';
import { GRAIN } from './elementwise.ts';
import type { Plan } from './plan.ts';
import { float, pieces } from './plan.ts';

/** The function, or the gradient times its slope if there is one. */
export function curve(
  name: CurveName,
  gradient: Located | undefined,
  x: Located,
  out: Located,
  constants: readonly number[],
): Plan {
  const count = sizeOf(x.shape);
  const numbers = [0, 1, 2].map((i) => float(constants[i] ?? 0));
  return [
    {
      kernel: gradient ? `${name}Slope` : name,
      words: [x.address, out.address, gradient?.address ?? 0, count, GRAIN, ...numbers],
      chunks: pieces(count, GRAIN),
      scratch: 0,
    },
  ];
}

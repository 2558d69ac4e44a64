import type { ActivationName, BinaryName, CompareName, Operand, UnaryName } from '@receptive/backend';
import { broadcastStrides, bytesPerElement, collapse, sameShape, sizeOf } from '@receptive/backend';
import { cursorBytes, shiftOf } from './axes.ts';
import type { Plan } from './plan.ts';
import { pieces } from './plan.ts';

/** Elements a chunk of elementwise work: a few microseconds. */
export const GRAIN = 8192;

/** An operand and where its storage lies. */
export interface Located extends Pick<Operand, 'shape' | 'dtype'> {
  readonly address: number;
}

/** Applies a kernel to dense memory, element by element. */
function map(kernel: string, x: Located, out: Located): Plan {
  const count = sizeOf(out.shape);
  const words = [x.address, shiftOf(x.dtype), out.address, shiftOf(out.dtype), count, GRAIN];
  return [{ kernel, words, chunks: pieces(count, GRAIN), scratch: 0 }];
}

/** Applies a kernel to operands that broadcast to `out`. */
function zip(kernel: string, inputs: readonly Located[], out: Located): Plan {
  const count = sizeOf(out.shape);
  const { counts, strides } = inputs.every(({ shape }) => sizeOf(shape) === 1 || sameShape(shape, out.shape))
    ? { counts: [count], strides: inputs.map(({ shape }) => [sizeOf(shape) === 1 ? 0 : 1]) }
    : collapse(out.shape, ...inputs.map(({ shape }) => broadcastStrides(shape, out.shape)));
  const rank = counts.length - 1;
  const words = [out.address, shiftOf(out.dtype), count, GRAIN, counts[rank]!, rank];
  for (let i = 0; i < inputs.length; i++) {
    const { address, dtype } = inputs[i]!;
    words.push(address, shiftOf(dtype), strides[i]![rank]!);
  }
  for (let axis = 0; axis < rank; axis++) words.push(counts[axis]!);
  for (let i = 0; i < inputs.length; i++) {
    const bytes = bytesPerElement(inputs[i]!.dtype);
    for (let axis = 0; axis < rank; axis++) words.push(strides[i]![axis]! * bytes);
  }
  return [{ kernel, words, chunks: pieces(count, GRAIN), scratch: cursorBytes(rank) }];
}

export function unary(name: UnaryName, x: Located, out: Located): Plan {
  return map(`${name}_${x.dtype}`, x, out);
}

export function binary(
  name: BinaryName | CompareName | `${ActivationName}Gradient`,
  a: Located,
  b: Located,
  out: Located,
): Plan {
  return zip(`${name}_${a.dtype}`, [a, b], out);
}

export function where(condition: Located, a: Located, b: Located, out: Located): Plan {
  return zip(shiftOf(out.dtype) ? 'where4' : 'where1', [condition, a, b], out);
}

/** Converts between two different element types. */
export function convert(x: Located, out: Located): Plan {
  return map(`cast_${x.dtype}_${out.dtype}`, x, out);
}

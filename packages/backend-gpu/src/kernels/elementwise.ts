import type { ActivationName, BinaryName, CompareName, UnaryName } from '@receptive/backend';
import type { DType, Operand, OptionalKernels, RequiredKernels } from '@receptive/backend';
import { broadcastStrides, collapse, isFloat, sizeOf } from '@receptive/backend';
import { memo, script } from '../program.ts';
import type { Runner } from '../runner.ts';
import { placeIn, placeNames, placeValues } from './walk.ts';

// Kernels that compute each element by itself: a formula of `a`, the element of the first input, and of `b` and `c`. A NaN is a number that is not equal to
// itself: `a === a` tells, but not `a !== a`, which WebGPU takes for "less or greater".

const unaries: { readonly [N in UnaryName]: string } = {
  neg: '-a',
  abs: 'Math.abs(a)',
  sign: 'a > 0 ? 1 : (a < 0 ? -1 : a)',
  square: 'a * a',
  sqrt: 'Math.sqrt(a)',
  rsqrt: '1 / Math.sqrt(a)',
  reciprocal: '1 / a',
  exp: 'expOf(a)',
  expm1: 'expm1Of(a)',
  log: 'logOf(a)',
  log1p: 'log1pOf(a)',
  sin: 'sinOf(a, 0)',
  cos: 'sinOf(a, 1)',
  tanh: 'tanhOf(a)',
  sigmoid: 'sigmoidOf(a)',
  softplus: 'softplusOf(a)',
  relu: 'a < 0 ? 0 : a',
  erf: 'erfOf(a)',
  floor: 'Math.floor(a)',
  ceil: 'Math.ceil(a)',
  round: 'roundOf(a)',
};

const binaries: { readonly [N in BinaryName]: string } = {
  add: 'a + b',
  sub: 'a - b',
  mul: 'a * b',
  div: 'a / b',
  pow: 'powOf(a, b)',
  maximum: 'a > b || !(a === a) ? a : b',
  minimum: 'a < b || !(a === a) ? a : b',
};

const integerBinaries: { readonly [N in BinaryName]: string } = {
  ...binaries,
  div: 'b === 0 ? 0 : (a < 0 ? -1 : 1) * (b < 0 ? -1 : 1) * div(whole(Math.abs(a)), whole(Math.abs(b)))',
  pow: 'b >= 0 || Math.abs(a) === 1 ? powOf(a, b) : 0',
};

const comparisons: { readonly [N in CompareName]: string } = {
  equal: 'a === b ? 1 : 0',
  notEqual: 'a === b ? 0 : 1',
  less: 'a < b ? 1 : 0',
  lessEqual: 'a <= b ? 1 : 0',
  greater: 'a > b ? 1 : 0',
  greaterEqual: 'a >= b ? 1 : 0',
};

/** Of the gradient `a` and the activation's output `b`. */
const activationGradients: { readonly [N in ActivationName]: string } = {
  relu: 'b > 0 ? a : 0',
  // 1 - b^2 would lose its digits where b is near 1; these factors do not.
  tanh: 'a * ((1 - b) * (1 + b))',
  sigmoid: 'a * b * (1 - b)',
};

/** The whole part, or the nearest number of the type, of which the greatest int32 has no float32. */
function toInteger(least: number, greatest: number): string {
  return `a === a ? Math.max(${least}, Math.min(${greatest}, a < 0 ? Math.ceil(a) : Math.floor(a))) : 0`;
}

const formulas: { readonly [name: string]: string } = {
  ...unaries,
  ...binaries,
  ...comparisons,
  ...renamed(integerBinaries, (name) => `int32 ${name}`),
  ...renamed(
    integerBinaries,
    (name) => `uint8 ${name}`,
    (formula) => `byteOf(${formula})`,
  ),
  ...renamed(activationGradients, (name) => `gradient of ${name}`),
  where: 'a !== 0 ? b : c',
  'cast to int32': toInteger(-(2 ** 31), 2 ** 31),
  'cast to uint8': toInteger(0, 255),
};

function renamed(
  table: { readonly [name: string]: string },
  rename: (name: string) => string,
  change: (formula: string) => string = (formula) => formula,
): { [name: string]: string } {
  return Object.fromEntries(Object.entries(table).map(([name, formula]) => [rename(name), change(formula)]));
}

/** How an input's elements meet the output's: one to one, the same one always, or as strides tell. */
type Meeting = 'dense' | 'single' | 'strided';

const MEMORIES = ['x', 'y', 'z'] as const;
const ELEMENTS = ['a', 'b', 'c'] as const;

/** The script of a formula, a rank (of the strided inputs' walk) and each input's meeting, separated by commas. */
const zipScript = memo((key: string) => {
  const [name, rank, ...meetings] = key.split(',') as [string, string, ...Meeting[]];
  const places = { dense: () => 'this.thread.x', single: () => '0', strided: (x: string) => placeIn(x, Number(rank)) };
  const elements = meetings.map((meeting, i) => {
    const memory = MEMORIES[i]!;
    return `const ${ELEMENTS[i]} = ${memory}[${places[meeting](memory)}];`;
  });
  const reads = MEMORIES.slice(0, meetings.length);
  const integers = placeNames(
    Number(rank),
    reads.filter((_, i) => meetings[i] === 'strided'),
  );
  return script(key, { reads, integers }, `${elements.join(' ')} return ${formulas[name]};`);
});

/** Elementwise kernels. */
export function elementwise(
  runner: Runner,
): Pick<RequiredKernels, 'fill' | 'cast' | 'unary' | 'binary' | 'compare' | 'where'> &
  Pick<OptionalKernels, 'activationGradient'> {
  /** Runs the formula of this name over the inputs, broadcast to `out`. */
  function zip(name: string, out: Operand, ...inputs: readonly Operand[]): void {
    const size = sizeOf(out.shape);
    const meetings = inputs.map(({ shape }): Meeting => {
      const own = sizeOf(shape);
      return own === size ? 'dense' : own === 1 ? 'single' : 'strided';
    });
    const strided = inputs.filter((_, i) => meetings[i] === 'strided');
    const loops =
      strided.length === 0
        ? { counts: [], strides: [] }
        : collapse(out.shape, ...strided.map(({ shape }) => broadcastStrides(shape, out.shape)));
    runner.run(zipScript([name, loops.counts.length, ...meetings].join()), out, inputs, placeValues(loops));
  }

  return {
    fill: (out, value) => runner.run(filled, out, [], [value]),
    cast(x, out) {
      if (includes(out.dtype, x.dtype)) runner.share(x, out);
      else zip(`cast to ${out.dtype}`, out, x);
    },
    unary: (name, x, out) => zip(name, out, x),
    binary: (name, a, b, out) => zip(isFloat(out.dtype) ? name : `${out.dtype} ${name}`, out, a, b),
    compare: (name, a, b, out) => zip(name, out, a, b),
    where: (condition, a, b, out) => zip('where', out, condition, a, b),
    activationGradient: (name, gradient, y, out) => zip(`gradient of ${name}`, out, gradient, y),
  };
}

const filled = script('fill', { floats: ['value'] }, 'return value;');

/** Whether all elements of type `from` are elements of type `to`, which are stored alike. */
function includes(to: DType, from: DType): boolean {
  return to === from || isFloat(to) || from === 'uint8';
}

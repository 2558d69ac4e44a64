import type { GpuFunction } from './gpu-js.ts';

function whole(name: string, parameters: readonly string[], value: string): GpuFunction {
  return {
    source: `function ${name}(${parameters.join(', ')}) { return ${value}; }`,
    settings: {
      argumentTypes: Object.fromEntries(parameters.map((parameter) => [parameter, 'Integer'])),
      returnType: 'Integer',
    },
  };
}

/**
 * Functions that every kernel can call, for indices beyond the 2^24 up to which floats count:
 * - `whole(v)`: the float `v`, rounded down, as a whole number;
 * - `div(i, d)` and `rem(i, d)`: quotient, rounded down, and remainder of `0 <= i < 2^31` by `d > 0`.
 *
 * gpu.js divides floats only, which know neither large whole numbers nor, on a GPU, quotients exactly: `near` may be off by a few hundred. What it leaves of
 * `i` is a whole number, the true one even where `q * d` has wrapped around, and tells how far: a second division mends all but 1, and comparisons that.
 */
export const wholeNumbers: readonly GpuFunction[] = [
  {
    source: 'function whole(v) { return Math.floor(v); }',
    settings: { argumentTypes: { v: 'Number' }, returnType: 'Integer' },
  },
  whole('plus', ['a', 'b'], 'a + b'),
  whole('near', ['i', 'd'], 'Math.floor(i / d)'),
  whole('mend', ['i', 'd', 'q'], 'plus(q, whole((i - q * d) / d))'),
  whole('settle', ['i', 'd', 'q'], 'i - q * d < 0 ? q - 1 : (i - q * d < d ? q : q + 1)'),
  whole('div', ['i', 'd'], 'settle(i, d, mend(i, d, near(i, d)))'),
  whole('rem', ['i', 'd'], 'i - div(i, d) * d'),
];

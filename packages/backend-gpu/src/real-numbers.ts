import type { GpuFunction } from './gpu-js.ts';

/** `c0 + x * (c1 + x * (c2 + ...))`, with `count` coefficients. */
function polynomial(x: string, count: number, coefficient: (n: number) => number): string {
  const terms = Array.from({ length: count }, (_, n) => `${coefficient(n)}`);
  return terms.reduceRight((inner, term) => `(${term} + ${x} * ${inner})`);
}

function factorial(n: number): number {
  return n < 2 ? 1 : n * factorial(n - 1);
}

function real(name: string, parameters: readonly string[], body: string): GpuFunction {
  return {
    source: `function ${name}(${parameters.join(', ')}) { ${body} }`,
    settings: {
      argumentTypes: Object.fromEntries(parameters.map((parameter) => [parameter, 'Number'])),
      returnType: 'Number',
    },
  };
}

/** The largest float32. gpu.js has no literal for infinity; what is larger than this one is infinite. */
const LARGEST = (2 - 2 ** -23) * 2 ** 127;

/**
 * A number in two or three parts that add up to it, the first ones of so few digits that their products with whole numbers up to 2^14 are exact: what is left
 * of an argument after a multiple of the number is subtracted keeps its digits.
 */
function parts(value: number, count: number): readonly number[] {
  if (count === 1) return [value];
  const unit = 2 ** (Math.floor(Math.log2(value)) - 9);
  const first = Math.floor(value / unit) * unit;
  return [first, ...parts(value - first, count - 1)];
}

/** `v` less `k` times the number in its parts. */
function reduced(v: string, k: string, value: number, count: number): string {
  return parts(value, count).reduce((rest, part) => `(${rest} - ${k} * ${part})`, v);
}

/**
 * Functions that every kernel can call in place of `Math`'s. A GPU's own may be off by more than a thousandth (sines), lose all digits near a zero (logarithms
 * around 1, tanh around 0), grow less exact with their argument (exponentials), be undefined (powers of negative numbers) or NaN (tanh of large ones).
 * These are within a few units in the last place wherever additions and multiplications are, and pass NaN on.
 */
export const realNumbers: readonly GpuFunction[] = [
  // e^v - 1 for |v| <= 1/2: the Taylor series.
  real('growth', ['v'], `return v * ${polynomial('v', 9, (n) => 1 / factorial(n + 1))};`),
  // e^v = 2^k * e^r with |r| <= log(2) / 2. Half of k at a time: 2^128 is no float32, and e^88.7 is. Past 200 all results are infinite or 0.
  real(
    'expOf',
    ['v'],
    `if (!(v === v)) { return v; }
    const w = Math.max(-200, Math.min(200, v));
    const k = Math.floor(w * ${Math.LOG2E} + 0.5);
    const half = Math.floor(k * 0.5);
    const r = ${reduced('w', 'k', Math.LN2, 2)};
    return (1 + growth(r)) * Math.pow(2, half) * Math.pow(2, k - half);`,
  ),
  real('expm1Of', ['v'], 'return Math.abs(v) <= 0.5 ? growth(v) : expOf(v) - 1;'),
  // log(1 + v) = 2 artanh(s), s = v / (2 + v), by its series: |s| <= 1/6.
  real(
    'log1pNearZero',
    ['v'],
    `const s = v / (2 + v);
    const s2 = s * s;
    return 2 * s * ${polynomial('s2', 5, (n) => 1 / (2 * n + 1))};`,
  ),
  real(
    'logOf',
    ['v'],
    `if (!(v > 0)) { return v === 0 ? -1 / Math.abs(v) : Math.sqrt(v); }
    if (v > ${LARGEST}) { return v; }
    return v > 0.72 && v < 1.4 ? log1pNearZero(v - 1) : Math.log(v);`,
  ),
  real('log1pOf', ['v'], 'return v > -0.28 && v < 0.4 ? log1pNearZero(v) : logOf(1 + v);'),
  // Written with a power of e that vanishes for large |v|: nothing overflows.
  real('sigmoidOf', ['v'], 'const e = expOf(-Math.abs(v)); return (v < 0 ? e : 1) / (1 + e);'),
  real('tanhOf', ['v'], 'const e = expm1Of(-2 * Math.abs(v)); const t = e / (2 + e); return v < 0 ? t : -t;'),
  real('softplusOf', ['v'], 'return (v > 0 ? v : 0) + log1pOf(expOf(-Math.abs(v)));'),
  // sin(v + quadrant * pi / 2), by the Taylor series of sine and cosine in [-pi / 4, pi / 4].
  real(
    'sinOf',
    ['v', 'quadrant'],
    `const k = Math.floor(v * ${2 / Math.PI} + 0.5);
    const r = ${reduced('v', 'k', Math.PI / 2, 3)};
    const r2 = r * r;
    const q = k + quadrant - 4 * Math.floor((k + quadrant) * 0.25);
    const sine = r * ${polynomial('r2', 5, (n) => (-1) ** n / factorial(2 * n + 1))};
    const cosine = ${polynomial('r2', 6, (n) => (-1) ** n / factorial(2 * n))};
    const size = q === 1 || q === 3 ? cosine : sine;
    return q < 2 ? size : -size;`,
  ),
  // Below 1 the Maclaurin series, beyond it 1 less the approximation of erfc by Abramowitz and Stegun, 7.1.26, which is within 1.5e-7.
  real(
    'erfOf',
    ['v'],
    `const z = Math.abs(v);
    const z2 = z * z;
    const t = 1 / (1 + 0.3275911 * z);
    const tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
    const near = z * ${polynomial('z2', 11, (n) => ((2 / Math.sqrt(Math.PI)) * (-1) ** n) / (factorial(n) * (2 * n + 1)))};
    const size = z < 1 ? near : 1 - tail * expOf(-z2);
    return v < 0 ? -size : size;`,
  ),
  // The nearest whole number, halves to the even one.
  real(
    'roundOf',
    ['v'],
    `const low = Math.floor(v);
    const rest = v - low;
    const odd = low - 2 * Math.floor(low * 0.5);
    return rest > 0.5 || (rest === 0.5 && odd === 1) ? low + 1 : low;`,
  ),
  // JavaScript's `a ** b`: by squaring where the exponent is whole, which is exact as long as the powers are, and knows negative bases. Other powers of these are
  // NaN, as their square roots.
  real(
    'powOf',
    ['a', 'b'],
    `if (b === 0) { return 1; }
    if (!(a === a)) { return a; }
    if (!(b === b)) { return b; }
    const base = Math.abs(a);
    const size = Math.abs(b);
    if (size > ${LARGEST}) {
      if (base === 1) { return Math.sqrt(-size); }
      return (base - 1) * b > 0 ? size : 0;
    }
    if (size === Math.floor(size) && size < 16777216) {
      let power = 1;
      let factor = a;
      let rest = size;
      for (let n = 0; n < 24; n++) {
        const half = Math.floor(rest * 0.5);
        if (rest - 2 * half > 0) { power = power * factor; }
        factor = factor * factor;
        rest = half;
        if (rest === 0) { break; }
      }
      return b < 0 ? 1 / power : power;
    }
    if (base === 0 || base > ${LARGEST}) { return b > 0 ? base : 1 / base; }
    if (a < 0 && size !== Math.floor(size)) { return Math.sqrt(a); }
    return Math.pow(base, b);`,
  ),
  // What a byte keeps of a whole number; 0 of one that is too large for its last digits to be known.
  real('byteOf', ['v'], 'return Math.abs(v) < 16777216 ? v - 256 * Math.floor(v * 0.00390625) : 0;'),
];

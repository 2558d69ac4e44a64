/** Functions of one float: expressions in x, of four lanes. */
const unary = {
  neg: 'f32x4.neg(x)',
  abs: 'f32x4.abs(x)',
  sign: 'sign(x)',
  square: 'f32x4.mul(x, x)',
  sqrt: 'f32x4.sqrt(x)',
  rsqrt: 'f32x4.div(f32x4.splat(1), f32x4.sqrt(x))',
  reciprocal: 'f32x4.div(f32x4.splat(1), x)',
  exp: 'exp(x)',
  expm1: 'expm1(x)',
  log: 'log(x)',
  log1p: 'log1p(x)',
  sin: 'sin(x)',
  cos: 'cos(x)',
  tanh: 'tanh(x)',
  sigmoid: 'sigmoid(x)',
  softplus: 'softplus(x)',
  // In this order, pmax returns x if it is NaN.
  relu: 'f32x4.pmax(x, f32x4.splat(0))',
  erf: 'erf(x)',
  floor: 'f32x4.floor(x)',
  ceil: 'f32x4.ceil(x)',
  round: 'f32x4.nearest(x)',
};

/** Arithmetic of two operands: four float lanes, and one integer. Integers wrap around; what is no integer counts as 0. */
const binary = {
  add: ['f32x4.add(x, y)', 'x + y'],
  sub: ['f32x4.sub(x, y)', 'x - y'],
  mul: ['f32x4.mul(x, y)', 'x * y'],
  // The machine traps where the quotient overflows.
  div: ['f32x4.div(x, y)', 'y == 0 ? 0 : y == -1 ? 0 - x : x / y'],
  pow: ['power(x, y)', 'integerPower(x, y)'],
  maximum: ['f32x4.max(x, y)', 'max(x, y)'],
  minimum: ['f32x4.min(x, y)', 'min(x, y)'],
};

/** Gradients of activations: of the output's gradient x and the output y. */
const gradients = {
  reluGradient: 'v128.and(x, f32x4.gt(y, f32x4.splat(0)))',
  // 1 - y^2 would lose its digits where y is near 1; these factors do not.
  tanhGradient: 'f32x4.mul(x, f32x4.mul(f32x4.sub(f32x4.splat(1), y), f32x4.add(f32x4.splat(1), y)))',
  sigmoidGradient: 'f32x4.mul(x, f32x4.mul(y, f32x4.sub(f32x4.splat(1), y)))',
};

const compare = {
  equal: ['eq', '=='],
  notEqual: ['ne', '!='],
  less: ['lt', '<'],
  lessEqual: ['le', '<='],
  greater: ['gt', '>'],
  greaterEqual: ['ge', '>='],
};

const integers = { int32: 'i32', uint8: 'u8' };

/** Conversions: expressions in x. Out of range saturates, NaN becomes 0. */
const casts = {
  float32_int32: ['f32', 'i32', 'i32x4.extract_lane(i32x4.trunc_sat_f32x4_s(f32x4.splat(x)), 0)'],
  float32_uint8: ['f32', 'u8', 'min<u32>(255, <u32>i32x4.extract_lane(i32x4.trunc_sat_f32x4_u(f32x4.splat(x)), 0))'],
  int32_float32: ['i32', 'f32', '<f32>x'],
  int32_uint8: ['i32', 'u8', 'min(255, max(0, x))'],
  uint8_float32: ['u8', 'f32', '<f32>x'],
  uint8_int32: ['u8', 'i32', 'x'],
};

const unaryKernel = ([name, expression]) => `
function ${name}Run(from: usize, to: usize, n: i32): void {
  for (; n >= 4; n -= 4) {
    const x = v128.load(from);
    v128.store(to, ${expression});
    from += 16;
    to += 16;
  }
  if (n) {
    const x = loadPartial(from, n);
    storePartial(to, ${expression}, n);
  }
}
export function ${name}_float32(args: usize, chunk: i32, scratch: usize): void {
  map(args, chunk, ${name}Run);
}`;

/** A loop over rows of two operands, each of which advances or stands still. \`store\` gets the expression, for four lanes and for n. */
const floatRun = (name, whole, part) => `
function ${name}Run(a: usize, aStep: i32, b: usize, bStep: i32, c: usize, cStep: i32, to: usize, n: i32): void {
  let x = v128.load32_splat(a), y = v128.load32_splat(b);
  for (; n >= 4; n -= 4) {
    if (aStep) {
      x = v128.load(a);
      a += 16;
    }
    if (bStep) {
      y = v128.load(b);
      b += 16;
    }
    ${whole}
  }
  if (n) {
    if (aStep) x = loadPartial(a, n);
    if (bStep) y = loadPartial(b, n);
    ${part}
  }
}
export function ${name}_float32(args: usize, chunk: i32, scratch: usize): void {
  zip(args, chunk, scratch, 2, ${name}Run);
}`;

const integerRun = (name, dtype, type, out, expression) => `
function ${name}_${dtype}Run(a: usize, aStep: i32, b: usize, bStep: i32, c: usize, cStep: i32, to: usize, n: i32): void {
  for (; n > 0; n--) {
    const x = load<${type}>(a), y = load<${type}>(b);
    store<${out}>(to, <${out}>(${expression}));
    a += aStep * sizeof<${type}>();
    b += bStep * sizeof<${type}>();
    to += sizeof<${out}>();
  }
}
export function ${name}_${dtype}(args: usize, chunk: i32, scratch: usize): void {
  zip(args, chunk, scratch, 2, ${name}_${dtype}Run);
}`;

const floatKernel = ([name, expression]) =>
  floatRun(name, `v128.store(to, ${expression});\nto += 16;`, `storePartial(to, ${expression}, n);`);

const binaryKernels = ([name, [float, integer]]) => [
  floatKernel([name, float]),
  ...Object.entries(integers).map(([dtype, type]) =>
    integerRun(name, dtype, type, type, type === 'u8' ? integer.replace('y == -1 ? 0 - x : ', '') : integer),
  ),
];

const compareKernels = ([name, [float, integer]]) => [
  floatRun(name, `storeMask(to, f32x4.${float}(x, y));\nto += 4;`, `storeMaskPartial(to, f32x4.${float}(x, y), n);`),
  ...Object.entries(integers).map(([dtype, type]) => integerRun(name, dtype, type, 'u8', `x ${integer} y`)),
];

const castKernel = ([name, [from, to, expression]]) => `
function cast_${name}Run(from: usize, to: usize, n: i32): void {
  for (; n > 0; n--) {
    const x = load<${from}>(from);
    store<${to}>(to, <${to}>(${expression}));
    from += sizeof<${from}>();
    to += sizeof<${to}>();
  }
}
export function cast_${name}(args: usize, chunk: i32, scratch: usize): void {
  map(args, chunk, cast_${name}Run);
}`;

/** AssemblyScript source of all elementwise kernels. */
export function elementwise() {
  return `import { map, storeMask, storeMaskPartial, zip } from '../assembly/elementwise';
import { cos, power, sin } from '../assembly/doubles';
import { erf, exp, expm1, integerPower, log, log1p, sigmoid, sign, softplus, tanh } from '../assembly/math';
import { loadPartial, storePartial } from '../assembly/vector';
${[
  ...Object.entries(unary).map(unaryKernel),
  ...Object.entries(binary).flatMap(binaryKernels),
  ...Object.entries(gradients).map(floatKernel),
  ...Object.entries(compare).flatMap(compareKernels),
  ...Object.entries(casts).map(castKernel),
].join('\n')}
`;
}

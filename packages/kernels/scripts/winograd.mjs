/**
 * The transforms of Winograd's convolutions F(m x m, r x r): tiles of m x m outputs from a x a inputs, a = m + r - 1, and kernels of r x r.
 * `Y = A^T [(G g G^T) * (B^T d B)] A`: Lavin and Gray, Fast algorithms for convolutional neural networks, arXiv:1509.09308. What is filtered are polynomials, multiplied by
 * their values at a - 1 points and at infinity (Cook and Toom): the rows of G and of A are powers of the points, and those of B^T the coefficients of Lagrange's
 * polynomials, without their denominators, by which G is divided. The gradient of the weights is the transpose of all that, G^T [(A dY A^T) * (B^T d B)] G.
 */
const variants = [
  { m: 2, r: 3 },
  { m: 4, r: 3 },
  { m: 2, r: 5 },
  { m: 4, r: 5 },
];

/** The points of tiles of `a` inputs, besides 0 and infinity: small ones, each with its negative, so that sums of even and of odd powers serve both. */
const pairs = (a) => [1, 2, 1 / 2].slice(0, (a - 2) / 2);

/** Coefficients of the product of `x - root` over all roots, lowest power first. */
function product(roots) {
  return roots.reduce((p, root) => [0, ...p].map((c, i) => c - root * (p[i] ?? 0)), [1]);
}

/** The matrices of F(m x m, r x r). Rows of all belong to the points: 0, each pair, infinity. */
function matrices(m, r) {
  const a = m + r - 1;
  const points = [0, ...pairs(a).flatMap((p) => [p, -p])];
  const others = (i) => points.filter((_, k) => k !== i);
  const last = (length) => Array.from({ length }, (_, i) => (i === length - 1 ? 1 : 0));
  const powers = (length, scale = () => 1) => [
    ...points.map((p, i) => Array.from({ length }, (_, k) => p ** k / scale(p, i))),
    last(length),
  ];
  // A sign may be given to either side. That of 0 is such that there is nothing to multiply.
  const value = (p, i) => others(i).reduce((all, other) => all * (p - other), 1);
  const sign = (i) => (i === 0 ? Math.sign(value(0, 0)) : 1);
  const padded = (row, i) => Array.from({ length: a }, (_, k) => sign(i) * (row[k] ?? 0));
  return {
    inputs: [...points.map((_, i) => padded(product(others(i)), i)), product(points)],
    outputs: powers(m),
    weights: powers(r, (p, i) => sign(i) * value(p, i)),
  };
}

/** A number as AssemblyScript writes it: a third has no short one. */
function literal(x) {
  for (let d = 1; d <= 1e6; d++) {
    const n = Math.round(x * d);
    if (Math.abs(n - x * d) < 1e-9 * Math.max(1, Math.abs(x * d))) return d === 1 ? `${n}` : `${n}.0 / ${d}.0`;
  }
  throw new Error(`${x} is no fraction.`);
}

/** The sum of `factors[i] * operands[i]`, as an expression: from the last one on if that needs no multiplication, else from the first. */
function sum(factors, operands) {
  const terms = factors.map((factor, i) => ({ factor, operand: operands[i] })).filter(({ factor }) => factor !== 0);
  const shared = terms.at(-1).factor;
  if (shared !== 1 && terms.length > 1 && terms.every(({ factor }) => Math.abs(factor) === Math.abs(shared))) {
    const rest = sum(
      terms.map(({ factor }) => factor / shared),
      terms.map(({ operand }) => operand),
    );
    return `mul(${rest}, ${literal(shared)})`;
  }
  const [first, ...rest] = shared === 1 ? terms.reverse() : terms;
  const start = first.factor === 1 ? first.operand : `mul(${first.operand}, ${literal(first.factor)})`;
  return rest.reduce((all, { factor, operand }) => {
    if (factor === 1) return `add(${all}, ${operand})`;
    return factor === -1 ? `sub(${all}, ${operand})` : `times(${operand}, ${literal(factor)}, ${all})`;
  }, start);
}

/** Statements that multiply `matrix` with operands: rows of a point and of its negative are sum and difference of what even and odd operands give. */
function byRows(matrix, operands, use) {
  const last = matrix.length - 1;
  const rows = [use(sum(matrix[0], operands), 0)];
  for (let i = 1; i < last; i += 2) {
    const [even, odd] = [0, 1].map((parity) =>
      sum(
        matrix[i].map((factor, j) => (j % 2 === parity ? factor : 0)),
        operands,
      ),
    );
    if (matrix[i].some((factor, j) => matrix[i + 1][j] !== (j % 2 ? -factor : factor)))
      throw new Error('The rows of a point and of its negative do not differ in the signs of odd powers alone.');
    rows.push(`const e${i} = ${even}, o${i} = ${odd};`);
    rows.push(use(`add(e${i}, o${i})`, i), use(`sub(e${i}, o${i})`, i + 1));
  }
  return [...rows, use(sum(matrix[last], operands), last)].join('\n');
}

/** Statements that multiply the transpose of `matrix` with operands: what even and odd powers take of a point and of its negative are their sum and difference. */
function byColumns(matrix, operands, use) {
  const last = matrix.length - 1;
  const ofPairs = Array.from({ length: (last - 1) / 2 }, (_, pair) => 2 * pair + 1);
  const combined = ofPairs.map((i) => `const s${i} = add(${operands[i]}, ${operands[i + 1]}), t${i} = sub(${operands[i]}, ${operands[i + 1]});`); // prettier-ignore
  const columns = matrix[0].map((_, column) => {
    const paired = sum(
      ofPairs.map((i) => matrix[i][column]),
      ofPairs.map((i) => `${column % 2 ? 't' : 's'}${i}`),
    );
    // What 0 and infinity give comes last.
    const whole = [0, last].reduce((all, i) => {
      const factor = matrix[i][column];
      if (factor === 0) return all;
      return factor === 1 ? `add(${all}, ${operands[i]})` : `times(${operands[i]}, ${literal(factor)}, ${all})`;
    }, paired);
    return use(whole, column);
  });
  return [...combined, ...columns].join('\n');
}

const lines = (count, line) => Array.from({ length: count }, (_, i) => line(i)).join('\n');
const vectors = (count) => Array.from({ length: count }, (_, i) => `d${i}`);

/** Loads `count` neighbours from where each of four tiles begins, `m` apart, in a row: lane i of vector `d0` to `d(count - 1)` is tile i. */
function fourTiles(m, count) {
  if (m === 2) {
    return lines(count / 2, (pair) => {
      const [v, w] = [`v${2 * pair}`, `v${2 * pair + 1}`];
      return `const ${v} = v128.load(from, ${8 * pair}), ${w} = v128.load(from, ${8 * pair + 16});
        const d${2 * pair} = v128.shuffle<f32>(${v}, ${w}, 0, 2, 4, 6), d${2 * pair + 1} = v128.shuffle<f32>(${v}, ${w}, 1, 3, 5, 7);`;
    });
  }
  return `${lines(4, (i) => `const v${i} = v128.load(from, ${16 * i});`)}
    const l0 = v128.shuffle<f32>(v0, v1, 0, 4, 1, 5), l1 = v128.shuffle<f32>(v2, v3, 0, 4, 1, 5);
    const h0 = v128.shuffle<f32>(v0, v1, 2, 6, 3, 7), h1 = v128.shuffle<f32>(v2, v3, 2, 6, 3, 7);
    const d0 = v128.shuffle<f32>(l0, l1, 0, 1, 4, 5), d1 = v128.shuffle<f32>(l0, l1, 2, 3, 6, 7);
    const d2 = v128.shuffle<f32>(h0, h1, 0, 1, 4, 5), d3 = v128.shuffle<f32>(h0, h1, 2, 3, 6, 7);
    ${count > 4 ? 'const v4 = v128.load(from, 64);' : ''}
    ${lines(count - 4, (i) => `const d${4 + i} = v128.shuffle<f32>(d${i}, v4, 1, 2, 3, ${4 + i});`)}`;
}

/** Stores a row of four tiles' outputs, `o0` to `o(m - 1)`, lane i of which is tile i, as neighbours at `to`. */
const neighbours = {
  2: `v128.store(to, v128.shuffle<f32>(o0, o1, 0, 4, 1, 5));
    v128.store(to, v128.shuffle<f32>(o0, o1, 2, 6, 3, 7), 16);`,
  4: `const l0 = v128.shuffle<f32>(o0, o1, 0, 4, 1, 5), l1 = v128.shuffle<f32>(o2, o3, 0, 4, 1, 5);
    const h0 = v128.shuffle<f32>(o0, o1, 2, 6, 3, 7), h1 = v128.shuffle<f32>(o2, o3, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<f32>(l0, l1, 0, 1, 4, 5));
    v128.store(to, v128.shuffle<f32>(l0, l1, 2, 3, 6, 7), 16);
    v128.store(to, v128.shuffle<f32>(h0, h1, 0, 1, 4, 5), 32);
    v128.store(to, v128.shuffle<f32>(h0, h1, 2, 3, 6, 7), 48);`,
};

function transforms({ m, r }) {
  const { inputs, outputs, weights } = matrices(m, r);
  const a = m + r - 1;
  const name = `${m}x${r}`;
  const toElements = (count, matrix) => `at = work;
  for (let column = 0; column < ${a}; column++) {
    ${lines(count, (i) => `const d${i} = v128.load(at, ${16 * a * i});`)}
    ${byRows(matrix, vectors(count), (result, i) => `put4(to + step * ${a * i}, ${result}, room, next);`)}
    to += step;
    at += 16;
  }`;
  const fromElements = (matrix) => `let at = work;
  for (let column = 0; column < ${a}; column++) {
    ${lines(a, (i) => `const d${i} = v128.load(from + step * ${a * i});`)}
    ${byColumns(matrix, vectors(a), (result, i) => `v128.store(at, ${result}, ${16 * a * i});`)}
    from += step;
    at += 16;
  }`;
  const tilesToElements = (count, matrix) => `let at = work;
  for (let row = 0; row < ${count}; row++) {
    ${fourTiles(m, count)}
    ${byRows(matrix, vectors(count), (result, i) => `v128.store(at, ${result}, ${16 * i});`)}
    from += pitch;
    at += ${16 * a};
  }
  ${toElements(count, matrix)}`;
  return `
function input${name}(from: usize, pitch: usize, work: usize, to: usize, step: usize, room: i32, next: usize): void {
  ${tilesToElements(a, inputs)}
}

function gradient${name}(from: usize, pitch: usize, work: usize, to: usize, step: usize, room: i32, next: usize): void {
  ${tilesToElements(m, outputs)}
}

function output${name}(from: usize, step: usize, work: usize, to: usize): void {
  ${fromElements(outputs)}
  at = work;
  for (let row = 0; row < ${m}; row++) {
    ${lines(a, (i) => `const d${i} = v128.load(at, ${16 * i});`)}
    ${byColumns(outputs, vectors(a), (result, i) => `const o${i} = ${result};`)}
    ${neighbours[m]}
    at += ${16 * a};
    to += ${16 * m};
  }
}

function weights${name}(from: usize, work: usize, to: usize, step: usize, count: i32): void {
  for (let column: usize = 0; column < ${r}; column++) {
    const at = from + column * 16, h = work + column * 16;
    ${lines(r, (i) => `const d${i} = v128.load(at, ${16 * r * i});`)}
    ${byRows(weights, vectors(r), (result, i) => `v128.store(h, ${result}, ${16 * r * i});`)}
  }
  for (let row = 0; row < ${a}; row++) {
    ${lines(r, (i) => `const d${i} = v128.load(work, ${16 * i});`)}
    ${byRows(weights, vectors(r), (result, i) => `putFirst(to + step * ${i}, ${result}, count);`)}
    to += step * ${a};
    work += ${16 * r};
  }
}

function kernel${name}(from: usize, step: usize, work: usize, to: usize): void {
  ${fromElements(weights)}
  for (let row = 0; row < ${r}; row++) {
    ${lines(a, (i) => `const d${i} = v128.load(work, ${16 * i});`)}
    ${byColumns(weights, vectors(a), (result, i) => `v128.store(to, ${result}, ${16 * i});`)}
    work += ${16 * a};
    to += ${16 * r};
  }
}
`;
}

/** What the transforms do, and what they take; the variant, m and r, comes first. */
const doors = {
  input: {
    what: 'Transforms four neighbouring tiles of inputs, whose rows lie `pitch` bytes apart: element `xi` of them goes to `to + xi * step`, split as `put4` has it.',
    parameters: ['from: usize', 'pitch: usize', 'work: usize', 'to: usize', 'step: usize', 'room: i32', 'next: usize'],
  },
  gradient: {
    what: "Transforms four neighbouring tiles of an output's gradient, as `input` does those of inputs.",
    parameters: ['from: usize', 'pitch: usize', 'work: usize', 'to: usize', 'step: usize', 'room: i32', 'next: usize'],
  },
  output: {
    what: 'Transforms the products of four neighbouring tiles, element `xi` of which lies at `from + xi * step`, into m rows of 4 m outputs.',
    parameters: ['from: usize', 'step: usize', 'work: usize', 'to: usize'],
  },
  weights: {
    what: 'Transforms four kernels, lane i of whose tap t lies at `from + t * 16`; the first `count` lanes of element `xi` go to `to + xi * step`.',
    parameters: ['from: usize', 'work: usize', 'to: usize', 'step: usize', 'count: i32'],
  },
  kernel: {
    what: 'Transforms the gradients of four transformed kernels, element `xi` of which lies at `from + xi * step`, into those of taps, `to + tap * 16`.',
    parameters: ['from: usize', 'step: usize', 'work: usize', 'to: usize'],
  },
};

function door([name, { what, parameters }]) {
  const args = parameters.map((parameter) => parameter.split(':')[0]).join(', ');
  const calls = variants.map(({ m, r }, i) => {
    const condition = i < variants.length - 1 ? `if (m == ${m} && r == ${r}) ` : '';
    return `${condition}${name}${m}x${r}(${args});`;
  });
  return `
/** ${what} */
export function ${name}(m: i32, r: i32, ${parameters.join(', ')}): void {
  ${calls.join('\n  else ')}
}
`;
}

/** AssemblyScript source of the transforms. */
export function winograd() {
  const parts = [...variants.map(transforms), ...Object.entries(doors).map(door)];
  return `import { add, mul, put4, putFirst, sub, times } from '../assembly/tiles';\n${parts.join('')}`;
}

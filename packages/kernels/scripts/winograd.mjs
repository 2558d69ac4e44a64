/**
 * The transforms of Winograd's convolutions F(m x m, 3 x 3), for m = 2 and 4: tiles of m x m outputs from a x a inputs, a = m + 2.
 * `Y = A^T [(G g G^T) * (B^T d B)] A`, with the matrices of Lavin and Gray, Fast algorithms for convolutional neural networks, arXiv:1509.09308. A transform in
 * two dimensions is one along the columns and one along the rows; each is written here as the sums that the rows of its matrix stand for, with those shared
 * that several rows have: `input` by B^T, `output` by A^T, `weights` by G. The gradient of the weights is the transpose of all that, G^T [(A dY A^T) * (B^T d B)] G:
 * `gradient` by A, and `kernel` by G^T.
 */
const algorithms = {
  2: {
    input: (d) => ({
      results: [`sub(${d[0]}, ${d[2]})`, `add(${d[1]}, ${d[2]})`, `sub(${d[2]}, ${d[1]})`, `sub(${d[1]}, ${d[3]})`],
    }),
    output: (m) => ({
      shared: { s: `add(${m[1]}, ${m[2]})`, t: `sub(${m[1]}, ${m[2]})` },
      results: [`add(${m[0]}, s)`, `sub(t, ${m[3]})`],
    }),
    weights: (g) => ({
      shared: { s: `mul(add(${g[0]}, ${g[2]}), 0.5)`, t: `mul(${g[1]}, 0.5)` },
      results: [g[0], 'add(s, t)', 'sub(s, t)', g[2]],
    }),
    gradient: (y) => ({
      results: [y[0], `add(${y[0]}, ${y[1]})`, `sub(${y[0]}, ${y[1]})`, `sub(f32x4.splat(0), ${y[1]})`],
    }),
    kernel: (u) => ({
      shared: { s: `mul(add(${u[1]}, ${u[2]}), 0.5)` },
      results: [`add(${u[0]}, s)`, `mul(sub(${u[1]}, ${u[2]}), 0.5)`, `add(s, ${u[3]})`],
    }),
  },
  4: {
    input: (d) => ({
      shared: {
        p: `times(${d[2]}, -4, ${d[4]})`,
        q: `times(${d[1]}, -4, ${d[3]})`,
        r: `sub(${d[4]}, ${d[2]})`,
        s: `mul(sub(${d[3]}, ${d[1]}), 2)`,
      },
      results: [
        `times(${d[0]}, 4, times(${d[2]}, -5, ${d[4]}))`,
        'add(p, q)',
        'sub(p, q)',
        'add(r, s)',
        'sub(r, s)',
        `times(${d[1]}, 4, times(${d[3]}, -5, ${d[5]}))`,
      ],
    }),
    output: (m) => ({
      shared: {
        p: `add(${m[1]}, ${m[2]})`,
        q: `sub(${m[1]}, ${m[2]})`,
        r: `add(${m[3]}, ${m[4]})`,
        s: `sub(${m[3]}, ${m[4]})`,
      },
      results: [`add(${m[0]}, add(p, r))`, 'times(s, 2, q)', 'times(r, 4, p)', `add(times(s, 8, q), ${m[5]})`],
    }),
    weights: (g) => ({
      shared: {
        p: `mul(add(${g[0]}, ${g[2]}), -1.0 / 6.0)`,
        q: `mul(${g[1]}, -1.0 / 6.0)`,
        r: `times(${g[2]}, 1.0 / 6.0, mul(${g[0]}, 1.0 / 24.0))`,
        s: `mul(${g[1]}, 1.0 / 12.0)`,
      },
      results: [`mul(${g[0]}, 0.25)`, 'add(p, q)', 'sub(p, q)', 'add(r, s)', 'sub(r, s)', g[2]],
    }),
    gradient: (y) => ({
      shared: {
        p: `add(${y[0]}, ${y[2]})`,
        q: `add(${y[1]}, ${y[3]})`,
        r: `times(${y[2]}, 4, ${y[0]})`,
        s: `mul(times(${y[3]}, 4, ${y[1]}), 2)`,
      },
      results: [y[0], 'add(p, q)', 'sub(p, q)', 'add(r, s)', 'sub(r, s)', y[3]],
    }),
    kernel: (u) => ({
      shared: {
        p: `mul(add(${u[1]}, ${u[2]}), -1.0 / 6.0)`,
        q: `mul(sub(${u[2]}, ${u[1]}), 1.0 / 6.0)`,
        r: `add(${u[3]}, ${u[4]})`,
        s: `sub(${u[3]}, ${u[4]})`,
      },
      results: [
        `times(${u[0]}, 0.25, times(r, 1.0 / 24.0, p))`,
        'times(s, 1.0 / 12.0, q)',
        `times(r, 1.0 / 6.0, add(p, ${u[5]}))`,
      ],
    }),
  },
};

const lines = (count, line) => Array.from({ length: count }, (_, i) => line(i)).join('\n');

/** Statements of one transform along one axis: its shared sums get the suffix, and `use` gets its results. */
function along(transform, operands, use, suffix = '') {
  const { shared = {}, results } = transform(operands);
  // Longer names would be replaced in part by shorter ones.
  const named = (text) =>
    Object.keys(shared).reduce(
      (all, name) => all.replaceAll(new RegExp(`\\b${name}\\b`, 'g'), `${name}${suffix}_`),
      text,
    );
  const sums = Object.entries(shared).map(([name, sum]) => `const ${name}${suffix}_ = ${sum};`);
  return [...sums, ...results.map((result, i) => use(named(result), i))].join('\n');
}

/** Loads four neighbouring tiles of a row of inputs as vectors `d0` to `d(a - 1)`: lane i of them is tile i. */
const fourTiles = {
  2: `const v0 = v128.load(from), v1 = v128.load(from, 16), v2 = v128.load(from, 8), v3 = v128.load(from, 24);
    const d0 = v128.shuffle<f32>(v0, v1, 0, 2, 4, 6), d1 = v128.shuffle<f32>(v0, v1, 1, 3, 5, 7);
    const d2 = v128.shuffle<f32>(v2, v3, 0, 2, 4, 6), d3 = v128.shuffle<f32>(v2, v3, 1, 3, 5, 7);`,
  4: `const v0 = v128.load(from), v1 = v128.load(from, 16), v2 = v128.load(from, 32), v3 = v128.load(from, 48), v4 = v128.load(from, 64);
    const l0 = v128.shuffle<f32>(v0, v1, 0, 4, 1, 5), l1 = v128.shuffle<f32>(v2, v3, 0, 4, 1, 5);
    const h0 = v128.shuffle<f32>(v0, v1, 2, 6, 3, 7), h1 = v128.shuffle<f32>(v2, v3, 2, 6, 3, 7);
    const d0 = v128.shuffle<f32>(l0, l1, 0, 1, 4, 5), d1 = v128.shuffle<f32>(l0, l1, 2, 3, 6, 7);
    const d2 = v128.shuffle<f32>(h0, h1, 0, 1, 4, 5), d3 = v128.shuffle<f32>(h0, h1, 2, 3, 6, 7);
    const d4 = v128.shuffle<f32>(d0, v4, 1, 2, 3, 4), d5 = v128.shuffle<f32>(d1, v4, 1, 2, 3, 5);`,
};

/** Loads four neighbouring tiles of a row of an output's gradient in the same way, as `d0` to `d(m - 1)`. */
const fourOutputTiles = {
  2: `const v0 = v128.load(from), v1 = v128.load(from, 16);
    const d0 = v128.shuffle<f32>(v0, v1, 0, 2, 4, 6), d1 = v128.shuffle<f32>(v0, v1, 1, 3, 5, 7);`,
  4: `const v0 = v128.load(from), v1 = v128.load(from, 16), v2 = v128.load(from, 32), v3 = v128.load(from, 48);
    const l0 = v128.shuffle<f32>(v0, v1, 0, 4, 1, 5), l1 = v128.shuffle<f32>(v2, v3, 0, 4, 1, 5);
    const h0 = v128.shuffle<f32>(v0, v1, 2, 6, 3, 7), h1 = v128.shuffle<f32>(v2, v3, 2, 6, 3, 7);
    const d0 = v128.shuffle<f32>(l0, l1, 0, 1, 4, 5), d1 = v128.shuffle<f32>(l0, l1, 2, 3, 6, 7);
    const d2 = v128.shuffle<f32>(h0, h1, 0, 1, 4, 5), d3 = v128.shuffle<f32>(h0, h1, 2, 3, 6, 7);`,
};

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

function transforms(m) {
  const { input, output, weights, gradient, kernel } = algorithms[m];
  const a = m + 2;
  const vectors = (name, count) => Array.from({ length: count }, (_, i) => `${name}${i}`);
  return `
/** Transforms four neighbouring tiles of inputs, whose rows lie \`pitch\` bytes apart: element \`xi\` of them goes to \`to + xi * step\`, split as \`put4\` has it. */
export function input${m}(from: usize, pitch: usize, work: usize, to: usize, step: usize, room: i32, next: usize): void {
  let at = work;
  for (let row = 0; row < ${a}; row++) {
    ${fourTiles[m]}
    ${along(input, vectors('d', a), (result, i) => `v128.store(at, ${result}, ${16 * i});`)}
    from += pitch;
    at += ${16 * a};
  }
  at = work;
  for (let column = 0; column < ${a}; column++) {
    ${lines(a, (i) => `const d${i} = v128.load(at, ${16 * a * i});`)}
    ${along(input, vectors('d', a), (result, i) => `put4(to + step * ${a * i}, ${result}, room, next);`)}
    to += step;
    at += 16;
  }
}

/** Transforms the products of four neighbouring tiles, element \`xi\` of which lies at \`from + xi * step\`, into ${m} rows of ${4 * m} outputs. */
export function output${m}(from: usize, step: usize, work: usize, to: usize): void {
  let at = work;
  for (let column = 0; column < ${a}; column++) {
    ${lines(a, (i) => `const d${i} = v128.load(from + step * ${a * i});`)}
    ${along(output, vectors('d', a), (result, i) => `v128.store(at, ${result}, ${16 * a * i});`)}
    from += step;
    at += 16;
  }
  at = work;
  for (let row = 0; row < ${m}; row++) {
    ${lines(a, (i) => `const d${i} = v128.load(at, ${16 * i});`)}
    ${along(output, vectors('d', a), (result, i) => `const o${i} = ${result};`)}
    ${neighbours[m]}
    at += ${16 * a};
    to += ${16 * m};
  }
}

/** Transforms four 3 x 3 kernels, lane i of whose tap t lies at \`from + t * 16\`; the first \`count\` lanes of element \`xi\` go to \`to + xi * step\`. */
export function weights${m}(from: usize, work: usize, to: usize, step: usize, count: i32): void {
  for (let column: usize = 0; column < 3; column++) {
    const at = from + column * 16, h = work + column * 16;
    ${lines(3, (i) => `const d${i} = v128.load(at, ${48 * i});`)}
    ${along(weights, vectors('d', 3), (result, i) => `v128.store(h, ${result}, ${48 * i});`)}
  }
  for (let row = 0; row < ${a}; row++) {
    ${lines(3, (i) => `const d${i} = v128.load(work, ${16 * i});`)}
    ${along(weights, vectors('d', 3), (result, i) => `putFirst(to + step * ${i}, ${result}, count);`)}
    to += step * ${a};
    work += 48;
  }
}

/** Transforms four neighbouring tiles of an output's gradient, as \`input${m}\` does those of inputs. */
export function gradient${m}(from: usize, pitch: usize, work: usize, to: usize, step: usize, room: i32, next: usize): void {
  let at = work;
  for (let row = 0; row < ${m}; row++) {
    ${fourOutputTiles[m]}
    ${along(gradient, vectors('d', m), (result, i) => `v128.store(at, ${result}, ${16 * i});`)}
    from += pitch;
    at += ${16 * a};
  }
  at = work;
  for (let column = 0; column < ${a}; column++) {
    ${lines(m, (i) => `const d${i} = v128.load(at, ${16 * a * i});`)}
    ${along(gradient, vectors('d', m), (result, i) => `put4(to + step * ${a * i}, ${result}, room, next);`)}
    to += step;
    at += 16;
  }
}

/** Transforms the gradients of four transformed kernels, element \`xi\` of which lies at \`from + xi * step\`, into those of 3 x 3 taps, \`to + tap * 16\`. */
export function kernel${m}(from: usize, step: usize, work: usize, to: usize): void {
  let at = work;
  for (let column = 0; column < ${a}; column++) {
    ${lines(a, (i) => `const d${i} = v128.load(from + step * ${a * i});`)}
    ${along(kernel, vectors('d', a), (result, i) => `v128.store(at, ${result}, ${16 * a * i});`)}
    from += step;
    at += 16;
  }
  for (let row = 0; row < 3; row++) {
    ${lines(a, (i) => `const d${i} = v128.load(work, ${16 * i});`)}
    ${along(kernel, vectors('d', a), (result, i) => `v128.store(to, ${result}, ${16 * i});`)}
    work += ${16 * a};
    to += 48;
  }
}
`;
}

/** AssemblyScript source of the transforms. */
export function winograd() {
  return `import { add, mul, put4, putFirst, sub, times } from '../assembly/tiles';\n${transforms(2)}${transforms(4)}`;
}

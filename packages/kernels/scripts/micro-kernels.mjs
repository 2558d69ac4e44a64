/**
 * The innermost loops of matrix multiplication: a tile of C, ROWS x 8, is kept in registers while k runs.
 *
 * 6 x 8 uses all 15 registers V8 gives out (12 accumulators, 2 of B, 1 broadcast of A). Without fused multiply-add the product needs one more, hence 5 x 8.
 * k is not unrolled: Binaryen would nest the additions and the tile would spill.
 */
const VECTORS = 2;

const names = (rows) =>
  Array.from({ length: rows }, (_, row) => Array.from({ length: VECTORS }, (_, v) => `c${row}${v}`));

function tile(name, rows, parameters, panel, step) {
  const c = names(rows);
  const each = (line) =>
    c.map((vectors, row) => vectors.map((acc, v) => line(acc, row, 16 * v)).join('\n')).join('\nq += ldc;\n');
  return `
export function ${name}(kc: i32, a: usize, ${parameters}, c: usize, ldc: usize, initial: usize, accumulate: bool): void {
  ${c.map((vectors, row) => `let ${vectors[0]} = v128.load32_splat(initial, ${4 * row}), ${vectors[1]} = ${vectors[0]};`).join('\n  ')}
  for (; kc > 0; kc--) {
    ${panel}
    const b0 = v128.load(p), b1 = v128.load(p, 16);
    let x: v128;
    ${c.map((vectors, row) => `x = v128.load32_splat(a, ${4 * row});\n${vectors.map((acc, v) => `${acc} = madd(x, b${v}, ${acc});`).join('\n')}`).join('\n')}
    a += ${4 * rows};
    ${step}
  }
  let q = c;
  if (accumulate) {
    ${each((acc, _, at) => `v128.store(q, f32x4.add(v128.load(q, ${at}), ${acc}), ${at});`)}
  } else {
    ${each((acc, _, at) => `v128.store(q, ${acc}, ${at});`)}
  }
}`;
}

/** AssemblyScript source of the tiles. `packed` reads B's panel in order; `direct` reads rows of 8 wherever the table of byte offsets says. */
export function microKernels() {
  const both = (rows) => [
    tile(`packed${rows}`, rows, 'b: usize', 'const p = b;', 'b += 32;'),
    tile(`direct${rows}`, rows, 'b: usize, offsets: usize', 'const p = b + load<usize>(offsets);', 'offsets += 4;'),
  ];
  return `import { madd } from '../assembly/vector';\n${[...both(5), ...both(6)].join('\n')}\n`;
}

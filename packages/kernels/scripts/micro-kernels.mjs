/**
 * The innermost loops of matrix multiplication: a tile of C, `rows` x 8, is kept in registers while k runs.
 *
 * 6 x 8 uses all 15 registers V8 gives out (12 accumulators, 2 of B, 1 broadcast of A). Without fused multiply-add the
 * product needs one more, hence no more than 5 x 8. Lower tiles serve where rows would not fill high ones. k is not
 * unrolled: Binaryen would nest the additions and the tile would spill. Nor is there a loop over tiles in here: it makes
 * Node 20 spill, at half the speed.
 */
function tile(name, rows, { parameters, locals = '', left, right, next }) {
  const each = (statement) => Array.from({ length: rows }, (_, row) => statement(row)).join('\n');
  return `
export function ${name}(kc: i32, a: usize, ${parameters}, c: usize, beside: usize, stride: usize, initial: usize, accumulate: bool): void {
  ${each((row) => `let l${row} = v128.load32_splat(initial, ${4 * row}), r${row} = l${row};`)}
  for (; kc > 0; kc--) {
    ${locals}
    const left = v128.load(${left}), right = v128.load(${right});
    let x: v128;
    ${each(
      (row) => `x = v128.load32_splat(a, ${4 * row});
      l${row} = madd(x, left, l${row});
      r${row} = madd(x, right, r${row});`,
    )}
    a += ${4 * rows};
    ${next}
  }
  if (accumulate) {
    ${each(
      (row) => `v128.store(c, f32x4.add(v128.load(c), l${row}));
      v128.store(c + beside, f32x4.add(v128.load(c + beside), r${row}));
      c += stride;`,
    )}
  } else {
    ${each(
      (row) => `v128.store(c, l${row});
      v128.store(c + beside, r${row});
      c += stride;`,
    )}
  }
}`;
}

/** Reads a packed panel of B in order. */
const packed = { parameters: 'b: usize', left: 'b', right: 'b, 16', next: 'b += 32;' };

/** Reads the two halves of B's rows where they lie, `offsets` apart. */
const direct = {
  parameters: 'p: usize, q: usize, offsets: usize',
  left: 'p + load<usize>(offsets)',
  right: 'q + load<usize>(offsets)',
  next: 'offsets += 4;',
};

/** Reads B's rows, whole, where they lie, `offsets` apart. */
const lanes = {
  parameters: 'p: usize, offsets: usize',
  locals: 'const at = p + load<usize>(offsets);',
  left: 'at',
  right: 'at, 16',
  next: 'offsets += 4;',
};

/** AssemblyScript source of all tiles. The two halves of C's rows lie `beside` bytes apart, the rows `stride`. */
export function microKernels() {
  const tiles = [3, 4, 5, 6].flatMap((rows) => [
    tile(`packed${rows}`, rows, packed),
    tile(`direct${rows}`, rows, direct),
    tile(`lanes${rows}`, rows, lanes),
  ]);
  return `import { madd } from '../assembly/vector';\n${tiles.join('\n')}\n`;
}

/**
 * The innermost loops of matrix multiplication: a tile of C, `rows` x 8, is kept in registers while k runs. Wide ones, `rows` x 16, are for engines that
 * fuse pairs of adjacent vectors: these take as many registers. What such an engine fuses must load and store both of a pair with nothing in between.
 *
 * 6 x 8 uses all 15 registers V8 gives out (12 accumulators, 2 of B, 1 broadcast of A). Without fused multiply-add the
 * product needs one more, hence no more than 5 x 8. Lower tiles serve where rows would not fill high ones. k is not
 * unrolled: Binaryen would nest the additions and the tile would spill. Nor is there a loop over tiles in here: it makes
 * Node 20 spill, at half the speed.
 */
function tile(name, rows, { parameters, locals = '', reads, next, writes = halves }) {
  const each = (statement) => Array.from({ length: rows }, (_, row) => statement(row)).join('\n');
  const vectors = (statement) => reads.map((read, i) => statement(i, read)).join('\n');
  return `
export function ${name}(kc: i32, a: usize, ${parameters}, c: usize, beside: usize, stride: usize, initial: usize, accumulate: bool): void {
  ${each((row) => `let ${reads.map((_, i) => `c${row}_${i} = ${i ? `c${row}_0` : `v128.load32_splat(initial, ${4 * row})`}`).join(', ')};`)}
  for (; kc > 0; kc--) {
    ${locals}
    ${vectors((i, read) => `const b${i} = v128.load(${read});`)}
    let x: v128;
    ${each(
      (row) => `x = v128.load32_splat(a, ${4 * row});
      ${vectors((i) => `c${row}_${i} = madd(x, b${i}, c${row}_${i});`)}`,
    )}
    a += ${4 * rows};
    ${next}
  }
  if (accumulate) {
    ${each(
      (row) => `${vectors((i) => `c${row}_${i} = f32x4.add(v128.load(${writes[i]}), c${row}_${i});`)}
      ${vectors((i) => store(writes[i], `c${row}_${i}`))}
      c += stride;`,
    )}
  } else {
    ${each(
      (row) => `${vectors((i) => store(writes[i], `c${row}_${i}`))}
      c += stride;`,
    )}
  }
}`;
}

/** Stores at an address, or at an address and an offset. */
function store(to, value) {
  const [address, offset] = to.split(', ');
  return `v128.store(${[address, value, ...(offset ? [offset] : [])].join(', ')});`;
}

/** The two halves of a row of C. */
const halves = ['c', 'c + beside'];
/** The quarters of a row of a wide tile, which are neighbours. */
const quarters = ['c', 'c, 16', 'c, 32', 'c, 48'];

/** Reads a packed panel of B in order. */
const packed = { parameters: 'b: usize', reads: ['b', 'b, 16'], next: 'b += 32;' };
const wide = { ...packed, reads: ['b', 'b, 16', 'b, 32', 'b, 48'], next: 'b += 64;', writes: quarters };

/** Reads the two halves of B's rows where they lie, `offsets` apart. */
const direct = {
  parameters: 'p: usize, q: usize, offsets: usize',
  reads: ['p + load<usize>(offsets)', 'q + load<usize>(offsets)'],
  next: 'offsets += 4;',
};

/** Reads B's rows, whole, where they lie, `offsets` apart. */
const lanes = {
  parameters: 'p: usize, offsets: usize',
  locals: 'const at = p + load<usize>(offsets);',
  reads: ['at', 'at, 16'],
  next: 'offsets += 4;',
};

/** AssemblyScript source of all tiles. The two halves of C's rows lie `beside` bytes apart, the rows `stride`; those of a wide tile are one. */
export function microKernels(isWide) {
  const tiles = [3, 4, 5, 6].flatMap((rows) => [
    tile(`packed${rows}`, rows, isWide ? wide : packed),
    tile(`direct${rows}`, rows, direct),
    tile(`lanes${rows}`, rows, lanes),
  ]);
  return `import { madd } from '../assembly/vector';\n${tiles.join('\n')}\n`;
}

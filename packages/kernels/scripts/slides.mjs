/**
 * The innermost loops of direct convolutions: a tile of one output plane, four rows of twice four columns, is kept in registers while a window slides over
 * it. The window is cut into stacks of up to three taps, one below the other: each row of the input is then loaded once for all rows of the tile that it
 * meets. Binaryen nests the additions to a register into one expression, so they are written down in that order, and no more than three rows of the input are
 * needed at once: 15 registers hold all.
 */
const ROWS = 4;
const HIGHEST = 3;

const range = (length) => Array.from({ length }, (_, i) => i);

/** A stack of `height` taps, where a row of outputs meets rows of the input `stride` below those that the row above it meets. */
function stack(height, stride) {
  const loaded = { left: new Set(), right: new Set() };
  const line = (side, at) => {
    if (loaded[side].has(at)) return '';
    loaded[side].add(at);
    return `const ${side}${at} = v128.load(p${at}${side === 'right' ? ' + beside' : ''});`;
  };
  const half = (side) =>
    range(ROWS)
      .map((row) =>
        range(height)
          .map(
            (y) => `${line(side, row * stride + y)}
        ${side}Sum${row} = madd(w${y}, ${side}${row * stride + y}, ${side}Sum${row});`,
          )
          .join('\n'),
      )
      .join('\n');
  const lines = range((ROWS - 1) * stride + height).filter((at) => at % stride < height);
  const pointers = lines.map((at, i) =>
    i
      ? `const p${at} = p${lines[i - 1]}${' + pitch'.repeat(at - lines[i - 1])};`
      : `const p${at} = from + load<usize>(offsets);`,
  );
  const weights = range(height).map((y) => `const w${y} = v128.load32_splat(weights, ${4 * y});`);
  return `
    ${pointers.join('\n')}
    ${weights.join('\n')}
    ${half('left')}
    ${half('right')}
    offsets += 4;
    weights += ${4 * height};`;
}

function tile(stride) {
  const rows = range(ROWS);
  const names = range(HIGHEST).map((i) => `stacks${i + 1}`);
  return `
export function slide${stride}(
  ${names.map((name) => `${name}: i32`).join(', ')}, offsets: usize, weights: usize, from: usize, pitch: usize, beside: usize, to: usize, step: usize, initial: f32, least: f32,
): void {
  let leftSum0 = f32x4.splat(initial), rightSum0 = leftSum0;
  ${rows
    .slice(1)
    .map((row) => `let leftSum${row} = leftSum0, rightSum${row} = leftSum0;`)
    .join('\n')}
  ${names.map((name, i) => `for (; ${name} > 0; ${name}--) {${stack(i + 1, stride)}}`).join('\n')}
  const floor = f32x4.splat(least);
  ${rows
    .map(
      (row) => `v128.store(to, f32x4.pmax(leftSum${row}, floor));
    v128.store(to + beside, f32x4.pmax(rightSum${row}, floor));`,
    )
    .join('\nto += step;\n')}
}`;
}

/**
 * Windows of three rows and up to three columns over one plane, the most common by far, along a row of tiles of four columns. Without loops inside a tile, which take a third of
 * the time; with conditions, without which Binaryen would put all sums off to the end and have more in hand than there are registers.
 */
function tilesOfThree() {
  const rows = range(ROWS);
  const column = (x) => {
    const loads = range(ROWS + HIGHEST - 1).map((at) => `const x${at} = v128.load(p${at}, ${4 * x});`);
    return [
      ...range(HIGHEST).map((y) => `const w${y} = v128.load32_splat(weights, ${4 * (HIGHEST * x + y)});`),
      ...rows.flatMap((row) => [
        ...(row ? [loads[row + HIGHEST - 1]] : loads.slice(0, HIGHEST)),
        ...range(HIGHEST).map((y) => `sum${row} = madd(w${y}, x${row + y}, sum${row});`),
      ]),
    ].join('\n');
  };
  const pointers = range(ROWS + HIGHEST - 1).map((at) => `p${at} = ${at ? `p${at - 1} + pitch` : 'from + at'}`);
  return `
export function slideThrees(
  width: i32, weights: usize, from: usize, pitch: usize, to: usize, step: usize, initial: f32, least: f32, columns: i32, last: i32,
): void {
  const start = f32x4.splat(initial), floor = f32x4.splat(least);
  for (let c = 0; c < columns; c += 4) {
    const at = <usize>min(c, last) << 2, ${pointers.join(', ')};
    let ${rows.map((row) => `sum${row} = start`).join(', ')}, q = to + at;
    if (width > 0) {${column(0)}}
    if (width > 1) {${column(1)}}
    if (width > 2) {${column(2)}}
    ${rows.map((row) => `v128.store(q, f32x4.pmax(sum${row}, floor));`).join('\nq += step;\n')}
  }
}`;
}

/** Columns of taps whose dot products are formed together, and taps of one. */
const COLUMNS = 3;
const HEIGHT = 3;
const sums = range(COLUMNS * HEIGHT);

/** Adds `rows` rows of the gradient, times what the taps meet, to the sums; a row's last elements only where `isPartial`. */
function products(rows, isPartial) {
  const gradients = range(rows).map((row) => {
    const from = row ? 'g + gradientStep' : 'g';
    return `const g${row} = ${isPartial ? `loadPartial(${from}, n)` : `v128.load(${from})`};`;
  });
  const columns = range(COLUMNS).map((column) => {
    const lines = range(rows + HEIGHT - 1).map((line) => {
      const pointer = `const p${column}${line} = ${line ? `p${column}${line - 1} + step` : `p + offset${column}`};`;
      const value = `v128.load(p${column}${line})`;
      return `${pointer}\nconst x${column}${line} = ${isPartial ? `v128.and(mask, ${value})` : value};`;
    });
    const madds = range(HEIGHT * rows).map((i) => {
      const [y, row] = [Math.floor(i / rows), i % rows];
      const sum = `sum${column * HEIGHT + y}`;
      return `${sum} = madd(g${row}, x${column}${row + y}, ${sum});`;
    });
    return [...lines, ...madds].join('\n');
  });
  return [...gradients, ...columns].join('\n');
}

const along = (rows) => `
    let p = strip, n = width;
    for (; n >= 4; n -= 4) {
      ${products(rows, false)}
      g += 16;
      p += 16;
    }
    if (n) {
      ${products(rows, true)}
      g += <usize>n << 2;
    }`;

/** Dot products of rows of a gradient with the rows that stacks of three taps meet. */
const dots = `
export function dotStacks(g: usize, rows: i32, width: i32, strip: usize, step: usize, offsets: usize, sums: usize): void {
  const ${range(COLUMNS)
    .map((i) => `offset${i} = load<usize>(offsets, ${4 * i})`)
    .join(', ')}, gradientStep = <usize>width << 2;
  // The lanes beyond a row, where the strip may hold an infinity, which 0 would not silence.
  const mask = i32x4.gt_s(i32x4.splat(width & 3), i32x4(0, 1, 2, 3));
  ${sums.map((i) => `let sum${i} = v128.load(sums, ${16 * i});`).join('\n')}
  for (; ASC_FEATURE_RELAXED_SIMD && rows > 1; rows -= 2) {
    ${along(2)}
    g += gradientStep;
    strip += step * 2;
  }
  for (; rows > 0; rows--) {
    ${along(1)}
    strip += step;
  }
  ${sums.map((i) => `v128.store(sums, sum${i}, ${16 * i});`).join('\n')}
}`;

/** AssemblyScript source of the tiles of rows that meet each other's rows of the input, and of rows that meet those two below; and of dot products. */
export function slides() {
  return `import { loadPartial, madd } from '../assembly/vector';\n${[1, 2].map(tile).join('\n')}\n${tilesOfThree()}\n${dots}\n`;
}

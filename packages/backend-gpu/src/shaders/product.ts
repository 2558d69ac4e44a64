// The tiled matrix product that matmul and the convolutions share: what differs is where elements are read and written.

import type { Operand } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import { shader } from '../program.ts';
import type { Shader } from '../program.ts';
import type { Runner } from '../runner.ts';
import { BUSY, eachGroup } from './groups.ts';

/** How a product is cut: the block that a workgroup computes, the block that each of its threads computes, and the depth that is loaded at a time. */
export interface Tile {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  readonly threadRows: number;
  readonly threadColumns: number;
  readonly depth: number;
  /** Products a second of one workgroup, relative to those of the largest tile. */
  readonly speed: number;
}

const tile = (
  rows: number,
  columns: number,
  threadRows: number,
  threadColumns: number,
  depth: number,
  speed: number,
): Tile => ({ name: `${rows}x${columns}`, rows, columns, threadRows, threadColumns, depth, speed });

/** At most 256 threads and 16 KiB of shared memory, which every device has. */
const tiles: readonly Tile[] = [
  tile(128, 128, 8, 8, 8, 1),
  tile(64, 64, 8, 4, 16, 0.8),
  tile(32, 32, 4, 4, 8, 0.5),
  tile(8, 128, 4, 4, 8, 0.4),
  tile(128, 8, 4, 4, 8, 0.4),
];

export const findTile = (name: string): Tile => tiles.find((each) => each.name === name)!;

/** The least depth that is worth a part of its own. */
const PART = 256;

/** How a product of `batches` times `rows` by `columns` is computed over `depth`. */
export interface Plan {
  readonly tile: Tile;
  /** Parts into which the depth is cut; their sums are added up, in order, by a second pass. */
  readonly parts: number;
  readonly groups: number;
  /** What {@link planIntegers} names. */
  readonly values: readonly number[];
}

/**
 * Chooses the tile and the number of parts that leave the least to do one after another. It follows from the sizes alone, and so do all sums.
 * @param square Leaves out long tiles, whose few threads each load from many places: where that takes much code, compilers take minutes over it.
 */
export function plan(batches: number, rows: number, columns: number, depth: number, square = false): Plan {
  let best: Plan | undefined;
  let least = Infinity;
  for (const each of tiles) {
    if (square && each.rows !== each.columns) continue;
    const rowTiles = Math.ceil(rows / each.rows);
    const columnTiles = Math.ceil(columns / each.columns);
    const blocks = batches * rowTiles * columnTiles;
    const parts = Math.max(1, Math.min(Math.floor(BUSY / blocks), Math.floor(depth / PART)));
    const groups = blocks * parts;
    const cost = (Math.ceil(groups / BUSY) * each.rows * each.columns * Math.ceil(depth / parts)) / each.speed;
    if (cost >= least) continue;
    least = cost;
    best = {
      tile: each,
      parts,
      groups,
      values: [groups, rowTiles, columnTiles, parts, rows, columns],
    };
  }
  return best!;
}

/** The numbers that every product is told, before its own. */
export const planIntegers = ['groups', 'rowTiles', 'columnTiles', 'parts', 'rows', 'columns'];

/**
 * How one of the two matrices is read, in WGSL. A thread reads from a few places, its rows of the left matrix or columns of the right one, at each step for
 * one or more depths `k` within the step.
 */
export interface Side {
  /** Whether neighbouring threads read neighbouring depths or neighbouring places: the way in which memory is contiguous. */
  readonly along: 'depth' | 'place';
  /** Whether four elements that way are read at once, as a vec4. */
  readonly wide?: boolean;
  /** Whether elements go straight into shared memory, in a loop: for a `load` of so much code that it should be written once. Only along places. */
  readonly looped?: boolean;
  /** Statements that prepare place `i`, whose row or column, never beyond the last one, is `at`. */
  readonly prepare: (i: number, at: string) => string;
  /** Statements at each step for place `i`. */
  readonly each?: (i: number) => string;
  /** The element, or vec4, at place `i` and depth `k` of the step: 0 where the depth ends. */
  readonly load: (i: number, k: string) => string;
}

/** What makes a product: two matrices, how many steps their common depth takes, and where the result goes. All in WGSL. */
export interface Product {
  readonly tile: Tile;
  readonly left: Side;
  readonly right: Side;
  /** Statements that declare `steps`, with `batch` in sight; and others, that start from step `first`, once `part` has been cut out. */
  readonly begin: string;
  readonly start?: string;
  /** Statements before the loads of each `step`, and after them. */
  readonly before?: string;
  readonly after?: string;
  /** What the sums of a row start from, if not 0. */
  readonly initial?: (row: string) => string;
  /** Where the result begins, and where `column` of its row 0 goes from there: nowhere if that is negative. */
  readonly first: string;
  readonly place: (column: string) => string;
  /** Elements from a row to the next in the result. */
  readonly rowStride: string;
  /** WGSL outside of the main function. */
  readonly functions?: string;
}

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const lines = (count: number, line: (i: number) => string): string => range(count).map(line).join('\n');

/** Code that reads one side: declarations, preparation, loads into registers, and copies from there into shared memory. */
function loader(side: Side, name: string, size: number, { depth }: Tile, threads: number, origin: string, end: string) {
  const { along, wide = false, prepare, each, load } = side;
  const [run, across] = along === 'depth' ? [depth, size] : [size, depth];
  const chunk = wide ? 4 : 1;
  const units = (run / chunk) * across;
  const loads = Math.ceil(units / threads);
  // Unit `i` of a thread: `run / chunk` of them lie side by side. Its place repeats where the threads cover whole runs of places.
  const unit = (i: number): string => `(t + ${i * threads})`;
  const inRun = (i: number): string => `(${unit(i)} % ${run / chunk} * ${chunk})`;
  const acrossRuns = (i: number): string => `(${unit(i)} / ${run / chunk})`;
  const [placeOf, depthOf] = along === 'depth' ? [acrossRuns, inRun] : [inRun, acrossRuns];
  // Compilers take far too long over much code: many loads are a loop as well.
  const looped = side.looped || (along === 'place' && !wide && loads > 8);
  const places = along === 'place' ? Math.min(loads, Math.max(1, run / chunk / threads)) : loads;
  const guard = units < threads ? (code: string) => `if (t < ${units}) { ${code} }` : (code: string) => code;
  const vectors = size / 4;
  const keep = (i: number): string => {
    const at = `(slot * ${depth} + ${depthOf(i)}) * ${vectors}`;
    const place = placeOf(i);
    const register = `${name}${i}`;
    if (!wide) return `${name}Tile[${at} + ${place} / 4][${place} % 4] = ${register};`;
    if (along === 'place') return `${name}Tile[${at} + ${place} / 4] = ${register};`;
    return lines(4, (j) => `${name}Tile[${at} + ${j * vectors} + ${place} / 4][${place} % 4] = ${register}[${j}];`);
  };
  const shared = `var<workgroup> ${name}Tile: array<vec4<f32>, ${2 * depth * vectors}>;`;
  const prepared = lines(places, (i) =>
    prepare(i, `min(${origin} + ${placeOf(i)}, ${end} - ${wide && along === 'place' ? 4 : 1})`),
  );
  if (looped) {
    const at = `(step % 2 * ${depth} + k) * ${vectors}`;
    return {
      shared,
      prepare: prepared,
      load: `${each ? lines(places, each) : ''}
      for (var k = t / ${run}; k < ${depth}; k += ${Math.max(1, threads / run)}) {
        ${lines(places, (i) => `${name}Tile[${at} + ${placeOf(i)} / 4][${placeOf(i)} % 4] = ${load(i, 'k')};`)}
      }`,
      keep: '',
    };
  }
  return {
    shared,
    prepare: [prepared, lines(loads, (i) => `var ${name}${i}: ${wide ? 'vec4<f32>' : 'f32'};`)].join('\n'),
    load: [
      each ? lines(places, each) : '',
      lines(loads, (i) => guard(`${name}${i} = ${load(i % places, depthOf(i))};`)),
    ].join('\n'),
    keep: lines(loads, (i) => guard(keep(i))),
  };
}

/**
 * A matrix product in WGSL. Workgroups go through the depth in steps: while one step's elements are multiplied, those of the next are on their way into
 * registers, and then go into the other half of the shared memory. There, four neighbouring rows, or columns, are one vec4.
 */
export function product(of: Product): string {
  const { rows, columns, threadRows, threadColumns, depth } = of.tile;
  const [across, down] = [columns / threadColumns, rows / threadRows];
  const threads = across * down;
  const left = loader(of.left, 'left', rows, of.tile, threads, 'firstRow', 'params.rows');
  const right = loader(of.right, 'right', columns, of.tile, threads, 'firstColumn', 'params.columns');
  const [rowVectors, columnVectors] = [threadRows / 4, threadColumns / 4];
  const row = (i: number): string => `firstRow + (ty + ${Math.floor(i / 4) * down}) * 4 + ${i % 4}`;
  const column = (j: number): string => `firstColumn + (tx + ${Math.floor(j / 4) * across}) * 4 + ${j % 4}`;
  const { initial } = of;
  return `
${left.shared}
${right.shared}
${of.functions ?? ''}
${eachGroup(
  threads,
  `
  let tx = t % ${across};
  let ty = t / ${across};
  let firstRow = group % params.rowTiles * ${rows};
  group /= params.rowTiles;
  let firstColumn = group % params.columnTiles * ${columns};
  group /= params.columnTiles;
  let part = group % params.parts;
  let batch = group / params.parts;
  ${of.begin}
  let share = (steps + params.parts - 1) / params.parts;
  let first = min(part * share, steps);
  let last = min(first + share, steps);
  ${of.start ?? ''}
  ${left.prepare}
  ${right.prepare}
  ${lines(threadRows, (i) => {
    const value = initial
      ? `vec4<f32>(select(0.0, ${initial(`min(${row(i)}, params.rows - 1)`)}, part == 0))`
      : 'vec4<f32>()';
    return lines(columnVectors, (j) => `var sum${i}_${j} = ${value};`);
  })}
  for (var step = first; step <= last; step++) {
    if (step < last) {
      ${of.before ?? ''}
      ${left.load}
      ${right.load}
      ${of.after ?? ''}
    }
    if (step > first) {
      let slot = (step + 1) % 2;
      for (var k = 0; k < ${depth}; k++) {
        let atLeft = (slot * ${depth} + k) * ${rows / 4} + ty;
        let atRight = (slot * ${depth} + k) * ${columns / 4} + tx;
        ${lines(rowVectors, (i) => `let l${i} = leftTile[atLeft + ${i * down}];`)}
        ${lines(columnVectors, (j) => `let r${j} = rightTile[atRight + ${j * across}];`)}
        ${lines(threadRows, (i) =>
          lines(columnVectors, (j) => `sum${i}_${j} += l${Math.floor(i / 4)}[${i % 4}] * r${j};`),
        )}
      }
    }
    if (step < last) {
      let slot = step % 2;
      ${left.keep}
      ${right.keep}
    }
    workgroupBarrier();
  }
  let origin = ${of.first};
  ${lines(
    threadColumns,
    (j) => `{
    let column = ${column(j)};
    let place = ${of.place('column')};
    if (column < params.columns && place >= 0) {
      ${lines(
        threadRows,
        (i) =>
          `if (${row(i)} < params.rows) { result[origin + place + (${row(i)}) * ${of.rowStride}] = sum${i}_${Math.floor(j / 4)}[${j % 4}]; }`,
      )}
    }
  }`,
  )}`,
)}`;
}

/** Adds up parts of equal length, the first one first: the second pass of a product whose depth was cut. */
const sumParts = shader(
  'sum of parts',
  { reads: ['terms'], integers: ['length', 'parts'] },
  `@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) count: vec3<u32>) {
  let i = i32(id.x + id.y * count.x * 64);
  if (i >= params.length) { return; }
  var sum = 0.0;
  for (var part = 0; part < params.parts; part++) { sum += terms[part * params.length + i]; }
  result[i] = sum;
}`,
);

/** Runs a product as planned; `values` are its own numbers, which follow the plan's. */
export function runProduct(
  runner: Runner,
  program: Shader,
  { parts, groups, values: planned }: Plan,
  out: Operand,
  reads: readonly Operand[],
  values: readonly number[],
): void {
  const run = (into: Operand): void => runner.runShader(program, into, reads, [...planned, ...values], groups);
  if (parts === 1) {
    run(out);
    return;
  }
  const length = sizeOf(out.shape);
  runner.temporary(parts * length, (terms) => {
    run(terms);
    runner.runShader(sumParts, out, [terms], [length, parts], Math.ceil(length / 64));
  });
}

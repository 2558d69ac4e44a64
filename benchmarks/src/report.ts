import type { Sides } from './engine.ts';
import { median } from './measure.ts';
import type { Workload } from './workloads.ts';

/** One engine's time for one workload. */
export interface Row {
  readonly workload: string;
  readonly engine: string;
  /** Median over the rounds of each one's median, in milliseconds, with the fastest and the slowest round. */
  readonly ms: number;
  readonly min: number;
  readonly max: number;
  readonly gflops: number | null;
  /** Gigabytes a second, of what moves more than it computes. */
  readonly gbytes: number | null;
  /** The peers' workload to compare with, where a peer does not run this one. */
  readonly against: string | null;
}

/** What a run of the benchmarks found. */
export interface Results {
  readonly machine: string;
  /** What ran the engines: a version of Node, or a browser and its GPU. */
  readonly host: string;
  readonly engines: Readonly<Record<string, string>>;
  readonly sides: Sides;
  readonly rows: readonly Row[];
  readonly notes: readonly string[];
}

/** A row from the medians of the rounds. */
export function rowOf({ name, flops, bytes, against }: Workload, engine: string, medians: readonly number[]): Row {
  const ms = median(medians);
  return {
    workload: name,
    engine,
    ms,
    min: Math.min(...medians),
    max: Math.max(...medians),
    gflops: flops ? flops / ms / 1e6 : null,
    gbytes: bytes ? bytes / ms / 1e6 : null,
    against: against ?? null,
  };
}

/** The results as a Markdown document: a table of times, and one of ratios. */
export function markdown({ machine, host, engines, sides, rows, notes }: Results): string {
  const peak = rows.find((row) => row.workload === 'peak')?.gflops;
  const moves = rows.some(({ gbytes }) => gbytes);
  const times = rows.map((row) => [
    row.workload,
    row.engine,
    milliseconds(row.ms),
    `${milliseconds(row.min)} - ${milliseconds(row.max)}`,
    row.gflops ? row.gflops.toFixed(1) : '',
    ...(moves ? [row.gbytes ? row.gbytes.toFixed(1) : ''] : []),
    ...(peak
      ? [row.gflops && row.engine.startsWith('receptive') ? `${Math.round((100 * row.gflops) / peak)} %` : '']
      : []),
  ]);
  const ratios = Object.entries(sides).flatMap(([own, peers]) =>
    rows
      .filter(({ engine }) => engine === own)
      .flatMap((mine) =>
        peers.flatMap((peer) => {
          const theirs = [mine.workload, mine.against].flatMap(
            (name) => rows.find((row) => row.engine === peer && row.workload === name) ?? [],
          )[0];
          return theirs
            ? [[`${own} ${mine.workload}`, `${peer} ${theirs.workload}`, (mine.ms / theirs.ms).toFixed(2)]]
            : [];
        }),
      ),
  );
  return [
    `${machine}, ${host}`,
    '',
    ...Object.entries(engines).map(([name, describe]) => `- ${name}: ${describe}`),
    '',
    ...table(
      [
        'workload',
        'engine',
        'ms',
        'fastest - slowest round',
        'GF/s',
        ...(moves ? ['GB/s'] : []),
        ...(peak ? ['of peak'] : []),
      ],
      times,
    ),
    ...(ratios.length
      ? [
          '',
          'Time over the time of the other; below 1 Receptive is faster.',
          '',
          ...table(['Receptive', 'beside', 'ratio'], ratios),
        ]
      : []),
    ...(notes.length ? ['', ...notes.map((note) => `- ${note}`)] : []),
    '',
  ].join('\n');
}

function milliseconds(ms: number): string {
  return ms < 0.1 ? ms.toFixed(5) : ms < 10 ? ms.toFixed(3) : ms.toFixed(1);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`;
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)];
}

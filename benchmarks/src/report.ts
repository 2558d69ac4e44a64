import { median } from './measure.ts';
import { workload } from './workloads.ts';

/** One engine's time for one workload. */
export interface Row {
  readonly workload: string;
  readonly engine: string;
  readonly threads: number;
  /** Median over the fresh processes of each one's median, in milliseconds, with the fastest and the slowest process. */
  readonly ms: number;
  readonly min: number;
  readonly max: number;
  readonly gflops: number | null;
}

/** What a run of the benchmarks found. */
export interface Results {
  readonly machine: string;
  readonly node: string;
  readonly engines: Readonly<Record<string, string>>;
  readonly rows: readonly Row[];
  readonly notes: readonly string[];
}

/** A row from the medians of the processes that ran it. */
export function rowOf(name: string, engine: string, medians: readonly number[]): Row {
  const ms = median(medians);
  const { flops } = workload(name);
  return {
    workload: name,
    engine,
    threads: 1,
    ms,
    min: Math.min(...medians),
    max: Math.max(...medians),
    gflops: flops ? flops / ms / 1e6 : null,
  };
}

/** The results as a Markdown document: a table of times, and one of ratios. */
export function markdown({ machine, node, engines, rows, notes }: Results): string {
  const peak = rows.find((row) => row.workload === 'peak')?.gflops;
  const times = rows.map((row) => [
    row.workload,
    row.engine,
    milliseconds(row.ms),
    `${milliseconds(row.min)} - ${milliseconds(row.max)}`,
    row.gflops ? row.gflops.toFixed(1) : '',
    row.gflops && peak && row.engine.startsWith('receptive') ? `${Math.round((100 * row.gflops) / peak)} %` : '',
  ]);
  const own = rows.filter((row) => row.engine.startsWith('receptive'));
  const ratios = own.flatMap((mine) => {
    const { against } = workload(mine.workload);
    return rows
      .filter(
        (row) => !row.engine.startsWith('receptive') && (row.workload === mine.workload || row.workload === against),
      )
      .map((row) => [mine.workload, `${row.engine} ${row.workload}`, (mine.ms / row.ms).toFixed(2)]);
  });
  return [
    `${machine}, Node ${node}, one thread`,
    '',
    ...Object.entries(engines).map(([name, describe]) => `- ${name}: ${describe}`),
    '',
    ...table(['workload', 'engine', 'ms', 'fastest - slowest process', 'GF/s', 'of peak'], times),
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

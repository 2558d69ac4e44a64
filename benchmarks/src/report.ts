import type { Sides, Variant } from './engine.ts';
import type { Loading } from './loading/loading.ts';
import { median } from './measure.ts';
import type { Cost } from './programs/program.ts';
import type { Workload } from './workloads.ts';

/** One engine's time for one workload. */
export interface Row extends Variant {
  readonly workload: string;
  /** Median over the rounds of each one's median, in milliseconds, with the fastest and the slowest round. */
  readonly ms: number;
  readonly min: number;
  readonly max: number;
  readonly gflops: number | null;
  /** Gigabytes a second, of what moves more than it computes. */
  readonly gbytes: number | null;
  /** In how many rounds it was timed: what takes long is timed in fewer, down to one. */
  readonly rounds: number;
  /** Whether it takes so long that it was timed in one round of several only. */
  readonly once: boolean;
  /** Of a training step, the inference of the same batch. */
  readonly forward: string | null;
}

/** What a run of the benchmarks found. */
export interface Results {
  readonly machine: string;
  /** The version of Node that ran the engines; null in a browser. */
  readonly node: string | null;
  /** What ran the engines: a version of Node, or a browser and its GPU. */
  readonly host: string;
  readonly engines: Readonly<Record<string, string>>;
  readonly sides: Sides;
  readonly rows: readonly Row[];
  /** What it costs to have an engine at all; none unless measured. */
  readonly costs: readonly Cost[];
  /** How long it takes to prepare images, and training with them; none unless measured. */
  readonly loading: readonly Loading[];
  readonly notes: readonly string[];
}

/** A row from the medians of those of the `planned` rounds that it took part in. */
export function rowOf(
  { name, flops, bytes, forward }: Workload,
  { engine, threads }: Variant,
  medians: readonly number[],
  planned: number,
): Row {
  const ms = median(medians);
  return {
    workload: name,
    engine,
    threads,
    ms,
    min: Math.min(...medians),
    max: Math.max(...medians),
    gflops: flops ? flops / ms / 1e6 : null,
    gbytes: bytes ? bytes / ms / 1e6 : null,
    rounds: medians.length,
    once: planned > 1 && medians.length === 1,
    forward: forward ?? null,
  };
}

/** How an engine is called where it may have several threads. */
export const labelOf = ({ engine, threads }: Variant): string =>
  threads === 1 ? engine : `${engine} (${threads} threads)`;

/** One of our times beside a peer's. */
export interface Ratio {
  readonly own: Row;
  readonly peer: Row;
  /** Our time over theirs. */
  readonly ratio: number;
}

/**
 * Our times over those of the peers at their sides. What has several threads stands beside what has as many, or else beside what has one; training stands beside
 * inference where the peer does not train.
 */
export function ratiosOf({ sides, rows }: Pick<Results, 'sides' | 'rows'>): Ratio[] {
  return rows.flatMap((own) =>
    (sides[own.engine] ?? []).flatMap((engine) => {
      const theirs = rows.filter((row) => row.engine === engine);
      const name = [own.workload, own.forward].find((workload) => theirs.some((row) => row.workload === workload));
      const same = theirs.filter(({ workload }) => workload === name);
      const matched = same.filter(({ threads }) => threads === own.threads);
      return (matched.length > 0 ? matched : same).map((peer) => ({ own, peer, ratio: own.ms / peer.ms }));
    }),
  );
}

/** The results as a Markdown document: a table of ratios for each of our engines, one of times, and what has to be said of them. */
export function markdown(results: Results): string {
  const { machine, host, engines, rows, costs, loading, notes } = results;
  return [
    `${machine}, ${host}`,
    '',
    ...Object.entries(engines).map(([name, describe]) => `- ${name}: ${describe}`),
    ...ratioTables(results),
    ...speedUps(rows),
    ...(rows.length > 0 ? ['', ...timeTable(rows)] : []),
    ...(rows.some(({ once }) => once) ? ['', '(1): takes so long that it was timed once.'] : []),
    ...(costs.length > 0 ? costTable(costs) : []),
    ...(loading.length > 0 ? loadingTable(loading) : []),
    ...listed([...backward(rows), ...notes]),
    '',
  ].join('\n');
}

const listed = (notes: readonly string[]): string[] =>
  notes.length > 0 ? ['', ...notes.map((note) => `- ${note}`)] : [];

function timeTable(rows: readonly Row[]): string[] {
  const peak = rows.find((row) => row.workload === 'peak')?.gflops;
  const columns: readonly (readonly [string, (row: Row) => string, shown?: boolean])[] = [
    ['workload', ({ workload }) => workload],
    ['engine', labelOf],
    ['ms', ({ ms, once }) => `${milliseconds(ms)}${once ? ' (1)' : ''}`],
    ['fastest - slowest round', ({ min, max }) => `${milliseconds(min)} - ${milliseconds(max)}`],
    ['GF/s', ({ gflops }) => gflops?.toFixed(1) ?? ''],
    ['GB/s', ({ gbytes }) => gbytes?.toFixed(1) ?? '', rows.some(({ gbytes }) => gbytes)],
    [
      'of peak',
      ({ gflops, engine }) => (gflops && engine.startsWith('receptive') ? percent(gflops / peak!) : ''),
      Boolean(peak),
    ],
  ];
  const shown = columns.filter(([, , show = true]) => show);
  return table(
    shown.map(([title]) => title),
    rows.map((row) => shown.map(([, cell]) => cell(row))),
  );
}

/** For each of ours, workloads down and peers across. */
function ratioTables(results: Results): string[] {
  const ratios = ratiosOf(results);
  const owns = [...new Set(ratios.map(({ own }) => labelOf(own)))];
  return owns.flatMap((label) => {
    const mine = ratios.filter(({ own }) => labelOf(own) === label);
    const peers = [...new Set(mine.map(({ peer }) => labelOf(peer)))];
    const workloads = [...new Map(mine.map(({ own }) => [own.workload, own])).values()];
    return [
      '',
      `Time of ${label} over that of the others; below 1 Receptive is faster.`,
      '',
      ...table(
        [label, 'ms', ...peers],
        workloads.map((own) => [
          own.workload,
          milliseconds(own.ms),
          ...peers.map((name) => {
            const found = mine.find(
              ({ own: { workload }, peer }) => workload === own.workload && labelOf(peer) === name,
            );
            if (!found) return '';
            const { ratio, peer } = found;
            return `${brief(ratio)}${peer.workload === own.workload ? '' : ` (${peer.workload})`}`;
          }),
        ]),
      ),
    ];
  });
}

/** How many times as fast several threads of ours are as one. */
function speedUps(rows: readonly Row[]): string[] {
  const single = new Map(rows.flatMap((row) => (row.engine === 'receptive-cpu' ? [[row.workload, row.ms]] : [])));
  const pooled = rows.filter(({ engine, workload }) => engine === 'receptive-workers' && single.has(workload));
  if (pooled.length === 0) return [];
  const labels = [...new Set(pooled.map(labelOf))];
  return [
    '',
    'How many times as fast as receptive-cpu, which has one thread.',
    '',
    ...table(
      ['workload', ...labels],
      [...new Set(pooled.map(({ workload }) => workload))].map((workload) => [
        workload,
        ...labels.map((label) => {
          const row = pooled.find((one) => one.workload === workload && labelOf(one) === label);
          return row ? (single.get(workload)! / row.ms).toFixed(2) : '';
        }),
      ]),
    ),
  ];
}

function costTable(costs: readonly Cost[]): string[] {
  const spread = ({ min, max }: { readonly min: number; readonly max: number }): string =>
    `${min.toFixed(0)} - ${max.toFixed(0)}`;
  return [
    '',
    'Start-up: from the import to the first result of LeNet-5. Memory: the most that a process has which classifies an image by VGG-16, whose weights are 528 MiB of it.',
    'Bundle: a minified page that classifies by LeNet-5, with its WebAssembly.',
    '',
    ...table(
      ['engine', 'start-up, ms', 'fastest - slowest', 'memory, MiB', 'bundle, kB', 'gzip, kB'],
      costs.map(({ engine, start, memory, bundle }) => [
        engine,
        start?.ms.toFixed(0) ?? '',
        start ? spread(start) : '',
        memory ? (memory / 2 ** 20).toFixed(0) : '',
        bundle ? (bundle.bytes / 1000).toFixed(0) : '',
        bundle ? (bundle.gzip / 1000).toFixed(0) : '',
      ]),
    ),
  ];
}

function loadingTable(loading: readonly Loading[]): string[] {
  return [
    '',
    'Batches of JPEGs, decoded and augmented, by where that is done: by themselves, and with a training step on each.',
    '',
    ...table(
      ['workload', 'prepared', 'ms a batch', 'fastest - slowest round', 'images/s', 'speed-up'],
      loading.map(({ workload, prepared, images, ms, min, max }) => {
        const here = loading.find((other) => other.workload === workload && other.prepared === 'here');
        return [
          workload,
          prepared,
          milliseconds(ms),
          `${milliseconds(min)} - ${milliseconds(max)}`,
          ((1000 * images) / ms).toFixed(0),
          here ? (here.ms / ms).toFixed(2) : '',
        ];
      }),
    ),
  ];
}

/** How fast the backward half of our training steps is, beside the forward half alone. */
function backward(rows: readonly Row[]): string[] {
  return rows.flatMap((step) => {
    // What is not compiled, as training is not, if there is such a row.
    const forward = [`${step.engine}-eager`, step.engine]
      .map((engine) =>
        rows.find((row) => row.workload === step.forward && row.engine === engine && row.threads === step.threads),
      )
      .find(Boolean);
    if (!forward?.gflops || !step.gflops || !step.engine.startsWith('receptive')) return [];
    const rate = (step.gflops * step.ms - forward.gflops * forward.ms) / (step.ms - forward.ms);
    return `${labelOf(step)} ${step.workload}: backward at ${rate.toFixed(1)} GF/s, ${percent(rate / forward.gflops)} of forward's ${forward.gflops.toFixed(1)}.`;
  });
}

const brief = (ratio: number): string => (ratio < 10 ? ratio.toPrecision(2) : ratio.toFixed(0));
const percent = (share: number): string => `${Math.round(100 * share)} %`;

function milliseconds(ms: number): string {
  return ms < 0.1 ? ms.toFixed(5) : ms < 10 ? ms.toFixed(3) : ms.toFixed(1);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`;
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)];
}

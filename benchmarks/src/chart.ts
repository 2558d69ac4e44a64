import { View, parse } from 'vega';
import { compile } from 'vega-lite';
import type { TopLevelSpec } from 'vega-lite';
import { labelOf } from './report.ts';
import type { Results } from './report.ts';

/** Greys and colours that are seen on a white page and on a black one. */
const GREY = '#7d8590';
const COLOURS = ['#3b82c4', '#2fa39a', '#e0892b', '#c9534f', '#8e6bbf', '#8a9a3b', '#c66a9b', '#9c755f', '#5f9ea0'];

/** Where the scale has numbers: 1, 2 and 5, times powers of ten. */
const TICKS = [-3, -2, -1, 0, 1, 2, 3, 4].flatMap((power) => [1, 2, 5].map((digit) => digit * 10 ** power));

/** A bar: how many times as long as ours another takes for a workload. */
interface Bar {
  readonly workload: string;
  readonly engine: string;
  readonly times: number;
}

/**
 * What everybody took for the workloads, over what `ours` took. Ours is the first of the engines that has any row, with as few threads as it has; a peer that was measured with as many
 * stands beside it with these alone.
 */
export function barsOf({ sides, rows }: Pick<Results, 'sides' | 'rows'>): {
  readonly ours: string;
  readonly bars: Bar[];
} {
  const own = Object.keys(sides).find((engine) => rows.some((row) => row.engine === engine)) ?? '';
  const threads = Math.min(...rows.filter(({ engine }) => engine === own).map((row) => row.threads));
  const ours = labelOf({ engine: own, threads });
  const base = new Map(rows.filter((row) => labelOf(row) === ours).map(({ workload, ms }) => [workload, ms]));
  const equals = new Set(
    rows.flatMap((row) => (row.threads === threads && !(row.engine in sides) ? [row.engine] : [])),
  );
  const bars = rows.flatMap((row): Bar[] => {
    const ms = base.get(row.workload);
    const engine = labelOf(row);
    const isOther = row.threads !== threads && equals.has(row.engine);
    return ms === undefined || engine === ours || isOther
      ? []
      : [{ workload: row.workload, engine, times: row.ms / ms }];
  });
  return { ours, bars };
}

/** The chart as an SVG file: for each workload a bar for each engine, from our time to theirs, on a logarithmic scale. */
export async function chart(results: Results): Promise<string> {
  const { ours, bars } = barsOf(results);
  const unique = (key: 'workload' | 'engine'): string[] => [...new Set(bars.map((bar) => bar[key]))];
  const [workloads, engines] = [unique('workload'), unique('engine')];
  const said = engines.map((engine) => {
    const name = Object.keys(results.engines).find((key) => engine === key || engine.startsWith(`${key} (`));
    return name === undefined ? engine : `${engine}: ${results.engines[name]!}`;
  });
  const times = bars.map((bar) => bar.times);
  const spec: TopLevelSpec = {
    width: 640,
    // Each workload is as high as its bars.
    height: { step: 7, for: 'offset' },
    background: 'transparent',
    padding: 12,
    data: { values: bars },
    title: {
      text: `Time of others over that of ${ours}: to the right of 1 Receptive is faster`,
      subtitle: [
        `${results.machine}, ${results.host}`,
        ...Object.entries(results.engines).flatMap(([name, describe]) =>
          name === ours ? [`${name}: ${describe}`] : [],
        ),
        ...results.notes.filter((note) => note.startsWith('The machine was busy')),
      ],
      anchor: 'start',
    },
    layer: [
      {
        mark: 'bar',
        encoding: {
          y: { field: 'workload', type: 'nominal', sort: workloads, title: null },
          yOffset: { field: 'engine', type: 'nominal', sort: engines },
          x: {
            field: 'times',
            type: 'quantitative',
            scale: { type: 'log', domain: [0.9 * Math.min(1, ...times), 1.1 * Math.max(1, ...times)], nice: false },
            title: null,
            axis: { values: TICKS, format: '~g', orient: 'top', labelFlush: false },
          },
          x2: { datum: 1 },
          color: {
            field: 'engine',
            type: 'nominal',
            scale: { domain: engines, range: COLOURS },
            title: null,
            legend: {
              orient: 'bottom',
              columns: 1,
              labelExpr: `${JSON.stringify(said)}[indexof(domain('color'), datum.value)]`,
            },
          },
        },
      },
      { mark: { type: 'rule', color: GREY }, encoding: { x: { datum: 1 } } },
    ],
    config: {
      font: 'system-ui, sans-serif',
      view: { stroke: null },
      title: { color: GREY, subtitleColor: GREY, fontSize: 15, subtitlePadding: 6, offset: 14 },
      axis: {
        labelColor: GREY,
        domainColor: GREY,
        tickColor: GREY,
        gridColor: GREY,
        gridOpacity: 0.3,
        labelFontSize: 11,
      },
      axisY: { domain: false, ticks: false, labelLimit: 300 },
      legend: { labelColor: GREY, labelLimit: 600, labelFontSize: 11 },
      scale: { bandWithNestedOffsetPaddingInner: 0.15, offsetBandPaddingInner: 0.1 },
    },
  };
  return new View(parse(compile(spec).spec), { renderer: 'none' }).toSVG();
}

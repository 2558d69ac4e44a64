import { scaleLinear } from 'd3-scale';
import type { ScaleLinear } from 'd3-scale';
import { line } from 'd3-shape';

/** What was measured at one moment of a training. The history that `fit` returns is a list of these. */
export interface CurvePoint {
  /** Epochs passed; a fraction in the middle of one. */
  readonly epoch: number;
  readonly trainLoss?: number;
  readonly validationLoss?: number;
  /** From 0 to 1. */
  readonly trainAccuracy?: number;
  readonly validationAccuracy?: number;
}

/** Options of {@link curve}. */
export interface CurveOptions {
  /** A line above the picture. */
  readonly title?: string;
}

type Metric = Exclude<keyof CurvePoint, 'epoch'>;

interface Panel {
  readonly title: string;
  readonly series: readonly { readonly name: string; readonly metric: Metric; readonly colour: string }[];
  /** The range of the axis for the range of the values. */
  readonly domain: (low: number, high: number) => [number, number];
  /** Of the numbers at the axis (d3-format). */
  readonly format: string | undefined;
  /** Of the last value, in the legend. */
  readonly show: (value: number) => string;
}

const TRAIN = '#1d6fd0';
const VALIDATION = '#d0570c';

const panels: readonly Panel[] = [
  {
    title: 'Loss',
    series: [
      { name: 'training', metric: 'trainLoss', colour: TRAIN },
      { name: 'validation', metric: 'validationLoss', colour: VALIDATION },
    ],
    domain: (low, high) => [Math.min(0, low), high > 0 ? high : 1],
    format: undefined,
    show: (value) => value.toPrecision(3),
  },
  {
    title: 'Accuracy',
    series: [
      { name: 'training', metric: 'trainAccuracy', colour: TRAIN },
      { name: 'validation', metric: 'validationAccuracy', colour: VALIDATION },
    ],
    domain: (low) => [low < 1 ? low : 0, 1],
    format: '~%',
    show: (value) => `${(value * 100).toFixed(2)} %`,
  },
];

const WIDTH = 440;
const HEIGHT = 320;
const MARGIN = { left: 56, right: 16, top: 64, bottom: 44 };
const TICKS = 6;
/** So many points still have room for a dot each. */
const DOTS = 40;
const FAINT = '#6b7280';
const ALARM = '#b91c1c';

/**
 * How loss and accuracy went, over the epochs, as an SVG with a background of its own. A value that is not finite leaves a gap in its curve and a note
 * where it was; what was never measured is left out.
 */
export function curve(history: readonly CurvePoint[], { title }: CurveOptions = {}): string {
  const measured = panels.filter(({ series }) =>
    series.some(({ metric }) => history.some((point) => point[metric] !== undefined)),
  );
  const shown = measured.length > 0 ? measured : panels.slice(0, 1);
  const above = title ? 36 : 0;
  const [width, height] = [shown.length * WIDTH, above + HEIGHT];
  const heading = title ? `<text x="20" y="28" font-size="16" font-weight="600">${escape(title)}</text>` : '';
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img"`,
    ` font-family="system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif" font-size="12" fill="#1f2937">`,
    `<title>${escape(title ?? shown.map((panel) => panel.title).join(' and '))}</title>`,
    `<rect width="${width}" height="${height}" rx="8" fill="#ffffff"/>`,
    heading,
    ...shown.map((panel, i) => `<g transform="translate(${i * WIDTH} ${above})">${drawPanel(panel, history)}</g>`),
    '</svg>\n',
  ].join('');
}

interface Point {
  readonly epoch: number;
  readonly value: number;
}

interface Series {
  readonly name: string;
  readonly colour: string;
  readonly points: readonly Point[];
}

type Scale = ScaleLinear<number, number>;

function drawPanel(panel: Panel, history: readonly CurvePoint[]): string {
  const series = panel.series
    .map(({ name, metric, colour }) => ({
      name,
      colour,
      points: history
        .filter((point) => point[metric] !== undefined)
        .map((point) => ({ epoch: point.epoch, value: point[metric]! })),
    }))
    .filter(({ points }) => points.length > 0);
  const points = series.flatMap((one) => one.points);
  const values = points.map(({ value }) => value).filter(Number.isFinite);
  const heading = `<text x="${MARGIN.left}" y="24" font-weight="600" font-size="14">${panel.title}</text>`;
  if (points.length === 0) return heading + note('Nothing was measured yet.');

  const [firstEpoch, lastEpoch] = extent(points.map(({ epoch }) => epoch));
  const [low, high] = values.length > 0 ? extent(values) : [0, 1];
  const x = scaleLinear([firstEpoch, lastEpoch], [MARGIN.left, WIDTH - MARGIN.right]);
  const y = scaleLinear(panel.domain(low, high), [HEIGHT - MARGIN.bottom, MARGIN.top]).nice(TICKS);
  return [
    heading,
    legend(series, panel.show),
    axes(x, y, panel.format),
    ...series.map((one) => drawSeries(one, x, y)),
    values.length < points.length
      ? marks(
          points.filter(({ value }) => !Number.isFinite(value)),
          x,
        )
      : '',
  ].join('');
}

function axes(x: Scale, y: Scale, format: string | undefined): string {
  const [left, right] = [MARGIN.left, WIDTH - MARGIN.right];
  const bottom = HEIGHT - MARGIN.bottom;
  const name = y.tickFormat(TICKS, format);
  const rows = y.ticks(TICKS).map((value) => {
    const at = round(y(value));
    return (
      `<path d="M${left} ${at}H${right}" stroke="#e5e7eb"/>` +
      `<text x="${left - 8}" y="${at}" dy="0.32em" text-anchor="end" fill="${FAINT}">${name(value)}</text>`
    );
  });
  const ticks = x.ticks(TICKS);
  const whole = ticks.filter(Number.isInteger);
  const columns = (whole.length > 0 ? whole : ticks).map((value) => {
    const at = round(x(value));
    return (
      `<path d="M${at} ${bottom}v5" stroke="${FAINT}"/>` +
      `<text x="${at}" y="${bottom + 18}" text-anchor="middle" fill="${FAINT}">${value}</text>`
    );
  });
  return (
    `${rows.join('')}<path d="M${left} ${bottom}H${right}" stroke="${FAINT}"/>${columns.join('')}` +
    `<text x="${(left + right) / 2}" y="${bottom + 36}" text-anchor="middle" fill="${FAINT}">epoch</text>`
  );
}

function drawSeries({ colour, points }: Series, x: Scale, y: Scale): string {
  const path = line<Point>(
    ({ epoch }) => x(epoch),
    ({ value }) => y(value),
  )
    .defined(({ value }) => Number.isFinite(value))
    .digits(1)(points);
  const finite = points.filter(({ value }) => Number.isFinite(value));
  const dots =
    points.length <= DOTS
      ? finite.map(
          ({ epoch, value }) => `<circle cx="${round(x(epoch))}" cy="${round(y(value))}" r="3" fill="${colour}"/>`,
        )
      : [];
  return `<path d="${path ?? ''}" fill="none" stroke="${colour}" stroke-width="2" stroke-linejoin="round" stroke-linecap="round"/>${dots.join('')}`;
}

/** Crosses where a value is missing because it was no number. */
function marks(points: readonly Point[], x: Scale): string {
  const bottom = HEIGHT - MARGIN.bottom;
  const crosses = points.map(({ epoch }) => `M${round(x(epoch) - 4)} ${bottom - 4}l8 8m0 -8l-8 8`).join('');
  return `<path d="${crosses}" stroke="${ALARM}" stroke-width="2"/>${note('× not a finite number', ALARM)}`;
}

function legend(series: readonly Series[], show: Panel['show']): string {
  return series
    .map(({ name, colour, points }, i) => {
      const left = MARGIN.left + 170 * i;
      const last = points.at(-1)!.value;
      return (
        `<path d="M${left} 42h18" stroke="${colour}" stroke-width="3"/>` +
        `<text x="${left + 24}" y="42" dy="0.32em">${name} ${Number.isFinite(last) ? show(last) : last}</text>`
      );
    })
    .join('');
}

function note(text: string, colour = FAINT): string {
  return `<text x="${(MARGIN.left + WIDTH - MARGIN.right) / 2}" y="${MARGIN.top + 20}" text-anchor="middle" fill="${colour}">${text}</text>`;
}

function extent(values: readonly number[]): [low: number, high: number] {
  return [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

// What people are shown of a model and of a test of it.
import { formatVolume } from 'receptive';
import type { Evaluation, LayerSummary, ModelSummary } from 'receptive';
import type { Screen } from './screen.ts';
import { count, percent, table } from './text.ts';

interface Column {
  readonly title: string;
  readonly align: 'l' | 'r';
  readonly cell: (layer: LayerSummary) => string;
  /** What stands below it. */
  readonly total?: (totals: ModelSummary['totals']) => string;
}

const some = (value = 0): string => (value === 0 ? '' : count(value));
const each = (lengths: readonly number[]): string => [...new Set(lengths)].join('x');

const layer: Column = { title: 'layer', align: 'l', cell: ({ type }) => type, total: () => 'total' };
const key: Column = { title: 'key', align: 'l', cell: ({ path }) => path };
const input: Column = { title: 'input', align: 'r', cell: (row) => formatVolume(row.input) };
const output: Column = { title: 'output', align: 'r', cell: (row) => formatVolume(row.output) };
const kernel: Column = {
  title: 'kernel',
  align: 'r',
  cell: ({ window }) => (window ? `${window.kernel.join('x')} / ${each(window.stride)}` : ''),
};
const filters: Column = { title: 'filters', align: 'r', cell: (row) => some(row.filters) };
const field: Column = { title: 'sees', align: 'r', cell: ({ receptiveField }) => receptiveField?.join('x') ?? '' };

function counted(title: string, name: keyof ModelSummary['totals']): Column {
  return { title, align: 'r', cell: (row) => some(row[name]), total: (totals) => count(totals[name]) };
}

const parameters = counted('parameters', 'parameters');
const multiplyAdds = counted('multiply-adds', 'multiplyAdds');
const computations = counted('computations', 'computations');

/** From all there is to what fits on a narrow terminal. */
const choices: readonly (readonly Column[])[] = [
  [layer, key, input, output, kernel, filters, parameters, multiplyAdds, computations, field],
  [layer, input, output, kernel, filters, parameters, multiplyAdds, computations],
  [layer, input, output, kernel, filters, parameters, computations],
];

/** The layers of a model and what they come to, in as many columns as there is room for. */
export function printLayers(screen: Screen, summary: ModelSummary): void {
  const tables = choices.map((columns) => layerTable(columns, summary));
  const fits = (lines: readonly string[]): boolean => lines.every(({ length }) => length <= screen.columns);
  const [titles, ...lines] = tables.find(fits) ?? tables.at(-1)!;
  const { bold, dim } = screen.colors;
  screen.print(dim(titles), ...lines.slice(0, -1), bold(lines.at(-1)));
}

function layerTable(columns: readonly Column[], { layers, totals }: ModelSummary): string[] {
  const rows = [
    columns.map(({ title }) => title),
    ...layers.map((row) => columns.map(({ cell }) => cell(row))),
    columns.map(({ total }) => total?.(totals) ?? ''),
  ];
  return table(rows, columns.map(({ align }) => align).join(''));
}

/** How many images were told right, and which classes were taken for which. */
export function printTest(screen: Screen, { accuracy, loss, confusion, labels }: Evaluation): void {
  const { bold, cyan, dim, red } = screen.colors;
  const correct = Math.round(accuracy * labels.length);
  screen.print(
    `${bold(`Test accuracy ${percent(accuracy)}`)}: ${count(correct)} of ${count(labels.length)} images, loss ${loss.toFixed(4)}`,
    '',
    dim('Rows: what the images show. Columns: what they were taken for.'),
    ...confusionTable(confusion, (cell, kind) => ({ head: dim, right: cyan, wrong: red, none: dim })[kind](cell)),
  );
}

type Kind = 'head' | 'right' | 'wrong' | 'none';

function confusionTable(confusion: Evaluation['confusion'], paint: (cell: string, kind: Kind) => string): string[] {
  const names = confusion.map((_, label) => `${label}`);
  const rows = confusion.map((row, label) => [
    names[label]!,
    ...row.map((images) => (images === 0 ? '.' : `${images}`)),
  ]);
  return table([['', ...names], ...rows], 'r'.repeat(names.length + 1), (cell, row, column) => {
    if (row === 0 || column === 0) return paint(cell, 'head');
    if (cell.trim() === '.') return paint(cell, 'none');
    return paint(cell, row === column ? 'right' : 'wrong');
  });
}

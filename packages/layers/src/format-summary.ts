import type { Shape, Window } from '@receptive/backend';
import type { LayerSummary, ModelSummary } from './summary.ts';

interface Column {
  readonly title: string;
  readonly align: 'left' | 'right';
  readonly cell: (layer: LayerSummary) => string;
}

const columns: readonly Column[] = [
  { title: 'Layer', align: 'left', cell: ({ path, type }) => path || type },
  { title: 'Type', align: 'left', cell: ({ type }) => type },
  { title: 'Input', align: 'right', cell: ({ input }) => formatVolume(input) },
  { title: 'Output', align: 'right', cell: ({ output }) => formatVolume(output) },
  { title: 'Kernel / stride', align: 'right', cell: ({ window }) => (window ? formatWindow(window) : '') },
  { title: 'Filters', align: 'right', cell: ({ filters }) => filters?.toString() ?? '' },
  { title: 'Parameters', align: 'right', cell: ({ parameters }) => formatCount(parameters) },
  { title: 'MACs', align: 'right', cell: ({ multiplyAdds }) => formatCount(multiplyAdds) },
  { title: 'Computations', align: 'right', cell: ({ computations }) => formatCount(computations) },
  { title: 'Receptive field', align: 'right', cell: ({ receptiveField }) => receptiveField?.join('x') ?? '' },
];

/** A summary as a table of text: a line for each layer, and one with the totals. MACs are multiply-adds. */
export function formatSummary({ layers, totals }: ModelSummary): string {
  const { parameters, multiplyAdds, computations } = totals;
  const rows = [
    columns.map(({ title }) => title),
    ...layers.map((layer) => columns.map(({ cell }) => cell(layer))),
    ['Total', '', '', '', '', '', ...[parameters, multiplyAdds, computations].map(formatCount), ''],
  ];
  const widths = columns.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  const pad = { left: 'padEnd', right: 'padStart' } as const;
  const lines = rows.map((row) =>
    row
      .map((cell, i) => cell[pad[columns[i]!.align]](widths[i]!))
      .join('  ')
      .trimEnd(),
  );
  const rule = '-'.repeat(Math.max(...lines.map((line) => line.length)));
  return [lines[0], rule, ...lines.slice(1, -1), rule, lines.at(-1)].join('\n');
}

/** `6@28x28`: maps and their size, as the figures of LeCun et al. 1998 have it; `120` for a vector. */
export function formatVolume([channels, ...spatial]: Shape): string {
  return spatial.length > 0 ? `${channels}@${spatial.join('x')}` : `${channels}`;
}

/** `11x11 / 4`, followed by padding and dilation where there are any. */
function formatWindow({ kernel, stride, padding, dilation }: Window): string {
  const sides = padding.map(([before, after]) => (before === after ? `${before}` : `${before}+${after}`));
  return [
    `${kernel.join('x')} / ${brief(stride)}`,
    ...(sides.some((side) => side !== '0') ? [`pad ${brief(sides)}`] : []),
    ...(dilation.some((step) => step !== 1) ? [`dilation ${brief(dilation)}`] : []),
  ].join(', ');
}

/** What is the same along all axes is written once. */
function brief(axes: readonly (number | string)[]): string {
  return new Set(axes).size === 1 ? `${axes[0]}` : axes.join('x');
}

/** Zero is left out, so that the eye finds the layers that count. */
function formatCount(n: number): string {
  return n === 0 ? '' : n.toLocaleString('en-US');
}

// How numbers and tables are written.

const integers = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** `61,706` */
export function count(value: number): string {
  return integers.format(value);
}

/** A share of 1 as `98.31 %`. */
export function percent(share: number, digits = 2): string {
  return `${(100 * share).toFixed(digits)} %`;
}

/** Seconds as `7 s`, `1:07` (minutes) or `1:01:07` (hours). */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes}:${two(whole % 60)}`
    : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`;
}

/** `1 layer`, `2 layers` */
export function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** Changes how the cell in a row and column looks, not how wide it is. */
export type Paint = (cell: string, row: number, column: number) => string;

/**
 * Rows as lines of columns, two spaces apart. `align` has a letter for each column: `l` for text, which begins together, `r` for numbers, which end together.
 */
export function table(rows: readonly (readonly string[])[], align: string, paint: Paint = (cell) => cell): string[] {
  const widths = Array.from(align, (_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row, r) =>
    row
      .map((cell, c) => paint(align[c] === 'l' ? cell.padEnd(widths[c]!) : cell.padStart(widths[c]!), r, c))
      .join('  ')
      .trimEnd(),
  );
}

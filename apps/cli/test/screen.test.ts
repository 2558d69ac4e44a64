import type { WriteStream } from 'node:tty';
import { expect, test } from 'vitest';
import { Screen } from '../src/screen.ts';
import { count, duration, percent, plural, table } from '../src/text.ts';

/** A terminal so many columns wide, or a file, and what was written to it. */
function stream(columns?: number): { readonly stream: WriteStream; written: string } {
  const target = {
    // As Node has it: what is no terminal has neither.
    ...(columns === undefined ? {} : { isTTY: true, columns }),
    write: (text: string) => (result.written += text),
    on() {},
  };
  const result = { stream: target as unknown as WriteStream, written: '' };
  return result;
}

const ESCAPE = '\u001B';
const NOTES = ['loss 0.1234', 'accuracy 98.7 %', '1:07 left', '12,345 images/s'];

/** The line that is shown of a bar at half its way. */
function half(columns: number): string {
  const terminal = stream(columns);
  const bar = new Screen(terminal.stream, { TERM: 'xterm', NO_COLOR: '1' }).bar('epoch 3/20', 10);
  bar.update(5, NOTES);
  bar.stop();
  const controls = new RegExp(`${ESCAPE}\\[[?\\d;]*[A-Za-z]`, 'g');
  return terminal.written.split(controls).find((part) => part.includes('loss'))!;
}

test('a bar shows how far it is, and all notes where there is room', () => {
  expect(half(120)).toBe(`epoch 3/20  ${'█'.repeat(15)}${'░'.repeat(15)}  ${NOTES.join('  ')}`);
  expect(half(80)).toMatch(/^epoch 3\/20 {2}█+░+ {2}loss 0\.1234 {2}accuracy 98\.7 % {2}1:07 left/);
});

test('a bar never takes more than a line: the last notes are left out first', () => {
  for (const columns of [20, 30, 40, 50, 60, 80, 100]) {
    const terminal = stream(columns);
    const bar = new Screen(terminal.stream, { TERM: 'xterm', NO_COLOR: '1' }).bar('epoch 3/20', 10);
    bar.update(5, NOTES);
    bar.stop();
    for (const line of terminal.written.split(new RegExp(`${ESCAPE}\\[[?\\d;]*[A-Za-z]`))) {
      expect(line.length, line).toBeLessThan(columns);
    }
  }
  expect(half(49)).toMatch(/ {2}loss 0\.1234 {2}accuracy 98\.7 %$/);
});

test('a file gets no bar, no colours and no end to its lines', () => {
  const file = stream();
  const screen = new Screen(file.stream, { TERM: 'xterm' });
  const bar = screen.bar('epoch 1/1', 10);
  bar.update(5, NOTES);
  bar.stop();
  screen.print(screen.colors.red('one'), 'two');
  expect(file.written).toBe('one\ntwo\n');
  expect(screen.columns).toBe(Infinity);
});

test('a terminal gets colours, unless it cannot show them or is asked not to', () => {
  const red = (env: NodeJS.ProcessEnv): string => new Screen(stream(80).stream, env).colors.red('x');
  expect(red({ TERM: 'xterm' })).toBe(`${ESCAPE}[31mx${ESCAPE}[39m`);
  expect(red({ TERM: 'xterm', NO_COLOR: '' })).toContain(ESCAPE);
  expect([red({ TERM: 'xterm', NO_COLOR: '1' }), red({ TERM: 'dumb' })]).toEqual(['x', 'x']);
});

test('numbers are written for people', () => {
  expect([count(61_706), count(12.6)]).toEqual(['61,706', '13']);
  expect([percent(0.98312), percent(0.5, 1)]).toEqual(['98.31 %', '50.0 %']);
  expect([0.4, 59.4, 59.6, 67, 3599.6, 3667].map(duration)).toEqual([
    '0 s',
    '59 s',
    '1:00',
    '1:07',
    '1:00:00',
    '1:01:07',
  ]);
  expect([plural(1, 'epoch'), plural(2000, 'epoch')]).toEqual(['1 epoch', '2,000 epochs']);
});

test('tables align text to the left and numbers to the right', () => {
  const rows = [
    ['layer', 'n', ''],
    ['a', '100', 'x'],
  ];
  expect(table(rows, 'lrl')).toEqual(['layer    n', 'a      100  x']);
  expect(table(rows, 'lrl', (cell, row, column) => (row === 1 && column === 1 ? `<${cell}>` : cell))).toEqual([
    'layer    n',
    'a      <100>  x',
  ]);
});

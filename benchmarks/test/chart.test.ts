import { expect, it } from 'vitest';
import { barsOf, chart } from '../src/chart.ts';
import type { Results } from '../src/report.ts';

const row = (workload: string, engine: string, ms: number, threads = 1): Results['rows'][number] => ({
  ...{ workload, engine, threads, ms, min: ms, max: ms, gflops: null, gbytes: null, rounds: 1 },
  ...{ once: false, forward: null },
});

const results: Results = {
  machine: 'A machine',
  node: '24.0.0',
  host: 'Node 24.0.0',
  engines: { ours: 'ours 1.0.0', theirs: 'theirs 2.0.0' },
  sides: { absent: [], ours: ['theirs'] },
  rows: [
    row('a', 'ours', 10),
    row('a', 'ours', 5, 2),
    row('a', 'theirs', 30),
    row('b', 'ours', 4),
    row('b', 'theirs', 1, 2),
    row('b', 'others', 2, 2),
    row('c', 'theirs', 1),
  ],
  costs: [],
  loading: [],
  notes: ['The machine was busy: very.', 'Another note.'],
};

it('has a bar for each time beside that of the first of ours, with the fewest threads, and for peers with as many if there are', () => {
  expect(barsOf(results)).toEqual({
    ours: 'ours',
    bars: [
      { workload: 'a', engine: 'ours (2 threads)', times: 0.5 },
      { workload: 'a', engine: 'theirs', times: 3 },
      { workload: 'b', engine: 'others (2 threads)', times: 0.5 },
    ],
  });
});

it('is an SVG file that names the machine, what ran, the versions, and that the machine was busy', async () => {
  const svg = await chart(results);
  expect(svg).toMatch(/^<svg [^]*<\/svg>$/);
  for (const text of [
    'A machine, Node 24.0.0',
    'ours: ours 1.0.0',
    'theirs: theirs 2.0.0',
    'The machine was busy: very.',
  ])
    expect(svg).toContain(text);
  expect(svg).not.toContain('Another note');
  // A bar for each, and nothing that a scale without a place for it would give.
  expect(svg.match(/aria-roledescription="bar"/g)).toHaveLength(3);
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
});

it('has something to show where nothing was compared', async () => {
  expect(await chart({ ...results, rows: [] })).toMatch(/^<svg /);
});

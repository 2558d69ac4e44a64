import { expect, it } from 'vitest';
import { interleave, median } from '../src/measure.ts';
import { markdown, rowOf } from '../src/report.ts';
import type { Row } from '../src/report.ts';
import { workloads } from '../src/workloads.ts';

it('the median is the middle, or halfway between the two middle values', () => {
  expect(median([5, 1, 3])).toBe(3);
  expect(median([4, 1, 3, 2])).toBe(2.5);
});

/** A run that takes a while, and notes that it ran. */
const noting = (order: string[], name: string) => (): void => {
  order.push(name);
  const end = performance.now() + 25;
  while (performance.now() < end);
};

it('interleaves the runs, and times each as often as the others', async () => {
  const order: string[] = [];
  const samples = await interleave([{ run: noting(order, 'a') }, { run: noting(order, 'b') }], 1);
  expect(samples.map((list) => list.length)).toEqual([5, 5]);
  expect(order.slice(-10).join('')).toBe('ababababab');
});

it('waits for a device once a sample, after several runs, and not while it makes ready', async () => {
  const order: string[] = [];
  const wait = (name: string) => (): Promise<void> =>
    new Promise((resolve) => {
      order.push(name);
      setTimeout(resolve, 25);
    });
  const [times] = await interleave([{ begin: wait('<'), run: noting(order, '.'), finish: wait('>') }], 1);
  expect(order.join('')).toMatch(/(<\.{3,}>){5}$/);
  // 25 ms of work, and a share of at most a third of 25 ms of waiting; making ready would be another.
  for (const ms of times!) expect(ms).toBeGreaterThanOrEqual(25);
});

it('takes off what a run does beside the work, and shares the rest among what it does', async () => {
  const lasting = (ms: number) => (): void => {
    const end = performance.now() + ms;
    while (performance.now() < end);
  };
  const [times] = await interleave([{ run: lasting(50), overhead: lasting(10), times: 4 }], 1);
  expect(median(times!)).toBeCloseTo(10, 0);
});

const row = (name: string, engine: string, medians: number[]): Row =>
  rowOf(
    workloads.find((workload) => workload.name === name)!,
    engine,
    medians,
  );

it('reports rates, the share of the peak, and ratios to the peers at its side', () => {
  const report = markdown({
    machine: 'a machine',
    host: 'Node 24.0.0',
    engines: { 'receptive-cpu': 'ours', 'tfjs-wasm': 'theirs' },
    sides: { 'receptive-cpu': ['tfjs-wasm'] },
    rows: [
      row('peak', 'receptive-cpu', [0.2]),
      row('matmul_512', 'receptive-cpu', [8, 6, 7]),
      row('matmul_512', 'tfjs-wasm', [14]),
      row('matmul_512', 'another', [1]),
      row('lenet5_b64_train', 'receptive-cpu', [5]),
      row('lenet5_b64', 'tfjs-wasm', [10]),
    ],
    notes: ['a note'],
  });
  // 2 * 512^3 operations in 7 ms are 38.3 GF/s; the peak is 9.6e6 operations in 0.2 ms.
  expect(report).toMatch(/matmul_512 +\| receptive-cpu \| 7\.000 +\| 6\.000 - 8\.000 +\| 38\.3 +\| 80 %/);
  expect(report).toMatch(/receptive-cpu matmul_512 +\| tfjs-wasm matmul_512 \| 0\.50/);
  expect(report).not.toMatch(/\| another matmul_512/);
  // No peer trains, so that training stands beside inference; where one does, it stands beside that.
  expect(report).toMatch(/lenet5_b64_train +\| tfjs-wasm lenet5_b64 +\| 0\.50/);
  expect(report).toContain('- a note');
});

it('reports bytes a second of what moves more than it computes', () => {
  const { flops, bytes } = workloads.find(({ name }) => name === 'maxpool')!;
  expect([flops, bytes]).toEqual([undefined, 4 * 64 * (224 ** 2 + 112 ** 2)]);
  const report = markdown({
    machine: 'a machine',
    host: 'Node 24.0.0',
    engines: {},
    sides: {},
    rows: [row('maxpool', 'ours', [2])],
    notes: [],
  });
  // 16.06 MB in 2 ms.
  expect(report).toMatch(/maxpool +\| ours +\| 2\.000 +\| 2\.000 - 2\.000 +\| +\| 8\.0 +\|/);
});

it('compares training with training where a peer trains, and has no share of a peak that was not measured', () => {
  const report = markdown({
    machine: 'a machine',
    host: 'a browser',
    engines: {},
    sides: { ours: ['theirs'] },
    rows: [
      row('lenet5_b64', 'theirs', [10]),
      row('lenet5_b64_train', 'ours', [5]),
      row('lenet5_b64_train', 'theirs', [20]),
    ],
    notes: [],
  });
  expect(report).toMatch(/ours lenet5_b64_train +\| theirs lenet5_b64_train +\| 0\.25/);
  expect(report).not.toContain('of peak');
});

import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { interleave, median } from '../src/measure.ts';
import { markdown, ratiosOf, rowOf } from '../src/report.ts';
import type { Row } from '../src/report.ts';
import { workloads } from '../src/workloads.ts';

it('the median is the middle, or halfway between the two middle values', () => {
  expect(median([5, 1, 3])).toBe(3);
  expect(median([4, 1, 3, 2])).toBe(2.5);
});

/** A clock that only runs as long as what is timed takes: nothing here depends on the machine. */
let clock = 0;
beforeEach(() => void vi.spyOn(performance, 'now').mockImplementation(() => clock));
afterEach(() => void vi.restoreAllMocks());
const lasting =
  (ms: number, note = (): void => {}) =>
  (): void => {
    note();
    clock += ms;
  };

it('interleaves the runs, and times each as often as the others', async () => {
  const order: string[] = [];
  const noting = (name: string): (() => void) => lasting(25, () => void order.push(name));
  const samples = await interleave([{ run: noting('a') }, { run: noting('b') }], 100);
  expect(samples).toEqual([Array(4).fill(25), Array(4).fill(25)]);
  expect(order.slice(-8).join('')).toBe('abababab');
});

it('takes three samples at least', async () => {
  expect(await interleave([{ run: lasting(1000) }], 1)).toEqual([[1000, 1000, 1000]]);
});

it('samples once what is slow, after a run that is not measured if there was none', async () => {
  for (const [warm, runs] of [
    [false, 2],
    [true, 1],
  ] as const) {
    let count = 0;
    const samples = await interleave([{ run: lasting(1600, () => void count++), warm }], 1);
    expect([samples, count]).toEqual([[[1600]], runs]);
  }
});

it('does not take for slow what is slow the first time', async () => {
  let first = true;
  const run = (): void => {
    clock += first ? 5000 : 30;
    first = false;
  };
  expect(await interleave([{ run }], 60)).toEqual([[30, 30, 30]]);
});

it('waits for a device once a sample, after several runs, and not while it makes ready', async () => {
  const order: string[] = [];
  const wait = (name: string) => async (): Promise<void> => lasting(25, () => void order.push(name))();
  const run = lasting(25, () => void order.push('.'));
  const [times] = await interleave([{ begin: wait('<'), run, finish: wait('>') }], 1);
  expect(order.join('')).toMatch(/(<\.{3}>){3}$/);
  // 25 ms of work, and a third of 25 ms of waiting.
  expect(times).toEqual(Array(3).fill(100 / 3));
});

it('takes off what a run does beside the work, and shares the rest among what it does', async () => {
  const [times] = await interleave([{ run: lasting(50), overhead: lasting(10), times: 4 }], 1);
  expect(times).toEqual([10, 10, 10]);
});

const row = (name: string, engine: string, medians: number[], threads = 1): Row =>
  rowOf(
    workloads.find((workload) => workload.name === name)!,
    { engine, threads },
    medians,
    medians.length,
  );

it('reports rates, the share of the peak, and ratios to the peers at its side', () => {
  const report = markdown({
    machine: 'a machine',
    node: '24.0.0',
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
    costs: [],
    loading: [],
    notes: ['a note'],
  });
  // 2 * 512^3 operations in 7 ms are 38.3 GF/s; the peak is 9.6e6 operations in 0.2 ms.
  expect(report).toMatch(/matmul_512 +\| receptive-cpu \| 7\.000 +\| 6\.000 - 8\.000 +\| 38\.3 +\| 80 %/);
  expect(report).toMatch(/receptive-cpu +\| ms +\| tfjs-wasm +\|/);
  expect(report).toMatch(/matmul_512 +\| 7\.000 \| 0\.50/);
  // No peer trains, so that training stands beside inference; where one does, it stands beside that.
  expect(report).toMatch(/lenet5_b64_train +\| 5\.000 \| 0\.50 \(lenet5_b64\)/);
  expect(report).toContain('- a note');
});

it('reports bytes a second of what moves more than it computes', () => {
  const { flops, bytes } = workloads.find(({ name }) => name === 'maxpool')!;
  expect([flops, bytes]).toEqual([undefined, 4 * 64 * (224 ** 2 + 112 ** 2)]);
  const report = markdown({
    machine: 'a machine',
    node: '24.0.0',
    host: 'Node 24.0.0',
    engines: {},
    sides: {},
    rows: [row('maxpool', 'ours', [2])],
    costs: [],
    loading: [],
    notes: [],
  });
  // 16.06 MB in 2 ms.
  expect(report).toMatch(/maxpool +\| ours +\| 2\.000 +\| 2\.000 - 2\.000 +\| +\| 8\.0 +\|/);
});

it('compares training with training where a peer trains, and has no share of a peak that was not measured', () => {
  const report = markdown({
    machine: 'a machine',
    node: null,
    host: 'a browser',
    engines: {},
    sides: { ours: ['theirs'] },
    rows: [
      row('lenet5_b64', 'theirs', [10]),
      row('lenet5_b64_train', 'ours', [5]),
      row('lenet5_b64_train', 'theirs', [20]),
    ],
    costs: [],
    loading: [],
    notes: [],
  });
  expect(report).toMatch(/lenet5_b64_train +\| 5\.000 \| 0\.25 +\|/);
  expect(report).not.toContain('of peak');
});

it('marks what took so long that it was timed in one round of several', () => {
  const workload = workloads.find(({ name }) => name === 'vgg16_b1')!;
  const variant = { engine: 'theirs', threads: 1 };
  expect(rowOf(workload, variant, [20_000], 5)).toMatchObject({ rounds: 1, once: true, ms: 20_000 });
  expect(rowOf(workload, variant, [20_000], 1).once).toBe(false);
});

it('sets several threads beside as many, or else beside one', () => {
  const rows = [
    row('matmul_512', 'ours', [8]),
    row('matmul_512', 'ours', [4], 2),
    row('matmul_512', 'theirs', [10]),
    row('matmul_512', 'theirs', [5], 2),
    row('matmul_512', 'single', [16]),
  ];
  const found = ratiosOf({ sides: { ours: ['theirs', 'single'] }, rows }).map(
    ({ own, peer, ratio }) => [own.threads, peer.engine, peer.threads, ratio] as const,
  );
  expect(found).toEqual([
    [1, 'theirs', 1, 0.8],
    [1, 'single', 1, 0.5],
    [2, 'theirs', 2, 0.8],
    [2, 'single', 1, 0.25],
  ]);
});

it('tells how fast backward is beside forward', () => {
  const report = markdown({
    machine: 'a machine',
    node: '24.0.0',
    host: 'Node 24.0.0',
    engines: {},
    sides: {},
    rows: [row('lenet5_b64', 'receptive-cpu', [1]), row('lenet5_b64_train', 'receptive-cpu', [4])],
    costs: [],
    loading: [],
    notes: [],
  });
  // LeNet-5 has 416,520 multiply-adds, and twice as many backward less the 117,600 of the first convolution: 91.6 million operations for 64 images in 3 ms.
  expect(report).toContain("backward at 30.5 GF/s, 57 % of forward's 53.3.");
});

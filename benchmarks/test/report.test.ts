import { expect, it } from 'vitest';
import { interleave, median } from '../src/measure.ts';
import { markdown, rowOf } from '../src/report.ts';

it('the median is the middle, or halfway between the two middle values', () => {
  expect(median([5, 1, 3])).toBe(3);
  expect(median([4, 1, 3, 2])).toBe(2.5);
});

it('interleaves the runs, and times each as often as the others', async () => {
  const order: string[] = [];
  const wait = (): void => {
    const end = performance.now() + 25;
    while (performance.now() < end);
  };
  const samples = await interleave(
    [
      () => {
        order.push('a');
        wait();
      },
      () => {
        order.push('b');
        wait();
      },
    ],
    1,
  );
  expect(samples.map((list) => list.length)).toEqual([5, 5]);
  expect(order.slice(-10).join('')).toBe('ababababab');
});

it('reports rates, the share of the peak, and ratios to the workload compared with', () => {
  const report = markdown({
    machine: 'a machine',
    node: '24.0.0',
    engines: { 'receptive-cpu': 'ours', 'tfjs-wasm': 'theirs' },
    rows: [
      rowOf('peak', 'receptive-cpu', [0.2]),
      rowOf('matmul_512', 'receptive-cpu', [8, 6, 7]),
      rowOf('matmul_512', 'tfjs-wasm', [14]),
      rowOf('lenet5_b64_train', 'receptive-cpu', [5]),
      rowOf('lenet5_b64', 'tfjs-wasm', [10]),
    ],
    notes: ['a note'],
  });
  // 2 * 512^3 operations in 7 ms are 38.3 GF/s; the peak is 9.6e6 operations in 0.2 ms.
  expect(report).toMatch(/matmul_512 +\| receptive-cpu \| 7\.000 +\| 6\.000 - 8\.000 +\| 38\.3 \| 80 %/);
  expect(report).toMatch(/matmul_512 +\| tfjs-wasm matmul_512 \| 0\.50/);
  expect(report).toMatch(/lenet5_b64_train +\| tfjs-wasm lenet5_b64 +\| 0\.50/);
  expect(report).toContain('- a note');
});

import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { lastLine, succeed } from './support.ts';

test('the digits that come with it: 98 % of those held out', { timeout: 600_000 }, async () => {
  const ended = await succeed('train', '--json');
  expect(lastLine(ended)['testAccuracy']).toBeGreaterThanOrEqual(0.98);
});

test('the whole MNIST: 99 % of its test set within 10 epochs', { timeout: 3_600_000 }, async ({ skip }) => {
  const { RECEPTIVE_MNIST: mnist } = process.env;
  skip(!mnist, "RECEPTIVE_MNIST names no folder with MNIST's four files");
  const ended = await succeed('train', 'lenet5', '--data', resolve(mnist!), '--epochs', '10', '--json');
  expect(lastLine(ended)['testAccuracy']).toBeGreaterThanOrEqual(0.99);
});

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));

it.each([
  [['--threads', '0'], '--threads takes a whole number of at least 1, but was given 0.'],
  [['--peers', 'ort-wasm'], 'ort-wasm is not one of tfjs-wasm, ort-node, ort-web, none.'],
  [['--only', 'resnet'], '--only resnet matches none of peak, '],
])('refuses %j before anything is measured', { timeout: 20_000 }, (args, message) => {
  const { status, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([1, expect.stringContaining(message)]);
});

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));

it.each([
  [['--threads', '1,0'], '--threads takes whole numbers of at least 1, by commas, but was given 1,0.'],
  [['--peers', 'ort-wasm'], 'ort-wasm is not one of ort-node, ort-web, tfjs-wasm, tfjs-cpu, jax-js, convnetjs, none.'],
  [['--only', 'resnet'], '--only resnet matches none of peak, '],
])('refuses %j before anything is measured', { timeout: 20_000 }, (args, message) => {
  const { status, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([1, expect.stringContaining(message)]);
});

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { findChromium } from '../src/browser/browser.ts';
import type { Results } from '../src/report.ts';

const folder = mkdtempSync(join(tmpdir(), 'receptive-bench-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function bench(args: readonly string[], env: NodeJS.ProcessEnv = {}): { status: number | null; stderr: string } {
  const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
  return spawnSync(process.execPath, [main, '--browser', '--quick', ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
}

const chromium = ((): string => {
  try {
    return findChromium();
  } catch {
    return '';
  }
})();

it.skipIf(!chromium)(
  `runs both of ours in one Chromium${chromium ? '' : ' (skipped: there is none)'}`,
  { timeout: 120_000 },
  () => {
    const json = join(folder, 'results.json');
    const { status, stderr } = bench(['--peers', 'none', '--only', 'add_tiny', '--json', json]);
    expect(status, stderr).toBe(0);
    const { host, engines, rows } = JSON.parse(readFileSync(json, 'utf8')) as Results;
    expect(host).toMatch(/^Chromium \d+\.\d+\.\d+\.\d+, WebGPU on .+ \(software\), WebGL2 on .+ \(software\)$/);
    expect(engines).toEqual({
      'receptive-webgpu': expect.stringContaining('webgpu on'),
      'receptive-webgl2': expect.stringContaining('webgl2 on'),
    });
    expect(rows.map(({ workload, engine }) => [workload, engine])).toEqual([
      ['add_tiny', 'receptive-webgpu'],
      ['add_tiny', 'receptive-webgl2'],
    ]);
    for (const { ms } of rows) expect(ms).toBeGreaterThan(0);
  },
);

it('says where it looked for Chromium, and what to do', { timeout: 20_000 }, () => {
  const { status, stderr } = bench(['--peers', 'none'], { RECEPTIVE_CHROMIUM: join(folder, 'nothing') });
  expect(status).toBe(1);
  expect(stderr).toMatch(/RECEPTIVE_CHROMIUM is .+nothing, where nothing is\. Install one/);
});

it('runs nothing for peers that it does not know', { timeout: 20_000 }, () => {
  const { status, stderr } = bench(['--peers', 'tfjs-wasm']);
  expect(status).toBe(1);
  expect(stderr).toContain('tfjs-wasm is not one of tfjs-webgpu, tfjs-webgl, none');
});

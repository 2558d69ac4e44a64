import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The executable of another version of Node, from the package `node` of the npm registry; installed on first use beside the benchmarks.
 * @throws Error if the version is not a number, or could not be installed.
 */
export function nodeExecutable(version: string): string {
  if (!/^\d+(\.\d+){0,2}$/.test(version))
    throw new Error(`--node takes a version of Node such as 24, but was given ${version}.`);
  const folder = fileURLToPath(new URL(`../build/node-${version}/`, import.meta.url));
  const executable = join(folder, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (existsSync(executable)) return executable;
  console.error(`Installing Node ${version}...`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }');
  const { status, stdout, stderr } = spawnSync(
    'npm',
    ['install', '--no-save', '--no-audit', '--no-fund', `node@${version}`],
    {
      cwd: folder,
      encoding: 'utf8',
      shell: process.platform === 'win32',
    },
  );
  if (status !== 0 || !existsSync(executable))
    throw new Error(`Node ${version} could not be installed.\n${stdout}${stderr}`);
  return executable;
}

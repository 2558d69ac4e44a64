import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The workspace of the engines compared with. */
const folder = fileURLToPath(new URL('../peers/', import.meta.url));

/**
 * Installs the engines compared with, if one is not there.
 * @throws Error with what the package manager said, if it failed.
 */
export function installPeers(): void {
  const { dependencies } = JSON.parse(readFileSync(peerModule('package.json'), 'utf8')) as { dependencies: object };
  if (Object.keys(dependencies).every(hasPeer)) return;
  console.error('Installing the engines to compare with...');
  const { status, stdout, stderr } = spawnSync('npx', ['-y', 'pnpm@12.21.0', 'install', '--frozen-lockfile'], {
    cwd: folder,
    encoding: 'utf8',
    shell: process.platform === 'win32', // npx is a .cmd file there
  });
  if (status !== 0)
    throw new Error(
      `The engines to compare with could not be installed; run with --peers none to do without.\n${stdout}${stderr}`,
    );
}

/** Whether an engine is installed. */
export function hasPeer(name: string): boolean {
  return existsSync(join(folder, 'node_modules', name));
}

/** The version of an engine that is installed. */
export function peerVersion(name: string): string {
  const manifest = readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

/** The path of a file of the peers' workspace. */
export function peerModule(name: string): string {
  return join(folder, name);
}

/** `require` as seen from the peers' workspace. */
export const requirePeer: NodeJS.Require = createRequire(peerModule('package.json'));

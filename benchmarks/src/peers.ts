import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The workspace of the engines compared with. */
const folder = fileURLToPath(new URL('../peers/', import.meta.url));

/**
 * Installs the engines compared with, if they are not there.
 * @throws Error with what the package manager said, if it failed.
 */
export function installPeers(): void {
  if (existsSync(join(folder, 'node_modules'))) return;
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

/** `require` as seen from the peers' workspace. */
export const requirePeer: NodeJS.Require = createRequire(join(folder, 'package.json'));

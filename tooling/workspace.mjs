import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the checkout. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * What the tools read of a package.json.
 * @typedef {{
 *   name: string, version: string, private?: boolean, packageManager?: string,
 *   description?: string, license?: string, type?: string, sideEffects?: boolean, files?: string[],
 *   engines?: Record<string, string>, bin?: Record<string, string>,
 *   exports?: Record<string, string | Record<string, string>>,
 *   publishConfig?: { access?: string, exports?: Record<string, string> },
 *   dependencies?: Record<string, string>, devDependencies?: Record<string, string>,
 *   peerDependencies?: Record<string, string>, scripts?: Record<string, string>,
 * }} Manifest
 */

/** @param {string} folder @returns {Manifest} */
export const manifestOf = (folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

/** Every package of the workspace: where it lies and its package.json. */
export const workspaces = ['packages', 'apps']
  .flatMap((parent) => readdirSync(join(root, parent)).map((name) => join(root, parent, name)))
  .concat(join(root, 'benchmarks'))
  .filter((folder) => existsSync(join(folder, 'package.json')))
  .map((folder) => ({ folder, manifest: manifestOf(folder) }));

/** Those that are published. */
export const publishable = workspaces.filter(({ manifest }) => !manifest.private);

/**
 * The pnpm that runs this, or else the one that package.json names, through npx.
 * @param {string[]} args
 * @returns {[command: string, args: string[]]}
 */
const pnpm = (args) =>
  process.env['npm_config_user_agent']?.startsWith('pnpm/')
    ? ['pnpm', args]
    : ['npx', ['-y', `${manifestOf(root).packageManager}`, ...args]];

/**
 * Runs a program, quietly: what it says is shown only where it fails.
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string }} [options]
 * @returns {string} what it wrote to its standard output
 * @throws {Error} with its output where it exits with another code than 0
 */
export function run(command, args, { cwd = root } = {}) {
  const { status, signal, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    shell: process.platform === 'win32' && command !== process.execPath, // npm and pnpm are .cmd files there
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1', TURBO_NO_UPDATE_NOTIFIER: '1' },
  });
  if (status === 0) return stdout;
  throw new Error(
    `${[command, ...args].join(' ')}: ${error?.message ?? `exit code ${status ?? signal}`}\n${stdout}${stderr}`,
  );
}

/**
 * The entry file of a tool that is installed in the root, to be run with this Node.
 * @param {string} path inside node_modules
 */
export const tool = (path) => join(root, 'node_modules', path);

/**
 * Builds packages, and first what they depend on; what is built already is taken from turbo's cache.
 * @param {...string} names of packages; none means all
 * @returns {boolean} whether it succeeded; where not, the compilers have said why
 */
export function build(...names) {
  const { stderr } = process;
  if (stderr.isTTY) stderr.write('Building...');
  let complaint = '';
  try {
    const filters = names.map((name) => `--filter=${name}`);
    run(process.execPath, [tool('turbo/bin/turbo'), 'run', 'build', '--output-logs=errors-only', ...filters]);
  } catch (error) {
    complaint = error instanceof Error ? error.message : String(error);
  }
  if (stderr.isTTY) stderr.write('\r\u001B[2K');
  if (complaint) console.error(complaint);
  return !complaint;
}

/**
 * Packs packages as they would be published.
 * @param {string} folder where the tarballs go
 * @param {typeof publishable} packages
 * @returns the packages, each with the path of its tarball
 */
export function pack(folder, packages = publishable) {
  const filters = packages.map(({ manifest }) => `--filter=${manifest.name}`);
  run(...pnpm([...filters, 'pack', '--pack-destination', folder]));
  return packages.map(({ manifest }) => {
    const file = `${manifest.name.replace('@', '').replace('/', '-')}-${manifest.version}.tgz`;
    return { manifest, tarball: join(folder, file) };
  });
}

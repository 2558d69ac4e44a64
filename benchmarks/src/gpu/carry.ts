// Packs what checks and times the GPU backend, with the Node and the WebGPU that it needs, into one file for machines that have nothing but a driver.
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../bundle.ts';
import { nodeExecutable } from '../node.ts';
import { peerModule } from '../peers.ts';

const build = fileURLToPath(new URL('../../build/', import.meta.url));

/** The Node that is carried. */
const NODE = '24';

/** The Vulkan loader, which a machine with a driver may lack. */
const loader = '/usr/lib/x86_64-linux-gnu/libvulkan.so.1';

/** Unpacks what follows it, and runs that. */
const header = `#!/bin/sh
# Checks Receptive's GPU backend on an NVIDIA GPU, and times it beside PyTorch: sh gpu.sh [--dry] [--json FILE]
folder=$(mktemp -d) || exit
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM HUP
sed '1,/^__FILES__$/d' "$0" | tar -xzf - -C "$folder" || exit
if ! PATH="$PATH:/sbin" ldconfig -p | grep -q 'libvulkan\\.so\\.1 '; then
  export LD_LIBRARY_PATH="$folder/vulkan\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
fi
# Some drivers lie where the loader does not look.
if [ -z "$VK_DRIVER_FILES$VK_ICD_FILENAMES" ] && ! ls /usr/share/vulkan/icd.d/nvidia* /etc/vulkan/icd.d/nvidia* >/dev/null 2>&1; then
  driver=$(find / -path /proc -prune -o -name 'nvidia_icd*.json' -print 2>/dev/null | head -n 1)
  if [ -n "$driver" ]; then export VK_DRIVER_FILES="$driver"; fi
fi
"$folder/node" "$folder/main.js" "$@"
exit
__FILES__
`;

/**
 * Makes the file.
 * @returns its path
 * @throws Error on another machine than Linux on x64, or if something could not be packed.
 */
export async function prepareGpu(): Promise<string> {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error(`--gpu carries programs for Linux on x64, but this is ${process.platform} on ${process.arch}.`);
  const folder = join(build, 'gpu');
  const [main, tests] = [new URL('./main.js', import.meta.url), new URL('./tests.js', import.meta.url)];
  rmSync(folder, { recursive: true, force: true });
  await bundle({ main: fileURLToPath(main) }, folder, {
    ssr: { noExternal: true, external: ['webgpu'] },
    resolve: { alias: { vitest: fileURLToPath(tests) } },
    build: { ssr: true, target: 'node20' },
  });
  copyFileSync(nodeExecutable(NODE), join(folder, 'node'));
  copyFileSync(peerModule('pytorch.py'), join(folder, 'pytorch.py'));

  const webgpu = dirname(createRequire(import.meta.url).resolve('webgpu'));
  const installed = join(folder, 'node_modules', 'webgpu');
  for (const path of ['package.json', 'index.js', join('dist', 'linux-x64')])
    cpSync(join(webgpu, path), join(installed, path), { recursive: true, dereference: true });
  mkdirSync(join(folder, 'vulkan'));
  if (existsSync(loader)) copyFileSync(loader, join(folder, 'vulkan', 'libvulkan.so.1'));

  const archive = join(build, 'gpu.tar.gz');
  const { status, stderr } = spawnSync('tar', ['-czf', archive, '-C', folder, '.'], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`The files for the GPU could not be packed.\n${stderr}`);
  const file = join(build, 'gpu.sh');
  writeFileSync(file, Buffer.concat([Buffer.from(header), readFileSync(archive)]));
  chmodSync(file, 0o755);
  rmSync(archive);
  console.error(
    `Wrote ${file}, ${(readFileSync(file).length / 2 ** 20).toFixed(0)} MiB: \`sh gpu.sh [--json FILE]\` runs it.`,
  );
  return file;
}

/** Runs the file. Returns its exit code. */
export function runGpu(
  file: string,
  { dry, json }: { readonly dry: boolean; readonly json?: string | undefined },
): number {
  const args = [...(dry ? ['--dry'] : []), ...(json ? ['--json', json] : [])];
  return spawnSync('sh', [file, ...args], { stdio: 'inherit' }).status ?? 1;
}

// Compiles the kernels with plain SIMD, with relaxed SIMD, and with relaxed SIMD in wide tiles, and writes each as a module that holds the bytes in base64: it
// then travels through every bundler and package manager, and only the one that is chosen is loaded.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { main as compile } from 'assemblyscript/asc';
import { elementwise } from './elementwise.mjs';
import { microKernels } from './micro-kernels.mjs';
import { slides } from './slides.mjs';
import { winograd } from './winograd.mjs';

process.chdir(join(import.meta.dirname, '..'));
await mkdir('build', { recursive: true });
await mkdir('src/generated', { recursive: true });
await writeFile('build/elementwise.ts', elementwise());
await writeFile('build/slides.ts', slides());
await writeFile('build/winograd.ts', winograd());

const relaxed = ['simd', 'relaxed-simd'];
const flavours = { plain: ['simd'], relaxed, wide: relaxed };
for (const [flavour, features] of Object.entries(flavours)) {
  const isWide = flavour === 'wide';
  await writeFile(
    'build/flavour.ts',
    `/** Whether tiles are made for engines that fuse pairs of vectors. */\nexport const WIDE: bool = ${isWide};\n`,
  );
  await writeFile('build/micro-kernels.ts', microKernels(isWide));
  const wasm = `build/${flavour}.wasm`;
  const options = [
    'assembly/index.ts',
    '-O3',
    '--noAssert',
    // That v128 cannot cross into JavaScript, which no kernel does.
    ...['--disableWarning', '112'],
    ...['--runtime', 'stub'],
    ...features.flatMap((feature) => ['--enable', feature]),
    // A maximum makes the import's limits fit shared memories too; see src/module.ts.
    ...['--importMemory', '--initialMemory', '1', '--maximumMemory', '65536'],
    ...['--outFile', wasm],
  ];
  const { error } = await compile(options, { stdout: process.stdout, stderr: process.stderr });
  if (error) throw error;
  const bytes = await readFile(wasm);
  await writeFile(
    `src/generated/${flavour}.ts`,
    `/** The ${flavour} kernels, a WebAssembly module in base64. */\nexport const base64: string =\n  '${bytes.toString('base64')}';\n`,
  );
}

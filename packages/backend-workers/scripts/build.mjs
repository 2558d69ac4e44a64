// Makes of src/worker.ts and what it imports one script, which runs in Node and in browsers as a module or without being one: as a file, for every bundler to find, and as a string, for where
// one has left the file behind.
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'vite';

process.chdir(join(import.meta.dirname, '..'));
const [{ output }] = await build({
  configFile: false,
  logLevel: 'warn',
  build: {
    lib: { entry: 'src/worker.ts', formats: ['iife'], name: 'worker' },
    target: 'es2022',
    minify: false,
    write: false,
  },
});
const [{ code: text }, ...more] = output;
if (more.length > 0) throw new Error('The worker must be one file without imports.');
// By which a pool knows a copy of another version.
const version = createHash('sha256').update(text).digest('hex').slice(0, 16);
const code = text.replace('__VERSION__', version);
await mkdir('generated', { recursive: true });
await mkdir('src/generated', { recursive: true });
await writeFile('generated/worker.js', code);
await writeFile('generated/worker.d.ts', 'export {};\n');
await writeFile(
  'src/generated/worker.ts',
  `/** The script of a thread. */\nexport const source: string = ${JSON.stringify(code)};\n/** What it answers. */\nexport const version: string = '${version}';\n`,
);

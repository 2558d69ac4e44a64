// Packs every publishable package and checks the tarballs: publint for what the registry and bundlers expect,
// arethetypeswrong for the declarations that TypeScript finds through `exports`.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { pack, run, tool } from './workspace.mjs';

const folder = mkdtempSync(join(tmpdir(), 'receptive-tarballs-'));
try {
  for (const { manifest, tarball } of pack(folder)) {
    const bytes = readFileSync(tarball);
    const { messages, pkg } = await publint({
      pack: { tarball: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) },
    });
    if (messages.length > 0) {
      throw new Error(
        `publint: ${manifest.name}\n${messages.map((message) => formatMessage(message, pkg)).join('\n')}`,
      );
    }
    // A package of programs only has no entry whose declarations could be wrong.
    if (Object.keys(manifest.exports ?? {}).some((entry) => entry !== './package.json')) {
      run(process.execPath, [
        tool('@arethetypeswrong/cli/dist/index.js'),
        tarball,
        '--profile',
        'esm-only',
        '--no-definitely-typed',
      ]);
    }
    console.log(`${manifest.name}: tarball in order`);
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

// Packs every publishable package and checks the tarballs: publint for what the registry and bundlers expect,
// arethetypeswrong for the declarations that TypeScript finds through `exports`.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { pack } from './workspace.mjs';

/** The packages are ES modules: what `require` and TypeScript's oldest resolution would find is no matter. */
const foreign = new Set(/** @type {unknown[]} */ (['node10', 'node16-cjs']));

const folder = mkdtempSync(join(tmpdir(), 'receptive-tarballs-'));
try {
  for (const { manifest, tarball } of pack(folder)) {
    const bytes = Uint8Array.from(readFileSync(tarball));
    const { messages, pkg } = await publint({ pack: { tarball: bytes.buffer } });
    const types = await checkPackage(createPackageFromTarballData(bytes));
    const problems = types.types ? types.problems : [{ kind: 'NoDeclarations' }];
    const complaints = [
      ...messages.map((message) => formatMessage(message, pkg, { color: false })),
      ...problems
        .filter((problem) => !('resolutionKind' in problem && foreign.has(problem.resolutionKind)))
        .map((problem) => `${problem.kind}: ${JSON.stringify(problem)}`),
    ];
    for (const complaint of complaints) console.error(`${manifest.name}: ${complaint}`);
    if (complaints.length > 0) process.exitCode = 1;
    else console.log(`${manifest.name}: tarball in order`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

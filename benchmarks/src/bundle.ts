import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import type { InlineConfig } from 'vite';

const root = fileURLToPath(new URL('../', import.meta.url));

/** Makes a few files of modules and all that they import, in a folder that is emptied before. */
export async function bundle(entries: Readonly<Record<string, string>>, outDir: string, config: InlineConfig = {}) {
  await build({
    configFile: false,
    root,
    logLevel: 'error',
    ...config,
    build: {
      outDir,
      emptyOutDir: true,
      modulePreload: false,
      reportCompressedSize: false,
      ...config.build,
      rolldownOptions: {
        input: { ...entries },
        preserveEntrySignatures: 'exports-only',
        output: { entryFileNames: '[name].js' },
        ...config.build?.rolldownOptions,
      },
    },
  });
}

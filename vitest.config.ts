import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultClientConditions, defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

const root = import.meta.dirname;

/** Every workspace folder is a project under its package's name. */
const folders = ['packages', 'apps']
  .flatMap((parent) => readdirSync(join(root, parent)).map((name) => join(root, parent, name)))
  .concat(join(root, 'benchmarks'));

export default defineConfig({
  resolve: { conditions: ['@receptive/source', ...defaultClientConditions] },
  ssr: { resolve: { conditions: ['@receptive/source', ...defaultServerConditions] } },
  test: {
    projects: folders.map((folder) => ({
      extends: true as const,
      test: {
        name: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).name as string,
        root: folder,
        include: ['test/**/*.test.ts'],
      },
    })),
  },
});

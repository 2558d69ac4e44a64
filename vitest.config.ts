import { join } from 'node:path';
import { defaultClientConditions, defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';
import { browser } from './tooling/browser.ts';
import Reporter from './tooling/reporter.ts';
import { root, workspaces } from './tooling/workspace.mjs';

// A check that takes a second may take many on a machine that does other things besides.
const project = (name: string, folder: string, include: string, timeout = 60_000) => ({
  extends: true as const,
  test: { name, root: folder, include: [include], testTimeout: timeout, hookTimeout: timeout },
});

export default defineConfig({
  resolve: { conditions: ['@receptive/source', ...defaultClientConditions] },
  ssr: { resolve: { conditions: ['@receptive/source', ...defaultServerConditions] } },
  test: {
    reporters: [new Reporter()],
    projects: [
      ...workspaces.map(({ folder, manifest }) => project(manifest.name, folder, 'test/**/*.test.ts')),
      browser,
      project('repository', join(root, 'tooling'), 'test/repository.test.ts'),
      // Installs from the registry and runs two compilers.
      project('tarballs', join(root, 'tooling'), 'test/tarballs.test.ts', 300_000),
    ],
  },
});

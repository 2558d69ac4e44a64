// The tests that run in a browser: headless Chromium, on a GPU that is emulated in software.
import { join } from 'node:path';
import { playwright } from '@vitest/browser-playwright';
import type { TestProjectInlineConfiguration } from 'vitest/config';
import { isolation, launchOptions, noChromium } from './chromium.ts';
import { root } from './workspace.mjs';

/** The project `browser`. Where there is no Chromium, one test that is skipped and says so stands for all of it. */
export const browser: TestProjectInlineConfiguration = launchOptions
  ? {
      extends: true,
      // What is found later would reload the page in the midst of a test.
      optimizeDeps: {
        include: [
          'gpu.js',
          ...['fast-png', 'fflate', 'jpeg-js'].map((name) => `@receptive/train > @receptive/data > ${name}`),
        ],
      },
      server: { headers: isolation },
      test: {
        name: 'browser',
        // Tests of this package need dependencies that Vite has to be told of.
        root: join(root, 'packages/backend-gpu'),
        dir: join(root, 'packages'),
        include: ['*/test/browser/*.browser.ts'],
        testTimeout: 30_000,
        hookTimeout: 30_000,
        browser: {
          enabled: true,
          headless: true,
          screenshotFailures: false,
          provider: playwright({ launchOptions }),
          instances: [{ browser: 'chromium' }],
        },
      },
    }
  : {
      extends: true,
      test: {
        name: 'browser',
        root: join(root, 'tooling'),
        include: ['test/no-browser.test.ts'],
        provide: { noChromium },
      },
    };

// The tests that run in a browser: headless Chromium, on a GPU that is emulated in software.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { playwright } from '@vitest/browser-playwright';
import type { TestProjectInlineConfiguration } from 'vitest/config';
import { root } from './workspace.mjs';

/** Where systems put Chromium, and what it is started with, each flag with its reason. */
const chromium = JSON.parse(readFileSync(join(root, 'tooling/chromium.json'), 'utf8')) as {
  readonly places: readonly string[];
  readonly flags: Readonly<Record<string, string>>;
};
const places = process.env['RECEPTIVE_CHROMIUM'] ? [process.env['RECEPTIVE_CHROMIUM']] : chromium.places;
const executablePath = places.find((place) => existsSync(place));

/** The project `browser`. Where there is no Chromium, one test that is skipped and says so stands for all of it. */
export const browser: TestProjectInlineConfiguration = executablePath
  ? {
      extends: true,
      // What is found later would reload the page in the midst of a test.
      optimizeDeps: {
        include: [
          'gpu.js',
          ...['fast-png', 'fflate', 'jpeg-js'].map((name) => `@receptive/train > @receptive/data > ${name}`),
        ],
      },
      test: {
        name: 'browser',
        root: join(root, 'packages/backend-gpu'),
        include: ['test/browser/*.browser.ts'],
        testTimeout: 30_000,
        hookTimeout: 30_000,
        browser: {
          enabled: true,
          headless: true,
          screenshotFailures: false,
          provider: playwright({ launchOptions: { executablePath, args: Object.keys(chromium.flags) } }),
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
        provide: { places },
      },
    };

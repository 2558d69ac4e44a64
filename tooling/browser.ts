// The tests that run in a browser: headless Chromium, on a GPU that is emulated in software.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { playwright } from '@vitest/browser-playwright';
import type { TestProjectInlineConfiguration } from 'vitest/config';
import { root } from './workspace.mjs';

/** Where Chromium may be: what the variable says, else where systems put it. */
const places = process.env['RECEPTIVE_CHROMIUM']
  ? [process.env['RECEPTIVE_CHROMIUM']]
  : [
      '/usr/bin/chromium',
      '/usr/bin/chromium-browser',
      '/usr/bin/google-chrome',
      '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
      '/Applications/Chromium.app/Contents/MacOS/Chromium',
      String.raw`C:\Program Files\Google\Chrome\Application\chrome.exe`,
    ];

const flags = [
  '--no-sandbox', // containers give no rights for it
  // WebGL and WebGPU by SwiftShader, whatever the machine has.
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  // No talk with the network.
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

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
          provider: playwright({ launchOptions: { executablePath, args: flags } }),
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

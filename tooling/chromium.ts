// The Chromium that tests open.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './workspace.mjs';

/** Where systems put Chromium, and what it is started with, each flag with its reason. */
const chromium = JSON.parse(readFileSync(join(root, 'tooling/chromium.json'), 'utf8')) as {
  readonly places: readonly string[];
  readonly flags: Readonly<Record<string, string>>;
};
const places = process.env['RECEPTIVE_CHROMIUM'] ? [process.env['RECEPTIVE_CHROMIUM']] : chromium.places;
const executablePath = places.find((place) => existsSync(place));

/** How playwright starts it; undefined where there is none. */
export const launchOptions = executablePath && { executablePath, args: Object.keys(chromium.flags) };

/** Why tests are skipped where there is none. */
export const noChromium = `there is no Chromium at ${places.join(', ')}. Install it (\`apt-get install chromium\`), or give its path in RECEPTIVE_CHROMIUM`;

/** The headers with which the threads of a page may share memory. */
export const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright';
import { preview } from 'vite';
import { bundle } from '../bundle.ts';
import { peerModule } from '../peers.ts';
import type { Report, Task } from '../perform.ts';
import { eachByItself } from '../rounds.ts';
import type { Place } from '../rounds.ts';

/** Where systems put Chromium, and what it is started with, as for the tests: each flag with its reason. */
const { places, flags } = JSON.parse(
  readFileSync(new URL('../../../tooling/chromium.json', import.meta.url), 'utf8'),
) as { readonly places: readonly string[]; readonly flags: Readonly<Record<string, string>> };

/** What the page's script makes global. */
export interface Offer {
  perform(task: Task): Promise<Report>;
}

/**
 * One page in one Chromium, with all engines in it; `peers` says whether others than ours are among them. It ends with this process, however that ends.
 * @throws Error if there is no Chromium.
 */
export async function browser(peers: boolean): Promise<Place> {
  const executablePath = findChromium();
  const outDir = fileURLToPath(new URL('../../build/browser/', import.meta.url));
  const page = fileURLToPath(new URL('./page.js', import.meta.url));
  await bundle({ page, ...(peers && { tfjs: peerModule('tfjs.js') }) }, outDir);
  writeFileSync(join(outDir, 'index.html'), '<!doctype html><script type="module" src="/page.js"></script>');
  const server = await preview({
    configFile: false,
    logLevel: 'error',
    build: { outDir },
    preview: {
      host: 'localhost',
      port: 0,
      // A page isolated from others is given a finer clock.
      headers: { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' },
    },
  });
  const started = await chromium.launch({ executablePath, args: Object.keys(flags) });
  const close = async (): Promise<void> => {
    await started.close();
    await server.close();
  };
  try {
    const tab = await started.newPage();
    await tab.goto(server.resolvedUrls!.local[0]!);
    return {
      node: null,
      tasks: eachByItself,
      perform: (task) => tab.evaluate((given) => (globalThis as unknown as Offer).perform(given), task),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * Where Chromium lies.
 * @throws Error that says where it was looked for.
 */
export function findChromium(): string {
  const chosen = process.env['RECEPTIVE_CHROMIUM'];
  const found = (chosen ? [chosen] : places).find((place) => existsSync(place));
  if (found) return found;
  throw new Error(
    `${chosen ? `RECEPTIVE_CHROMIUM is ${chosen}, where nothing is.` : `No Chromium was found at any of ${places.join(', ')}.`} ` +
      'Install one (Debian: `apt-get install chromium`), or set RECEPTIVE_CHROMIUM to the path of a Chromium or Chrome.',
  );
}

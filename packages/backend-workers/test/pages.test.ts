import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build as esbuild } from 'esbuild';
import type { Browser } from 'playwright';
import { chromium } from 'playwright';
import { build as vite, createServer } from 'vite';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import webpack from 'webpack';
import { isolation, launchOptions, noChromium } from '../../../tooling/chromium.ts';
import { chunkOf } from '../src/words.ts';
import type { Seen } from './site.ts';
import { look, makeSite, policy, serve } from './site.ts';

let site: string;
let browser: Browser;

beforeAll(async () => {
  if (!launchOptions) return;
  site = makeSite();
  browser = await chromium.launch(launchOptions);
});

beforeEach(({ skip }) => {
  if (!launchOptions) skip(noChromium);
});

afterAll(async () => {
  if (!launchOptions) return;
  await browser.close();
  rmSync(site, { recursive: true, force: true });
});

/** The page is told where it finds whether thread 1 has computed a chunk. */
const query = `?word=${chunkOf(1)}`;

/** Opens a page in a folder inside the site. */
async function open(
  page: string,
  headers: Record<string, string>,
  folder = '',
  outcomeOf?: Parameters<typeof look>[2],
): Promise<Seen> {
  await using served = await serve(join(site, folder), headers);
  return await look(browser, served.url + page, outcomeOf);
}

/** A folder for what a bundler makes, with a page that loads main.js of it. */
function makeFolder(name: string): string {
  const path = join(site, name);
  mkdirSync(path);
  copyFileSync(join(site, 'bundle.html'), join(path, 'index.html'));
  return path;
}

/** Has esbuild make main.js of a script of the site. */
async function bundle(script: string, path: string): Promise<void> {
  const [entry, outfile] = [join(site, script), join(path, 'main.js')];
  await esbuild({ entryPoints: [entry], bundle: true, format: 'esm', outfile, logLevel: 'warning' });
}

const computed = {
  isolated: true,
  says: expect.stringMatching(/^workers: .* on 2 threads$/),
  same: true,
  shared: true,
};

/** What a page comes to whose second thread, and the one in reserve, run the script at an address. */
const twoThreads = (address: string): object => ({
  outcome: computed,
  complaints: [],
  threads: [expect.stringMatching(address), expect.stringMatching(address)],
});

describe('two threads compute in an isolated page, whatever policy for its content', () => {
  const policies = [isolation, { ...isolation, ...policy }];

  test('without a bundler', async () => {
    for (const headers of policies) {
      expect(await open(`shares.html${query}`, headers)).toMatchObject(twoThreads('/generated/worker.js$'));
    }
  });

  test("from Vite's server for development", async () => {
    for (const headers of policies) {
      const server = await createServer({
        root: site,
        configFile: false,
        logLevel: 'warn',
        server: { headers, host: '127.0.0.1', port: 0 },
      });
      onTestFinished(() => server.close());
      await server.listen();
      const [url] = server.resolvedUrls!.local;
      expect(await look(browser, url + query)).toMatchObject(twoThreads('/generated/worker.js[^/]*$'));
    }
  });

  test('built by Vite', async () => {
    await vite({ root: site, configFile: false, logLevel: 'warn', build: { outDir: join(site, 'vite') } });
    for (const headers of policies) {
      expect(await open(`index.html${query}`, headers, 'vite')).toMatchObject(twoThreads('/assets/worker-[^/]+.js$'));
    }
  });

  test('bundled by webpack', async () => {
    const path = makeFolder('webpack');
    const compiler = webpack({ mode: 'production', context: site, entry: './shares.js', output: { path } });
    const stats = await new Promise<webpack.StatsCompilation>((resolve, reject) =>
      compiler.run((error, found) => (found ? resolve(found.toJson()) : reject(error))),
    );
    expect([stats.errors, stats.warnings]).toEqual([[], []]);
    for (const headers of policies) {
      expect(await open(`index.html${query}`, headers, 'webpack')).toMatchObject(
        twoThreads(String.raw`^http.*/\d+\.js$`),
      );
    }
  });

  test('bundled by esbuild, which leaves their script behind', async () => {
    const path = makeFolder('esbuild');
    await bundle('shares.js', path);
    expect(await open(`index.html${query}`, isolation, 'esbuild')).toMatchObject(twoThreads('^blob:'));
    // A policy forbids what there is instead, unless it is told of.
    const { outcome } = await open('index.html', { ...isolation, ...policy }, 'esbuild');
    expect(outcome['error']).toMatch(/could not be loaded.* workerUrl/);
    copyFileSync(join(site, 'worker.js'), join(path, 'threads.js'));
    for (const headers of policies) {
      const page = `index.html${query}&script=/threads.js`;
      expect(await open(page, headers, 'esbuild')).toMatchObject(twoThreads('^http.*/threads.js$'));
    }
  });
});

test('a page that is not isolated computes on one thread, and the console is told once which headers are missing', async () => {
  const { outcome, complaints, threads } = await open('alone.html', {});
  const cpu = expect.stringMatching(/^cpu: .* on one thread$/);
  const headers = /"Cross-Origin-Opener-Policy: same-origin" and "Cross-Origin-Embedder-Policy: require-corp"/;
  expect(outcome).toEqual({ isolated: false, says: [cpu, cpu], same: true, refusal: expect.stringMatching(headers) });
  expect(complaints).toEqual([expect.stringMatching(headers)]);
  expect(threads).toEqual([]);
});

const givenUp = {
  shared: true,
  failure: expect.stringMatching(/thread 1 has not finished chunk \d+ of \d+ of the kernel \w+ within 0\.5 seconds/),
  meanwhile: expect.stringContaining('Await backend.flush()'),
  wrote: true,
  writes: false,
  same: true,
  sharedAgain: true,
};

test('a thread that is stuck in a chunk is given up, and another one takes its place', async () => {
  const { outcome, threads, ended } = await open(`stuck.html${query}&script=/stuck-worker.js`, isolation);
  expect(outcome).toEqual(givenUp);
  expect([threads.length, ended.length]).toEqual([2, 1]);
});

test('a worker of a page has threads of its own, and gives up those that are stuck', async () => {
  const path = makeFolder('nested');
  for (const file of ['nested.html', 'nested.js', 'stuck-worker.js']) copyFileSync(join(site, file), join(path, file));
  await bundle('shares.js', path);
  expect((await open(`nested.html${query}`, isolation, 'nested')).outcome).toEqual(computed);
  await bundle('stuck.js', path);
  const page = `nested.html${query}&script=/stuck-worker.js`;
  expect((await open(page, isolation, 'nested')).outcome).toEqual(givenUp);
});

test("the examples learn, on the page's own thread and in a worker", async () => {
  const root = join(import.meta.dirname, '../examples');
  await vite({ root, logLevel: 'warn', build: { outDir: join(site, 'examples'), emptyOutDir: true } });
  for (const page of ['page.html', 'worker.html']) {
    const { outcome, complaints } = await open(page, isolation, 'examples', async (opened) => {
      await opened.locator('#result:not(:empty)').waitFor({ timeout: 60_000 });
      const textOf = (id: string) => opened.locator(id).textContent();
      return { backend: await textOf('#backend'), result: await textOf('#result') };
    });
    expect(outcome['backend']).toMatch(/^workers: .* on (one thread|\d+ threads)$/);
    expect(outcome['result']).toMatch(/^(?:[6-9]\d|100)\.\d % right, after \d/);
    expect(complaints).toEqual([]);
  }
});

// What tests of pages need: a folder with the packages as a user has them, a server, and a browser.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import type { Browser, Page } from 'playwright';
import { pack, publishable } from '../../../tooling/workspace.mjs';

/** Packages that the pages import, and what these depend on. */
const names = ['backend', 'tensor', 'kernels', 'backend-cpu', 'backend-workers'];
const builtOf = (name: string): string => `/node_modules/@receptive/${name}/dist/`;

/** For a page without a bundler. */
const importMap = JSON.stringify({
  imports: Object.fromEntries(names.map((name) => [`@receptive/${name}`, `${builtOf(name)}index.js`])),
  scopes: { [builtOf('backend-workers')]: { '#host': `${builtOf('backend-workers')}host.js` } },
});

const digest = createHash('sha256').update(importMap).digest('base64');

/** Wasm, and scripts of the page's own origin; an import map can only stand in the page itself. */
export const policy = {
  'Content-Security-Policy': `script-src 'self' 'wasm-unsafe-eval' 'sha256-${digest}'; worker-src 'self'`,
};

/** A page that is one script. Without an icon, the browser would ask for one, and complain. */
const html = (script: string, head = ''): string =>
  `<!doctype html><link rel="icon" href="data:,">${head}<script type="module" src="${script}"></script>`;

/** An empty folder with the packages' tarballs unpacked in node_modules, and the pages of the tests. */
export function makeSite(): string {
  const site = mkdtempSync(join(tmpdir(), 'receptive-site-'));
  const tarballs = join(site, 'tarballs');
  mkdirSync(tarballs);
  const wanted = publishable.filter(({ manifest }) => names.includes(manifest.name.replace('@receptive/', '')));
  for (const { manifest, tarball } of pack(tarballs, wanted)) {
    const folder = join(site, 'node_modules', manifest.name);
    mkdirSync(folder, { recursive: true });
    execFileSync('tar', ['-xzf', tarball, '-C', folder, '--strip-components=1']);
  }
  cpSync(join(import.meta.dirname, 'pages'), site, { recursive: true });
  const write = (name: string, text: string): void => writeFileSync(join(site, name), text);
  write('package.json', JSON.stringify({ name: 'site', private: true, type: 'module' }));
  const script = readFileSync(join(site, 'node_modules/@receptive/backend-workers/generated/worker.js'), 'utf8');
  write('worker.js', script);
  write('stuck-worker.js', readFileSync(join(site, 'stuck-worker.js'), 'utf8') + script);
  write('index.html', html('/shares.js'));
  write('bundle.html', html('/main.js'));
  write('nested.html', html('/nested.js'));
  for (const page of ['shares', 'alone', 'stuck']) {
    write(`${page}.html`, html(`/${page}.js`, `<script type="importmap">${importMap}</script>`));
  }
  return site;
}

/** Something that is served at an address. */
export interface Served extends AsyncDisposable {
  readonly url: string;
}

const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript' };

/** Serves the files of a folder. */
export async function serve(folder: string, headers: Record<string, string>): Promise<Served> {
  const server = createServer(({ url }, response) => {
    const { pathname } = new URL(url!, 'http://localhost');
    try {
      const body = readFileSync(join(folder, pathname));
      response.writeHead(200, { 'Content-Type': types[extname(pathname)] ?? 'application/octet-stream', ...headers });
      response.end(body);
    } catch {
      response.writeHead(404, headers).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What is seen of a page. */
export interface Seen {
  /** What it has come to. */
  readonly outcome: Record<string, unknown>;
  /** Warnings and errors on its console. */
  readonly complaints: readonly string[];
  /** Addresses of the scripts of the threads that run, and of those that ran once. */
  readonly threads: readonly string[];
  readonly ended: readonly string[];
}

/** What the script of a page of the tests concludes. */
const conclusion = (page: Page): Promise<Seen['outcome']> => page.evaluate('globalThis.outcome');

/** Opens a page and waits for its outcome. */
export async function look(browser: Browser, url: string, outcomeOf = conclusion): Promise<Seen> {
  const page = await browser.newPage();
  try {
    const complaints: string[] = [];
    const ended: string[] = [];
    page.on('console', (message) => {
      if (['warning', 'error'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('worker', (worker) => worker.on('close', () => ended.push(worker.url())));
    await page.goto(url);
    const outcome = await outcomeOf(page);
    const threads = page.workers().map((worker) => worker.url());
    return { outcome, complaints, threads, ended: [...ended] };
  } finally {
    await page.close();
  }
}

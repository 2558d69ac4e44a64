import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { needsGpu } from '../../packages/backend-gpu/test/node.ts';
import { manifestOf, pack, publishable, root, run, tool } from '../workspace.mjs';

/** The modules that a package offers. */
const entries = publishable.flatMap(({ manifest }) =>
  Object.keys(manifest.exports ?? {})
    .filter((entry) => entry !== './package.json')
    .map((entry) => manifest.name + entry.slice(1)),
);

let consumer: string;
let tarballs: string[];
const write = (name: string, text: string): void => writeFileSync(join(consumer, name), text);
const inConsumer = (...args: string[]): string => run(process.execPath, args, { cwd: consumer });

// An empty npm project with the tarballs in it, as a user would have them from the registry.
beforeAll(() => {
  consumer = mkdtempSync(join(tmpdir(), 'receptive-consumer-'));
  const packed = join(consumer, 'tarballs');
  mkdirSync(packed);
  tarballs = pack(packed).map(({ tarball }) => tarball);
  write('package.json', JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
  run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...tarballs], { cwd: consumer });
});

afterAll(() => rmSync(consumer, { recursive: true, force: true }));

test.each(entries)('%s loads in plain Node', (entry) => {
  expect(() => inConsumer('--input-type=module', '--eval', `import '${entry}';`)).not.toThrow();
});

/** What a README quotes in a language, as a user would copy it. */
const quoted = (folder: string, language: string): string[] =>
  [
    ...readFileSync(join(folder, 'README.md'), 'utf8').matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs')),
  ].map(([, code]) => code!);

const programs = quoted(root, 'ts');

test('receptive trains in plain Node', () => {
  write(
    'train.js',
    `import { Linear, Rng, Sequential, Tanh, crossEntropy, init, scope, sgd, tensor, valueAndGrad } from 'receptive';
     const backend = await init();
     const model = new Sequential([new Linear(4, 8), new Tanh(), new Linear(8, 2)]).initialize(1);
     const [x, labels] = [new Rng(2).normal([6, 4]), tensor(Int32Array.of(0, 1, 0, 1, 0, 1))];
     const optimizer = sgd({ lr: 0.5 }).bind(model.namedParameters());
     const step = () => scope(() => {
       const [loss, gradients] = valueAndGrad(() => crossEntropy(model.forward(x), labels), model.parameters());
       optimizer.step(gradients);
       return loss;
     });
     const losses = [];
     for (let i = 0; i < 3; i++) losses.push(await step().item());
     console.log(JSON.stringify({ backend: backend.name, falling: losses[0] > losses[1] && losses[1] > losses[2] }));`,
  );
  expect(JSON.parse(inConsumer('train.js'))).toEqual({ backend: 'workers', falling: true });
});

test("the README's programs run", () => {
  const [, derivatives] = programs;
  write('derivatives.js', derivatives!);
  expect(inConsumer('derivatives.js')).toContain('[ 8, 3, 3, 3 ]');
});

test.each(publishable.flatMap(({ manifest }) => Object.keys(manifest.bin ?? {})))('%s runs from the shell', (name) => {
  expect(run('npx', ['--no', name, '--', '--help'], { cwd: consumer })).toContain(name);
});

describe('@receptive/backend-gpu', () => {
  const folder = join(root, 'packages/backend-gpu');
  const { devDependencies, peerDependencies } = manifestOf(folder);
  const peers = Object.keys(peerDependencies!).map((name) => `${name}@${devDependencies![name]}`);

  /** An empty project, inside the consumer's folder. */
  function project(name: string): string {
    const path = join(consumer, name);
    mkdirSync(path);
    writeFileSync(join(path, 'package.json'), JSON.stringify({ name, private: true, type: 'module' }));
    return path;
  }

  test('brings none of its peers, and asks for them', () => {
    for (const name of [...Object.keys(peerDependencies!), 'gl']) {
      expect(existsSync(join(consumer, 'node_modules', name)), name).toBe(false);
    }
    write(
      'no-peers.js',
      `await (await import('@receptive/backend-gpu')).gpu().catch(({ message }) => console.log(message));`,
    );
    expect(inConsumer('no-peers.js')).toContain('`npm install gpu.js`');
  });

  test('lets receptive be bundled for the browser without them', () => {
    const path = project('bundle');
    run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', 'esbuild@0.28.2'], { cwd: path });
    writeFileSync(
      join(path, 'page.js'),
      `import { init } from 'receptive';
       await init('gpu').catch(({ message }) => console.log(message));
       console.log((await init()).name);`,
    );
    const esbuild = join(path, 'node_modules/esbuild/bin/esbuild');
    // pnpm's shims name this workspace there, which has gpu.js.
    const env = { ...process.env, NODE_PATH: '' };
    const args = ['page.js', '--bundle', '--format=esm', '--log-level=error', '--outfile=bundle.js'];
    execFileSync(esbuild, args, { cwd: path, env, stdio: 'pipe' });
    expect(run(process.execPath, ['bundle.js'], { cwd: path })).toMatch(/`npm install gpu\.js`[^]*\ncpu\n/);
  });

  describe('installed with its peers by npm', () => {
    let path: string;
    let said: string;

    beforeAll(() => {
      path = project('npm');
      const args = ['install', '--no-audit', '--no-fund', '--prefer-offline', ...tarballs, ...peers];
      const { status, stdout, stderr } = spawnSync('npm', args, { cwd: path, encoding: 'utf8' });
      said = `exit code ${status}\n${stdout}${stderr}`;
    });

    test('says nothing that frightens', () => {
      expect(said).toMatch(/^exit code 0\n[^]*added \d+ packages/);
      expect(said).not.toMatch(/npm err|ERESOLVE|EBADENGINE|deprecated|vulnerab/i);
    });

    describe('the program of its README runs in plain Node', () => {
      beforeEach(needsGpu);

      test.each([
        ['and ends', ''],
        ['and ends without disposing of the backend, too', 'backend.dispose();'],
      ])('%s', (_, without) => {
        const [program] = quoted(folder, 'ts');
        writeFileSync(join(path, 'program.js'), program!.replace(without, ''));
        const options = { cwd: path, encoding: 'utf8', stdio: 'pipe', timeout: 60_000 } as const;
        const printed = execFileSync(process.execPath, ['program.js'], options);
        expect(printed.replace(/\s+/g, ' ')).toMatch(/^gpu: webgpu on .*\[ 0, 10, 0, 0, 10, 0, 0, 10, 0 \]/);
      });
    });
  });

  test('installs with its peers by pnpm, with the settings of its README', () => {
    const path = project('pnpm');
    const files = tarballs.map((tarball, i) => `  '${publishable[i]!.manifest.name}': file:${tarball}\n`);
    const settings = quoted(folder, 'yaml')[0]!.replace('overrides:\n', (line) => line + files.join(''));
    writeFileSync(join(path, 'pnpm-workspace.yaml'), settings);
    run('npx', ['-y', manifestOf(root).packageManager!, 'add', manifestOf(folder).name, ...peers], { cwd: path });
    expect(readdirSync(join(path, 'node_modules/.pnpm')).filter((name) => /^(?:gl|webgpu)@/.test(name))).toEqual(
      peers.filter((peer) => peer.startsWith('webgpu@')),
    );
  });
});

describe.each([
  ['5.4', 'typescript-5.4/bin/tsc'],
  ['7', 'typescript/bin/tsc'],
])('under TypeScript %s, strict and with every declaration checked', (version, compiler) => {
  test.each([
    ['a browser', entries.filter((entry) => !entry.endsWith('/node')), { lib: ['es2022', 'dom'], types: [] }],
    ['Node', entries, { lib: ['es2022'], types: ['node'], typeRoots: [join(root, 'node_modules/@types')] }],
  ])('the declarations hold for %s', (host, imported, options) => {
    const name = `${version}-${host.replace(' ', '-')}`;
    const lines = imported.map((entry, index) => `export * as entry${index} from '${entry}';\n`);
    write(`${name}.ts`, lines.join(''));
    const files = [`${name}.ts`, ...programs.map((_, index) => `${name}-readme${index}.ts`)];
    programs.forEach((code, index) => write(files[index + 1]!, code));
    const compilerOptions = {
      target: 'es2022',
      module: 'nodenext',
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: false,
      noEmit: true,
      ...options,
    };
    write(`${name}.json`, JSON.stringify({ compilerOptions, files }));
    inConsumer(tool(compiler), '-p', `${name}.json`);
  });
});

test('no published file names a machine or a registry', () => {
  const foreign = [root, tmpdir()].map((path) => path.replaceAll('\\', '/') + '/');
  const pattern = /(?<![\w.])\/(?:home|Users|root)\/\w|\/\/[\w.-]*registry\b|registry\.(?:npmjs|yarnpkg)\.|_authToken/;
  const named = publishable.flatMap(({ manifest }) => {
    const folder = join(consumer, 'node_modules', manifest.name);
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => {
        const text = readFileSync(path, 'utf8');
        return pattern.test(text) || foreign.some((prefix) => text.includes(prefix));
      })
      .map((path) => join(manifest.name, relative(folder, path)));
  });
  expect(named).toEqual([]);
});

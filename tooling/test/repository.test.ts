import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { publishable, root, workspaces } from '../workspace.mjs';

/** The floors of the house: a package imports from lower floors only. */
const floors: Record<string, number> = {
  '@receptive/cli': 7,
  '@receptive/examples': 7,
  '@receptive/benchmarks': 7,
  receptive: 6,
  '@receptive/conformance': 5,
  '@receptive/onnx': 5,
  '@receptive/train': 5,
  '@receptive/visual': 5,
  '@receptive/zoo': 5,
  '@receptive/layers': 4,
  '@receptive/autograd': 3,
  '@receptive/backend-cpu': 3,
  '@receptive/backend-workers': 3,
  '@receptive/backend-gpu': 2,
  '@receptive/data': 3,
  '@receptive/formats': 3,
  '@receptive/graph': 3,
  '@receptive/kernels': 2,
  '@receptive/tensor': 2,
  '@receptive/backend': 1,
};

/** Concrete backends and what they are made of: who, below the top floor, may import them. */
const reserved: Record<string, readonly string[]> = {
  '@receptive/kernels': ['@receptive/backend-cpu', '@receptive/backend-workers'],
  '@receptive/backend-cpu': ['receptive'],
  '@receptive/backend-workers': ['receptive'],
  '@receptive/backend-gpu': ['receptive'],
};

/** Why `importer` may not import `imported`, both packages of the house; undefined where it may. */
function objection(importer: string, imported: string): string | undefined {
  const floor = floors[importer]!;
  if (floors[imported]! >= floor) return `${imported} is not on a lower floor`;
  if (floor < 7 && reserved[imported]?.includes(importer) === false) return `${imported} is not for libraries`;
  return undefined;
}

/** What a source file imports. A regular expression will do: the formatter leaves one way to write an import. */
function importsOf(file: string): string[] {
  const code = readFileSync(file, 'utf8').replace(/\/\*[^]*?\*\//g, '');
  const statements = code.matchAll(/^(?:import|export|\})(?:[^'";=]*? from)? '([^']+)';/gm);
  const calls = code.matchAll(/\bimport\(\s*'([^']+)'/g);
  return [...statements, ...calls].map((match) => match[1]!);
}

const sourcesOf = (folder: string): string[] =>
  readdirSync(join(folder, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => join(folder, 'src', path));

/** `@scope/name/path` is of package `@scope/name`. */
const packageOf = (specifier: string): string => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');

/** Whether a path inside src belongs to the subpath `./node`, the only place where a library may use Node. */
const isForNode = (path: string): boolean => /^node(?:\.ts|[/\\])/.test(path);

describe('the floors of the house', () => {
  test('hold every package of the workspace, and nothing else', () => {
    expect(workspaces.map(({ manifest }) => manifest.name).sort()).toEqual(Object.keys(floors).sort());
  });

  test('an import that goes up, sideways or to a concrete backend is objected to', () => {
    expect(objection('@receptive/tensor', '@receptive/autograd')).toBeDefined();
    expect(objection('@receptive/data', '@receptive/formats')).toBeDefined();
    expect(objection('@receptive/train', '@receptive/backend-cpu')).toBeDefined();
    expect(objection('receptive', '@receptive/kernels')).toBeDefined();
    expect(objection('receptive', '@receptive/backend-cpu')).toBeUndefined();
    expect(objection('@receptive/cli', '@receptive/kernels')).toBeUndefined();
  });

  describe.each(workspaces)('$manifest.name', ({ folder, manifest }) => {
    const objections = (imported: string[]): string[] =>
      imported.flatMap((name) =>
        name in floors && name !== manifest.name ? (objection(manifest.name, name) ?? []) : [],
      );

    test('depends on lower floors', () => {
      expect(objections(Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }))).toEqual([]);
    });

    test('imports from lower floors, and Node only where it is for Node', () => {
      const library = floors[manifest.name]! < 7;
      const source = join(folder, 'src');
      const wrong = sourcesOf(folder).flatMap((file) => {
        const forNode = isForNode(relative(source, file));
        return importsOf(file).flatMap((specifier) => {
          const found: string[] = [];
          if (specifier.startsWith('.')) {
            const path = relative(source, resolve(dirname(file), specifier));
            if (path.startsWith('..') && path !== join('..', 'package.json')) found.push('leaves src');
            if (library && !forNode && isForNode(path)) found.push('is for Node');
          } else {
            found.push(...objections([packageOf(specifier)]));
            const needsNode =
              specifier.startsWith('node:') || (packageOf(specifier) in floors && specifier.endsWith('/node'));
            if (library && !forNode && needsNode) found.push('is for Node');
          }
          return found.map((reason) => `${relative(root, file)} imports ${specifier}: ${reason}`);
        });
      });
      expect(wrong).toEqual([]);
    });
  });
});

describe.each(publishable)('what $manifest.name says of itself', ({ folder, manifest }) => {
  test('is complete and the same as for all', () => {
    expect(manifest).toMatchObject({
      version: publishable[0]!.manifest.version,
      license: 'MIT',
      type: 'module',
      sideEffects: false,
      engines: { node: '>=20.19' },
      files: expect.arrayContaining(['dist', 'src', '!dist/.tsbuildinfo']),
      publishConfig: { access: 'public' },
    });
    expect(manifest.description).toMatch(/^[A-Z].+[^.]$/);
  });

  test('has a README.md', () => {
    expect(existsSync(join(folder, 'README.md'))).toBe(true);
  });

  test('publishes the entries that it develops with, without their sources', () => {
    const published = Object.entries(manifest.exports ?? {}).map(([entry, target]) => [
      entry,
      typeof target === 'string' ? target : target['default'],
    ]);
    if (manifest.publishConfig?.exports) expect(manifest.publishConfig.exports).toEqual(Object.fromEntries(published));
    for (const target of Object.values(manifest.exports ?? {}).concat(manifest.bin ?? {})) {
      const { '@receptive/source': source, default: built } = typeof target === 'string' ? {} : target;
      if (built) expect(source).toBe(built.replace('./dist/', './src/').replace(/\.js$/, '.ts'));
    }
  });
});

test('the lockfile and .npmrc name no registry', () => {
  for (const name of ['pnpm-lock.yaml', '.npmrc', join('benchmarks', 'peers', 'pnpm-lock.yaml')]) {
    const path = join(root, name);
    if (existsSync(path))
      expect(readFileSync(path, 'utf8'), name).not.toMatch(/\btarball: |\bregistry ?=|\/\/registry\./);
  }
});

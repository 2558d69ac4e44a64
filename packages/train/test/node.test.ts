import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { reference } from '@receptive/backend/reference';
import { readSafetensors } from '@receptive/formats';
import { setBackend } from '@receptive/tensor';
import { CheckpointError, encodeCheckpoint, fit } from '@receptive/train';
import { loadCheckpoint, saveCheckpoint } from '@receptive/train/node';
import { build, defaultServerConditions } from 'vite';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { demanding, network, stripes } from './fixtures.ts';

const folder = mkdtempSync(join(tmpdir(), 'receptive-train-'));
const child = join(folder, 'child.js');
const isRoot = process.getuid?.() === 0;

/** Makes a file system of so many bytes, where the system and the user's rights allow it. */
function mountSmall(at: string, bytes: number): boolean {
  mkdirSync(at);
  return spawnSync('/bin/mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', at]).status === 0;
}

const small = join(folder, 'small');
const mounted = process.platform === 'linux' && isRoot && mountSmall(small, 2 ** 18);

beforeAll(async () => {
  // One file of plain JavaScript, which every Node starts at once.
  const conditions = ['@receptive/source', ...defaultServerConditions];
  await build({
    configFile: false,
    logLevel: 'error',
    resolve: { conditions },
    ssr: { noExternal: true, resolve: { conditions } },
    build: {
      ssr: fileURLToPath(new URL('child.ts', import.meta.url)),
      target: 'node20',
      outDir: folder,
      emptyOutDir: false,
      rollupOptions: { output: { entryFileNames: 'child.js' } },
    },
  });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
}, 60_000);

beforeEach(() => setBackend(reference()));

afterAll(() => {
  if (mounted) execFileSync('/bin/umount', [small]);
  rmSync(folder, { recursive: true });
});

let folders = 0;

function freshFolder(): string {
  const fresh = join(folder, `test ${folders++}`);
  mkdirSync(fresh);
  return fresh;
}

/** Runs the child until it has printed a line and so many milliseconds have passed, and kills it. Gives the lines it printed. */
async function killAfter(milliseconds: number, ...args: string[]): Promise<string[]> {
  const running = spawn(process.execPath, [child, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  running.stdout.on('data', (chunk: Buffer) => {
    if (output === '') setTimeout(() => running.kill('SIGKILL'), milliseconds);
    output += chunk.toString();
  });
  await new Promise((resolve) => running.on('close', resolve));
  return output.split('\n').slice(0, -1);
}

describe('saveCheckpoint and loadCheckpoint', () => {
  test('keep a training in a file, and nothing else', async () => {
    const at = freshFolder();
    const path = join(at, 'model.safetensors');
    const model = network();
    await fit(model, stripes(20), { ...demanding(), checkpoint: { save: (bytes) => saveCheckpoint(path, bytes) } });
    expect(readdirSync(at)).toEqual(['model.safetensors']);
    const other = network({ seed: 9 });
    const { training } = await loadCheckpoint(path, other);
    expect(training!.position.globalStep).toBe(12);
    other
      .parameters()
      .forEach(({ value }, i) => expect(value.dataSync()).toEqual(model.parameters()[i]!.value.dataSync()));
  });

  test('work with a path relative to the working folder', async () => {
    const path = `receptive-train-${process.pid}.safetensors`;
    try {
      await saveCheckpoint(path, await encodeCheckpoint(network()));
      expect((await loadCheckpoint(path)).weights.size).toBe(4);
    } finally {
      rmSync(path, { force: true });
    }
  });

  test('saves of one process to one path do not meet', async () => {
    const at = freshFolder();
    const path = join(at, 'model.safetensors');
    const files = await Promise.all([1, 2, 3, 4, 5].map((seed) => encodeCheckpoint(network({ seed }))));
    await Promise.all(files.map((bytes) => saveCheckpoint(path, bytes)));
    expect(readdirSync(at)).toEqual(['model.safetensors']);
    expect(files.some((bytes) => Buffer.compare(bytes, readFileSync(path)) === 0)).toBe(true);
  });
});

async function refused(path: string, message: RegExp): Promise<void> {
  const model = network({ hidden: 7 });
  const before = model.parameters().map(({ value }) => value.dataSync());
  const attempt = loadCheckpoint(path, model);
  await expect(attempt).rejects.toThrow(CheckpointError);
  await expect(attempt).rejects.toThrow(message);
  await expect(attempt).rejects.toThrow(path);
  expect(model.parameters().map(({ value }) => value.dataSync())).toEqual(before);
}

describe('a checkpoint that cannot be loaded changes nothing and says why:', () => {
  test('of another model', async () => {
    const path = join(freshFolder(), 'other.safetensors');
    await saveCheckpoint(path, await encodeCheckpoint(network()));
    await refused(path, /checkpoint of another model.*hidden\.weight has shape \[7, 16\] in the model, but \[6, 16\]/s);
  });

  test('truncated', async () => {
    const path = join(freshFolder(), 'half.safetensors');
    const bytes = await encodeCheckpoint(network({ hidden: 7 }));
    writeFileSync(path, bytes.subarray(0, bytes.length / 2));
    await refused(path, /truncated/);
  });

  test('no safetensors file, an empty one, a folder, nothing at all', async () => {
    const at = freshFolder();
    writeFileSync(join(at, 'text'), 'These are no weights, but words.');
    writeFileSync(join(at, 'empty'), '');
    await refused(join(at, 'text'), /no safetensors file/);
    await refused(join(at, 'empty'), /has 0 bytes. It may be truncated/);
    await refused(at, /could not be read. This is a folder/);
    await refused(join(at, 'nothing'), /could not be read. There is no such file/);
  });
});

describe('a checkpoint that cannot be saved leaves the old one and says why:', () => {
  const tooMuch = new Uint8Array(2 ** 20);

  test('no such folder, a folder in its place', async () => {
    const at = freshFolder();
    const missing = join(at, 'missing', 'model.safetensors');
    await expect(saveCheckpoint(missing, tooMuch)).rejects.toThrow(
      `${missing}: the checkpoint could not be saved; an earlier one there is as it was. There is no such file or folder: correct the path, or create the folder first`,
    );
    mkdirSync(join(at, 'model.safetensors'));
    await expect(saveCheckpoint(join(at, 'model.safetensors'), tooMuch)).rejects.toThrow(/This is a folder/);
    expect(readdirSync(at)).toEqual(['model.safetensors']);
  });

  test.skipIf(process.platform === 'win32')('no permission', () => {
    const at = freshFolder();
    chmodSync(folder, 0o755);
    chmodSync(at, 0o555);
    // The superuser may do anything, and so becomes nobody.
    const { stdout } = spawnSync(process.execPath, [child, 'once', join(at, 'model.safetensors'), '1'], {
      encoding: 'utf8',
      ...(isRoot && { uid: 65_534, gid: 65_534 }),
    });
    expect(stdout).toMatch(/CheckpointError: .*model\.safetensors: .*Permission is denied/);
    expect(readdirSync(at)).toEqual([]);
  });

  // Needs the right to mount a small file system.
  test.skipIf(!mounted)('a full disk', async () => {
    const path = join(small, 'model.safetensors');
    const bytes = await encodeCheckpoint(network());
    await saveCheckpoint(path, bytes);
    await expect(saveCheckpoint(path, tooMuch)).rejects.toThrow(
      /an earlier one there is as it was. The disk is full: make room/,
    );
    expect(readdirSync(small)).toEqual(['model.safetensors']);
    expect(Buffer.compare(readFileSync(path), bytes)).toBe(0);
    // The training that wanted to save ends with that error.
    const save = (): Promise<void> => saveCheckpoint(path, tooMuch);
    await expect(fit(network(), stripes(20), { ...demanding(), checkpoint: { save } })).rejects.toThrow(/disk is full/);
  });
});

const temporary = (host: string, pid: number): string => `.model.safetensors.${host}.${pid}.0.3.tmp`;

test('temporaries of dead processes are removed, those of living ones and of other machines are not', async () => {
  const at = freshFolder();
  const dead = spawnSync(process.execPath, ['-e', '']).pid;
  const kept = [
    temporary(hostname(), process.ppid),
    temporary('elsewhere', dead),
    '.other.tmp',
    `.model.safetensors.${hostname()}.x.tmp`,
  ];
  for (const file of [...kept, temporary(hostname(), dead)]) writeFileSync(join(at, file), 'half');
  await saveCheckpoint(join(at, 'model.safetensors'), Uint8Array.of(1));
  expect(readdirSync(at).sort()).toEqual([...kept, 'model.safetensors'].sort());
});

// Signals that cannot be caught are not known there.
describe.skipIf(process.platform === 'win32')('a process that is killed at any moment', () => {
  test('leaves a whole checkpoint, the old or the new one', { timeout: 60_000 }, async () => {
    const at = freshFolder();
    const path = join(at, 'model.safetensors');
    let generation = 0;
    let leftovers = 0;
    for (let round = 0; round < 25; round++) {
      const lines = await killAfter((round * 7) % 25, 'save', path, String(generation + 1));
      const { tensors, metadata } = readSafetensors(readFileSync(path));
      const found = Number(metadata['generation']);
      expect(tensors.get('weights')!.data.every((value) => value === found)).toBe(true);
      // What was reported as saved is there; it may have come one further.
      const reported = Number(lines.at(-1));
      expect(reported).toBeGreaterThan(generation);
      expect([reported, reported + 1]).toContain(found);
      generation = found;
      leftovers += readdirSync(at).length - 1;
      expect(readdirSync(at).length).toBeLessThanOrEqual(2);
    }
    // Else no process was killed while it wrote, and nothing was tested.
    expect(leftovers).toBeGreaterThan(0);
    await saveCheckpoint(path, Uint8Array.of(1));
    expect(readdirSync(at)).toEqual(['model.safetensors']);
  });

  test('is continued by others to the same end as if it had lived', { timeout: 60_000 }, async () => {
    const straight: Uint8Array[] = [];
    const save = (bytes: Uint8Array): void => void straight.push(bytes);
    await fit(network(), stripes(20), { ...demanding(), checkpoint: { save } });
    const path = join(freshFolder(), 'model.safetensors');
    let killed = 0;
    while ((await killAfter(killed % 8, 'train', path)).at(-1) !== 'done' && killed < 50) killed++;
    expect(killed).toBeGreaterThan(1);
    expect(Buffer.compare(readFileSync(path), straight.at(-1)!)).toBe(0);
  });
});

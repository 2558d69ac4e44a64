import process from 'node:process';
import { expect, test } from 'vitest';
import { cpu } from '../src/index.ts';
import { revectorize } from '../src/node/revectorize.ts';

const isNew = Number.parseInt(process.versions.v8, 10) >= 13;

test.runIf(isNew && process.arch === 'x64')(
  'revectorize names the kernels that an engine with wide vectors is faster with',
  async () => {
    const flavour = await revectorize();
    expect(flavour).toBe('wide');
    const backend = await cpu({ simd: flavour });
    expect(backend.describe()).toContain('wide');
    backend.dispose();
  },
);

test.skipIf(isNew)('revectorize says so where the engine has no wide vectors', async () => {
  await expect(revectorize()).rejects.toThrow(
    /revectorize: Node \d+.* cannot fuse vectors.*Node 24 or later.*await cpu\(\)/,
  );
});

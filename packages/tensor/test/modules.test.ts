import { readdirSync } from 'node:fs';
import { expect, test, vi } from 'vitest';

// Tensors call ops, and ops make tensors: the modules import each other in circles. That is sound as long as none of them uses another before all have
// been loaded, whichever is asked for first.
const source = new URL('../src/', import.meta.url);
const modules = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'));

test('there are modules to try', () => {
  expect(modules).toContain('tensor.ts');
  expect(modules).toContain('ops/index.ts');
});

test.each(modules)('%s may be the first module to be loaded', async (path) => {
  vi.resetModules();
  await expect(import(new URL(path, source).href)).resolves.toBeDefined();
});

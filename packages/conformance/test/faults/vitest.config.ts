import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import repository from '../../../../vitest.config.ts';

// The same resolution as the repository's, for a suite of which most is meant to fail.
export default defineConfig({
  ...repository,
  test: { root: join(import.meta.dirname, '../..'), include: ['test/faults/suite.ts'] },
});

// node tooling/test.mjs [VITEST ARGUMENT...]: builds what the tests need, then runs them.
import { spawnSync } from 'node:child_process';
import { build, root, tool } from './workspace.mjs';

try {
  build();
} catch (error) {
  // Without a build no test ran, and that is a failure: said in the line that the reporter would have closed with.
  console.error(error instanceof Error ? error.message : error);
  console.log('\nTests: 0 passed, 1 failed');
  process.exit(1);
}
const { status } = spawnSync(process.execPath, [tool('vitest/vitest.mjs'), 'run', ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
});
process.exitCode = status ?? 1;

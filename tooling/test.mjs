// node tooling/test.mjs [VITEST ARGUMENT...]: builds what the tests need, then runs them.
import { spawnSync } from 'node:child_process';
import { build, root, tool } from './workspace.mjs';

if (!build()) {
  // Without a build no test runs, and that is a failure: said in the line that the reporter would have closed with.
  console.log('\nTests: 0 passed, 1 failed');
  process.exit(1);
}
const vitest = [tool('vitest/vitest.mjs'), 'run', ...process.argv.slice(2)];
process.exitCode = spawnSync(process.execPath, vitest, { cwd: root, stdio: 'inherit' }).status ?? 1;

// node tooling/build.mjs [PACKAGE...]: builds packages, or all of them.
import { build } from './workspace.mjs';

if (!build(...process.argv.slice(2))) process.exitCode = 1;

// node tooling/launch.mjs FOLDER [ARGUMENT...]: builds the program in FOLDER and what it depends on, then becomes it.
// It runs in this process: one less between the terminal and whoever has to hear Ctrl-C.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, manifestOf, root } from './workspace.mjs';

const [folder = '', ...args] = process.argv.slice(2);
if (!build(manifestOf(join(root, folder)).name)) process.exit(1);

const main = join(root, folder, 'dist', 'main.js');
process.argv = [process.execPath, main, ...args];
await import(pathToFileURL(main).href);

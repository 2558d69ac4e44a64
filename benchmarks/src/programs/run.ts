// A process in which a program runs once: `run.js PROGRAM NETWORK FOLDER`.
import { pathToFileURL } from 'node:url';
import { readFiles } from './files.ts';
import type { Files, Open, Ran } from './program.ts';

const [program, network, folder] = process.argv.slice(2) as [string, Files['network'], string];
process.once('disconnect', () => process.exit(1));
const { image, ...files } = readFiles(network, folder);
const start = performance.now();
const { open } = (await import(pathToFileURL(program).href)) as { readonly open: Open };
const classify = await open(files);
const output = await classify(image);
const ran: Ran = { ms: performance.now() - start, memory: process.resourceUsage().maxRSS * 1024, output };
process.send!(ran, () => process.exit(0));

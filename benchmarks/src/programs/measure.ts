// What it costs to have an engine at all: to start it, to hold it in memory, to send it to a browser.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { bundle } from '../bundle.ts';
import { checkSame } from '../compare.ts';
import { median } from '../measure.ts';
import { outcomeOf } from '../outcome.ts';
import { peerModule, requirePeer } from '../peers.ts';
import { progress } from '../rounds.ts';
import type { Cost, Files, Ran } from './program.ts';

/** The costs that are measured, by the names that choose them. */
export const costs = ['startup', 'memory', 'bundle'] as const;

interface Program {
  readonly path: string;
  /** Whether there is a bundle of it, and what else is sent with that. */
  readonly sent?: () => readonly string[];
}

const runner = fileURLToPath(new URL('../../dist/programs/run.js', import.meta.url));
const writer = fileURLToPath(new URL('../../dist/programs/write.js', import.meta.url));
const ours = fileURLToPath(new URL('../../dist/programs/receptive-cpu.js', import.meta.url));
const peer = (name: string): string => peerModule(`programs/${name}.js`);

/** The engines that there are programs of. */
const programs: Readonly<Record<string, Program>> = {
  'receptive-cpu': { path: ours, sent: () => [] },
  'ort-node': { path: peer('ort-node') },
  'ort-web': { path: peer('ort-web'), sent: () => [] },
  'tfjs-wasm': {
    path: peer('tfjs-wasm'),
    // A browser takes one of its three.
    sent: () => {
      const name = '@tensorflow/tfjs-backend-wasm';
      return [join(dirname(requirePeer.resolve(name)), 'tfjs-backend-wasm-simd.wasm')];
    },
  },
};

/**
 * Measures what `wanted` names, of those of the engines that there are programs of.
 * @throws Error if they compute different results.
 */
export async function measureCosts(
  executable: string,
  engines: readonly string[],
  wanted: ReadonlySet<(typeof costs)[number]>,
  rounds: number,
): Promise<Cost[]> {
  if (wanted.size === 0) return [];
  const known = engines.filter((engine) => engine in programs);
  const build = fileURLToPath(new URL('../../build/', import.meta.url));
  mkdirSync(build, { recursive: true });
  const folder = mkdtempSync(join(build, 'programs-'));
  // VGG-16's files are a gigabyte: they go whatever ends this.
  const clean = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', clean);
  const starts = new Map(known.map((engine) => [engine, [] as number[]]));
  const memory = new Map<string, number>();
  const classify = async (network: Files['network'], times: number, note: (engine: string, ran: Ran) => void) => {
    const files = join(folder, network);
    progress(`Programs: writing ${network}`);
    const { status, stderr } = spawnSync(executable, [writer, network, files], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`The files of ${network} could not be written.\n${stderr}`);
    for (let round = 1; round <= times; round++) {
      const outputs = new Map<string, ArrayLike<number>>();
      for (const engine of known) {
        progress(`Programs: ${engine}, ${network}`);
        const ran = await outcomeOf<Ran>(executable, runner, [programs[engine]!.path, network, files]);
        outputs.set(engine, ran.output);
        note(engine, ran);
      }
      checkSame(`${network}, as a program`, outputs);
    }
  };
  if (wanted.has('startup')) await classify('lenet5', rounds, (engine, { ms }) => starts.get(engine)!.push(ms));
  if (wanted.has('memory')) await classify('vgg16', 1, (engine, { memory: most }) => memory.set(engine, most));
  const bundles = new Map<string, Cost['bundle']>();
  for (const engine of wanted.has('bundle') ? known : []) {
    const { path, sent } = programs[engine]!;
    progress(`Programs: a bundle of ${engine}`);
    if (sent) bundles.set(engine, await sizes(path, join(folder, engine), sent()));
  }
  progress('');
  clean();
  process.off('exit', clean);
  return known.map((engine) => {
    const times = starts.get(engine)!;
    return {
      engine,
      start: times.length > 0 ? { ms: median(times), min: Math.min(...times), max: Math.max(...times) } : null,
      memory: memory.get(engine) ?? null,
      bundle: bundles.get(engine) ?? null,
    };
  });
}

/** Bundles a program, and sums up its files and the others that are sent. */
async function sizes(path: string, outDir: string, others: readonly string[]): Promise<Cost['bundle']> {
  await bundle({ program: path }, outDir, {
    build: { minify: true },
    // Its smallest build, which has no GPU, is the one for browsers only.
    resolve: { alias: [{ find: /^onnxruntime-web$/, replacement: 'onnxruntime-web/wasm' }] },
  });
  const files = readdirSync(outDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  let [bytes, gzip] = [0, 0];
  for (const file of [...files, ...others]) {
    const data = readFileSync(file);
    bytes += data.length;
    gzip += gzipSync(data, { level: 9 }).length;
  }
  return { bytes, gzip };
}

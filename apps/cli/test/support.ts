import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { digitFromImage } from 'receptive';
import type { Image } from 'receptive';
import { afterAll, beforeAll, vi } from 'vitest';
import { idxFile } from '../../../packages/data/test/files.ts';

// Every test starts processes, on machines that may have other things to do.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));

/** Where the tests of a file may write. It is removed when they are done. */
export let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'receptive-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** How a program ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts the command in {@link folder}. */
export function start(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
  const child = spawn(process.execPath, [main, ...args], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
  return { child, ended };
}

/** Runs the command to its end. */
export function receptive(...args: string[]): Promise<Ended> {
  return start(args).ended;
}

/** Runs the command, which must succeed. */
export async function succeed(...args: string[]): Promise<Ended> {
  const ended = await receptive(...args);
  if (ended.code !== 0) throw new Error(`receptive ${args.join(' ')} ended with ${ended.code}: ${ended.stderr}`);
  return ended;
}

/** The object in the last line of what was printed. */
export function lastLine({ stdout }: Ended): Record<string, unknown> {
  return JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as Record<string, unknown>;
}

export interface Summary {
  readonly seconds: number;
  readonly imagesPerSecond: number;
  readonly testAccuracy: number;
}

export function summaryOf(run: string): Summary {
  return JSON.parse(readFileSync(join(folder, run, 'summary.json'), 'utf8')) as Summary;
}

/** Files of a run that is complete. */
export const COMPLETE = ['curve.svg', 'filters.png', 'mistakes.png', 'model.safetensors', 'run.json', 'summary.json'];

export function filesOf(run: string): string[] {
  return readdirSync(join(folder, run)).sort();
}

/** Which of the seven segments of a pocket calculator's display make up each digit: from the top, clockwise, the middle one last. */
const SEGMENTS = ['abcdef', 'bc', 'abged', 'abgcd', 'fgbc', 'afgcd', 'afgedc', 'abc', 'abcdefg', 'abcdfg'];

/** A picture of a digit, in light ink on black unless `paper` is given, drawn to fill so many pixels inside a margin. */
export function drawDigit(digit: number, width: number, height: number, stroke: number, paper = 0): Image {
  const margin = 2 * stroke;
  const middle = Math.floor((height - stroke) / 2);
  const [right, bottom] = [width - stroke, height - stroke];
  const strokes: Record<string, readonly [x: number, y: number, width: number, height: number]> = {
    a: [0, 0, width, stroke],
    b: [right, 0, stroke, middle + stroke],
    c: [right, middle, stroke, height - middle],
    d: [0, bottom, width, stroke],
    e: [0, middle, stroke, height - middle],
    f: [0, 0, stroke, middle + stroke],
    g: [0, middle, width, stroke],
  };
  const image = { width: width + 2 * margin, height: height + 2 * margin, channels: 1 } as const;
  const data = new Uint8Array(image.width * image.height).fill(paper);
  for (const segment of SEGMENTS[digit]!) {
    const [x, y, wide, high] = strokes[segment]!;
    for (let row = margin + y; row < margin + y + high; row++) {
      data.fill(255 - paper, row * image.width + margin + x, row * image.width + margin + x + wide);
    }
  }
  return { ...image, data };
}

/** Writes digits that are easily learned, in MNIST's form: 300 to train on and 100 to test. Gives the name of their folder in {@link folder}. */
export function writeDigits(name = 'digits'): string {
  mkdirSync(join(folder, name));
  for (const [part, count] of [
    ['train', 300],
    ['t10k', 100],
  ] as const) {
    const numbers = Array.from({ length: count }, (_, i) => i);
    const labels = numbers.map((i) => i % 10);
    const images = numbers.flatMap((i) => [
      ...digitFromImage(drawDigit(labels[i]!, 20 + ((i * 7) % 13), 36 + ((i * 5) % 17), 3 + (i % 5))).data,
    ]);
    // MNIST comes compressed; both forms are read.
    writeFileSync(join(folder, name, `${part}-images-idx3-ubyte.gz`), gzipSync(idxFile([count, 28, 28], images)));
    writeFileSync(join(folder, name, `${part}-labels-idx1-ubyte`), idxFile([count], labels));
  }
  return name;
}

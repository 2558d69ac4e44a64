import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { backends } from 'receptive';
import type { BackendName } from 'receptive';
import { modelNames } from './models.ts';
import type { ModelName } from './models.ts';

/** Where run folders are made unless another place is given. */
const RUNS = 'runs';
/** The weights, and all that is needed to go on. */
export const CHECKPOINT = 'model.safetensors';
/** The numbers; written last, so that what has them is finished. */
export const SUMMARY = 'summary.json';
export const RUN = 'run.json';

/** What was asked of a run, and how long it has taken. */
export interface Run {
  readonly model: ModelName;
  /** Absolute path of the folder with the images; null for the bundled ones. */
  readonly data: string | null;
  readonly epochs: number;
  readonly batchSize: number;
  readonly lr: number;
  readonly seed: number;
  readonly backend: BackendName;
  /** When it began, as ISO 8601. */
  readonly began: string;
  /** Seconds of training so far. */
  readonly seconds: number;
}

const oneOf = (choices: readonly string[]) => (value: unknown) => choices.includes(value as string);
const isText = (value: unknown) => typeof value === 'string';
const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 1;
const isAmount = (value: unknown) => Number.isFinite(value) && (value as number) >= 0;

/** What run.json must be: it can be edited. */
const fields: { readonly [F in keyof Run]: (value: unknown) => boolean } = {
  model: oneOf(modelNames),
  data: (value) => value === null || isText(value),
  epochs: isCount,
  batchSize: isCount,
  lr: isAmount,
  seed: (value) => value === 0 || isCount(value),
  backend: oneOf(backends),
  began: isText,
  seconds: isAmount,
};

/** A folder with all that comes of one run. What is written there is whole or not there at all. */
export class RunFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  file(name: string): string {
    return join(this.path, name);
  }

  async has(name: string): Promise<boolean> {
    return exists(this.file(name));
  }

  /** @throws Error with the remedy if it cannot be written; a file of that name that was there is untouched. */
  async write(name: string, content: string | Uint8Array): Promise<void> {
    const temporary = this.file(`.${name}.tmp`);
    try {
      await writeFile(temporary, content, { flush: true }); // else the name could reach the disk before the bytes
      await rename(temporary, this.file(name));
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {});
      throw new Error(`${this.file(name)} cannot be written: ${(error as Error).message}`, { cause: error });
    }
  }

  async writeRun(run: Run): Promise<void> {
    await this.write(RUN, json(run));
  }

  /** @throws Error if the folder is none of a run, or its run.json is damaged. */
  async readRun(): Promise<Run> {
    const path = this.file(RUN);
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      const why = error.code === 'ENOENT' ? `there is no ${RUN} in it` : error.message;
      throw new Error(`${this.path} is no run folder: ${why}. Give one that \`receptive train\` wrote.`, {
        cause: error,
      });
    });
    const run = parse(text, path);
    const wrong = Object.entries(fields).find(([field, accepts]) => !accepts(run[field]));
    if (wrong) throw new Error(`${path} is damaged: ${wrong[0]} is ${JSON.stringify(run[wrong[0]])}.`);
    return run as unknown as Run;
  }
}

/**
 * Makes the folder of a new run: `out`, which must be new or empty, or else one in `runs/`, named by the model and the time.
 * @throws Error if it cannot be made, or if there is something in it.
 */
export async function createRunFolder(run: Run, out: string | undefined): Promise<RunFolder> {
  const folder = new RunFolder(out ?? (await freshPath(run)));
  let found: string[];
  try {
    await makeFolder(folder.path);
    found = await readdir(folder.path);
  } catch (error) {
    throw new Error(`The run folder ${folder.path} cannot be made: ${(error as Error).message}`, { cause: error });
  }
  if (found.length > 0) {
    throw new Error(
      `The run folder ${folder.path} is not empty, and nothing is overwritten. Give another one, or go on with the run in it: --resume ${folder.path}`,
    );
  }
  await folder.writeRun(run);
  return folder;
}

/** As mkdir does with `recursive`, which never returns where the system refuses without saying why (in /proc on Linux). */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await mkdir(path);
  }
}

/** `runs/lenet5-20250131-142501`, by the clock on the wall, with a number if there is such a folder already. */
async function freshPath({ model, began }: Run): Promise<string> {
  const time = new Date(began);
  const local = new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString();
  const name = `${model}-${local.slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-')}`;
  for (let n = 1; ; n++) {
    const path = join(RUNS, n === 1 ? name : `${name}-${n}`);
    if (!(await exists(path))) return path;
  }
}

/** The run folders in `runs/` of which `accepts` holds, the one that began last first. */
export async function findRunFolders(accepts: (folder: RunFolder) => Promise<boolean>): Promise<RunFolder[]> {
  const names = await readdir(RUNS).catch(() => []);
  const found: { folder: RunFolder; began: string }[] = [];
  for (const name of names) {
    const folder = new RunFolder(join(RUNS, name));
    const run = await folder.readRun().catch(() => undefined); // other things may lie there too
    if (run && (await accepts(folder))) found.push({ folder, began: run.began });
  }
  return found.sort((a, b) => (a.began < b.began ? 1 : -1)).map(({ folder }) => folder);
}

/** The checkpoint that `path` means: itself, or the one in a run folder. */
export async function checkpointAt(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() ? new RunFolder(path).file(CHECKPOINT) : path;
}

/** As the files in a run folder have it. */
export function json(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function parse(text: string, path: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text)) as Record<string, unknown>;
  } catch (error) {
    throw new Error(`${path} is damaged: ${(error as Error).message}`, { cause: error });
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

import { open, readdir, rename, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { threadId } from 'node:worker_threads';

/** Files this thread has begun to write: numbers their temporaries. */
let writes = 0;

/**
 * Puts `bytes` in the place of the file at `path`. They are written to a temporary file beside it, which then takes its name: at every moment the path holds
 * the whole old file or the whole new one, also after the process was killed or the power was cut.
 * @throws The file system's error; the old file is untouched and the temporary one removed.
 */
export async function replaceFile(path: string, bytes: Uint8Array): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `${prefixOf(path)}${process.pid}.${threadId}.${writes++}.tmp`);
  await removeStale(folder, prefixOf(path));
  try {
    await writeThrough(temporary, bytes);
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw error;
  }
  await syncFolder(folder);
}

/** Temporaries are named by machine, process and thread, so that no two that are being written share a name, and one knows whose they are. */
function prefixOf(path: string): string {
  return `.${basename(path)}.${encodeURIComponent(hostname())}.`;
}

async function writeThrough(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'w');
  try {
    await file.writeFile(bytes);
    // Else the name could reach the disk before the bytes.
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes the renaming last, where a folder can be opened and synchronised; elsewhere (Windows, some network drives) it is up to the file system. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder);
    await handle.sync().finally(() => handle.close());
  } catch {
    // The new file is in its place, whole: nothing is lost but the certainty of when its name reaches the disk.
  }
}

/** Removes what processes of this machine left behind when they died while writing. A folder that cannot be listed is left as it is. */
async function removeStale(folder: string, prefix: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((candidate) => candidate.startsWith(prefix))) {
    const pid = /^(\d+)\.\d+\.\d+\.tmp$/.exec(name.slice(prefix.length))?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) await unlink(join(folder, name)).catch(() => {});
  }
}

function isAlive(pid: number): boolean {
  try {
    // Signal 0 asks only whether a signal could be sent.
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It exists, but belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

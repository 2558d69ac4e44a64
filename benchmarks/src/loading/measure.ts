// How long images take from their files to the network, and whether training waits for them.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median } from '../measure.ts';
import { outcomeOf } from '../outcome.ts';
import { progress } from '../rounds.ts';
import { batchSize, images, places } from './loading.ts';
import type { Loading } from './loading.ts';
import { writePhotos } from './photos.ts';

const runner = fileURLToPath(new URL('../../dist/loading/run.js', import.meta.url));

/** Measures the workloads that are named, with batches prepared in each of the places: in turn, in fresh processes, in so many rounds. */
export async function measureLoading(
  executable: string,
  wanted: readonly Loading['workload'][],
  rounds: number,
  count = images,
): Promise<Loading[]> {
  if (wanted.length === 0) return [];
  const build = fileURLToPath(new URL('../../build/', import.meta.url));
  mkdirSync(build, { recursive: true });
  const folder = mkdtempSync(join(build, 'photos-'));
  const clean = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', clean);
  try {
    writePhotos(folder, count);
    const all = wanted.flatMap((workload) =>
      (Object.keys(places) as Loading['prepared'][]).map((prepared) => ({ workload, prepared, times: [] as number[] })),
    );
    for (let round = 1; round <= rounds; round++) {
      for (const { workload, prepared, times } of all) {
        progress(`Loading, round ${round} of ${rounds}: ${workload}, prepared: ${prepared}`);
        times.push(await outcomeOf<number>(executable, runner, [workload, prepared, folder]));
      }
    }
    return all.map(({ workload, prepared, times }) => ({
      workload,
      prepared,
      images: batchSize,
      ms: median(times),
      min: Math.min(...times),
      max: Math.max(...times),
    }));
  } finally {
    progress('');
    clean();
    process.off('exit', clean);
  }
}

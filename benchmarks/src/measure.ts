import { cpus } from 'node:os';
import type { Run } from './engine.ts';

/** A sample is long enough for the clock to be exact, and short enough to interleave. */
const SAMPLE_MS = 20;

/**
 * Milliseconds of one run, from samples of each of the runs in turn, A B C A B C, for about `budget` milliseconds a run. Before, each runs for as long
 * unmeasured: engines compile again what has turned out hot, and what counts is how fast they are then.
 */
export async function interleave(runs: readonly Run[], budget: number): Promise<number[][]> {
  const counts: number[] = [];
  for (const run of runs) counts.push(await repetitions(run, budget));
  const samples = runs.map((): number[] => []);
  const end = performance.now() + budget * runs.length;
  do {
    for (const [i, run] of runs.entries()) samples[i]!.push(await time(run, counts[i]!));
  } while (performance.now() < end || samples[0]!.length < 5);
  return samples;
}

async function time(run: Run, count: number): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < count; i++) {
    const pending = run();
    if (pending) await pending;
  }
  return (performance.now() - start) / count;
}

/** Warms up, and finds how many runs fill a sample. */
async function repetitions(run: Run, budget: number): Promise<number> {
  let count = 1;
  for (const end = performance.now() + budget; ;) {
    const ms = (await time(run, count)) * count;
    if (ms >= SAMPLE_MS && performance.now() >= end) return count;
    if (ms < SAMPLE_MS) count = Math.ceil(count * Math.min(10, Math.max(1.2, SAMPLE_MS / Math.max(ms, 0.01))));
  }
}

/** The middle value. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Returns a function that tells how many cores everything else on the machine kept busy since the call. */
export function watchOthers(): () => number {
  const busy = (): number =>
    cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);
  const [before, own, start] = [busy(), process.cpuUsage(), performance.now()];
  return () => {
    const used = process.cpuUsage(own);
    return Math.max(0, (busy() - before - (used.user + used.system) / 1e3) / (performance.now() - start));
  };
}

import type { Timed } from './engine.ts';

/** A sample is long enough for the clock to be exact and short enough to interleave; where a device has to be waited for, long enough for that not to count. */
const SAMPLE_MS = { computed: 20, waited: 100 };

/** How many times as long as it is measured each runs before: a step of training is a lot of code, which engines compile again bit by bit as it turns out hot. */
const WARM_UP = 2.5;

/** What takes longer is sampled once. */
const SLOW_MS = 1500;

/**
 * Milliseconds of one run, from samples of each of the runs in turn, A B C A B C, for about `budget` milliseconds a run. Before, each runs
 * unmeasured for longer than that: what counts is how fast engines are then. What is slow gets one sample, after one run.
 */
export async function interleave(runs: readonly Timed[], budget: number): Promise<number[][]> {
  const samples = runs.map((): number[] => []);
  const quick: (readonly [run: Timed, count: number, samples: number[]])[] = [];
  for (const [i, run] of runs.entries()) {
    let ms = await time(run, 1);
    if (ms > SLOW_MS && !run.warm) ms = await time(run, 1);
    if (ms > SLOW_MS) samples[i]!.push(ms);
    else quick.push([run, await repetitions(run, WARM_UP * budget), samples[i]!]);
  }
  if (quick.length === 0) return samples;
  const end = performance.now() + budget * quick.length;
  do {
    for (const [run, count, times] of quick) times.push(await time(run, count));
  } while (performance.now() < end || quick[0]![2].length < 3);
  return samples;
}

/** Milliseconds of one run, over `count` of them. */
async function time(timed: Timed, count: number): Promise<number> {
  const { run, overhead, times = 1 } = timed;
  const all = await elapsed(timed, run, count);
  return (overhead ? all - (await elapsed(timed, overhead, count)) : all) / times;
}

async function elapsed({ begin, finish }: Timed, run: Timed['run'], count: number): Promise<number> {
  await begin?.();
  const start = performance.now();
  for (let i = 0; i < count; i++) {
    const pending = run();
    if (pending) await pending;
  }
  if (finish) await finish();
  return (performance.now() - start) / count;
}

/** Warms up, and finds how many runs fill a sample: samples of all engines last about as long, so that waiting adds the same share to each. */
async function repetitions(timed: Timed, budget: number): Promise<number> {
  const wanted = timed.finish ? SAMPLE_MS.waited : SAMPLE_MS.computed;
  let count = 1;
  for (const end = performance.now() + budget; ;) {
    const ms = (await time(timed, count)) * count;
    if (ms >= wanted && performance.now() >= end) return count;
    if (ms < wanted) count = Math.ceil(count * Math.min(10, Math.max(1.2, wanted / Math.max(ms, 0.01))));
  }
}

/** The middle value. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

import { afterEach, describe, expect, test } from 'vitest';
import { Rig, valueOf, vector } from './support.ts';

/** Elements of a chunk of elementwise functions. */
const GRAIN = 8192;
const TURNS = 40_000;
/** Naps take their time. */
const TURNS_WITH_NAPS = 4000;

const { store } = Atomics;

afterEach(() => void (Atomics.store = store));

/** Lets the caller, too, take its time between the words of a turn. */
function dawdle(): void {
  Atomics.store = ((control: Int32Array, index: number, value: number) => {
    for (const until = performance.now() + 0.003; performance.now() < until;);
    return store(control, index, value);
  }) as typeof store;
}

describe('every chunk of every turn is computed once, by whoever comes', () => {
  test.each([
    { threads: 2, reserve: 0, hesitation: 0 },
    { threads: 3, reserve: 0, hesitation: 0 },
    { threads: 6, reserve: 0, hesitation: 0 },
    { threads: 2, reserve: 0, hesitation: 30 },
    { threads: 3, reserve: 0, hesitation: 30 },
    { threads: 2, reserve: 1, hesitation: 0 },
    { threads: 3, reserve: 1, hesitation: 30 },
  ])('$threads threads and $reserve in reserve that hesitate for $hesitation microseconds', async (pool) => {
    const { hesitation, reserve } = pool;
    // In a crowd with a nap after every chunk.
    const { rig, backend } = await Rig.start({ ...pool, stint: 0, sociable: false });
    if (reserve > 0) rig.crowd();
    if (hesitation > 0) {
      rig.hesitate(hesitation);
      dawdle();
    }
    const turns = reserve > 0 ? TURNS_WITH_NAPS : TURNS;
    const one = vector(backend, 1, 1);
    // Of different numbers of chunks: whoever took one turn for another would count in the wrong place.
    const counts = [2, 3, 5, 4].map((chunks) => vector(backend, chunks * GRAIN, 0));
    for (let i = 0; i < turns; i++) {
      const count = counts[i % counts.length]!;
      // In place, so that what is done twice is seen.
      backend.kernels.binary('add', count, one, count);
      // Now and then long enough for some to fall asleep.
      if (i % 97 === 0) for (const until = performance.now() + (i % 5) / 10; performance.now() < until;);
    }
    for (const count of counts) expect(valueOf(backend, count)).toBe(turns / counts.length);
    expect(rig.turns).toBe(turns);
    expect(rig.chunks).toBeGreaterThan(0);
    backend.dispose();
  });
});

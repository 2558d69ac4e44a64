import { describe, expect, test } from 'vitest';
import { Rig, valueOf, vector } from './support.ts';

/** Elements of a chunk of elementwise functions. */
const GRAIN = 16384;
const TURNS = 40_000;

describe('every chunk of every turn is computed once, by whoever comes', () => {
  test.each([2, 3, 6])('%i threads', async (threads) => {
    const { rig, backend } = await Rig.start({ threads, sociable: false });
    const one = vector(backend, 1, 1);
    // Of different numbers of chunks: whoever took one turn for another would count in the wrong place.
    const counts = [2, 3, 5, 4].map((chunks) => vector(backend, chunks * GRAIN, 0));
    for (let i = 0; i < TURNS; i++) {
      const count = counts[i % counts.length]!;
      // In place, so that what is done twice is seen.
      backend.kernels.binary('add', count, one, count);
      // Now and then long enough for some to fall asleep.
      if (i % 97 === 0) for (const until = performance.now() + (i % 5) / 20; performance.now() < until;);
    }
    for (const count of counts) expect(valueOf(backend, count)).toBe(TURNS / counts.length);
    expect(rig.turns).toBe(TURNS);
    expect(rig.chunks).toBeGreaterThan(0);
    backend.dispose();
  });
});

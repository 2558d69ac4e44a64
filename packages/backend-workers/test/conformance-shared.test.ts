import { conformance } from '@receptive/conformance';
import { expect, test } from 'vitest';
import { Rig } from './support.ts';

// Small work is not shared, and the suite's is small: here all is that has several chunks.
for (const threads of [2, 4]) {
  const rigs: Rig[] = [];
  conformance(`workers, ${threads} threads that share everything`, async () => {
    const { rig, backend } = await Rig.start({ threads });
    rigs.push(rig);
    return backend;
  });

  test(`the others of ${threads} threads took part`, () => {
    // The first is the one that runs the cases.
    expect(rigs[0]!.turns).toBeGreaterThan(1000);
    expect(rigs[0]!.chunks).toBeGreaterThan(1000);
  });
}

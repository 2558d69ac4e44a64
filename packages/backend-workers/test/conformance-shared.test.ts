import { conformance } from '@receptive/conformance';
import { expect, test } from 'vitest';
import { Rig } from './support.ts';

// Small work is not shared, and the suite's is small: here all is that has several chunks.
const rigs: Rig[] = [];
conformance('workers, four threads that share everything', async () => {
  const { rig, backend } = await Rig.start({ threads: 4 });
  rigs.push(rig);
  return backend;
});

test('the others took part', () => {
  // The first is the one that runs the cases.
  expect(rigs[0]!.turns).toBeGreaterThan(1000);
  expect(rigs[0]!.chunks).toBeGreaterThan(1000);
});

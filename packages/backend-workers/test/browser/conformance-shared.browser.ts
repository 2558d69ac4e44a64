import { conformance } from '@receptive/conformance';
import { linearBackend } from '@receptive/kernels';
import { expect, test } from 'vitest';
import { chunkOf } from '../../src/words.ts';
import { host } from '../../src/host.ts';
import { Pool } from '../../src/pool.ts';
import type { Host } from '../../src/thread.ts';

// Small work is not shared, and the suite's is small: here all is that has several chunks, and the page's own thread looks until the others are done.
const plan = { threads: 3, patience: 30, worth: { sharing: 0, waking: 0 } };

/** The words by which the threads of a pool agree, of every pool. */
const controls = new Set<Int32Array>();
const watched: Host = {
  ...host,
  spawn(job, url) {
    controls.add(job.control);
    job.control[chunkOf(job.member)] = -1;
    return host.spawn(job, url);
  },
};

conformance('workers in Chromium that share everything', () =>
  linearBackend('workers', {}, { shared: true, hire: (means) => Pool.start(means, watched, plan) }),
);

test('the others of 3 threads took part', () => {
  // The first is of the backend that runs the cases.
  const [control] = controls;
  for (const member of [1, 2]) expect(control![chunkOf(member)], `the latest chunk of thread ${member}`).not.toBe(-1);
});

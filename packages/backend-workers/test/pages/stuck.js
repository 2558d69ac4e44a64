// A thread does not come to the end of its chunk.
import { cpu } from '@receptive/backend-cpu';
import { workers } from '@receptive/backend-workers';
import { asked, conclude, isShared, product, same, tell } from './products.js';

/** Whether threads are stuck, and what they write meanwhile. */
const stuck = new Int32Array(new SharedArrayBuffer(8));

async function compute() {
  tell({ stuck });
  const workerUrl = /** @type {string} */ (asked.get('script'));
  const backend = await workers({ threads: 2, patience: 0.5, workerUrl });
  const shared = await isShared(backend);
  Atomics.store(stuck, 0, 1);
  const failure = await isShared(backend).catch(String);
  const meanwhile = await product(backend).catch(String);
  // The thread itself must stay where it is until it is ended; the one that comes next must not.
  tell({ stuck: new Int32Array(new SharedArrayBuffer(8)) });
  await backend.flush();
  const written = Atomics.load(stuck, 1);
  await new Promise((resolve) => setTimeout(resolve, 100));
  return {
    shared,
    failure,
    meanwhile,
    wrote: written > 0,
    writes: written !== Atomics.load(stuck, 1),
    same: same(await product(backend), await product(await cpu())),
    sharedAgain: await isShared(backend),
  };
}

conclude(compute());

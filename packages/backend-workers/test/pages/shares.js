// Two threads compute what the CPU backend computes.
import { cpu } from '@receptive/backend-cpu';
import { workers } from '@receptive/backend-workers';
import { asked, conclude, isShared, product, same } from './products.js';

async function compute() {
  const workerUrl = asked.get('script');
  const backend = await workers({ threads: 2, ...(workerUrl === null ? {} : { workerUrl }) });
  return {
    isolated: globalThis.crossOriginIsolated,
    says: backend.describe(),
    same: same(await product(backend), await product(await cpu())),
    shared: await isShared(backend),
  };
}

conclude(compute());

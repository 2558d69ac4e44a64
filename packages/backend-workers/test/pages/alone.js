// A page whose threads cannot share memory.
import { cpu } from '@receptive/backend-cpu';
import { workers } from '@receptive/backend-workers';
import { conclude, product, same } from './products.js';

async function compute() {
  const backends = [await workers({ threads: 2 }), await workers()];
  const expected = await product(await cpu());
  const results = await Promise.all(backends.map(product));
  return {
    isolated: globalThis.crossOriginIsolated,
    says: backends.map((backend) => backend.describe()),
    same: results.every((result) => same(result, expected)),
    refusal: await workers({ fallback: 'error' }).catch(String),
  };
}

conclude(compute());

// Checks and times the GPU backend on a real GPU. It is carried to machines that have nothing but a driver: see carry.ts.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Backend } from '@receptive/backend';
import { gpu } from '@receptive/backend-gpu';
import type { GpuOptions } from '@receptive/backend-gpu';
import { conformance, float32Storage } from '@receptive/conformance';
import { sides } from '../engine.ts';
import type { Engine, Engines } from '../engine.ts';
import { performer } from '../perform.ts';
import { markdown } from '../report.ts';
import { eachByItself, measure, progress } from '../rounds.ts';
import type { Place } from '../rounds.ts';
import { findPytorch, pytorch } from './pytorch.ts';
import { start as receptive } from './receptive.ts';
import { runTests } from './tests.ts';
import { gpuWorkloads } from './workloads.ts';

const { values } = parseArgs({
  options: { json: { type: 'string' }, dry: { type: 'boolean', default: false } },
});
const options: GpuOptions = values.dry
  ? { mode: 'webgpu', software: true, dawn: ['backend=vulkan'] }
  : { mode: 'webgpu', dawn: ['backend=vulkan', 'adapter=NVIDIA'] };

/** The engines in this process, each workload by itself: what is in one task takes turns. */
function here(engines: Engines, host: string): Place {
  const started: Engine[] = [];
  const perform = performer(
    Object.fromEntries(
      Object.entries(engines).map(([name, start]) => [
        name,
        async () => {
          const engine = await start(1);
          started.push(engine);
          return engine;
        },
      ]),
    ),
  );
  return {
    node: process.versions.node,
    tasks: eachByItself,
    perform: async (task) => ({ ...(await perform(task)), host }),
    async close() {
      for (const { dispose } of started) dispose?.();
    },
  };
}

async function main(): Promise<void> {
  let adapter = '';
  const open = async (): Promise<Backend> => {
    const backend = await gpu(options);
    adapter = backend.describe();
    if (!values.dry && !/nvidia/i.test(adapter)) throw new Error(`An NVIDIA GPU is asked for, but this is ${adapter}.`);
    return backend;
  };
  conformance('gpu', open, { skips: float32Storage });
  const outcome = await runTests(progress);
  progress('');
  const { passed, skipped, failures } = outcome;
  console.log(`${adapter}\n\nConformance: ${passed} passed, ${failures.length} failed, ${skipped} skipped`);
  for (const { name, error } of failures) console.log(`- ${name}: ${error.split('\n')[0]}`);
  if (failures.length > 0) process.exitCode = 1;

  const version = findPytorch(values.dry);
  console.log(version ? '' : '\nPyTorch with this GPU was not found, so there is nothing to compare with.\n');
  const workloads = gpuWorkloads(values.dry);
  const script = fileURLToPath(new URL('./pytorch.py', import.meta.url));
  const place = here(
    {
      'receptive-webgpu': () => receptive(options, workloads),
      'pytorch-float32': () => pytorch(script, 'float32', workloads),
      'pytorch-tf32': () => pytorch(script, 'tf32', workloads),
    },
    `Node ${process.versions.node}`,
  );
  try {
    const results = await measure(place, {
      sides: version ? sides.gpu : { 'receptive-webgpu': [] },
      workloads,
      threads: [1],
      minutes: 20,
      rounds: values.dry ? 1 : 3,
      budget: values.dry ? 100 : 2000,
    });
    if (values.json)
      writeFileSync(values.json, `${JSON.stringify({ adapter, conformance: outcome, ...results }, null, 2)}\n`);
    console.log(markdown(results));
  } finally {
    await place.close();
  }
}

// Leaves by the front door, where engines put away what they made.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));
try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

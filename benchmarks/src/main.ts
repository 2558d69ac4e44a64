#!/usr/bin/env node
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { browser } from './browser/browser.ts';
import { keepBusy } from './busy.ts';
import { chart } from './chart.ts';
import { children } from './children.ts';
import { sides, threaded } from './engine.ts';
import type { Sides } from './engine.ts';
import { prepareGpu, runGpu } from './gpu/carry.ts';
import { loadings } from './loading/loading.ts';
import { measureLoading } from './loading/measure.ts';
import { nodeExecutable } from './node.ts';
import { installPeers } from './peers.ts';
import { costs, measureCosts } from './programs/measure.ts';
import { markdown } from './report.ts';
import { measure } from './rounds.ts';
import { workloads } from './workloads.ts';

const listed = (of: Sides): string => [...new Set(Object.values(of).flat())].join(', ');

const names = [...workloads.map(({ name }) => name), ...costs, ...loadings];

const usage = `Times Receptive beside other engines: in Node, each engine in fresh processes in turn.

  --browser         in one Chromium, on a GPU in software, engines in turn
  --only REGEXP     workloads whose names match (${names.join(', ')})
  --peers LIST      engines to compare with, by commas, or none (default: ${listed(sides.node)}; ${listed(sides.browser)})
  --threads LIST    numbers of threads, by commas, for the engines that can use several (${[...threaded].join(', ')}); one unless told
  --busy NUMBER     so many other programs keep a core busy each meanwhile
  --node VERSION    run everything on that Node, installed from npm on first use
  --json FILE       also write the results as JSON
  --svg FILE        also draw them, as times over ours
  --revectorize     also with vectors of 256 bits, an experiment of V8's in Node 24 and later (receptive-cpu-256)
  --quick           one short round: rough figures in seconds
  --help            this text

  --gpu             checks and times Receptive on an NVIDIA GPU, beside PyTorch if there is one
  --gpu --prepare   only writes what does so: one file, for a Linux machine that has neither Node nor internet
  --gpu --dry       the same on whatever GPU there is, in software too, with tiny sizes
`;

async function bench(): Promise<void> {
  const { values } = parseArgs({
    options: {
      browser: { type: 'boolean', default: false },
      only: { type: 'string' },
      peers: { type: 'string' },
      threads: { type: 'string', default: '1' },
      busy: { type: 'string', default: '0' },
      node: { type: 'string' },
      json: { type: 'string' },
      svg: { type: 'string' },
      revectorize: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      gpu: { type: 'boolean', default: false },
      prepare: { type: 'boolean', default: false },
      dry: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  if (values.gpu) {
    const file = await prepareGpu();
    if (!values.prepare) process.exitCode = runGpu(file, values);
    return;
  }
  const threads = [...new Set(values.threads.split(',').map(Number))];
  if (!threads.every((count) => Number.isInteger(count) && count >= 1))
    throw new Error(`--threads takes whole numbers of at least 1, by commas, but was given ${values.threads}.`);
  const busy = Number(values.busy);
  if (!Number.isInteger(busy) || busy < 0)
    throw new Error(`--busy takes a whole number from 0, but was given ${values.busy}.`);
  const only = new RegExp(values.only ?? '');
  const chosen = workloads.filter(({ name, on }) => only.test(name) && !(values.browser && on === 'node'));
  const chosenCosts = new Set(values.browser ? [] : costs.filter((name) => only.test(name)));
  const chosenLoadings = loadings.filter((name) => !values.browser && only.test(name));
  if (chosen.length === 0 && chosenCosts.size === 0 && chosenLoadings.length === 0)
    throw new Error(`--only ${values.only} matches none of ${names.join(', ')}.`);

  const inNode = { ...sides.node, ...(values.revectorize && sides.revectorized) };
  const chosenSides = choose(values.browser ? sides.browser : inNode, values.peers);
  const peers = listed(chosenSides) !== '';
  if (peers) installPeers();

  // Training is set beside the inference of the same batch, and the peak is measured beside whatever has a rate.
  const wanted = new Set(chosen.flatMap(({ name, forward }) => [name, ...(forward ? [forward] : [])]));
  if (!values.browser && chosen.length > 0) wanted.add('peak');
  const executable = values.node ? nodeExecutable(values.node) : process.execPath;
  const others = keepBusy(busy);
  const place = values.browser ? await browser(peers) : children(executable);
  try {
    const [rounds, budget] = values.quick ? [1, 150] : [5, 400];
    const measured = await measure(place, {
      sides: chosenSides,
      workloads: workloads.filter(({ name }) => wanted.has(name)),
      threads,
      rounds,
      budget,
      minutes: 20,
    });
    const engines = [...new Set(Object.entries(chosenSides).flat(2))];
    const results = {
      ...measured,
      costs: await measureCosts(executable, engines, chosenCosts, rounds),
      loading: await measureLoading(executable, chosenLoadings, rounds),
    };
    if (values.svg) writeFileSync(values.svg, await chart(results));
    if (values.json) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
    process.stdout.write(markdown(results));
  } finally {
    others.stop();
    await place.close();
  }
}

/** The sides with those peers alone; of ours, those that have one of them or never had one, or all where none is wanted. */
function choose(all: Sides, list: string | undefined): Sides {
  const peers = list === undefined ? Object.values(all).flat() : list === 'none' ? [] : list.split(',');
  const unknown = peers.find((peer) => !Object.values(all).flat().includes(peer));
  if (unknown) throw new Error(`--peers: ${unknown} is not one of ${listed(all)}, none.`);
  const kept = Object.entries(all).map(
    ([own, beside]) => [own, beside.filter((peer) => peers.includes(peer))] as const,
  );
  return Object.fromEntries(
    kept.filter(([own, beside]) => peers.length === 0 || all[own]!.length === 0 || beside.length > 0),
  );
}

// Leaves by the front door, where processes that were started are ended.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));
try {
  await bench();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
